"""Runs: stretches of rows sorted by time and spilled to disk, so that any number of rows can be put in order.

Beside its data each row carries its place in the input (`PLACE`), where it came from (`FILE`, `LINE`) and the
key it is ordered by (`KEY`): microseconds since 1970, at the end where there is no time.
"""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import polars as pl

from adcli.tables.standard.times import UTC
from adcli.tables.unify import common_schema, concatenated, fitted

PLACE, FILE, LINE, KEY = "__place", "__file", "__line", "__key"
HIDDEN = (PLACE, FILE, LINE, KEY)
_RUN_BYTES = 48 << 20
_RUN_ROWS = 250_000
_GROUP_ROWS = 16_384
_LAST = 2**63 - 1


class SortedRun(NamedTuple):
    """Rows on disk in the order of their keys, equal keys in the order of the input.

    Attributes:
        path: A Parquet file.
        rows: How many there are.
        schema: Its columns.
        marks: Key and place of every `_GROUP_ROWS`-th row, and of the last.
    """

    path: Path
    rows: int
    schema: dict[str, pl.DataType]
    marks: list[tuple[int, int]]


class RunWriter:
    """Collects rows and spills them as runs into a private folder."""

    def __init__(self, folder: Path) -> None:
        self.runs: list[SortedRun] = []
        self.rows = 0
        self._folder = folder
        self._waiting: list[pl.DataFrame] = []
        self._waiting_bytes = 0
        self._waiting_rows = 0

    def add(self, frame: pl.DataFrame, file: str, lines: pl.Series) -> None:
        """Add rows in input order; a run is written whenever enough have come together."""
        if not frame.height:
            if not self.runs and not self._waiting:
                self._waiting.append(self._with_hidden(frame, file, lines))
            return
        self._waiting.append(self._with_hidden(frame, file, lines))
        self.rows += frame.height
        self._waiting_rows += frame.height
        self._waiting_bytes += int(frame.estimated_size())
        if self._waiting_bytes > _RUN_BYTES or self._waiting_rows > _RUN_ROWS:
            self.flush()

    def flush(self) -> None:
        """Write what has come together as one run."""
        if not self._waiting:
            return
        run = concatenated(self._waiting)
        if not run[KEY].is_sorted():
            run = run.sort(KEY, maintain_order=True)
        path = self._folder / f"run-{len(self.runs):06}.parquet"
        buffer = io.BytesIO()  # a full disk is then an OSError, which polars would make an error of computing
        run.write_parquet(buffer, compression="lz4", row_group_size=_GROUP_ROWS)
        path.write_bytes(buffer.getbuffer())
        marks = (
            run.select(KEY, PLACE).gather_every(_GROUP_ROWS).rows() + run.select(KEY, PLACE).tail(1).rows()
        )
        self.runs.append(SortedRun(path, run.height, dict(run.schema), marks))
        self._waiting, self._waiting_bytes, self._waiting_rows = [], 0, 0

    def _with_hidden(self, frame: pl.DataFrame, file: str, lines: pl.Series) -> pl.DataFrame:
        key = (
            pl.col("event_time").to_physical().fill_null(_LAST)
            if frame.schema.get("event_time") == UTC
            else pl.lit(0, pl.Int64)
        )
        places = pl.int_range(self.rows, self.rows + pl.len(), dtype=pl.Int64)
        return frame.with_columns(
            places.alias(PLACE), pl.lit(file).alias(FILE), lines.alias(LINE), key.cast(pl.Int64).alias(KEY)
        )


def schema_of(runs: Sequence[SortedRun]) -> dict[str, pl.DataType]:
    """The union of the runs' columns, hidden ones included."""
    return common_schema(run.schema for run in runs)


def in_key_order(runs: Sequence[SortedRun]) -> Iterator[pl.DataFrame]:
    """All rows in the order of their keys, equal keys in input order; about one run is in memory."""
    schema = schema_of(runs)
    if all(earlier.marks[-1] <= later.marks[0] for earlier, later in pairwise(runs)):
        for run in runs:
            yield fitted(pl.read_parquet(run.path), schema)
        return
    for low, high in _ranges(runs):
        parts = [
            pl.scan_parquet(run.path).filter(_at_least(low) & ~_at_least(high)).collect()
            for run in runs
            if run.marks[0] < high and run.marks[-1] >= low
        ]
        yield pl.concat([fitted(part, schema) for part in parts]).sort(KEY, PLACE)


def _ranges(runs: Sequence[SortedRun]) -> Iterator[tuple[tuple[int, int], tuple[int, int]]]:
    """Ranges of (key, place), from one to below the other, that hold about as many rows as a run each.

    Between two marks of a run lie `_GROUP_ROWS` rows, so all runs' marks together divide the rows evenly.
    """
    marks = sorted(mark for run in runs for mark in run.marks)
    rows = sum(run.rows for run in runs) / len(runs)
    step = max(int(rows / _GROUP_ROWS), 1)
    edges = [(-_LAST, 0), *marks[step::step], (_LAST, _LAST)]
    yield from pairwise(edges)


def _at_least(edge: tuple[int, int]) -> pl.Expr:
    key, place = edge
    return (pl.col(KEY) > key) | ((pl.col(KEY) == key) & (pl.col(PLACE) >= place))
