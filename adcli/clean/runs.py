"""Runs: stretches of rows sorted by time and spilled to disk, so that any number of rows can be put in order.

Beside its data each row carries its place in the input (`PLACE`), where it came from (`FILE`, `LINE`) and the
key it is ordered by (`KEY`): microseconds since 1970, at the end where there is no time.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import polars as pl
import pyarrow as pa

from adcli.tables.standard.times import UTC
from adcli.tables.unify import common_schema, concatenated, fitted

PLACE, FILE, LINE, KEY = "__place", "__file", "__line", "__key"
HIDDEN = (PLACE, FILE, LINE, KEY)
_RUN_BYTES = 48 << 20
_RUN_ROWS = 250_000
_GROUP_ROWS = 16_384
_LAST = 2**63 - 1
_SCARCE_BYTES = 16 << 30
"""Where the disk has no more left runs are compressed, which takes as long again as reading their rows."""
_FIRST, _END = (-_LAST, 0), (_LAST, _LAST)

Edge = tuple[int, int]


class SortedRun(NamedTuple):
    """Rows on disk in the order of their keys, equal keys in the order of the input."""

    path: Path  # an Arrow file, which is mapped into memory as it is
    rows: int  # how many there are
    schema: Mapping[str, pl.DataType]  # its columns
    marks: Sequence[tuple[int, int]]  # key and place of every `_GROUP_ROWS`-th row, and of the last
    # by how much the places in the file are too low: it was written before others were counted
    places: int = 0
    lines: int = 0  # by how much its line numbers are

    def read(self, low: Edge = _FIRST, high: Edge = _END) -> pl.DataFrame:
        """Its rows from one (key, place) to below another."""
        with pa.memory_map(str(self.path)) as file, pa.ipc.open_file(file) as reader:
            rows = pl.DataFrame(pl.from_arrow(reader.read_all(), rechunk=False))
        first, end = (_rows_before(rows, (key, place - self.places)) for key, place in (low, high))
        return rows[first:end].with_columns(pl.col(PLACE) + self.places, pl.col(LINE) + self.lines)

    def behind(self, places: int, lines: int) -> SortedRun:
        """The same run behind others with so many rows, read from a part of a file behind so many lines."""
        marks = [(key, place + places) for key, place in self.marks]
        return self._replace(marks=marks, places=places, lines=lines)


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
        self._count(frame)

    def _count(self, frame: pl.DataFrame) -> None:
        self.rows += frame.height
        self._waiting_rows += frame.height
        self._waiting_bytes += int(frame.estimated_size())
        if self._waiting_bytes > _RUN_BYTES or self._waiting_rows > _RUN_ROWS:
            self.flush()

    def add_hidden(self, frame: pl.DataFrame) -> None:
        """Add rows in any order that have their hidden columns."""
        self._waiting.append(frame)
        self._count(frame)

    def flush(self) -> None:
        """Write what has come together as one run."""
        if not self._waiting:
            return
        run = concatenated(self._waiting)
        self.runs.append(written_run(run, self._folder / f"run-{len(self.runs):06}.arrow"))
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


def written_run(frame: pl.DataFrame, path: Path) -> SortedRun:
    """Rows with their hidden columns as a run of this name."""
    if not (frame[KEY].is_sorted() and frame[PLACE].is_sorted()):
        frame = frame.sort(KEY, PLACE)
    table = frame.to_arrow(compat_level=pl.CompatLevel.newest()).unify_dictionaries()
    is_scarce = shutil.disk_usage(path.parent).free < _SCARCE_BYTES
    options = pa.ipc.IpcWriteOptions(compression="lz4" if is_scarce else None)
    with pa.OSFile(str(path), "wb") as file, pa.ipc.new_file(file, table.schema, options=options) as writer:
        writer.write_table(table)
    ends = frame.select(KEY, PLACE)
    return SortedRun(
        path, frame.height, dict(frame.schema), ends.gather_every(_GROUP_ROWS).rows() + ends.tail(1).rows()
    )


def schema_of(runs: Sequence[SortedRun]) -> dict[str, pl.DataType]:
    """The union of the runs' columns, hidden ones included."""
    return common_schema(run.schema for run in runs)


def in_key_order(runs: Sequence[SortedRun]) -> Iterator[pl.DataFrame]:
    """All rows in the order of their keys, equal keys in input order; about one run is in memory."""
    schema = schema_of(runs)
    runs = [run for run in runs if run.rows] or runs[:1]
    if all(earlier.marks[-1] <= later.marks[0] for earlier, later in pairwise(runs)):
        for run in runs:
            yield fitted(run.read(), schema)
        return
    for low, high in _ranges(runs):
        parts = [run.read(low, high) for run in runs if run.marks[0] < high and run.marks[-1] >= low]
        yield pl.concat([fitted(part, schema) for part in parts]).sort(KEY, PLACE)


def _ranges(runs: Sequence[SortedRun]) -> Iterator[tuple[Edge, Edge]]:
    """Ranges of (key, place), from one to below the other, that hold about as many rows as a run each.

    Between two marks of a run lie `_GROUP_ROWS` rows, so all runs' marks together divide the rows evenly.
    """
    marks = sorted(mark for run in runs for mark in run.marks)
    rows = sum(run.rows for run in runs) / len(runs)
    step = max(int(rows / _GROUP_ROWS), 1)
    edges = [_FIRST, *marks[step::step], _END]
    yield from pairwise(edges)


def _rows_before(rows: pl.DataFrame, edge: Edge) -> int:
    """How many rows of a run come before a key and place."""
    key, place = edge
    first, end = rows[KEY].search_sorted(key, "left"), rows[KEY].search_sorted(key, "right")
    return first + rows[PLACE][first:end].search_sorted(place, "left")
