"""Vectors of users as context: what `adcli embed` makes of behaviour, beside the rows that name users."""

from __future__ import annotations

import numpy as np
import polars as pl

from adcli.errors import DataError

PROFILE = "profile"


def join_profiles(frame: pl.DataFrame, vectors: pl.DataFrame) -> tuple[pl.DataFrame, int]:
    """The rows with a column `profile`, and how many have a user without a vector: theirs is the mean.

    Args:
        frame: Rows with `user_id`.
        vectors: `id kind embedding`; those of kind "user" are taken.

    Raises:
        DataError: If the rows name no users, or no user of theirs has a vector.
    """
    if "user_id" not in frame.columns:
        raise DataError("--profiles: the log names no users.", fix="Name the column: --map user_id=COLUMN.")
    known = vectors.filter(pl.col("kind") == "user").unique("id", keep="last")
    joined = frame.select(pl.col("user_id").cast(pl.String)).join(
        known.select(pl.col("id").cast(pl.String), "embedding"),
        left_on="user_id",
        right_on="id",
        how="left",
        maintain_order="left",
    )["embedding"]
    missing = joined.null_count()
    if missing == frame.height:
        raise DataError("--profiles: none of the log's users has a vector there.")
    width = len(joined.drop_nulls()[0])
    kind = pl.Array(pl.Float32, width)
    mean = known["embedding"].cast(kind).to_numpy().mean(axis=0).astype(np.float32)
    filled = joined.cast(kind).to_numpy().copy()
    filled[joined.is_null().to_numpy()] = mean
    return frame.with_columns(pl.Series(PROFILE, filled, dtype=kind)), missing
