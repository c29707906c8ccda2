"""What the values of a column say about how all of it is written; evidence adds up over blocks of rows."""

from __future__ import annotations

from typing import Final, NamedTuple

import polars as pl

from adcli.tables.numerals import NumberEvidence
from adcli.tables.standard.coerce import FREE_TEXT, float_lists, named
from adcli.tables.standard.column_format import ColumnFormat
from adcli.tables.standard.tables import Column
from adcli.tables.standard.times import TimeEvidence
from adcli.tables.unify import as_text

_WHOLE_DECIMAL: Final = r"^-?\d+\.0$"


class ColumnEvidence(NamedTuple):
    """What is known of one column after the rows seen so far.

    Attributes:
        time: Of how its times are written.
        number: Of how its numbers are written.
        whole_decimals: Whether all identifiers are written like `17850.0`; None before there is any.
        width: The length of its first vector; None before there is any.
    """

    time: TimeEvidence = TimeEvidence()
    number: NumberEvidence = NumberEvidence()
    whole_decimals: bool | None = None
    width: int | None = None

    def updated(self, values: pl.Series, column: Column) -> ColumnEvidence:
        """What is known after some more values of the source of the standard column `column`."""
        values = as_text(values) if values.dtype == pl.Binary else values
        match column.kind:
            case "time":
                return self._replace(time=self.time.updated(values))
            case "money" | "decimal" | "number" | "probability":
                return self._replace(number=self.number.updated(values))
            case "vector":
                return self._replace(width=self.width or _width(values))
            case "string" if column.name not in FREE_TEXT:
                return self._replace(whole_decimals=_are_whole_decimals(values, self.whole_decimals))
        return self

    @property
    def is_open(self) -> bool:
        """Whether two readings are left, or one that further rows may refute."""
        return self.time.is_open or self.number.is_open or bool(self.whole_decimals)

    def decided(self) -> ColumnFormat:
        """The format that follows from this."""
        return ColumnFormat(
            self.time.decided(), self.number.decided(), bool(self.whole_decimals), self.width or 1
        )


def _width(values: pl.Series) -> int | None:
    lengths = float_lists(values).list.len().drop_nulls()
    return None if lengths.is_empty() else max(int(lengths[0]), 1)


def _are_whole_decimals(values: pl.Series, before: bool | None) -> bool | None:
    texts = values.cast(pl.String) if values.dtype.is_float() else values
    if before is False or texts.dtype != pl.String:
        return before
    texts = named(texts).drop_nulls()
    return before if texts.is_empty() else bool(texts.str.contains(_WHOLE_DECIMAL).all())
