"""What a log of events says of the items in it, where no catalogue lies beside it.

products_of_events(events)       # item_id title, and category, brand and price where the log has them
"""

from __future__ import annotations

from typing import Final

import polars as pl

from adcli.errors import DataError

_NAMES: Final = ("text", "category", "brand")


def products_of_events(events: pl.DataFrame) -> pl.DataFrame:
    """Rows of the products table, by `item_id`: what the log says of each item most often, its median price.

    `events`: the events table; its `text` is the items' title. Raises DataError if no event names an item and
    says its text.
    """
    has_texts = {"item_id", "text"} <= set(events.columns)
    said = [pl.col(name).str.strip_chars().replace("", None) for name in _NAMES if name in events.columns]
    if has_texts:
        named = events.with_columns(said).filter(pl.col("item_id").is_not_null())
        has_texts = named["text"].is_not_null().any()
    if not has_texts:
        raise DataError("The events hold no texts of their items.", fix="Give --catalog PRODUCTS.")
    products = named.group_by("item_id").agg(
        *(_commonest(name) for name in _NAMES if name in events.columns),
        *(pl.col(name).cast(pl.Float64).median() for name in ("price",) if name in events.columns),
    )
    return products.filter(pl.col("text").is_not_null()).rename({"text": "title"}).sort("item_id")


def _commonest(name: str) -> pl.Expr:
    """The value that stands there most often, of equally common ones the first in order."""
    return pl.col(name).drop_nulls().mode().sort().first()
