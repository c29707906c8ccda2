"""What the values of a column say about how all of it is written; evidence adds up over blocks of rows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Final, NamedTuple

import polars as pl

from adcli.errors import DataError, printable
from adcli.tables.numerals import DecimalMark, NumberEvidence, NumberFormat
from adcli.tables.standard.coerce import FREE_TEXT, float_lists, named
from adcli.tables.standard.column_format import ColumnFormat, GivenFormats
from adcli.tables.standard.tables import Column
from adcli.tables.standard.times import TimeEvidence, TimeFormat
from adcli.tables.unify import as_text

_WHOLE_DECIMAL: Final = r"^-?\d+\.0$"


class ColumnEvidence(NamedTuple):
    """What is known of one column after the rows seen so far."""

    time: TimeEvidence = TimeEvidence()  # of how its times are written
    number: NumberEvidence = NumberEvidence()  # of how its numbers are written
    # whether all identifiers are written like `17850.0`; None before there is any
    whole_decimals: bool | None = None
    width: int | None = None  # the length of its first vector; None before there is any

    def updated(self, values: pl.Series, column: Column) -> ColumnEvidence:
        """What is known after some more values of the source of the standard column `column`."""
        values = as_text(values) if values.dtype == pl.Binary else values
        match column.kind:
            case "time":
                return self._replace(time=self.time.updated(values))
            case "money" | "decimal" | "number":
                return self._replace(number=self.number.updated(values))
            case "probability":  # nothing above 1 is: no doubt about 1.000
                return self._replace(number=self.number.updated(values)._replace(either=None))
            case "vector":
                return self._replace(width=self.width or _width(values))
            case "string" if column.name not in FREE_TEXT:
                return self._replace(whole_decimals=_are_whole_decimals(values, self.whole_decimals))
        return self

    def decided(self) -> ColumnFormat:
        """The format that follows from this."""
        return ColumnFormat(
            self.time.decided(), self.number.decided(), bool(self.whole_decimals), self.width or 1
        )


def settled(
    evidence: Mapping[str, ColumnEvidence], given: GivenFormats, name: str, *, has_currency: bool = False
) -> dict[str, ColumnFormat]:
    """The format of each column: by what the user says, its own values, or those of its neighbours.

    Raises DataError if two readings of a column are left, or it holds several currencies, and the table has
    no column to tell them apart.
    """
    known = [one.number for one in evidence.values() if one.number.point or one.number.comma]
    marks = {one.decided().decimal_mark for one in known}
    return {
        column: replace(
            one.decided(),
            time=_settled_time(one.time, given, f"{name}: {column}"),
            number=_settled_number(one.number, given, marks, f"{name}: {column}", has_currency=has_currency),
        )
        for column, one in evidence.items()
    }


def _settled_time(known: TimeEvidence, given: GivenFormats, where: str) -> TimeFormat:
    form = known.decided()
    form = replace(form, timezone=given.timezone or "UTC", given=given.time)
    if given.date_order is not None:
        return replace(form, date_order=given.date_order if known.slashed.number else None)
    if len(known.orders) < 2 or given.time is not None:
        return form
    flags = "--day-first or --month-first"
    if known.is_contradictory:
        raise DataError(
            f"{where}: '{known.day_first.first}' has its day first, '{known.month_first.first}' its month, "
            f"and '{known.either.first}' can have either.",
            fix=f"Say what holds with {flags}; the others are then rejected.",
        )
    years = ", or a year first" if "ymd" in known.orders else ""
    hint = ", or --time-format %y/%m/%d" if years else ""
    raise DataError(
        f"{where}: '{known.slashed.first}' can have its day or its month first{years}, and no row tells "
        "which.",
        fix=f"Say it with {flags}{hint}.",
    )


def _settled_number(
    known: NumberEvidence, given: GivenFormats, marks: set[DecimalMark], where: str, *, has_currency: bool
) -> NumberFormat:
    form = known.decided()
    if len(known.currencies) > 1 and has_currency:
        form = replace(form, currency=None)
    elif len(known.currencies) > 1:
        raise DataError(
            f"{where}: holds several currencies, {' and '.join(sorted(known.currencies))}, to be kept apart.",
            fix="Read the rows of each currency by themselves.",
        )
    if given.decimal_mark is not None:
        return replace(form, decimal_mark=given.decimal_mark)
    if not known.is_open:
        return form
    if len(marks) == 1:
        return replace(form, decimal_mark=next(iter(marks)))
    raise DataError(
        f"{where}: '{printable(str(known.either))}' can have thousands or decimals after its mark, and no "
        "row tells which.",
        fix="Say it with --decimal point or --decimal comma.",
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
