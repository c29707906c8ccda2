"""What has to be kept of users so that more behaviour can be added later: sums that fade with time.

A deed of weight w at time t counts w · 2^(-(T - t) / half-life) at the user's last time T. Sums at T become
sums at a later T' by one factor, so yesterday's sums and today's deeds give what all deeds together give.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt
import polars as pl
from scipy import sparse  # noqa: TID253 - this module is reached only when profiles are made

from adcli.embed.contents import NOTHING, OWN, Contents

Float64Array = npt.NDArray[np.float64]

SOURCES: Final = ("items", "queries", "reviews")
COUNTS: Final = {
    "events": None,
    "views": "view",
    "clicks": "click",
    "carts": "cart",
    "purchases": "purchase",
    "searches": "search",
    "reviews": "review",
}
FADING: Final = ("weight", "hour_weight", "hour_x", "hour_y", "price_weight", "price_log", "price_log2")
_DAY_US = 86_400_000_000


class State(NamedTuple):
    """Sums of users, each as of the user's `last_time`.

    Attributes:
        users: One row a user, by `user_id`: the times, `level`, whose `sources` there are, counts, `revenue`
            and the fading sums.
        sums: (n, d) sum of weight x content vector.
        categories: `user_id category amount`, the fading sum of weights in each category.
    """

    users: pl.DataFrame
    sums: Float64Array
    categories: pl.DataFrame


def state_of_deeds(contents: Contents, users: Sequence[str], half_life: float | None) -> State:
    """The state after deeds that carry a `weight`.

    Args:
        contents: Deeds of these users only, and what they are about.
        users: The users, in order.
        half_life: Days after which a deed counts half; None for never.
    """
    deeds = contents.deeds.with_columns(pl.col("event_time").max().over("user_id").alias("last_time"))
    faded = pl.col("weight") * fading(pl.col("last_time") - pl.col("event_time"), half_life)
    counts_here = pl.col("weight") > 0
    level = pl.when(counts_here).then("level").otherwise(NOTHING)
    hour = pl.col("event_time").dt.epoch("us").mod(_DAY_US) * (2 * math.pi / _DAY_US)
    timed = pl.col("event_time").is_not_null()
    log_price = pl.when(pl.col("price") > 0).then(pl.col("price").log())
    deeds = deeds.with_columns(faded.alias("faded"), level.alias("level")).with_columns(
        (pl.col("level") == pl.col("level").max().over("user_id")).alias("is_highest")
    )
    deeds = deeds.with_columns(
        pl.when(pl.col("is_highest") & (pl.col("level") > NOTHING))
        .then("faded")
        .otherwise(0.0)
        .alias("weight"),
        pl.when(timed).then("faded").otherwise(0.0).alias("hour_weight"),
        (pl.col("faded") * hour.cos()).fill_null(0.0).alias("hour_x"),
        (pl.col("faded") * hour.sin()).fill_null(0.0).alias("hour_y"),
        pl.when(log_price.is_not_null()).then("faded").otherwise(0.0).alias("price_weight"),
        (pl.col("faded") * log_price).fill_null(0.0).alias("price_log"),
        (pl.col("faded") * log_price.pow(2)).fill_null(0.0).alias("price_log2"),
    )
    order = pl.DataFrame({"user_id": users}, schema={"user_id": pl.String}).with_row_index("row")
    deeds = deeds.join(order, on="user_id", how="left", maintain_order="left")
    summed = deeds.group_by("user_id", maintain_order=True).agg(*_scalars(counts_here))
    categories = (
        deeds.filter(pl.col("category").is_not_null() & (pl.col("faded") > 0))
        .group_by("user_id", "category", maintain_order=True)
        .agg(pl.col("faded").sum().alias("amount"))
    )
    table = order.join(summed, on="user_id", how="left", maintain_order="left").drop("row")
    return State(table, _vector_sums(deeds, contents, len(users)), categories)


def _scalars(counts_here: pl.Expr) -> list[pl.Expr]:
    own = counts_here & (pl.col("level") == OWN)
    return [
        pl.col("event_time").min().alias("first_time"),
        pl.col("event_time").max().alias("last_time"),
        pl.col("level").max().cast(pl.Int8),
        *((own & (pl.col("source") == source)).any().alias(source + "_seen") for source in SOURCES),
        *(
            (pl.len() if kind is None else (pl.col("event_type") == kind).sum()).cast(pl.Int64).alias(name)
            for name, kind in COUNTS.items()
        ),
        pl.col("revenue").sum(),
        *(pl.col(name).sum() for name in FADING),
    ]


def _vector_sums(deeds: pl.DataFrame, contents: Contents, rows: int) -> Float64Array:
    """(rows, d) for each user the sum of weight x content vector, by a sparse product."""
    told = deeds.filter(pl.col("weight") > 0)
    used, place = np.unique(told["content"].to_numpy(), return_inverse=True)
    shape = (rows, len(used))
    counts = sparse.coo_array((told["weight"].to_numpy(), (told["row"].to_numpy(), place)), shape=shape)
    return np.asarray(counts.tocsr() @ contents.vectors[used].astype(np.float64))


def combined(earlier: State, later: State, half_life: float | None) -> State:
    """The state after the deeds of both, which were about different deeds.

    Args:
        earlier: A state.
        later: Another, of vectors of the same dimension.
        half_life: Days after which a deed counts half; None for never.
    """
    users = sorted({*earlier.users["user_id"], *later.users["user_id"]})
    rows = pl.concat(
        [earlier.users.with_row_index("at").with_columns(pl.lit(0).alias("state")),
         later.users.with_row_index("at").with_columns(pl.lit(1).alias("state"))],
    )  # fmt: skip
    age = pl.col("last_time").max().over("user_id") - pl.col("last_time")
    rows = rows.with_columns(
        fading(age, half_life).alias("factor"), pl.col("level").max().over("user_id").alias("highest")
    ).with_columns(pl.when(pl.col("level") == pl.col("highest")).then("factor").otherwise(0.0).alias("kept"))
    faded = [(pl.col(name) * pl.col("kept" if name == "weight" else "factor")).alias(name) for name in FADING]
    merged = (
        rows.with_columns(faded)
        .group_by("user_id")
        .agg(
            pl.col("first_time").min(),
            pl.col("last_time").max(),
            pl.col("level").max(),
            *(pl.col(source + "_seen").any() for source in SOURCES),
            *(pl.col(name).sum() for name in (*COUNTS, "revenue", *FADING)),
        )
        .sort("user_id")
    )
    place = {user: at for at, user in enumerate(users)}
    sums = np.zeros((len(users), later.sums.shape[1]))
    for number, state in enumerate((earlier, later)):
        mine = rows.filter(pl.col("state") == number)
        at = [place[user] for user in mine["user_id"]]
        sums[at] += mine["kept"].to_numpy()[:, None] * state.sums
    factors = rows.select("user_id", "state", "factor")
    amounts = [
        state.categories.with_columns(pl.lit(number).alias("state"))
        for number, state in enumerate((earlier, later))
    ]
    categories = (
        pl.concat(amounts)
        .join(factors, on=["user_id", "state"], how="left", maintain_order="left")
        .group_by("user_id", "category", maintain_order=True)
        .agg((pl.col("amount") * pl.col("factor")).sum())
    )
    return State(merged.select(later.users.columns), sums, categories)


def fading(age: pl.Expr, half_life: float | None) -> pl.Expr:
    """What is left of a weight after a time; all of it if there is no half-life or no time."""
    if half_life is None:
        return pl.when(age.is_null()).then(1.0).otherwise(1.0)
    days = age.dt.total_microseconds() / _DAY_US
    return pl.lit(2.0).pow(-days / half_life).fill_null(1.0)
