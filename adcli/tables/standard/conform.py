"""Rows as they stood in an input become rows of a standard table, or rejects with their reason."""

from __future__ import annotations

from collections import Counter
from typing import NamedTuple

import numpy as np
import polars as pl

from adcli.errors import DataError, printable
from adcli.tables.formats.blocks import IntArray, RawBatch
from adcli.tables.standard.coerce import POLARS_TYPES, Habits, Problem, coerce
from adcli.tables.standard.column_mapping import Placement
from adcli.tables.standard.events import derived_event_types, map_event_types
from adcli.tables.standard.tables import Column


class Batch(NamedTuple):
    """Rows of a standard table, and the rows that were rejected beside them.

    Attributes:
        frame: Accepted rows: the standard columns in standard order, then the others.
        rejects: Rejected rows: file, line, reason, raw.
        file: The input that they come from.
        lines: (n,) Int64, line (or row) number of each accepted row.
    """

    frame: pl.DataFrame
    rejects: pl.DataFrame
    file: str
    lines: pl.Series


class Conformer:
    """Conforms the batches of one input.

    Args:
        file: The input's name.
        placement: Where its columns go.
        columns: Standard columns that there must be, if only empty ones: other inputs have them.
        needs: Standard columns that must have a value on each row, beside those the table requires.
        habits: What was learned about its columns so far.
        unknown_event_types: Counts the event types that nobody knows.
    """

    def __init__(
        self,
        file: str,
        placement: Placement,
        *,
        columns: frozenset[str],
        needs: frozenset[str],
        habits: Habits,
        unknown_event_types: Counter[str],
    ) -> None:
        self._file = file
        self.placement = placement
        self._columns = columns
        self._must_have = frozenset(placement.table.required) | needs
        self._habits = habits
        self._unknown_event_types = unknown_event_types

    @property
    def known_columns(self) -> list[str]:
        """The source columns that were placed."""
        return [*self.placement.sources.values(), *self.placement.carried]

    def conform(self, raw: RawBatch) -> Batch:
        """A batch in the table's columns and types."""
        standard, problems = self._standard(raw.frame)
        frame = pl.DataFrame([*standard.values(), *self._carried(raw)])
        bad, reasons = _against([*problems, *self._missing(standard)], frame.height)
        lines = raw.lines
        if bad.size:
            raw.rejects.extend(lines[bad].tolist(), reasons, raw.raws(bad))
            is_kept = np.ones(frame.height, bool)
            is_kept[bad] = False
            frame, lines = frame.filter(is_kept), lines[is_kept]
        return Batch(frame, raw.rejects.frame(self._file), self._file, pl.Series("line", lines, pl.Int64))

    def _standard(self, raw: pl.DataFrame) -> tuple[dict[str, pl.Series], list[_RowProblem]]:
        """The standard columns, and the values that could not be read."""
        placement = self.placement
        made: dict[str, pl.Series] = {}
        problems: list[_RowProblem] = []
        for column in placement.table.columns:
            name, source = column.name, placement.sources.get(column.name, "")
            if name not in placement.placed | self._columns:
                continue
            if name in placement.constants:
                values = pl.Series(name, [placement.constants[name]]).new_from_index(0, raw.height)
            elif source in raw.columns:
                values = raw[source]
            else:
                values = _empty(column, raw.height, self._habits)
            coerced = coerce(values, column, self._habits)
            self._refuse_contradictions(column)
            made[column.name] = coerced.values
            problems += [_RowProblem(column.name, values, problem) for problem in coerced.problems]
        if "event_type" in made:
            made["event_type"] = self._event_types(made, raw)
        return made, problems

    def _refuse_contradictions(self, column: Column) -> None:
        """Raise DataError if earlier rows were read in a way that this batch shows to be wrong."""
        if column.kind == "time" and (late := self._habits.times(column.name).contradiction) is not None:
            raise DataError(
                f"{self._file}: {column.name}: '{printable(late)}' has its day first, but in all rows before "
                "it the month could be first, and was taken so.",
                fix="Put this row among the first, or write times as 2024-01-31.",
            )

    def _event_types(self, made: dict[str, pl.Series], raw: pl.DataFrame) -> pl.Series:
        derivation = self.placement.derivation
        if derivation is not None:
            return derived_event_types(derivation, raw, made.get("quantity"))
        return map_event_types(made["event_type"], self._unknown_event_types)

    def _carried(self, raw: RawBatch) -> list[pl.Series]:
        """All other columns as they were; texts of JSON numbers as numbers."""
        by_hand = {source: name for name, source in self.placement.sources.items()
                   if name not in self.placement.table.names}  # fmt: skip
        constants = [
            pl.Series(name, [value]).new_from_index(0, raw.frame.height)
            for name, value in self.placement.constants.items()
            if name not in self.placement.table.names
        ]
        columns = []
        for source, name in {**by_hand, **self.placement.carried}.items():
            if source not in raw.frame.columns:
                continue
            values = raw.frame[source]
            number = raw.numbers.get(source)
            columns.append((values if number is None else values.cast(number, strict=False)).alias(name))
        return [*constants, *columns]

    def _missing(self, made: dict[str, pl.Series]) -> list[_RowProblem]:
        """Where a required column has no value, or none of those of which one is required."""
        gone = [(name, values.is_null()) for name, values in made.items() if name in self._must_have]
        either = [name for name in self.placement.table.either if name in made]
        if either:
            all_null = made[either[0]].is_null()
            for name in either[1:]:
                all_null &= made[name].is_null()
            gone.append((either[0], all_null))
        return [_RowProblem(name, None, Problem(where, "missing")) for name, where in gone if where.any()]


class _RowProblem(NamedTuple):
    """Values of one column that reject their rows; `values` as they stood, or None where nothing did."""

    column: str
    values: pl.Series | None
    problem: Problem


def _against(problems: list[_RowProblem], height: int) -> tuple[IntArray, list[str]]:
    """The rows, in order, that there is a reason against, and the first reason against each."""
    is_good = np.ones(height, bool)
    reasons = np.empty(height, np.object_)
    for column, values, (where, what) in problems:
        new = np.flatnonzero(where.to_numpy() & is_good)
        is_good[new] = False
        if values is None:
            reasons[new] = f"{column}: {what}"
        else:
            reasons[new] = [f"{column}: {what}: '{printable(str(value))}'" for value in values.gather(new)]
    bad = np.flatnonzero(~is_good)
    return bad, reasons[bad].tolist()


def _empty(column: Column, height: int, habits: Habits) -> pl.Series:
    if column.kind == "vector":
        return pl.Series(column.name, [None] * height, pl.Array(pl.Float32, habits.width.get(column.name, 1)))
    return pl.Series(column.name, [None] * height, POLARS_TYPES[column.kind])
