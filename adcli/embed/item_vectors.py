"""The items that users interact with: their vectors, categories and prices."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import polars as pl

from adcli.arrays import Floats, Floats32
from adcli.embed.texts import STEP, category_texts, cleaned, texts_of
from adcli.embed.vectors import Encode, matrix
from adcli.errors import DataError
from adcli.statistics.retrieval import unit_vectors


class ItemVectors(NamedTuple):
    """Items with their vectors."""

    # (n,) `item_id title brand price`, `category` (widest step) and the embedded `text`; or null
    products: pl.DataFrame
    vectors: Floats32  # (n, d) unit vectors
    categories: list[str]  # (c,) names of the categories
    category_vectors: Floats  # (c, d) mean vector of the items of each
    mean: Floats32  # (d,) unit mean of all vectors, the fallback profile

    @property
    def dimension(self) -> int:
        """Length of a vector."""
        return int(self.vectors.shape[1])


def embed_products(products: pl.DataFrame, encode: Encode) -> ItemVectors:
    """Items from rows of the products table; of equal `item_id` the first is kept."""
    distinct = products.unique("item_id", keep="first", maintain_order=True)
    texts = texts_of(distinct, "products")
    path = category_texts(distinct) if "category" in distinct.columns else None
    return _item_vectors(distinct.with_columns(texts.alias("text")), path, encode(texts.to_list()))


def item_vectors(vectors: pl.DataFrame) -> ItemVectors:
    """Items from the rows of kind `product` of the vectors table. Raises DataError if there are none."""
    products = vectors.filter((pl.col("kind") == "product") & pl.col("embedding").is_not_null())
    if not products.height:
        kinds = ", ".join(vectors["kind"].unique(maintain_order=True).drop_nulls())
        raise DataError(f"The catalog has no vectors of products; its kinds are {kinds or 'none'}.")
    distinct = (
        products.drop("text", strict=False)
        .rename({"id": "item_id"})
        .unique("item_id", keep="first", maintain_order=True)
    )
    path = distinct["category"].cast(pl.String).fill_null("") if "category" in distinct.columns else None
    return _item_vectors(distinct, path, unit_vectors(matrix(distinct["embedding"])))


def with_means(products: pl.DataFrame, vectors: Floats32) -> ItemVectors:
    """Items with (n, d) unit vectors, and the means of them."""
    categories = sorted(products["category"].drop_nulls().unique().to_list())
    codes = range(len(categories))
    code = products["category"].replace_strict(categories, codes, default=-1).to_numpy()
    means = [vectors[code == number].mean(axis=0, dtype=np.float64) for number in codes]
    return ItemVectors(
        products,
        vectors,
        categories,
        np.array(means).reshape(len(categories), vectors.shape[1]),
        unit_vectors(vectors.mean(axis=0, dtype=np.float64)),
    )


def _item_vectors(products: pl.DataFrame, path: pl.Series | None, vectors: Floats32) -> ItemVectors:
    blank = pl.lit(None, pl.String)
    category = blank if path is None else pl.lit(path).str.split(STEP).list.first().replace("", None)
    price = pl.col("price").cast(pl.Float64) if "price" in products.columns else pl.lit(None, pl.Float64)
    texts = [
        (cleaned(products[name]).replace("", None) if name in products.columns else blank).alias(name)
        for name in ("title", "brand", "text")
    ]
    known = products.select("item_id", *texts, category.alias("category"), price.alias("price"))
    return with_means(known, vectors)
