"""The sums behind profiles, with exponential time decay, so that profiles can be updated.

An event of weight w at time t counts w · 2^(-(T - t) / half-life) at the user's last time T. Sums at T become
sums at a later T' by one factor, so yesterday's sums and today's events give what all events together give.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np
import polars as pl
from scipy import sparse  # noqa: TID253 - this module is reached only when profiles are made

from adcli.arrays import Floats
from adcli.behaviour.features import COUNTS, count_of, days, hour_angle, log_price
from adcli.embed.interaction_vectors import OWN, UNKNOWN, InteractionVectors

SOURCES: Final = ("items", "queries", "reviews")
COUNTED: Final = ("events", "views", "clicks", "carts", "purchases", "searches", "reviews")
DECAYING: Final = ("weight", "hour_weight", "hour_x", "hour_y", "price_weight", "price_log", "price_log2")


class ProfileSums(NamedTuple):
    """Sums of users, each as of the user's `last_time`."""

    # one row a user, by `user_id`: first and last time, `level`, which sources there are, counts, `revenue`
    # and the decayed sums
    users: pl.DataFrame
    vectors: Floats  # (n, d) sum of weight x vector
    categories: pl.DataFrame  # `user_id category amount`, the decayed sum of weights in each category


def sums_of_interactions(interactions: InteractionVectors, half_life: float | None) -> ProfileSums:
    """The sums of weighted interactions, sorted by user.

    `interactions`: interactions with a `weight`; `half_life`: days after which an event counts half, None for
    never.
    """
    is_weighted = pl.col("weight") > 0
    decayed = pl.col("weight") * decay(pl.col("last_time") - pl.col("event_time"), half_life)
    events = interactions.events.with_columns(
        pl.col("user_id").rle_id().alias("row"),
        pl.col("event_time").max().over("user_id").alias("last_time"),
        pl.when(is_weighted).then("level").otherwise(UNKNOWN).alias("level"),
    ).with_columns(decayed.alias("decayed"))
    events = events.with_columns(_decaying_terms())
    users = events.group_by("user_id", maintain_order=True).agg(*_scalars(is_weighted))
    categories = (
        events.filter(pl.col("category").is_not_null() & (pl.col("decayed") > 0))
        .group_by("user_id", "category", maintain_order=True)
        .agg(pl.col("decayed").sum().alias("amount"))
    )
    return ProfileSums(users, _vector_sums(events, interactions, users.height), categories)


def _decaying_terms() -> list[pl.Expr]:
    """What each event adds to the decayed sums; only those of the user's highest level add to the vector."""
    is_highest = (pl.col("level") == pl.col("level").max().over("user_id")) & (pl.col("level") > UNKNOWN)
    hour = hour_angle()
    return [
        pl.when(is_highest).then("decayed").otherwise(0.0).alias("weight"),
        pl.when(pl.col("event_time").is_not_null()).then("decayed").otherwise(0.0).alias("hour_weight"),
        (pl.col("decayed") * hour.cos()).fill_null(0.0).alias("hour_x"),
        (pl.col("decayed") * hour.sin()).fill_null(0.0).alias("hour_y"),
        pl.when(log_price().is_not_null()).then("decayed").otherwise(0.0).alias("price_weight"),
        (pl.col("decayed") * log_price()).fill_null(0.0).alias("price_log"),
        (pl.col("decayed") * log_price().pow(2)).fill_null(0.0).alias("price_log2"),
    ]


def _scalars(is_weighted: pl.Expr) -> list[pl.Expr]:
    own = is_weighted & (pl.col("level") == OWN)
    return [
        pl.col("event_time").min().alias("first_time"),
        pl.col("event_time").max().alias("last_time"),
        pl.col("level").max().cast(pl.Int8),
        *((own & (pl.col("source") == source)).any().alias(source + "_seen") for source in SOURCES),
        *(count_of(COUNTS[name]).alias(name) for name in COUNTED),
        pl.col("revenue").sum(),
        *(pl.col(name).sum() for name in DECAYING),
    ]


def _vector_sums(events: pl.DataFrame, interactions: InteractionVectors, users: int) -> Floats:
    """(users, d) the sum of weight x vector of each user, by a sparse product."""
    known = events.filter(pl.col("weight") > 0)
    used, column = np.unique(known["vector"].to_numpy(), return_inverse=True)
    at = known["row"].to_numpy(), column
    weights = sparse.coo_array((known["weight"].to_numpy(), at), shape=(users, len(used)))
    return np.asarray(weights.tocsr() @ interactions.vectors[used].astype(np.float64))


def combined(earlier: ProfileSums, later: ProfileSums, half_life: float | None) -> ProfileSums:
    """The sums of the events of both, which share none.

    `earlier`: sums; `later`: others, of vectors of the same dimension; `half_life`: days after which an event
    counts half, None for never.
    """
    both = pl.concat(
        sums.users.with_columns(pl.lit(number).alias("part")) for number, sums in enumerate((earlier, later))
    )
    age = pl.col("last_time").max().over("user_id") - pl.col("last_time")
    is_highest = pl.col("level") == pl.col("level").max().over("user_id")
    both = both.with_columns(
        pl.col("user_id").rank("dense").alias("row"), decay(age, half_life).alias("factor")
    ).with_columns(pl.when(is_highest).then("factor").otherwise(0.0).alias("vector_factor"))
    decayed = [
        (pl.col(name) * pl.col("vector_factor" if name == "weight" else "factor")).alias(name)
        for name in DECAYING
    ]
    users = (
        both.with_columns(decayed)
        .group_by("user_id")
        .agg(
            pl.col("first_time").min(),
            pl.col("last_time").max(),
            pl.col("level").max(),
            *(pl.col(source + "_seen").any() for source in SOURCES),
            *(pl.col(name).sum() for name in (*COUNTED, "revenue", *DECAYING)),
        )
        .sort("user_id")
    )
    vectors = np.zeros((users.height, later.vectors.shape[1]))
    scaled = both["vector_factor"].to_numpy()[:, None] * np.vstack([earlier.vectors, later.vectors])
    np.add.at(vectors, both["row"].to_numpy() - 1, scaled)
    categories = (
        pl.concat(
            sums.categories.with_columns(pl.lit(number).alias("part"))
            for number, sums in enumerate((earlier, later))
        )
        .join(both.select("user_id", "part", "factor"), on=["user_id", "part"], maintain_order="left")
        .group_by("user_id", "category", maintain_order=True)
        .agg((pl.col("amount") * pl.col("factor")).sum())
    )
    return ProfileSums(users.select(later.users.columns), vectors, categories)


def decay(age: pl.Expr, half_life: float | None) -> pl.Expr:
    """The factor of exponential decay at an age; 1 without a half-life or an age."""
    if half_life is None:
        return pl.when(age.is_null()).then(1.0).otherwise(1.0)
    return pl.lit(2.0).pow(-days(age) / half_life).fill_null(1.0)
