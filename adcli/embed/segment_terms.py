"""The texts, categories and brands from which segments get their names."""

from __future__ import annotations

import numpy as np
import polars as pl
from scipy import sparse  # noqa: TID253 - this module is reached only when rows are segmented

from adcli.embed.interaction_vectors import OWN, InteractionVectors
from adcli.embed.item_vectors import ItemVectors
from adcli.embed.segment_names import SegmentTerms
from adcli.embed.texts import STEP


def terms_of_users(interactions: InteractionVectors, items: ItemVectors, users: pl.Series) -> SegmentTerms:
    """Of users: titles of items, searches, reviews.

    Args:
        interactions: Interactions with a `weight`.
        items: The items.
        users: (n,) the users in order.
    """
    order = pl.DataFrame({"user_id": users}).with_row_index("row")
    own = interactions.events.filter((pl.col("level") == OWN) & (pl.col("weight") > 0)).join(
        order, on="user_id"
    )
    at = own["row"].to_numpy(), own["vector"].to_numpy()
    shape = (len(users), len(interactions.titles))
    weights = sparse.coo_array((own["weight"].to_numpy(), at), shape=shape).tocsr()
    categories = items.products["category"].fill_null("").to_list()
    others = [""] * (len(interactions.titles) - len(categories))
    brands = items.products["brand"].drop_nulls().unique().sort().to_list()
    return SegmentTerms(weights, interactions.titles.to_list(), [*categories, *others], brands)


def terms_of_rows(rows: pl.DataFrame) -> SegmentTerms:
    """Of rows: their titles, else queries, else texts.

    Args:
        rows: Rows of the vectors table.
    """
    column = next((name for name in ("title", "query", "text") if name in rows.columns), None)
    blank = pl.repeat("", pl.len())
    texts = rows.select(blank if column is None else pl.col(column).fill_null("")).to_series()
    path = pl.col("category") if "category" in rows.columns else blank
    category = rows.select(path.str.split(STEP).list.first().fill_null("")).to_series()
    brands = rows["brand"].drop_nulls().unique().sort().to_list() if "brand" in rows.columns else []
    own = sparse.eye_array(rows.height, dtype=np.float64).tocsr()
    return SegmentTerms(own, texts.to_list(), category.to_list(), brands)
