"""What is known of a user or an item before a moment: how recently, how often, for how much, since when.

The one definition of what is counted, for cleaned logs, profiles and forecasts. All are sums over what came
strictly before, so that no feature knows anything of its moment or the future. A CTR is drawn towards that of
all by as many impressions as `PRIOR`; entropy is Shannon's, in nats.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final

import polars as pl

from adcli.tables.aliases import normalised
from adcli.tables.standard.orders import order_column

PRIOR: Final = 20  # impressions
RECENT: Final = (28, 91)  # days
SOLD: Final = "sold_for"
BEGINS: Final = "begins_order"
COUNTS: Final[Mapping[str, str | None]] = {
    "events": None,
    "impressions": "impression",
    "views": "view",
    "clicks": "click",
    "searches": "search",
    "carts": "cart",
    "purchases": "purchase",
    "reviews": "review",
    "others": "other",
}
"""What is counted, and the type of event that it is; a purchase is an order."""
_CATEGORIES: Final = ("category", "categorycode", "categoryid", "productcategory")
_KINDS: Final = tuple(kind for kind in COUNTS.values() if kind)
_OF_ALL: Final = ("clicks", "impressions", "log_price", "priced")
_LAST: Final = "last {}"
_UNIT: Final = 2**30  # of the sums of all, in whole numbers, whose sum is the same in whatever order
_DAY_US: Final = 86_400_000_000
_TURN: Final = 6.283185307179586


def count_of(kind: str | None) -> pl.Expr:
    """How many events are of a type; the lines of an order are one purchase."""
    if kind is None:
        return pl.len().cast(pl.Int64)
    is_kind = pl.col("event_type") == kind
    return (is_kind & pl.col(BEGINS) if kind == "purchase" else is_kind).sum().cast(pl.Int64)


def begins_order(columns: Sequence[str], key: str = "user_id") -> pl.Expr:
    """Whether an event is the first of its order and key; a user's purchases at one time are one order."""
    order = order_column(columns)
    at = pl.col("event_time").cast(pl.String)
    number = at if order is None else pl.coalesce(pl.col(order).cast(pl.String), at)
    names = dict.fromkeys(name for name in (key, "user_id") if name in columns)
    return pl.struct("event_type", *names, number.alias("order")).is_first_distinct().alias(BEGINS)


def hour_angle() -> pl.Expr:
    """The time of day of an event, from 0 to a full turn."""
    return pl.col("event_time").dt.epoch("us").mod(_DAY_US) * (_TURN / _DAY_US)


def log_price() -> pl.Expr:
    """The logarithm of a price above 0; null for others."""
    price = pl.col("price").cast(pl.Float64)
    return pl.when(price > 0).then(price.log())


def days(duration: pl.Expr) -> pl.Expr:
    """A duration in days."""
    return duration.dt.total_microseconds() / _DAY_US


def category_column(names: Sequence[str]) -> str | None:
    """The column of a log that says an item's category, if one does."""
    return next((name for name in names if normalised(name) in _CATEGORIES), None)


def columns_of_features(columns: Sequence[str]) -> list[str]:
    """Those of a log's columns that features are made of."""
    seen = {"event_time", "event_type", "user_id", "item_id", "price", SOLD, order_column(columns)}
    return [name for name in columns if name in {*seen, category_column(columns)}]


def sums_of_all(events: pl.LazyFrame) -> pl.DataFrame:
    """What all did up to the end of each hour that has an event, to hold a CTR and prices against."""
    kind, names = pl.col("event_type").cast(pl.String), events.collect_schema().names()
    price = (log_price() * _UNIT).round().cast(pl.Int64) if "price" in names else pl.lit(None, pl.Int64)
    added = events.group_by(pl.col("event_time").dt.truncate("1h")).agg(
        *((kind == COUNTS[name]).sum().cast(pl.Int64).alias(name) for name in _OF_ALL[:2]),
        price.sum().alias("log_price"),
        price.count().cast(pl.Int64).alias("priced"),
    )
    return added.drop_nulls("event_time").sort("event_time").with_columns(pl.col(_OF_ALL).cum_sum()).collect()


def features(
    events: pl.DataFrame, key: str, *, at: datetime | None = None, of_all: pl.DataFrame | None = None
) -> pl.DataFrame:
    """The features of each key before each of its times, or before one moment.

    Args:
        events: `event_time event_type`, the key; `sold_for` of `settle_sales`, `price`, an order's number, a
            category as they are.
        key: `user_id` or `item_id`.
        at: The moment; None for each time at which the key has an event.
        of_all: `sums_of_all` of the log, where `events` are a part of it.

    Returns:
        The key, `event_time`; the `COUNTS`, each also of the last days (`clicks_28_days`) and with the days
        since the last (`days_since_click`); `recency_days tenure_days customer_days` (since the first
        purchase), `revenue ctr hour_cos hour_sin weekday_1 … weekday_7`; with prices also `price_mean`
        (geometric) and `price_affinity` (its ratio to that of all), with categories `category_entropy`. Null
        where nothing came before.
    """
    known = events.drop_nulls([key, "event_time"])
    if at is not None:
        known = known.filter(pl.col("event_time") < at)
    of_all = sums_of_all(known.lazy()) if of_all is None else of_all
    sums = _sums_by_time(known, key)
    if at is not None:
        moment = pl.lit(at).cast(pl.Datetime("us", "UTC"))
        sums = pl.concat([sums, sums.select(key).unique().with_columns(event_time=moment)], how="diagonal")
        sums = sums.sort(key, "event_time")
    summed = pl.exclude(key, "event_time", "^last .*$")
    so_far = sums.with_columns(summed.fill_null(0).cum_sum().over(key))
    before = so_far.with_columns(
        summed.shift().over(key),
        pl.col("^last .*$").forward_fill().shift().over(key),
        first=pl.col("event_time").first().over(key),
        previous=pl.col("event_time").shift().over(key),
        first_purchase=pl.col(_LAST.format("purchase")).drop_nulls().first().over(key),
    )
    if at is not None:
        before = before.filter(pl.col("event_time") == at)
    for window in RECENT:
        before = _with_recent(before, so_far, key, window)
    before = before.hstack(_of_all_before(before["event_time"], of_all))
    return before.select(key, "event_time", *_from_sums(before.columns))


