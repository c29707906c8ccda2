"""Cleaning: rows of a standard table without duplicates and in order of time, in bounded memory."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt
import polars as pl

from adcli.clean.early_clicks import early_clicks
from adcli.clean.identity import DUPLICATE, carries_identity, rows_as_rejects
from adcli.clean.requests import Routes, as_behaviour
from adcli.clean.rules import RuleCheck
from adcli.clean.runs import (
    FILE,
    HIDDEN,
    LINE,
    PLACE,
    RunWriter,
    SortedRun,
    in_input_order,
    in_key_order,
    schema_of,
)
from adcli.tables.read import TableStream


def clean_stream(
    stream: TableStream,
    *,
    spill: Path,
    routes: Routes | None = None,
    rules: RuleCheck | None = None,
    reject: Callable[[pl.DataFrame], None],
    advance: Callable[[int], None] = lambda rows: None,
) -> Iterator[pl.DataFrame]:
    """The rows of a table in order of `event_time` where there is one (else as they came), no duplicates.

    Each row tells where it came from (`FILE`, `LINE`). The rows pass through sorted runs on disk, so that
    memory does not grow with their number but for a few bytes a row while duplicates are looked for. Equal
    times keep the order of the input; of equal rows the first stays; which rows can be duplicates at all is
    `carries_identity`'s rule. Dropped duplicates count as rejected in `stream`.

    Args:
        stream: The table, not yet read.
        spill: A private folder for the runs; the caller removes it.
        routes: What the requests of a web server's log mean, if it is one.
        rules: Rows that break one that rejects are left out.
        reject: Takes rejected rows (file, line, reason, raw) as they come up.
        advance: Called with how many more rows were read.
    """
    writer = RunWriter(spill)
    for batch in stream.batches():
        advance(batch.frame.height + batch.rejects.height)
        if batch.rejects.height:
            reject(batch.rejects)
        frame, lines = batch.frame, batch.lines
        frame, reasons = _judged(frame, routes, rules)
        is_left_out = reasons.is_not_null()
        if is_left_out.any():
            out = frame.filter(is_left_out)
            stream.reject(out.height)
            reject(rows_as_rejects(out, batch.file, lines.filter(is_left_out), reasons.filter(is_left_out)))
            frame, lines = frame.filter(~is_left_out), lines.filter(~is_left_out)
        writer.add(frame, batch.file, lines)
    writer.flush()
    columns = [name for name in schema_of(writer.runs) if name not in HIDDEN]
    identity = carries_identity(stream.table, columns, fine_times=stream.fine_times)
    is_kept = None if identity is None else _first_of_equals(writer.runs, writer.rows, columns, identity)
    early = early_clicks(writer.runs, columns) if rules is not None and rules.of_log else None
    for frame in in_key_order(writer.runs):
        reasons = pl.Series([None], dtype=pl.String).new_from_index(0, frame.height)
        if early is not None and rules is not None:
            reasons = rules.broken_in_log(early.with_first_impression(frame))
        if is_kept is not None:
            mask = pl.Series(is_kept[frame[PLACE].to_numpy()])
            reasons = reasons.zip_with(mask, pl.Series([DUPLICATE]))
        is_left_out = reasons.is_not_null()
        kept = frame
        if is_left_out.any():
            kept, out = frame.filter(~is_left_out), frame.filter(is_left_out)
            stream.reject(out.height)
            reject(rows_as_rejects(out.select(columns), out[FILE], out[LINE], reasons.filter(is_left_out)))
        if kept.height or not writer.rows:
            yield kept.select(*columns, FILE, LINE)


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


def _first_of_equals(
    runs: list[SortedRun], rows: int, columns: list[str], identity: pl.Expr
) -> npt.NDArray[np.bool_]:
    """(rows,) True for each row, by its place, that is not equal to an earlier one with an identity.

    Rows are compared by 64-bit hashes: among ten million rows a false match has a chance of 3 in a million.
    """
    hashes = np.zeros(rows, np.uint64)
    is_identified = np.zeros(rows, bool)
    for frame in in_input_order(runs):
        places = frame[PLACE].to_numpy()
        hashes[places] = frame.select(columns).hash_rows(seed=0).to_numpy()
        is_identified[places] = frame.select(identity.alias("identity")).to_series().to_numpy()
    is_first = pl.Series(hashes).is_first_distinct().to_numpy()
    return is_first | ~is_identified
