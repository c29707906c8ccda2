"""What is known of a user or an item before a moment: how recently, how often, for how much, since when.

All are sums over what came strictly before, so that no feature knows anything of its moment or the future.
A CTR is drawn towards that of all by as many impressions as `PRIOR`; entropy is Shannon's, in nats.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final

import polars as pl

from adcli.behaviour.sales import settle_sales
from adcli.tables.aliases import normalised

PRIOR: Final = 20  # impressions
SOLD: Final = "sold_for"
_CATEGORIES: Final = ("category", "categorycode", "categoryid", "productcategory")
_COUNTED: Final = {"views": "view", "impressions": "impression", "clicks": "click", "carts": "cart"}
_OF_ALL: Final = ("clicks", "impressions", "log_price", "priced")
_DAY: Final = 86_400_000_000
_TURN: Final = 6.283185307179586


def with_sales(events: pl.DataFrame) -> pl.DataFrame:
    """Events with `sold_for`, what each sale brought, 0 elsewhere; no sale is no purchase."""
    settled = settle_sales(events).events
    sold = pl.col(SOLD).cast(pl.Float64).fill_null(0.0) if SOLD in settled.columns else pl.lit(0.0)
    return settled.with_columns(sold.alias(SOLD))


def category_column(names: Sequence[str]) -> str | None:
    """The column of a log that says an item's category, if one does."""
    return next((name for name in names if normalised(name) in _CATEGORIES), None)


def features(events: pl.DataFrame, key: str, *, at: datetime | None = None) -> pl.DataFrame:
    """The features of each key before each of its times, or before one moment.

    Args:
        events: Of `with_sales`: `event_time event_type sold_for`, the key; `price`, a category as they are.
        key: `user_id` or `item_id`.
        at: The moment; None for each time at which the key has an event.

    Returns:
        The key, `event_time`, and `events views impressions clicks carts purchases recency_days tenure_days
        revenue ctr hour_cos hour_sin weekday_1 … weekday_7`; with prices also `price_mean` (geometric) and
        `price_affinity` (its ratio to that of all), with categories `category_entropy`. Null where nothing
        came before.
    """
    known = events.drop_nulls([key, "event_time"])
    if at is not None:
        known = known.filter(pl.col("event_time") < at)
    sums = _sums_by_time(known, [key])
    everyone = _sums_by_time(known, []).select("event_time", pl.selectors.by_name(_OF_ALL, require_all=False))
    if at is not None:
        moments = known.select(key).unique(maintain_order=True).with_columns(event_time=_moment(at))
        sums = pl.concat([sums, moments], how="diagonal").sort(key, "event_time")
        everyone = pl.concat([everyone, moments.select("event_time").head(1)], how="diagonal").sort(
            "event_time"
        )
    counted = pl.exclude(key, "event_time")
    before = sums.with_columns(
        counted.fill_null(0).cum_sum().shift().over(key),
        first=pl.col("event_time").first().over(key),
        previous=pl.col("event_time").shift().over(key),
    )
    of_all = everyone.with_columns(pl.exclude("event_time").fill_null(0).cum_sum().shift())
    before = before.join(of_all, on="event_time", suffix=" of all", how="left", maintain_order="left")
    if at is not None:
        before = before.filter(pl.col("event_time") == at)
    return before.select(key, "event_time", *_from_sums(before.columns))


def _moment(at: datetime) -> pl.Expr:
    return pl.lit(at).cast(pl.Datetime("us", "UTC"))


def _sums_by_time(events: pl.DataFrame, keys: list[str]) -> pl.DataFrame:
    """What the events of one key at one time add, in order; equal times are one moment."""
    time, kind = pl.col("event_time"), pl.col("event_type").cast(pl.String)
    turn = time.dt.hour() * (_TURN / 24)
    added = [
        pl.len().cast(pl.Int64).alias("events"),
        *((kind == value).sum().cast(pl.Int64).alias(name) for name, value in _COUNTED.items()),
        (kind == "purchase").any().cast(pl.Int64).alias("purchases"),  # the lines of an order are one
        pl.col(SOLD).sum(),
        turn.cos().sum().alias("hour_cos"),
        turn.sin().sum().alias("hour_sin"),
        *((time.dt.weekday() == day).sum().cast(pl.Int64).alias(f"weekday_{day}") for day in range(1, 8)),
    ]
    if "price" in events.columns:
        price = pl.col("price").cast(pl.Float64)
        added.append(price.filter(price > 0).log().sum().alias("log_price"))
        added.append((price > 0).sum().cast(pl.Int64).alias("priced"))
    category = category_column(events.columns)
    ordered = events.sort(*keys, "event_time", maintain_order=True)
    if category is not None:
        seen = pl.int_range(1, pl.len() + 1).over(*keys, category)
        ordered = ordered.with_columns(
            n_log_n=pl.when(pl.col(category).is_not_null()).then(_n_log_n(seen) - _n_log_n(seen - 1))
        )
        added.append(pl.col("n_log_n").sum())
        added.append(pl.col(category).count().cast(pl.Int64).alias("categorised"))
    return ordered.group_by(*keys, "event_time", maintain_order=True).agg(added)


def _n_log_n(count: pl.Expr) -> pl.Expr:
    return pl.when(count > 0).then(count * count.log()).otherwise(0.0)


def _from_sums(names: Sequence[str]) -> list[pl.Expr]:
    """The features as sums before a moment tell them."""
    time, shown, events = pl.col("event_time"), pl.col("impressions"), pl.col("events")
    ctr_of_all = pl.col("clicks of all") / pl.col("impressions of all")
    found = [
        *(pl.col(name).fill_null(0) for name in ("events", *_COUNTED, "purchases")),
        ((time - pl.col("previous")).dt.total_microseconds() / _DAY).alias("recency_days"),
        pl.when(events > 0)
        .then((time - pl.col("first")).dt.total_microseconds() / _DAY)
        .alias("tenure_days"),
        pl.col(SOLD).fill_null(0.0).alias("revenue"),
        (
            (pl.col("clicks").fill_null(0) + PRIOR * ctr_of_all.fill_nan(None)) / (shown.fill_null(0) + PRIOR)
        ).alias("ctr"),
        *((pl.col(name) / events).fill_nan(None) for name in ("hour_cos", "hour_sin")),
        *((pl.col(f"weekday_{day}") / events).fill_nan(None) for day in range(1, 8)),
    ]
    if "log_price" in names:
        mean = (pl.col("log_price") / pl.col("priced")).fill_nan(None)
        of_all = (pl.col("log_price of all") / pl.col("priced of all")).fill_nan(None)
        found += [mean.exp().alias("price_mean"), (mean - of_all).exp().alias("price_affinity")]
    if "n_log_n" in names:
        count = pl.col("categorised")
        entropy = pl.when(count > 0).then(count.log() - pl.col("n_log_n") / count)
        found.append(entropy.clip(0).alias("category_entropy"))
    return found