def _sums_by_time(events: pl.DataFrame, key: str) -> pl.DataFrame:
    """What the events of one key at one time add, in order; equal times are one moment."""
    time, angle = pl.col("event_time"), hour_angle()
    added = [
        *(count_of(kind).alias(name) for name, kind in COUNTS.items()),
        *(time.filter(pl.col("event_type") == kind).max().alias(_LAST.format(kind)) for kind in _KINDS),
        angle.cos().sum().alias("hour_cos"),
        angle.sin().sum().alias("hour_sin"),
        *((time.dt.weekday() == day).sum().cast(pl.Int64).alias(f"weekday_{day}") for day in range(1, 8)),
        (pl.col(SOLD).cast(pl.Float64).sum() if SOLD in events.columns else pl.lit(0.0)).alias("revenue"),
    ]
    if "price" in events.columns:
        added += [log_price().sum().alias("log_price"), log_price().count().cast(pl.Int64).alias("priced")]
    ordered = events.with_columns(begins_order(events.columns, key)).sort(
        key, "event_time", maintain_order=True
    )
    category = category_column(events.columns)
    if category is not None:
        seen = pl.int_range(1, pl.len() + 1).over(key, category)
        ordered = ordered.with_columns(
            n_log_n=pl.when(pl.col(category).is_not_null()).then(_n_log_n(seen) - _n_log_n(seen - 1))
        )
        added += [pl.col("n_log_n").sum(), pl.col(category).count().cast(pl.Int64).alias("categorised")]
    return ordered.group_by(key, "event_time", maintain_order=True).agg(added)


def _with_recent(before: pl.DataFrame, so_far: pl.DataFrame, key: str, window: int) -> pl.DataFrame:
    """The counts of the last days, which are those so far without those up to the days' begin."""
    begin = before.with_columns(begin=pl.col("event_time") - pl.duration(days=window))
    joined = begin.join_asof(
        so_far.select(key, *COUNTS, until="event_time"),
        left_on="begin",
        right_on="until",
        by=key,
        allow_exact_matches=False,
        suffix=" earlier",
        check_sortedness=False,
    )
    recent = {
        f"{name}_{window}_days": pl.col(name) - pl.col(f"{name} earlier").fill_null(0) for name in COUNTS
    }
    return joined.with_columns(**recent).select(*before.columns, *recent)


def _of_all_before(times: pl.Series, of_all: pl.DataFrame) -> pl.DataFrame:
    """What all did before the hour of each time."""
    place = of_all["event_time"].search_sorted(times.dt.truncate("1h"), side="left")
    from_nothing = pl.concat([of_all.clear(1), of_all]).select(pl.col(_OF_ALL).name.suffix(" of all"))
    return from_nothing[place]


def _n_log_n(count: pl.Expr) -> pl.Expr:
    return pl.when(count > 0).then(count * count.log()).otherwise(0.0)


def _from_sums(names: Sequence[str]) -> list[pl.Expr]:
    """The features as sums before a moment tell them."""
    time, shown, events = pl.col("event_time"), pl.col("impressions").fill_null(0), pl.col("events")
    ctr_of_all = (pl.col("clicks of all") / pl.col("impressions of all")).fill_nan(None)
    recent = [f"{name}_{window}_days" for window in RECENT for name in COUNTS]
    since = {f"days_since_{kind}": _LAST.format(kind) for kind in _KINDS}
    found = [
        *(pl.col(name).fill_null(0) for name in (*COUNTS, *recent)),
        *(days(time - pl.col(last)).alias(name) for name, last in since.items()),
        days(time - pl.col("previous")).alias("recency_days"),
        pl.when(events > 0).then(days(time - pl.col("first"))).alias("tenure_days"),
        pl.when(pl.col("purchases") > 0).then(days(time - pl.col("first_purchase"))).alias("customer_days"),
        pl.col("revenue").fill_null(0.0),
        ((pl.col("clicks").fill_null(0) + PRIOR * ctr_of_all) / (shown + PRIOR)).alias("ctr"),
        *((pl.col(name) / events).fill_nan(None) for name in ("hour_cos", "hour_sin")),
        *((pl.col(f"weekday_{day}") / events).fill_nan(None) for day in range(1, 8)),
    ]
    if "log_price" in names:
        mean = (pl.col("log_price") / pl.col("priced")).fill_nan(None)
        of_all = (pl.col("log_price of all") / _UNIT / pl.col("priced of all")).fill_nan(None)
        found += [mean.exp().alias("price_mean"), (mean - of_all).exp().alias("price_affinity")]
    if "n_log_n" in names:
        count = pl.col("categorised")
        entropy = pl.when(count > 0).then(count.log() - pl.col("n_log_n") / count)
        found.append(entropy.clip(0).alias("category_entropy"))
    return found
