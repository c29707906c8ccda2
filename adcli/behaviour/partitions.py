"""A log in parts, each with all events of its users or items: memory follows the part and not the log."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

import polars as pl

PART_ROWS: Final = 2_000_000


def by_key(
    log: pl.LazyFrame, columns: Sequence[str], key: str = "user_id", *, rows: int = PART_ROWS
) -> Iterator[pl.DataFrame]:
    """These columns, in parts of about so many rows, each in the order of the log."""
    parts = int(log.select(pl.len()).collect().item()) // rows + 1
    for part in range(parts):
        yield log.select(columns).filter(pl.col(key).hash(seed=0) % parts == part).collect()
