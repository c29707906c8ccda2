"""A log taken in parts, each with all events of its users: memory follows the part and not the log."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

import polars as pl

_PART_ROWS: Final = 2_000_000


def by_user(log: pl.LazyFrame, columns: Sequence[str]) -> Iterator[pl.DataFrame]:
    """These columns, in parts of about two million rows, each in the order of the log."""
    rows = int(log.select(pl.len()).collect().item())
    parts = rows // _PART_ROWS + 1
    for part in range(parts):
        yield log.select(columns).filter(pl.col("user_id").hash(seed=0) % parts == part).collect()
