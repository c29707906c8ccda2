"""Attribution: which impressions earned the conversions that came after them.

A touch is an impression of the same user, from the window before the conversion up to the same second. Users
are compared by 64-bit hashes: among five million impressions a false match has a chance of one in a million.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import Final, Literal, NamedTuple

import numpy as np
import numpy.typing as npt
import polars as pl

from adcli.arrays import Flags, Floats, Integers
from adcli.tables.standard.orders import order_column

AttributionRule = Literal["last", "first", "linear", "position", "decay"]

_AT_ENDS: Final = 0.4  # of the first and of the last touch by position; those between share the rest
_PAIRS: Final = 2_000_000  # of conversion and touch in memory at a time


class Timeline:
    """Impressions in order of their users and times, to find those before an event.

    `impressions`: `event_time` and the columns of `keys`, one that lacks a value is nobody's touch; `keys`:
    the columns that an impression and an event share: `user_id`, and the ad of a click.
    """

    def __init__(self, impressions: pl.DataFrame, keys: Sequence[str]) -> None:
        self._keys = list(keys)
        hashes, seconds, places = self._located(impressions)
        self._begin = int(seconds.min()) if seconds.size else 0
        self._span = int(np.ptp(seconds)) + 2 if seconds.size else 1  # a second more, which no impression has
        self._users = np.unique(hashes)
        slots = np.searchsorted(self._users, hashes) * self._span + (seconds - self._begin)
        micros = impressions["event_time"].to_physical().to_numpy()[places]
        order = np.lexsort((micros, slots))
        self._slots = slots[order]
        self.places: Integers = places[order]

    def before(self, events: pl.DataFrame, window: timedelta) -> tuple[Integers, Integers]:
        """(n,) (n,) where the touches of each event begin and end in `places`."""
        hashes, seconds, events_of = self._located(events)
        low = np.zeros(events.height, np.int64)
        high = np.zeros(events.height, np.int64)
        if not self._users.size:
            return low, high
        user = np.minimum(np.searchsorted(self._users, hashes), self._users.size - 1)
        is_known = self._users[user] == hashes
        last = seconds - self._begin
        first = last - int(window.total_seconds())
        start = user * self._span
        begin = np.searchsorted(self._slots, start + np.clip(first, 0, self._span - 1), side="left")
        end = np.searchsorted(self._slots, start + np.clip(last, -1, self._span - 1), side="right")
        low[events_of], high[events_of] = begin, np.where(is_known, end, begin)
        return low, high

    def ages(self, positions: Integers, latest: Integers) -> Integers:
        """(n,) seconds from impressions to later ones of the same user, both by their positions."""
        return self._slots[latest] - self._slots[positions]

    def _located(self, frame: pl.DataFrame) -> tuple[npt.NDArray[np.uint64], Integers, Integers]:
        """Hash and second of the rows that have all keys, and which rows they are."""
        rows = frame.select(*self._keys, "event_time").with_row_index("row").drop_nulls()
        hashes = rows.select(pl.struct(self._keys).hash(seed=0)).to_series().to_numpy()
        seconds = rows["event_time"].to_physical().to_numpy() // 1_000_000
        return hashes, seconds, rows["row"].cast(pl.Int64).to_numpy()


def earns(names: Sequence[str]) -> pl.Expr:
    """Which events of a log with these columns can be a conversion or a return."""
    returns = [pl.col(name).cast(pl.Float64) < 0 for name in ("quantity",) if name in names]
    returns += [pl.col(name) > 0 for name in ("refund",) if name in names]
    kind = pl.col("event_type")
    return (kind == "purchase") | ((kind == "other") & pl.any_horizontal(pl.lit(value=False), *returns))


def conversions_of(sales: pl.DataFrame, *, net: bool) -> pl.DataFrame:
    """The orders of a log that stand, or its purchases where they have no number.

    What was given back counts at the time of its order.

    `sales`: the events that `earns` tells of, through `settle_sales`; `net`: whether what was given back was
    subtracted. Returns `user_id event_time conversions revenue`: conversions is 0 where money was only given
    back; revenue is null where no amount is known.
    """
    money = pl.col("sold_for") if "sold_for" in sales.columns else pl.lit(None, pl.Float64)
    order = order_column(sales.columns)
    number = pl.col(order).cast(pl.String) if order else pl.lit(None, pl.String)
    is_return = pl.col("revenue") < 0
    rows = sales.select(
        "user_id",
        "event_time",
        is_sale=pl.col("event_type") == "purchase",
        revenue=money.cast(pl.Float64),
        order=number,
    ).with_row_index("row")
    rows = rows.with_columns(is_sale=pl.col("is_sale") & ~is_return.fill_null(value=False))
    rows = rows.filter(pl.col("is_sale") | (is_return if net else pl.lit(value=False)))
    time = pl.coalesce(pl.col("event_time").filter("is_sale").min(), pl.col("event_time").min())
    by_order = rows.group_by(
        pl.coalesce(pl.format("order {}", "order"), pl.col("row").cast(pl.String)), maintain_order=True
    ).agg(
        pl.col("user_id").drop_nulls().first(),
        event_time=time,
        conversions=pl.col("is_sale").any().cast(pl.Float64),
        revenue=pl.when(pl.col("revenue").is_not_null().any()).then(pl.col("revenue").sum()),
    )
    return by_order.select("user_id", "event_time", "conversions", "revenue")


class Credits(NamedTuple):
    """What impressions earned: (n,) shares of conversions and of revenue, and (m,) which events found one."""

    shares: Floats
    revenue: Floats
    has_touch: Flags


def attribute(
    impressions: pl.DataFrame,
    conversions: pl.DataFrame,
    rule: AttributionRule,
    *,
    window: timedelta,
    half_life: timedelta,
) -> Credits:
    """Share each conversion among its touches.

    Args:
        impressions: (n) `user_id event_time`.
        conversions: (m) `user_id event_time conversions revenue`.
        rule: All to the last or first touch; equal shares; .4 to each of the first and the last and the rest
            to those between (equal shares of two); or halved with each `half_life` that a touch is earlier.
        window: How long before a conversion a touch may be.
        half_life: Of the rule `decay`.
    """
    timeline = Timeline(impressions, ["user_id"])
    low, high = timeline.before(conversions, window)
    if rule == "last":
        low = np.maximum(low, high - 1)
    elif rule == "first":
        high = np.minimum(high, low + 1)
    count = conversions["conversions"].to_numpy()
    money = conversions["revenue"].fill_null(0.0).to_numpy()
    shares, revenue = np.zeros(impressions.height), np.zeros(impressions.height)
    for which, position in _pairs(low, high):
        nth, touches = position - low[which], (high - low)[which]
        if rule == "position":
            is_end = (nth == 0) | (nth == touches - 1)
            weight = np.where(is_end, _AT_ENDS, (1 - 2 * _AT_ENDS) / np.maximum(touches - 2, 1))
        elif rule == "decay":
            weight = 0.5 ** (timeline.ages(position, high[which] - 1) / half_life.total_seconds())
        else:
            weight = np.ones(which.size)
        first = which[0]
        weight /= np.bincount(which - first, weight)[which - first]
        np.add.at(shares, timeline.places[position], weight * count[which])
        np.add.at(revenue, timeline.places[position], weight * money[which])
    return Credits(shares, revenue, high > low)


def clicked(impressions: pl.DataFrame, clicks: pl.DataFrame, *, window: timedelta) -> Credits:
    """The last impression that each click can be on: of its user, and of its ad or product if both say it."""
    named = [name for name in ("ad_id", "item_id") if name in impressions.columns and name in clicks.columns]
    timeline = Timeline(impressions, ["user_id", *named[:1]])
    low, high = timeline.before(clicks, window)
    has_touch = high > low
    shares = np.zeros(impressions.height)
    np.add.at(shares, timeline.places[high[has_touch] - 1], 1.0)
    return Credits(shares, np.zeros(impressions.height), has_touch)


def _pairs(low: Integers, high: Integers) -> Iterator[tuple[Integers, Integers]]:
    """Each event with each position from its `low` to below its `high`, some events at a time."""
    events = np.flatnonzero(high > low)
    counts = (high - low)[events]
    ends = np.cumsum(counts)
    for part in np.split(np.arange(events.size), np.flatnonzero(np.diff(ends // _PAIRS)) + 1):
        if part.size:
            begins = np.cumsum(counts[part]) - counts[part]
            offset = np.arange(counts[part].sum()) - np.repeat(begins, counts[part])
            which = np.repeat(events[part], counts[part])
            yield which, low[which] + offset
