"""Products as shop systems export them: one product over several rows, described once.

Shopify writes a row for each variant and each further picture, WooCommerce one for a product and one for each
of its variations; title, text, brand and category stand only on the product's first row. They are filled in
from there, by handle or parent, so that each row is a thing that can be bought.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

import numpy as np
import polars as pl

from adcli.arrays import Integers
from adcli.tables.aliases import ALIASES, normalised
from adcli.tables.formats.blocks import RawBatch

PICTURE: Final = "a further picture of a product, no product"
_OF_A_VARIANT: Final = r"variant|image|cost|unitprice|option\d+value"
_SET_ASIDE: Final = {
    "status": ("draft", "archived", "unlisted", "inactive", "disabled", "trash"),
    "published": ("false", "no", "0", "-1"),
    "visibility": ("hidden", "staging"),
}  # fmt: skip
_AVAILABILITY: Final = dict.fromkeys(
    ("1", "true", "yes", "instock", "available"), "in_stock"
) | dict.fromkeys(("0", "false", "no", "outofstock", "sold_out", "soldout", "unavailable"), "out_of_stock")


class _Shopify(NamedTuple):
    """Columns of a Shopify export, as it names them; None for those it lacks."""

    handle: str
    sku: str | None
    price: str


class _WooCommerce(NamedTuple):
    """Columns of a WooCommerce export, as it names them."""

    id: str
    sku: str
    parent: str
    type: str
    categories: str | None
    filled: tuple[str, ...]
    published: tuple[str, ...]


def shop_columns(table: str, columns: Sequence[str]) -> dict[str, str]:
    """The source column of standard columns, where names alone would mislead; empty for other exports.

    The price of WooCommerce is the regular one: until when a sale price holds, only the clock says. A sale
    price that stands alone is the price.
    """
    by_name = {normalised(column): column for column in columns}
    if table != "products":
        return {}
    if _woo_commerce(columns) is None:
        others = {"price", *ALIASES["price"]} - {"sale_price"}
        is_alone = "saleprice" in by_name and not by_name.keys() & set(map(normalised, others))
        return {"price": by_name["saleprice"]} if is_alone else {}
    filled = {
        "item_id": "sku", "title": "name", "price": "regularprice", "description": "description",
        "category": "categories",
    }  # fmt: skip
    return {name: by_name[source] for name, source in filled.items() if source in by_name}


def not_for_sale(raw: pl.DataFrame) -> list[tuple[pl.Series, str]]:
    """Which rows of a products table a shop does not show, (n,) by each of its words for that."""
    by_name = {normalised(column): column for column in reversed(raw.columns)}
    found = []
    for name, words in _SET_ASIDE.items():
        if name not in by_name or raw.schema[by_name[name]].is_nested():
            continue
        said = raw[by_name[name]].cast(pl.String).str.strip_chars().str.to_lowercase()
        for word in words:
            reason = "unpublished" if name == "published" else word
            found.append(((said == word).fill_null(value=False), f"{reason}, not for sale"))
    return found


def availability(values: pl.Series) -> pl.Series:
    """(n,) in the words of Google's feeds: `in_stock`, `out_of_stock`, `preorder`; others as they are."""
    words = values.str.to_lowercase().str.replace(r"^https?://schema\.org/", "").str.replace_all(r"[ -]", "_")
    return words.replace(_AVAILABILITY).alias(values.name)


def shop_export(table: str, columns: Sequence[str]) -> ShopExport | None:
    """What completes the rows of such an export; None for any other input."""
    kind = (_shopify(columns) or _woo_commerce(columns)) if table == "products" else None
    return None if kind is None else ShopExport(kind)


