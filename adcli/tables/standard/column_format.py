"""How one source column writes its values, decided once for all of an input."""

from __future__ import annotations

from dataclasses import dataclass, field

from adcli.tables.numerals import NumberFormat
from adcli.tables.standard.times import TimeFormat


@dataclass(frozen=True)
class ColumnFormat:
    """What cannot be seen in a single value of a column, and is the same for all of them.

    Attributes:
        time: How times are written.
        number: How numbers are written.
        whole_decimals: Whether all identifiers are written like `17850.0` (pandas does that to integers
            beside missing values); then they lose their `.0`.
        width: The number of dimensions of vectors.
    """

    time: TimeFormat = field(default_factory=TimeFormat)
    number: NumberFormat = field(default_factory=NumberFormat)
    whole_decimals: bool = False
    width: int = 1
