"""How one source column writes its values, decided once for all of an input."""

from __future__ import annotations

from dataclasses import dataclass, field

from adcli.tables.numerals import DecimalMark, NumberFormat
from adcli.tables.standard.times import DateOrder, TimeFormat


@dataclass(frozen=True)
class GivenFormats:
    """What the user says of how values are written, instead of looking."""

    # the pattern of times: of `strptime`, or `epoch-s`, `epoch-ms`, `epoch-us`, `epoch-ns`, `excel`
    time: str | None = None
    timezone: str | None = None  # the zone of times that name none
    date_order: DateOrder | None = None  # what stands where in `03/04/2024`
    decimal_mark: DecimalMark | None = None  # what stands before the decimals of numbers


@dataclass(frozen=True)
class ColumnFormat:
    """What cannot be seen in a single value of a column, and is the same for all of them."""

    time: TimeFormat = field(default_factory=TimeFormat)  # how times are written
    number: NumberFormat = field(default_factory=NumberFormat)  # how numbers are written
    # whether all identifiers are written like `17850.0` (pandas does that to integers beside missing values);
    # then they lose their `.0`
    whole_decimals: bool = False
    width: int = 1  # the number of dimensions of vectors
