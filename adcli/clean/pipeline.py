"""Cleaning: rows of a standard table without duplicates and in order of time, in bounded memory."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import polars as pl

from adcli.clean.identity import DUPLICATE, Duplicates, carries_identity, rows_as_rejects
from adcli.clean.parallel import reader
from adcli.clean.parts import Reading, ReadParts, put_together
from adcli.clean.routes import Routes
from adcli.clean.rules import FIRST_IMPRESSION, RuleCheck
from adcli.clean.runs import FILE, HIDDEN, KEY, LINE, PLACE, SortedRun, in_key_order, schema_of
from adcli.tables.read import TableStream
from adcli.tables.standard.tables import StandardTable

Reject = Callable[[pl.DataFrame], None]
Step = Callable[[Iterator[pl.DataFrame], Reject], Iterator[pl.DataFrame]]


"""What becomes of frames of rows in order of time, with where each came from; it rejects some of them."""


def stepped(frames: Iterator[pl.DataFrame], steps: Sequence[Step], reject: Reject) -> Iterator[pl.DataFrame]:
    """The frames after all steps."""
    for step in steps:
        frames = step(frames, reject)
    return frames


def clean_stream(
    stream: TableStream,
    *,
    spill: Path,
    routes: Routes | None = None,
    rules: RuleCheck | None = None,
    reject: Callable[[pl.DataFrame], None],
    advance: Callable[[int], None] = lambda rows: None,
    read: ReadParts | None = None,
    steps: Sequence[Step] = (),
) -> Iterator[pl.DataFrame]:
    """The rows of a table in order of `event_time` where there is one (else as they came), no duplicates.

    Each row tells where it came from (`FILE`, `LINE`). Rejected duplicates are counted in `stream`.

    Args:
        stream: The table, not yet read.
        spill: A private folder for the runs; the caller removes it.
        routes: What the requests of a web server's log mean, if it is one.
        rules: Rows that break one that rejects are left out.
        reject: Takes rejected rows (file, line, reason, raw).
        advance: Called with how many more rows were read.
        read: Reads the parts of the inputs; None is one after the other, in this process.
        steps: What becomes of the rows then; those of each user can be treated apart from others.
    """
    parts = stream.parts()
    folders = (read or reader(1))(Reading(stream, routes, rules), parts, spill, advance)
    runs = put_together(stream, parts, folders, rules=rules, reject=reject)

    def reject_later(rows: pl.DataFrame) -> None:
        stream.reject(rows.height)
        reject(rows)

    cleaned = cleaned_runs(runs, stream.table, fine_times=stream.fine_times, rules=rules, reject=reject_later)
    for frame in stepped(cleaned, steps, reject_later):
        yield frame.drop(PLACE, KEY)


def cleaned_runs(
    runs: Sequence[SortedRun],
    table: StandardTable,
    *,
    fine_times: bool,
    rules: RuleCheck | None,
    reject: Callable[[pl.DataFrame], None],
) -> Iterator[pl.DataFrame]:
    """The rows of runs in the order of their keys, without those that others speak against.

    Equal times keep the order of the input; of equal rows the first stays; which can be duplicates at all
    is `carries_identity`'s rule. Memory does not grow with the rows, but for tables without a time by 8 bytes
    a row. What holds of all runs holds of those with all rows of some users.
    """
    columns = [name for name in schema_of(runs) if name not in HIDDEN]
    identity = carries_identity(table, columns, fine_times=fine_times)
    duplicates = None if identity is None else Duplicates(columns, identity)
    if duplicates is not None and len({key for run in runs for key, _ in run.marks}) == 1:
        duplicates.look_ahead(in_key_order(runs))
    early = early_clicks(runs, columns) if rules is not None and rules.of_log else None
    rows = sum(run.rows for run in runs)
    for frame in in_key_order(runs):
        reasons = pl.Series([None], dtype=pl.String).new_from_index(0, frame.height)
        if early is not None and rules is not None:
            reasons = rules.broken_in_log(early.with_first_impression(frame))
        if duplicates is not None:
            reasons = reasons.zip_with(~duplicates.find(frame), pl.Series([DUPLICATE]))
        is_left_out = reasons.is_not_null()
        kept = frame
        if is_left_out.any():
            kept, out = frame.filter(~is_left_out), frame.filter(is_left_out)
            reject(rows_as_rejects(out.select(columns), out[FILE], out[LINE], reasons.filter(is_left_out)))
        if kept.height or not rows:
            yield kept.select(*columns, *HIDDEN)


class EarlyClicks(NamedTuple):
    """Users and ads (or items) whose first impression is behind a click, with its time."""

    keys: list[str]
    pairs: pl.DataFrame

    def with_first_impression(self, frame: pl.DataFrame) -> pl.DataFrame:
        """Rows with a column `first_impression`, null where no click comes before it."""
        return frame.drop(FIRST_IMPRESSION, strict=False).join(
            self.pairs, on=self.keys, how="left", maintain_order="left"
        )


def early_clicks(runs: Sequence[SortedRun], columns: Sequence[str]) -> EarlyClicks | None:
    """The early clicks of a log in runs, if there are any; memory follows the clicks and not the log."""
    ads = [name for name in ("ad_id", "item_id") if name in columns]
    if not {"event_time", "user_id", "event_type"} <= set(columns) or not ads:
        return None
    keys = ["user_id", ads[0]]
    wanted = (*keys, "event_time", "event_type")
    parts = [pl.scan_ipc(run.path).select(name for name in wanted if name in run.schema) for run in runs]
    log = pl.concat(parts, how="diagonal_relaxed")
    types = log.select(pl.col("event_type").unique()).collect(engine="streaming").to_series()
    if not {"click", "impression"} <= set(types):
        return None
    clicks = _first(log.drop_nulls(), "click", keys).collect(engine="streaming")
    first = _first(log.join(clicks.lazy(), on=keys, how="semi"), "impression", keys)
    early = clicks.lazy().join(first, on=keys).filter(pl.col("click") < pl.col("impression"))
    found = early.select(*keys, pl.col("impression").alias(FIRST_IMPRESSION)).collect(engine="streaming")
    return None if found.is_empty() else EarlyClicks(keys, found)


def _first(log: pl.LazyFrame, event_type: str, keys: list[str]) -> pl.LazyFrame:
    """The first time of a type of event, by user and ad, in a column that is called like the type."""
    of_type = log.filter(pl.col("event_type") == event_type)
    return of_type.group_by(keys).agg(pl.col("event_time").min().alias(event_type))
