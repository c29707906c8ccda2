"""What each deed of a user was about, as a vector."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import polars as pl

from adcli.embed.catalogue import Catalogue
from adcli.embed.vectors import Encode, FloatArray
from adcli.errors import DataError

OWN, OF_CATEGORY, NOTHING = 2, 1, 0


class Contents(NamedTuple):
    """Behaviour with what it was about.

    Attributes:
        deeds: The behaviour with `content` (place in `vectors`, -1 for nothing), `level` (2: the content is
            the deed's own, 1: only its category is known, 0: nothing), `source` (items, queries, reviews or
            null), and `category` and `price` completed from the catalogue.
        vectors: (m, d) what there is to be about: items, then texts, then category means.
        words: (m,) the same in words: titles, texts, names of categories.
        items: How many of them are items.
    """

    deeds: pl.DataFrame
    vectors: FloatArray
    words: pl.Series
    items: int


def contents_of(behaviour: pl.DataFrame, catalogue: Catalogue, encode: Encode) -> Contents:
    """The content of each deed: for a search or review its text, else the item, else a text, else a category.

    Args:
        behaviour: As `behaviour_of_events` gives it.
        catalogue: The items.
        encode: Texts to (n, d) unit vectors; called once, and only if there are texts.

    Raises:
        DataError: If the behaviour is about items and none of them is in the catalogue, or if the texts'
            vectors have another dimension than the catalogue's.
    """
    check_items(behaviour, catalogue.items["item_id"])
    deeds = _with_items(behaviour, catalogue)
    texts = deeds.filter("speaks")["text"].unique(maintain_order=True)
    first_text = len(catalogue.vectors)
    first_category = first_text + len(texts)
    own = (
        pl.when("speaks")
        .then(_place(pl.col("text"), texts, first_text))
        .otherwise(pl.col("item").cast(pl.Int64))
    )
    of_category = _place(pl.col("category"), pl.Series(catalogue.categories, dtype=pl.String), first_category)
    placed = deeds.with_columns(
        pl.coalesce(own, of_category, pl.lit(-1, pl.Int64)).alias("content"),
        pl.when(own.is_not_null())
        .then(OWN)
        .when(of_category.is_not_null())
        .then(OF_CATEGORY)
        .otherwise(NOTHING)
        .alias("level"),
        _source().alias("source"),
    )
    titles = catalogue.items["title"].fill_null(catalogue.items["item_id"])
    words = [titles, texts, pl.Series(catalogue.categories, dtype=pl.String)]
    return Contents(
        placed.drop("item", "speaks"),
        np.concatenate(
            [
                catalogue.vectors,
                _encoded(texts, encode, catalogue),
                catalogue.category_vectors.astype(np.float32),
            ]
        ),
        pl.concat([part.alias("words") for part in words]),
        first_text,
    )


def check_items(behaviour: pl.DataFrame, items: pl.Series) -> None:
    """Make sure that behaviour and catalogue name items alike; worth asking before the items are embedded.

    Args:
        behaviour: As `behaviour_of_events` gives it.
        items: (n,) `item_id` of the catalogue.

    Raises:
        DataError: If the behaviour is about items and none of them is in the catalogue.
    """
    asked = behaviour["item_id"].drop_nulls()
    if len(asked) and not asked.is_in(items.implode()).any():
        raise DataError(
            f"None of the {asked.n_unique():,} items of the events is in the catalogue: the events have "
            f"'{asked[0]}', the catalogue '{items[0]}'.",
            fix="Name the columns that agree: --map item_id=COLUMN.",
        )


def _with_items(behaviour: pl.DataFrame, catalogue: Catalogue) -> pl.DataFrame:
    """The behaviour with `item` (its place in the catalogue) and `speaks` (its text is what it is about)."""
    known = catalogue.items.select(
        "item_id", pl.col("category").alias("item_category"), pl.col("price").alias("item_price")
    )
    deeds = behaviour.join(known.with_row_index("item"), on="item_id", how="left", maintain_order="left")
    by_text = pl.col("event_type").is_in(["search", "review"]) | pl.col("item").is_null()
    return deeds.with_columns(
        pl.coalesce("item_category", "category").alias("category"),
        pl.coalesce("price", "item_price").alias("price"),
        (pl.col("text").is_not_null() & by_text).alias("speaks"),
    ).drop("item_category", "item_price")


def _place(values: pl.Expr, known: pl.Series, first: int) -> pl.Expr:
    """The place of each value among `known`, counted from `first`; null for others."""
    places = np.arange(first, first + len(known))
    return values.replace_strict(known.cast(pl.String), places, default=None, return_dtype=pl.Int64)


def _source() -> pl.Expr:
    return (
        pl.when(pl.col("speaks") & (pl.col("event_type") == "review"))
        .then(pl.lit("reviews"))
        .when("speaks")
        .then(pl.lit("queries"))
        .when(pl.col("item").is_not_null())
        .then(pl.lit("items"))
    )


def _encoded(texts: pl.Series, encode: Encode, catalogue: Catalogue) -> FloatArray:
    if not len(texts):
        return np.empty((0, catalogue.dimension), np.float32)
    vectors = encode(texts.to_list())
    if vectors.shape[1] != catalogue.dimension:
        raise DataError(
            f"The catalogue's vectors have {catalogue.dimension} numbers, the model's {vectors.shape[1]}.",
            fix="Give the catalogue as products, or --model the one that made its vectors.",
        )
    return vectors
