"""Hours, days and weeks of events, as columns to break down by."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

PARTS = {
    "hour": pl.col("event_time").dt.hour().cast(pl.Int64),
    "weekday": pl.col("event_time").dt.weekday().cast(pl.Int64),  # 1 is Monday
    "day": pl.col("event_time").dt.date().cast(pl.String),
    "week": pl.col("event_time").dt.truncate("1w").dt.date().cast(pl.String),  # its Monday
    "month": pl.col("event_time").dt.strftime("%Y-%m"),
}


def with_time_parts(log: pl.DataFrame, by: Sequence[str]) -> pl.DataFrame:
    """The log with those parts of its time, in UTC, that `by` names and that it does not hold itself.

    A report has no time but a date, in its account's zone; an hour is a column of its own there.
    """
    wanted = [name for name in by if name in PARTS and name not in log.columns]
    if "event_time" in log.columns:
        return log.with_columns(PARTS[name].alias(name) for name in wanted)
    if "date" not in log.columns:
        return log
    day = log.select(event_time=pl.col("date").cast(pl.Datetime("us")))
    return log.with_columns(day.select(PARTS[name].alias(name) for name in wanted if name != "hour"))
