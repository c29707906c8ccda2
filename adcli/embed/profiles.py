"""One profile a user: what they looked at, put into the cart, bought, searched for and wrote.

    contents = contents_of(weighted(deeds, {}), catalogue, encode)
    for frame in profiles(contents, catalogue, half_life=30):
        ...                                          # rows of the vectors table, kind `user`, by user

A profile's vector is the weighted sum of the vectors of what the user's deeds were about, at length 1. Beside
it stand the hours and prices a user prefers, the categories, counts and times; and `weight`, `coherence` and
their like, from which the sums can be had back: `profiles(today, earlier=yesterday)` equals the full run.

Of somebody whose deeds say nothing, the profile is the mean of the categories they were about, else the mean
of the catalogue; `basis` says which: items, queries and reviews, category, or catalogue.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Final

import numpy as np
import polars as pl

from adcli.embed.catalogue import Catalogue
from adcli.embed.contents import NOTHING, OF_CATEGORY, OWN, Contents
from adcli.embed.profile_state import COUNTS, SOURCES, State, combined, state_of_deeds
from adcli.embed.vectors import embedding_column, matrix
from adcli.errors import DataError

CHUNK_USERS = 4_096
NEEDED_TO_UPDATE: Final = (
    "basis", *COUNTS, "revenue", "first_time", "last_time", "weight", "coherence", "hour_weight", "hour_cos",
    "hour_sin", "price_weight", "price_mean", "price_spread", "categories", "category_shares",
    "category_weight",
)  # fmt: skip
_SMALLEST = 1e-12
_EQUAL_SHARES = 9  # decimals to which shares are compared, so that rounding errors do not order them
_NO_HOUR = 1e-6  # length of the mean direction below which it is rounding error


def profiles(
    contents: Contents,
    catalogue: Catalogue,
    *,
    half_life: float | None = None,
    earlier: pl.DataFrame | None = None,
) -> Iterator[pl.DataFrame]:
    """Profiles of all users, in order of their names, some thousand at a time.

    Args:
        contents: Weighted deeds and what they were about.
        catalogue: What there is for sale.
        half_life: Days after which a deed counts half as much as one at the user's last time; None for never.
        earlier: Profiles of deeds that are not among these, made with the same weights and half-life.

    Raises:
        DataError: If `earlier` are not profiles, or have vectors of another dimension.
    """
    deeds = contents.deeds.sort("user_id", maintain_order=True)
    if earlier is not None:
        earlier = _checked(earlier, catalogue.dimension)
    names = [deeds["user_id"]] + ([] if earlier is None else [earlier["id"]])
    users = pl.concat([name.alias("user_id") for name in names]).unique().sort()
    for start in range(0, len(users), CHUNK_USERS):
        part = users[start : start + CHUNK_USERS]
        between = pl.col("user_id").is_between(pl.lit(part[0]), pl.lit(part[-1]))
        mine = contents._replace(deeds=deeds.filter(between))
        state = state_of_deeds(mine, mine.deeds["user_id"].unique(maintain_order=True).to_list(), half_life)
        if earlier is not None:
            known = earlier.filter(pl.col("id").is_between(pl.lit(part[0]), pl.lit(part[-1])))
            state = combined(state_of_profiles(known), state, half_life)
        yield profiles_of(state, catalogue)


def profiles_of(state: State, catalogue: Catalogue) -> pl.DataFrame:
    """The profiles that a state amounts to: rows of the vectors table."""
    users = state.users
    length = np.linalg.norm(state.sums, axis=1)
    has_own = length > _SMALLEST
    units = np.where(has_own[:, None], state.sums / np.maximum(length, _SMALLEST)[:, None], catalogue.mean)
    shares = _category_shares(state)
    return (
        users.with_columns(pl.Series("length", length))
        .join(shares, on="user_id", how="left", maintain_order="left")
        .select(
            pl.col("user_id").alias("id"),
            pl.lit("user").alias("kind"),
            embedding_column(units.astype(np.float32)),
            _basis().alias("basis"),
            *COUNTS,
            "revenue",
            "first_time",
            "last_time",
            "weight",
            _ratio("length", "weight").fill_null(0.0).alias("coherence"),
            _usual_hour().alias("hour"),
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


def state_of_profiles(profiles: pl.DataFrame) -> State:
    """The state that profiles were made of."""
    level = (
        pl.when(pl.col("basis") == "catalogue").then(NOTHING)
        .when(pl.col("basis") == "category").then(OF_CATEGORY)
        .otherwise(OWN).cast(pl.Int8)
    )  # fmt: skip
    log_mean = pl.col("price_mean").log()
    users = profiles.select(
        pl.col("id").alias("user_id"),
        "first_time",
        "last_time",
        level.alias("level"),
        *(pl.col("basis").str.contains(source, literal=True).alias(source + "_seen") for source in SOURCES),
        *COUNTS,
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
    return State(users, matrix(profiles["embedding"]).astype(np.float64) * length[:, None], amounts)


def _category_shares(state: State) -> pl.DataFrame:
    """`user_id categories category_shares category_weight`, the largest share first, equal ones by name."""
    share = pl.col("amount") / pl.col("amount").sum().over("user_id")
    return (
        state.categories.with_columns(share.alias("share"))
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
        .when(pl.col("level") == OF_CATEGORY).then(pl.lit("category"))
        .otherwise(pl.lit("catalogue"))
    )  # fmt: skip


def _ratio(top: str, bottom: str) -> pl.Expr:
    return pl.when(pl.col(bottom) > 0).then(pl.col(top) / pl.col(bottom))


def _usual_hour() -> pl.Expr:
    """The middle of the hours around the clock; null where they have none, as of 0 and 12 o'clock."""
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
            f"The earlier profiles lack {', '.join(missing)}, so nothing can be added to them.",
            fix="Give what `adcli embed EVENTS --catalog PRODUCTS -o FILE.parquet` wrote.",
        )
    users = earlier.filter(pl.col("kind") == "user").sort("id")
    width = int(users["embedding"].dtype.shape[0])  # type: ignore[attr-defined]
    if width != dimension:
        raise DataError(
            f"The earlier profiles have vectors of {width} numbers, the catalogue's have {dimension}.",
            fix="Use the model they were made with.",
        )
    return users
