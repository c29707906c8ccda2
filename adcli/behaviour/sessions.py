"""Sessions: the visits that a user's events fall into, numbered while the events pass by."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import polars as pl


class Sessions:
    """Gives events their `session_id`: the user and the second in which the visit began.

    The id depends on the events alone, not on how they are cut into frames. What is remembered between frames
    is a row per user.

    Args:
        gap: A visit ends when nothing comes for longer than this.
        at_midnight: Whether it also ends at midnight (UTC).
        campaign: The column that, where it changes from one second to a later one, begins a new visit.
    """

    def __init__(self, *, gap: timedelta, at_midnight: bool = False, campaign: str | None = None) -> None:
        self._gap = gap
        self._at_midnight = at_midnight
        self._campaign = campaign
        self._last: pl.DataFrame | None = None

    def add(self, frame: pl.DataFrame) -> pl.DataFrame:
        """The next events in order of `event_time`, with their sessions; none where there is no time."""
        time = pl.col("event_time")
        kept = [pl.col(self._campaign).alias("__campaign")] if self._campaign else []
        events = frame.select("user_id", time, *kept).with_row_index("__row").drop_nulls("event_time")
        events = self._after_the_last(events)
        previous = time.shift().over("user_id")
        is_new = previous.is_null() | (time - previous > self._gap)
        if self._at_midnight:
            is_new |= time.dt.date() != previous.dt.date()
        if self._campaign:
            earlier = pl.col("__campaign").forward_fill().shift().over("user_id")
            is_later = time.dt.truncate("1s") > previous.dt.truncate("1s")
            is_new |= is_later & pl.col("__campaign").is_not_null() & pl.col("__campaign").ne_missing(earlier)
        began = pl.when(pl.col("__began").is_null() & is_new).then(time).otherwise("__began")
        events = events.with_columns(began.forward_fill().over("user_id").alias("__began"))
        if self._campaign:
            events = events.with_columns(pl.col("__campaign").forward_fill().over("user_id"))
        self._last = events.drop("__row").unique("user_id", keep="last", maintain_order=True)
        seconds = pl.col("__began").dt.epoch("s").cast(pl.String)
        ids = events.drop_nulls("__row").select(
            "__row", session_id=pl.concat_str("user_id", pl.lit("."), seconds)
        )
        return (
            frame.with_row_index("__row")
            .join(ids, on="__row", how="left", maintain_order="left")
            .drop("__row")
        )

    def _after_the_last(self, events: pl.DataFrame) -> pl.DataFrame:
        """The events behind the last event that each user had before, which carry when their visit began."""
        fresh = events.with_columns(__began=pl.lit(None, events["event_time"].dtype))
        if self._last is None:
            return fresh
        return pl.concat([self._last, fresh], how="diagonal")


def with_sessions(frames: Iterator[pl.DataFrame], sessions: Sessions) -> Iterator[pl.DataFrame]:
    """Frames in order of time with a column `session_id`."""
    for frame in frames:
        yield sessions.add(frame)
