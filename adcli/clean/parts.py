"""Parts of the inputs, each read into a folder of its own: its rows as sorted runs, and what reading told.

A part may be read in this process, in one of several, or on another machine; the folders are put together
in the order of the inputs.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

import polars as pl

from adcli.clean.identity import rows_as_rejects
from adcli.clean.requests import as_behaviour
from adcli.clean.routes import Routes
from adcli.clean.rules import RuleCheck
from adcli.clean.runs import HIDDEN, RunWriter, SortedRun, in_key_order
from adcli.files import remove
from adcli.tables.parts import Part
from adcli.tables.read import TableStream
from adcli.tables.records import PartRead, part_read

TOLD: Final = "told.json"


class PartTold(NamedTuple):
    """What reading a part told: how many rows were accepted, what its stream says, the rules broken."""

    rows: int
    read: PartRead
    broken: dict[str, int]


class CleanedPart(NamedTuple):
    """What is known of a part that was read."""

    runs: list[SortedRun]  # its rows; places and lines count from the part's beginning
    rejects: list[SortedRun]  # its rejected rows, as runs in the order in which they came up
    told: PartTold  # what reading told


class Reading(NamedTuple):
    """What the rows of all parts are read by: the inputs, the meaning of a web log's requests, the rules."""

    stream: TableStream
    routes: Routes | None
    rules: RuleCheck | None


Advance = Callable[[int], None]
ReadParts = Callable[[Reading, Sequence[Part], Path, Advance], Iterable[Path]]


def read_part(reading: Reading, folder: Path, advance: Advance = lambda rows: None) -> None:
    """Read the part that the stream is into a folder, which is there only once it is complete."""
    unfinished = folder.with_name(f"{folder.name}.{os.getpid()}.unfinished")
    remove(unfinished)
    (unfinished / "rejects").mkdir(parents=True)
    rejects = RunWriter(unfinished / "rejects")
    own = reading._replace(rules=reading.rules and reading.rules.uncounted())
    runs = _read_runs(own, unfinished, lambda rows: rejects.add(rows, "", rows["line"]), advance)
    rejects.flush()
    told = {
        "runs": [_described(run) for run in runs],
        "rejects": [_described(run) for run in rejects.runs],
        "read": reading.stream.told()._asdict(),
        "broken": own.rules.counts if own.rules else {},
    }
    (unfinished / TOLD).write_text(json.dumps(told), encoding="utf-8")
    remove(folder)
    unfinished.rename(folder)


def load_part(folder: Path) -> CleanedPart:
    """What was read into a folder."""
    told = json.loads((folder / TOLD).read_text(encoding="utf-8"))
    return CleanedPart(
        [_loaded(folder, run) for run in told["runs"]],
        [_loaded(folder / "rejects", run) for run in told["rejects"]],
        told_of(told),
    )


def told_of(told: dict[str, Any]) -> PartTold:
    """What was told of a part, out of JSON."""
    rows = sum(run["rows"] for run in told["runs"])
    return PartTold(rows, part_read(told["read"]), told["broken"])


def put_together(
    stream: TableStream,
    parts: Iterable[Part],
    folders: Iterable[Path],
    *,
    rules: RuleCheck | None,
    reject: Callable[[pl.DataFrame], None],
) -> list[SortedRun]:
    """The runs of all parts, in their order; their counts and rejects go where those of one reader would."""
    runs: list[SortedRun] = []
    rows = 0
    for part, folder in zip(parts, folders, strict=True):
        found = load_part(folder)
        lines = stream.take(part, found.told.read)
        runs += [run.behind(rows, lines) for run in found.runs]
        rows += found.told.rows
        if rules is not None:
            rules.counts.update(found.told.broken)
        for frame in in_key_order(found.rejects):
            reject(frame.drop(HIDDEN).with_columns(pl.col("line") + lines))
    return runs


def _described(run: SortedRun) -> dict[str, Any]:
    return {"name": run.path.name, "rows": run.rows, "marks": run.marks}


def _loaded(folder: Path, run: dict[str, Any]) -> SortedRun:
    path = folder / run["name"]
    marks = [(key, place) for key, place in run["marks"]]
    return SortedRun(path, run["rows"], pl.read_ipc_schema(path), marks)


def _read_runs(
    reading: Reading, folder: Path, reject: Callable[[pl.DataFrame], None], advance: Advance
) -> list[SortedRun]:
    """The rows that nothing speaks against when each is looked at by itself."""
    stream, writer = reading.stream, RunWriter(folder)
    for batch in stream.batches():
        advance(batch.frame.height + batch.rejects.height)
        if batch.rejects.height:
            reject(batch.rejects)
        frame, lines = batch.frame, batch.lines
        frame, reasons = _judged(frame, reading.routes, reading.rules)
        is_left_out = reasons.is_not_null()
        if is_left_out.any():
            out = frame.filter(is_left_out)
            stream.reject(out.height)
            reject(rows_as_rejects(out, batch.file, lines.filter(is_left_out), reasons.filter(is_left_out)))
            frame, lines = frame.filter(~is_left_out), lines.filter(~is_left_out)
        writer.add(frame, batch.file, lines)
    writer.flush()
    return writer.runs


def _judged(
    frame: pl.DataFrame, routes: Routes | None, rules: RuleCheck | None
) -> tuple[pl.DataFrame, pl.Series]:
    """The rows as events, and of each the reason why it is left out; null where it stays."""
    reasons = pl.Series([None], dtype=pl.String).new_from_index(0, frame.height)
    if routes is not None:
        frame, reasons = as_behaviour(frame, routes)
    if rules is not None:
        reasons = reasons.zip_with(reasons.is_not_null(), rules.broken(frame))
    return frame, reasons
