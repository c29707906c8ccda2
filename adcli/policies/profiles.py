"""Vectors of users as context: what `adcli embed` makes of behaviour, beside the rows that name users."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import polars as pl

from adcli.errors import DataError

PROFILE = "profile"


def profile_join(
    log: pl.DataFrame, vectors: pl.DataFrame
) -> tuple[Callable[[pl.DataFrame], pl.DataFrame], int]:
    """What gives rows of a log a column `profile`; and how many have a user without a vector: then the mean.

    `log`: rows with `user_id`; `vectors`: `id kind embedding`; those of kind "user" are taken. Raises
    DataError if the rows name no users, or no user of theirs has a vector.
    """
    if "user_id" not in log.columns:
        raise DataError("--profiles: the log names no users.", fix="Name the column: --map user_id=COLUMN.")
    user = pl.col("user_id").cast(pl.String)
    users = vectors.filter(pl.col("kind") == "user").unique("id", keep="last")
    known = users.select(pl.col("id").cast(pl.String).alias("user_id"), pl.col("embedding").alias(PROFILE))
    has_none = user.is_in(known["user_id"].implode()).not_().fill_null(value=True)
    missing = int(log.select(has_none.sum()).item())
    if missing == log.height:
        raise DataError("--profiles: none of the log's users has a vector there.")
    kind = pl.Array(pl.Float32, len(known[PROFILE][0]))
    known = known.with_columns(pl.col(PROFILE).cast(kind))
    mean = known[PROFILE].to_numpy().mean(axis=0).astype(np.float32)

    def joined(rows: pl.DataFrame) -> pl.DataFrame:
        own = rows.select(user).join(known, on="user_id", how="left", maintain_order="left")[PROFILE]
        filled = own.to_numpy().copy()
        filled[own.is_null().to_numpy()] = mean
        return rows.with_columns(pl.Series(PROFILE, filled, dtype=kind))

    return joined, missing
