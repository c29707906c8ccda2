"""The vector of each interaction: of its text, its item, or its category."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import polars as pl

from adcli.arrays import Floats32
from adcli.embed.item_vectors import ItemVectors
from adcli.embed.vectors import Encode
from adcli.errors import DataError

OWN, CATEGORY, UNKNOWN = 2, 1, 0


class InteractionVectors(NamedTuple):
    """Interactions and their vectors."""

    # the interactions with `vector` (row in `vectors`, -1 for none), `level` (2: of its own text or item, 1:
    # of its category, 0: none), `source` (items, queries, reviews or null), and `category` and `price` filled
    # from the items
    events: pl.DataFrame
    vectors: Floats32  # (m, d) of the items, then of texts, then of categories
    titles: pl.Series  # (m,) titles of items, texts, names of categories
    item_count: int  # how many of the vectors are of items


def interaction_vectors(interactions: pl.DataFrame, items: ItemVectors, encode: Encode) -> InteractionVectors:
    """Of a search or review the vector of its text, else of the item, else of a text, else of the category.

    `interactions`: as `interactions_of_events` gives them; `encode`: texts to (n, d) unit vectors, called
    once, and only if there are texts. Raises DataError if none of the items is known, or if texts and items
    have vectors of different dimensions.
    """
    check_items(interactions, items.products["item_id"])
    events = _with_items(interactions, items)
    texts = events.filter("is_text")["text"].unique(maintain_order=True)
    categories = pl.Series("titles", items.categories, dtype=pl.String)
    first_text = len(items.vectors)
    own = (
        pl.when("is_text")
        .then(_row(pl.col("text"), texts, first_text))
        .otherwise(pl.col("item").cast(pl.Int64))
    )
    of_category = _row(pl.col("category"), categories, first_text + len(texts))
    events = events.with_columns(
        pl.coalesce(own, of_category, pl.lit(-1, pl.Int64)).alias("vector"),
        pl.when(own.is_not_null()).then(OWN).when(of_category.is_not_null()).then(CATEGORY).otherwise(UNKNOWN)
        .alias("level"),
        pl.when(pl.col("is_text") & (pl.col("event_type") == "review")).then(pl.lit("reviews"))
        .when("is_text").then(pl.lit("queries"))
        .when(pl.col("item").is_not_null()).then(pl.lit("items"))
        .alias("source"),
    )  # fmt: skip
    titles = items.products["title"].fill_null(items.products["item_id"])
    return InteractionVectors(
        events.drop("item", "is_text"),
        np.concatenate(
            [items.vectors, _encoded(texts, encode, items), items.category_vectors.astype(np.float32)]
        ),
        pl.concat([titles.alias("titles"), texts.alias("titles"), categories]),
        first_text,
    )


def check_items(interactions: pl.DataFrame, items: pl.Series) -> None:
    """Check that interactions and catalog share item ids; worth asking before the items are embedded.

    `interactions`: as `interactions_of_events` gives them; `items` (n,) `item_id` of the catalog. Raises
    DataError if there are items in the interactions and none of them is in the catalog.
    """
    asked = interactions["item_id"].drop_nulls()
    if len(asked) and not asked.is_in(items.implode()).any():
        raise DataError(
            f"None of the {asked.n_unique():,} items of the events is in the catalog: the events have "
            f"'{asked[0]}', the catalog '{items[0]}'.",
            fix="Name the columns that agree: --map item_id=COLUMN.",
        )


def _with_items(interactions: pl.DataFrame, items: ItemVectors) -> pl.DataFrame:
    """The interactions with `item` (its row) and `is_text` (whether the vector is that of the text)."""
    known = items.products.select(
        "item_id", pl.col("category").alias("item_category"), pl.col("price").alias("item_price")
    )
    events = interactions.join(known.with_row_index("item"), on="item_id", how="left", maintain_order="left")
    by_text = pl.col("event_type").is_in(["search", "review"]) | pl.col("item").is_null()
    return events.with_columns(
        pl.coalesce("item_category", "category").alias("category"),
        pl.coalesce("price", "item_price").alias("price"),
        (pl.col("text").is_not_null() & by_text).alias("is_text"),
    ).drop("item_category", "item_price")


def _row(values: pl.Expr, known: pl.Series, first: int) -> pl.Expr:
    """The row of each value among `known`, counted from `first`; null for others."""
    rows = np.arange(first, first + len(known))
    return values.replace_strict(known.cast(pl.String), rows, default=None, return_dtype=pl.Int64)


def _encoded(texts: pl.Series, encode: Encode, items: ItemVectors) -> Floats32:
    if not len(texts):
        return np.empty((0, items.dimension), np.float32)
    vectors = encode(texts.to_list())
    if vectors.shape[1] != items.dimension:
        raise DataError(
            f"The catalog's vectors have {items.dimension} dimensions, the model's {vectors.shape[1]}.",
            fix="Give the catalog as products, or --model the one that made its vectors.",
        )
    return vectors
