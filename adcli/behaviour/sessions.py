"""Sessions: the visits that a user's events fall into, numbered while the events pass by."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import polars as pl


class Sessions:
    """Gives events their `session_id`: the user and the second in which the visit began.

    The id depends on the events alone, not on how they are cut into frames. What is remembered between frames
    is a row per user.

    `gap`: a visit ends when nothing comes for longer than this; `at_midnight`: whether it also ends at
    midnight (UTC); `campaign`: the column that, where it changes from one second to a later one, begins a new
    visit.
    """

    def __init__(self, *, gap: timedelta, at_midnight: bool = False, campaign: str | None = None) -> None:
        self._gap = gap
        self._at_midnight = at_midnight
        self._campaign = campaign
        self._last: pl.DataFrame | None = None

    def add(self, frame: pl.DataFrame) -> pl.DataFrame:
        """The next events in order of `event_time`, with their sessions; none where there is no time."""
        time, user = pl.col("event_time"), pl.col("user_id")
        kept = [pl.col(self._campaign).alias("__campaign")] if self._campaign else []
        known = frame.select(
            user.hash(seed=0), time, *kept
        )  # numbers are put in order in a fraction of the time
        events = known.with_row_index("__row").drop_nulls("event_time")
        latest = events["event_time"].max()
        events = self._after_the_last(events).sort("user_id", maintain_order=True)
        is_first = user.ne_missing(user.shift()) | (pl.int_range(pl.len()) == 0)
        previous = pl.when(~is_first).then(time.shift())
        is_new = is_first | (time - previous > self._gap)
        if self._at_midnight:
            is_new |= (time.dt.date() != previous.dt.date()).fill_null(value=False)
        if self._campaign:
            events = events.with_columns(_latest_campaign(is_first).alias("__latest"))
            earlier = pl.when(~is_first).then(pl.col("__latest").shift())
            is_later = time.dt.truncate("1s") > previous.dt.truncate("1s")
            is_new |= is_later & pl.col("__campaign").is_not_null() & pl.col("__campaign").ne_missing(earlier)
        began = pl.when(pl.col("__began").is_null() & is_new).then(time).otherwise("__began")
        events = events.with_columns(began.forward_fill().alias("__began"))  # each user's first has one
        if self._campaign:
            events = events.drop("__campaign").rename({"__latest": "__campaign"})
        self._remember(events, latest)
        began_at = events.drop_nulls("__row").select("__row", pl.col("__began").dt.epoch("s"))
        seconds = pl.Series("__began", [None], pl.Int64).new_from_index(0, frame.height)
        seconds = seconds.scatter(began_at["__row"], began_at["__began"])
        return frame.with_columns(
            session_id=pl.concat_str("user_id", pl.lit("."), pl.lit(seconds).cast(pl.String))
        )

    def _remember(self, events: pl.DataFrame, latest: object) -> None:
        """Keep the last event of each user; whose visit is over by now begins another in any case."""
        user = pl.col("user_id")
        is_last = user.ne_missing(user.shift(-1)) | (pl.int_range(pl.len()) == pl.len() - 1)
        last = events.filter(is_last).drop("__row")
        if self._campaign is None and latest is not None:
            last = last.filter(pl.col("event_time") >= pl.lit(latest) - self._gap)
        self._last = last

    def _after_the_last(self, events: pl.DataFrame) -> pl.DataFrame:
        """The events behind the last event that each user had before, which carry when their visit began."""
        fresh = events.with_columns(__began=pl.lit(None, events["event_time"].dtype))
        if self._last is None:
            return fresh
        return pl.concat([self._last, fresh], how="diagonal")


def _latest_campaign(is_first: pl.Expr) -> pl.Expr:
    """The latest campaign that is known among a user's rows, which lie together."""
    place = pl.int_range(pl.len())
    begins = pl.when(is_first).then(place).forward_fill()
    known = pl.when(pl.col("__campaign").is_not_null()).then(place).forward_fill()
    return pl.when(known >= begins).then(pl.col("__campaign").forward_fill())


def with_sessions(frames: Iterator[pl.DataFrame], sessions: Sessions) -> Iterator[pl.DataFrame]:
    """Frames in order of time with a column `session_id`."""
    for frame in frames:
        yield sessions.add(frame)
