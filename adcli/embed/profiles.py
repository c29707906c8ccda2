"""One profile a user: what they viewed, put into the cart, bought, searched for and reviewed.

    interactions = interaction_vectors(weighted(interactions, {}), items, encode)
    for frame in profiles(interactions, items, half_life=30):
        ...                                          # rows of the vectors table, kind `user`, by user

A profile's vector is the weighted sum of the vectors of the user's interactions, at length 1. Beside it stand
preferred hours and prices, categories, counts and times; and `weight`, `coherence` and their like, from which
the sums are restored: `profiles(today, earlier=yesterday)` equals the full run.

Of a user without a known item or text, the profile is the mean of the categories, else the mean of the
catalog; `basis` says which: items, queries and reviews, category, or catalog.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Final

import numpy as np
import polars as pl

from adcli.embed.interaction_vectors import CATEGORY, OWN, UNKNOWN, InteractionVectors
from adcli.embed.item_vectors import ItemVectors
from adcli.embed.profile_sums import COUNTED, SOURCES, ProfileSums, combined, sums_of_interactions
from adcli.embed.vectors import embedding_column, matrix
from adcli.errors import DataError
from adcli.statistics.retrieval import unit_vectors

CHUNK_USERS = 4_096
NEEDED_TO_UPDATE: Final = (
    "basis", *COUNTED, "revenue", "first_time", "last_time", "weight", "coherence", "hour_weight", "hour_cos",
    "hour_sin", "price_weight", "price_mean", "price_spread", "categories", "category_shares",
    "category_weight",
)  # fmt: skip
_SMALLEST = 1e-12
_EQUAL_SHARES = 9  # decimals to which shares are compared, so that rounding errors do not order them
_NO_HOUR = 1e-6  # length of the mean direction below which it is rounding error


def profiles(
    interactions: InteractionVectors,
    items: ItemVectors,
    *,
    half_life: float | None = None,
    earlier: pl.DataFrame | None = None,
) -> Iterator[pl.DataFrame]:
    """Profiles of all users, in order of their names, in chunks of users.

    `half_life`: days after which an event counts half of one at the user's last time, None for never;
    `earlier`: profiles of other interactions, made with the same weights and half-life. Raises DataError if
    `earlier` are not profiles, or have vectors of another dimension.
    """
    events = interactions.events.sort("user_id", maintain_order=True)
    if earlier is not None:
        earlier = _checked(earlier, items.dimension)
    names = [events["user_id"]] + ([] if earlier is None else [earlier["id"]])
    users = pl.concat([name.alias("user_id") for name in names]).unique().sort()
    for start in range(0, len(users), CHUNK_USERS):
        part = users[start : start + CHUNK_USERS]
        between = pl.col("user_id").is_between(pl.lit(part[0]), pl.lit(part[-1]))
        mine = interactions._replace(events=events.filter(between))
        sums = sums_of_interactions(mine, half_life)
        if earlier is not None:
            known = earlier.filter(pl.col("id").is_between(pl.lit(part[0]), pl.lit(part[-1])))
            sums = combined(sums_of_profiles(known), sums, half_life)
        yield profiles_of_sums(sums, items)


def profiles_of_sums(sums: ProfileSums, items: ItemVectors) -> pl.DataFrame:
    """The profiles of these sums: rows of the vectors table."""
    length = np.linalg.norm(sums.vectors, axis=1)
    has_own = length > _SMALLEST
    units = np.where(has_own[:, None], unit_vectors(sums.vectors), items.mean)
    shares = _category_shares(sums)
    return (
        sums.users.with_columns(pl.Series("length", length))
        .join(shares, on="user_id", how="left", maintain_order="left")
        .select(
            pl.col("user_id").alias("id"),
            pl.lit("user").alias("kind"),
            embedding_column(units),
            _basis().alias("basis"),
            *COUNTED,
            "revenue",
            "first_time",
            "last_time",
            "weight",
            _ratio("length", "weight").fill_null(0.0).alias("coherence"),
            _mean_hour().alias("hour"),
            _ratio("hour_x", "hour_weight").alias("hour_cos"),
            _ratio("hour_y", "hour_weight").alias("hour_sin"),
            "hour_weight",
            _ratio("price_log", "price_weight").exp().alias("price_mean"),
            _spread().alias("price_spread"),
            "price_weight",
            pl.col("categories").list.first().alias("category"),
            pl.col("categories").fill_null(pl.lit([], pl.List(pl.String))),
            pl.col("category_shares").fill_null(pl.lit([], pl.List(pl.Float64))),
            pl.col("category_weight").fill_null(0.0),
        )
    )


def sums_of_profiles(profiles: pl.DataFrame) -> ProfileSums:
    """The sums that profiles were made of."""
    level = (
        pl.when(pl.col("basis") == "catalog").then(UNKNOWN)
        .when(pl.col("basis") == "category").then(CATEGORY)
        .otherwise(OWN).cast(pl.Int8)
    )  # fmt: skip
    log_mean = pl.col("price_mean").log()
    users = profiles.select(
        pl.col("id").alias("user_id"),
        "first_time",
        "last_time",
        level.alias("level"),
        *(pl.col("basis").str.contains(source, literal=True).alias(source + "_seen") for source in SOURCES),
        *COUNTED,
        "revenue",
        "weight",
        "hour_weight",
        (pl.col("hour_cos") * pl.col("hour_weight")).fill_null(0.0).alias("hour_x"),
        (pl.col("hour_sin") * pl.col("hour_weight")).fill_null(0.0).alias("hour_y"),
        "price_weight",
        (log_mean * pl.col("price_weight")).fill_null(0.0).alias("price_log"),
        ((pl.col("price_spread").pow(2) + log_mean.pow(2)) * pl.col("price_weight"))
        .fill_null(0.0)
        .alias("price_log2"),
    )
    length = (profiles["weight"] * profiles["coherence"]).to_numpy()
    amounts = (
        profiles.select(pl.col("id").alias("user_id"), "categories", "category_shares", "category_weight")
        .explode("categories", "category_shares")
        .filter(pl.col("categories").is_not_null())
        .select(
            "user_id",
            pl.col("categories").alias("category"),
            (pl.col("category_shares") * pl.col("category_weight")).alias("amount"),
        )
    )
    return ProfileSums(users, matrix(profiles["embedding"]).astype(np.float64) * length[:, None], amounts)


def _category_shares(sums: ProfileSums) -> pl.DataFrame:
    """`user_id categories category_shares category_weight`, the largest share first, equal ones by name."""
    share = pl.col("amount") / pl.col("amount").sum().over("user_id")
    return (
        sums.categories.with_columns(share.alias("share"))
        .sort("user_id", -pl.col("share").round(_EQUAL_SHARES), "category")
        .group_by("user_id", maintain_order=True)
        .agg(
            pl.col("category").alias("categories"),
            pl.col("share").alias("category_shares"),
            pl.col("amount").sum().alias("category_weight"),
        )
    )


def _basis() -> pl.Expr:
    own = pl.concat_str(
        [pl.when(pl.col(source + "_seen")).then(pl.lit(source)) for source in SOURCES],
        separator="+",
        ignore_nulls=True,
    )
    return (
        pl.when(pl.col("level") == OWN).then(own)
        .when(pl.col("level") == CATEGORY).then(pl.lit("category"))
        .otherwise(pl.lit("catalog"))
    )  # fmt: skip


def _ratio(top: str, bottom: str) -> pl.Expr:
    return pl.when(pl.col(bottom) > 0).then(pl.col(top) / pl.col(bottom))


def _mean_hour() -> pl.Expr:
    """Circular mean of the hours; null where there is none, as of 0 and 12 o'clock."""
    length = (pl.col("hour_x").pow(2) + pl.col("hour_y").pow(2)).sqrt()
    has_middle = length > _NO_HOUR * pl.col("hour_weight")
    return pl.when(has_middle).then((pl.arctan2("hour_y", "hour_x") * (12 / math.pi)).mod(24.0))


def _spread() -> pl.Expr:
    mean = _ratio("price_log", "price_weight")
    variance = _ratio("price_log2", "price_weight") - mean.pow(2)
    return pl.when(variance > 0).then(variance.sqrt()).when(variance.is_not_null()).then(0.0)


def _checked(earlier: pl.DataFrame, dimension: int) -> pl.DataFrame:
    missing = [name for name in NEEDED_TO_UPDATE if name not in earlier.columns]
    if missing:
        raise DataError(
            f"The earlier profiles lack {', '.join(missing)} and cannot be updated.",
            fix="Give what `adcli embed EVENTS --catalog PRODUCTS -o FILE.parquet` wrote.",
        )
    users = earlier.filter(pl.col("kind") == "user").sort("id")
    width = int(users["embedding"].dtype.shape[0])  # type: ignore[attr-defined]
    if width != dimension:
        raise DataError(
            f"The earlier profiles' vectors have {width} dimensions, the catalog's {dimension}.",
            fix="Use the model they were made with.",
        )
    return users
