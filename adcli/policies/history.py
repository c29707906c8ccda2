"""What users were shown before each row of a log, for frequency caps and as a feature."""

from __future__ import annotations

import numpy as np
import polars as pl

from adcli.arrays import Flags, Integers32
from adcli.errors import DataError

CAPPED = "capped_actions"  # column: the numbers of the actions of which a user has seen as many as a user may
SO_FAR = "impressions_so_far"  # column: how many rows of the same user came before


def with_impressions_so_far(frame: pl.DataFrame) -> pl.DataFrame:
    """Rows with how many of the same user came before, by time, then by row; as they are without users."""
    if SO_FAR in frame.columns or "user_id" not in frame.columns:
        return frame
    order = [*(["event_time"] if "event_time" in frame.columns else []), "__row"]
    before = pl.int_range(pl.len()).over("user_id", order_by=order)
    known = pl.when(pl.col("user_id").is_not_null()).then(before)
    return frame.with_row_index("__row").with_columns(known.alias(SO_FAR)).drop("__row")


def with_capped(frame: pl.DataFrame, action: Integers32, cap: int, free: Flags) -> pl.DataFrame:
    """A log with what its users have seen too often by each row.

    Args:
        frame: The log, n rows.
        action: What each row showed, shape (n,).
        cap: How often a user may see an action.
        free: The actions that no cap is of, shape (K,).

    Raises:
        DataError: If the log names no users or no times.
    """
    for name in ("user_id", "event_time"):
        if name not in frame.columns:
            raise DataError(f"A frequency cap needs {name}.", fix=f"Name it: --map {name}=COLUMN.")
    own = pl.DataFrame(
        {
            "row": np.arange(frame.height, dtype=np.int64),
            "user": frame["user_id"].cast(pl.String),
            "time": frame["event_time"],
            "action": action.astype(np.int64),
        }
    )
    order = own.sort("time", "row", maintain_order=True).with_columns(
        seen=pl.int_range(pl.len()).over("user", "action")
    )
    full = order.filter(
        (pl.col("seen") == max(cap - 1, 0)) & pl.col("action").is_in(np.flatnonzero(~free)) & (cap > 0)
    )
    later = order.join(full.select("user", since="time", first="row", capped="action"), on="user")
    later = later.filter(
        (pl.col("time") > pl.col("since"))
        | ((pl.col("time") == pl.col("since")) & (pl.col("row") > pl.col("first")))
    )
    lists = later.group_by("row").agg(pl.col("capped").alias(CAPPED))
    joined = own.select("row").join(lists, on="row", how="left", maintain_order="left")
    return frame.with_columns(joined[CAPPED])
