"""Events that come again within moments: double clicks, reloads, replayed logs."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta

import polars as pl

from adcli.clean.identity import rows_as_rejects
from adcli.clean.runs import FILE, HIDDEN, LINE

REPEAT = "repeat of an event just before"


def without_repeats(
    frames: Iterator[pl.DataFrame],
    reject: Callable[[pl.DataFrame], None],
    *,
    window: timedelta,
    key: Sequence[str],
) -> Iterator[pl.DataFrame]:
    """Frames in order of time, with where each row came from, without repeats, which are rejected."""
    repeats = Repeats(window, key)
    for frame in frames:
        is_repeat = repeats.find(frame)
        out = frame.filter(is_repeat)
        if out.height:
            reject(rows_as_rejects(out.drop(HIDDEN, strict=False), out[FILE], out[LINE], REPEAT))
        yield frame.filter(~is_repeat)


class Repeats:
    """Tells events that follow an equal one within a window, while events pass by in order of time.

    Only what lies within the window is remembered, so that the answer does not hang on how the log is cut.

    Args:
        window: The longest time from one event to its repeat.
        key: The columns that are equal; an event that lacks one is no repeat.
    """

    def __init__(self, window: timedelta, key: Sequence[str]) -> None:
        self._window = window
        self._key = list(key)
        self._before: pl.DataFrame | None = None

    def find(self, frame: pl.DataFrame) -> pl.Series:
        """(n,) which of the next events are repeats."""
        events = frame.select(*self._key, "event_time")
        known = events if self._before is None else pl.concat([self._before, events])
        since = pl.col("event_time") - pl.col("event_time").shift().over(self._key)
        is_whole = pl.all_horizontal(pl.col(self._key).is_not_null())
        found = known.select((is_whole & (since <= self._window)).fill_null(value=False)).to_series()
        recent = known.filter(pl.col("event_time") >= pl.col("event_time").max() - self._window)
        self._before = recent.unique(self._key, keep="last", maintain_order=True)
        return found.tail(frame.height)