class ShopExport:
    """The rows of one export, completed block by block; remembers the products that rows to come may need."""

    def __init__(self, kind: _Shopify | _WooCommerce) -> None:
        self._kind = kind
        self._products = pl.DataFrame()

    def completed(self, raw: RawBatch) -> RawBatch:
        """The rows with what their product says, without those that are only pictures."""
        if isinstance(self._kind, _Shopify):
            return self._completed_variants(raw, self._kind)
        return raw._replace(frame=self._completed_variations(raw.frame, self._kind))

    def _completed_variants(self, raw: RawBatch, kind: _Shopify) -> RawBatch:
        own = pl.col(kind.price).is_not_null()
        own = own if kind.sku is None else own | pl.col(kind.sku).is_not_null()
        is_own = raw.frame.select(own | ~pl.col(kind.handle).is_duplicated()).to_series().to_numpy()
        filled = [
            name
            for name in raw.frame.columns
            if name != kind.handle and not re.match(_OF_A_VARIANT, normalised(name))
        ]
        frame = self._filled(raw.frame, pl.col(kind.handle), filled)
        last = frame.tail(1).select(pl.col(kind.handle).alias("key"), *filled)
        self._products = last
        if kind.sku is not None:
            frame = frame.with_columns(pl.coalesce(kind.sku, kind.handle).alias(kind.sku))
        return _kept(raw._replace(frame=frame), is_own)

    def _completed_variations(self, frame: pl.DataFrame, kind: _WooCommerce) -> pl.DataFrame:
        if kind.categories is not None:
            frame = frame.with_columns(_deepest(frame[kind.categories]))
        parents = frame.filter(pl.col(kind.type).str.to_lowercase().str.starts_with("variable"))
        for parent_key in (pl.concat_str(pl.lit("id:"), kind.id), pl.col(kind.sku)):
            filled = parents.select(parent_key.alias("key"), *kind.filled, *kind.published).filter(
                pl.col("key").is_not_null()
            )
            self._products = pl.concat([self._products, filled], how="diagonal")
        if not self._products.height:
            return frame.with_columns(pl.coalesce(kind.sku, kind.id).alias(kind.sku))
        products = self._products = self._products.unique("key", keep="first", maintain_order=True)
        parent = frame.select(pl.col(kind.parent).alias("key"))
        filled = parent.join(products, on="key", how="left", maintain_order="left")
        return frame.with_columns(
            *(pl.coalesce(pl.col(name), filled[name]).alias(name) for name in kind.filled),
            *(_least(pl.col(name), filled[name]).alias(name) for name in kind.published),
            pl.coalesce(kind.sku, kind.id).alias(kind.sku),
        )

    def _filled(self, frame: pl.DataFrame, key: pl.Expr, columns: Sequence[str]) -> pl.DataFrame:
        """The frame with null filled from the first row of the same product, here or in the block before."""
        before = self._products
        if before.height:
            first = frame.select(key.alias("key")).join(before, on="key", how="left", maintain_order="left")
            frame = frame.with_columns(pl.coalesce(pl.col(name), first[name]).alias(name) for name in columns)
        return frame.with_columns(
            pl.coalesce(name, pl.col(name).drop_nulls().first().over(key)).alias(name) for name in columns
        )


def _kept(raw: RawBatch, is_own: np.ndarray) -> RawBatch:
    """The batch without the rows that are only pictures, which are rejected."""
    if is_own.all():
        return raw
    kept, gone = np.flatnonzero(is_own), np.flatnonzero(~is_own)
    raw.rejects.extend(raw.lines[gone].tolist(), [PICTURE] * len(gone), raw.raws(gone))

    def raws(rows: Integers) -> list[str]:
        return raw.raws(kept[rows])

    return raw._replace(frame=raw.frame.filter(is_own), lines=raw.lines[kept], raws=raws)


def _shopify(columns: Sequence[str]) -> _Shopify | None:
    by_name = {normalised(column): column for column in columns}
    handle = by_name.get("handle") or by_name.get("urlhandle")
    price = by_name.get("variantprice")
    if handle is None or price is None:
        return None
    return _Shopify(handle, by_name.get("variantsku"), price)


def _woo_commerce(columns: Sequence[str]) -> _WooCommerce | None:
    by_name: Mapping[str, str] = {normalised(column): column for column in columns}
    if not {"id", "sku", "name", "type", "parent", "regularprice"} <= set(by_name):
        return None
    filled = ("name", "description", "shortdescription", "categories", "tags", "brands", "images")
    return _WooCommerce(
        id=by_name["id"],
        sku=by_name["sku"],
        parent=by_name["parent"],
        type=by_name["type"],
        categories=by_name.get("categories"),
        filled=tuple(by_name[name] for name in filled if name in by_name),
        published=tuple(by_name[name] for name in ("published",) if name in by_name),
    )


def _least(own: pl.Expr, parent: pl.Series) -> pl.Expr:
    """A variation is published only where its product is."""
    return pl.when(parent.is_in(["0", "-1"]).fill_null(value=False)).then(parent).otherwise(own)


def _deepest(categories: pl.Series) -> pl.Series:
    """Of `Clothing, Clothing > Hoodies` the path of most steps."""
    distinct = categories.unique().drop_nulls().to_list()
    paths = [max(re.split(r"(?<!\\), ", text), key=lambda path: path.count(">")) for text in distinct]
    return categories.replace(distinct, pl.Series(paths, dtype=pl.String))
