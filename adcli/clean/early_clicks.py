"""Clicks on ads that a log shows their users only later: its clocks disagree, or lines of it are forged."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import polars as pl

from adcli.clean.rules import FIRST_IMPRESSION
from adcli.clean.runs import SortedRun


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
