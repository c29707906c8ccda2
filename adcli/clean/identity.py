"""When two equal rows are one thing logged twice, and when they are two things that look alike."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import timedelta
from typing import Final

import polars as pl

from adcli.clean.runs import FILE, HIDDEN, KEY, LINE
from adcli.tables.aliases import normalised
from adcli.tables.formats.blocks import rows_as_json
from adcli.tables.standard.orders import ORDER_ID_NAMES
from adcli.tables.standard.tables import StandardTable

DUPLICATE: Final = "exact duplicate of an earlier row"
_ROW_IDS: Final = frozenset(
    normalised(name)
    for name in (
        "event_id", "event_uuid", "row_id", "record_id", "log_id", "message_id", "insert_id", "uuid",
        "impression_id", "click_id", "request_id", "auction_id", "bid_id", "review_id", *ORDER_ID_NAMES,
    )
)  # fmt: skip
_OWN_IDS: Final = {
    "products": ("item_id",),
    "ads": ("ad_id",),
    "vectors": ("id", "kind"),
    "units": ("unit_id",),
    "queries": ("query_id",),
    "reviews": ("user_id", "item_id"),
    "users": ("user_id",),
}
_WHO_OR_WHAT = ("user_id", "item_id", "ad_id")
REPEAT = "repeat of an event just before"


def carries_identity(table: StandardTable, columns: Sequence[str], *, fine_times: bool) -> pl.Expr | None:
    """Where a row equal to an earlier one is a duplicate of it; None where no row is.

    Equality alone proves nothing: two customers in a trial can be alike in every recorded respect, and a
    shopper can reload a page within the second that an access log records. It does where the row carries

    - a number of its own: of the row, event, request, auction, order or review;
    - the table's own identity: a product's, ad's, unit's or query's, a reviewer's together with the item's;
    - or a time finer than a second together with a user or an item.

    `table`: the standard table; `columns`: its columns and those carried along; `fine_times`: whether any
    `event_time` has a fraction of a second.
    """
    grounds = [pl.col(column).is_not_null() for column in columns if normalised(column) in _ROW_IDS]
    own = _OWN_IDS.get(table.name, ())
    if own and all(column in columns for column in own):
        grounds.append(pl.all_horizontal(pl.col(own).is_not_null()))
    known = [column for column in _WHO_OR_WHAT if column in columns]
    if fine_times and known:
        grounds.append(pl.col("event_time").is_not_null() & pl.any_horizontal(pl.col(known).is_not_null()))
    return pl.any_horizontal(grounds) if grounds else None


class Duplicates:
    """Tells rows equal to an earlier one, while rows pass by in order of `KEY`.

    Equal rows have equal times, so that of rows before only those of the latest time are remembered. Rows are
    compared by 64-bit hashes: among ten million of one time a false match has a chance of 3 in a million.

    `columns`: those in which duplicates are equal; `identity`: where a row can be a duplicate.
    """

    def __init__(self, columns: Sequence[str], identity: pl.Expr) -> None:
        self._columns = list(columns)
        self._identity = identity
        self._seen = pl.Series([], dtype=pl.UInt64)
        self._time: int | None = None
        self._is_first: pl.Series | None = None

    def look_ahead(self, frames: Iterable[pl.DataFrame]) -> None:
        """Hash all rows at once: those of a table without times have one time, and all are remembered."""
        self._is_first = pl.concat([self._hashes(frame) for frame in frames]).is_first_distinct()

    def find(self, frame: pl.DataFrame) -> pl.Series:
        """(n,) which of the next rows are duplicates."""
        is_first = self._first_by_time(frame) if self._is_first is None else self._is_first.head(frame.height)
        if self._is_first is not None:
            self._is_first = self._is_first.slice(frame.height)
        return ~is_first & frame.select(self._identity.alias("identity")).to_series()

    def _first_by_time(self, frame: pl.DataFrame) -> pl.Series:
        if frame.is_empty():
            return pl.Series([], dtype=pl.Boolean)
        first, last = frame[KEY][0], frame[KEY][-1]
        hashes = self._hashes(frame)
        known = pl.concat([self._seen, hashes]) if first == self._time else hashes
        self._seen = (known if first == last else hashes.filter(frame[KEY] == last)).unique()
        self._time = last
        return known.is_first_distinct().tail(frame.height)

    def _hashes(self, frame: pl.DataFrame) -> pl.Series:
        return frame.select(self._columns).hash_rows(seed=0)


def rows_as_rejects(
    rows: pl.DataFrame, file: str | pl.Series, lines: pl.Series, reason: str | pl.Series
) -> pl.DataFrame:
    """Rows of a table as rejected rows: file, line, reason, raw."""
    raw = pl.Series(rows_as_json(rows), dtype=pl.String)
    return pl.DataFrame({"line": lines, "raw": raw}).select(
        pl.lit(file).alias("file"), "line", pl.lit(reason).alias("reason"), "raw"
    )


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

    `window`: the longest time from one event to its repeat; `key`: the columns that are equal, an event that
    lacks one is no repeat.
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
