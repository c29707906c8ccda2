"""The things for sale that behaviour is about: their vectors, categories and prices."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import polars as pl

from adcli.embed.texts import STEP, category_texts, cleaned, texts_of
from adcli.embed.vectors import Encode, FloatArray, matrix
from adcli.errors import DataError


class Catalogue(NamedTuple):
    """Items with their vectors.

    Attributes:
        items: (n,) `item_id title brand price`, `category` (its widest step) and `text` (that of the vector);
            null where unknown.
        vectors: (n, d) unit vectors.
        categories: (c,) the categories' names.
        category_vectors: (c, d) mean vector of the items of each.
        mean: (d,) unit mean of all vectors: what is known of somebody nothing is known of.
    """

    items: pl.DataFrame
    vectors: FloatArray
    categories: list[str]
    category_vectors: npt.NDArray[np.float64]
    mean: FloatArray

    @property
    def dimension(self) -> int:
        """Numbers in a vector."""
        return int(self.vectors.shape[1])


def catalogue_of_products(products: pl.DataFrame, encode: Encode, columns: tuple[str, ...] = ()) -> Catalogue:
    """A catalogue from rows of the products table; of equal `item_id` the first counts."""
    distinct = products.unique("item_id", keep="first", maintain_order=True)
    texts = texts_of(distinct, "products", columns)
    path = category_texts(distinct) if "category" in distinct.columns else None
    return _catalogue(distinct.with_columns(texts.alias("text")), path, encode(texts.to_list()))


def catalogue_of_vectors(vectors: pl.DataFrame) -> Catalogue:
    """A catalogue from rows of the vectors table, of which those of kind `product` count.

    Raises:
        DataError: If there are none.
    """
    products = vectors.filter((pl.col("kind") == "product") & pl.col("embedding").is_not_null())
    if not products.height:
        kinds = ", ".join(vectors["kind"].unique(maintain_order=True).drop_nulls())
        raise DataError(f"The catalogue has no vectors of products; its kinds are {kinds or 'none'}.")
    distinct = (
        products.drop("text", strict=False)
        .rename({"id": "item_id"})
        .unique("item_id", keep="first", maintain_order=True)
    )
    path = distinct["category"].cast(pl.String).fill_null("") if "category" in distinct.columns else None
    units = matrix(distinct["embedding"])
    lengths = np.linalg.norm(units, axis=1, keepdims=True)
    return _catalogue(distinct, path, (units / np.where(lengths > 0, lengths, 1)).astype(np.float32))


def _catalogue(products: pl.DataFrame, path: pl.Series | None, vectors: FloatArray) -> Catalogue:
    widest = (
        pl.lit(None, pl.String)
        if path is None
        else pl.lit(path).str.split(STEP).list.first().replace("", None)
    )
    price = pl.col("price").cast(pl.Float64) if "price" in products.columns else pl.lit(None, pl.Float64)
    said = [
        cleaned(products[name]).replace("", None).alias(name)
        if name in products.columns
        else pl.lit(None, pl.String).alias(name)
        for name in ("title", "brand", "text")
    ]
    items = products.select("item_id", *said, widest.alias("category"), price.alias("price"))
    categories = sorted(items["category"].drop_nulls().unique().to_list())
    code = items["category"].replace_strict(categories, range(len(categories)), default=-1).to_numpy()
    means = [vectors[code == place].mean(axis=0, dtype=np.float64) for place in range(len(categories))]
    whole = vectors.mean(axis=0, dtype=np.float64)
    return Catalogue(
        items,
        vectors,
        categories,
        np.array(means).reshape(len(categories), vectors.shape[1]),
        (whole / max(float(np.linalg.norm(whole)), 1e-12)).astype(np.float32),
    )
