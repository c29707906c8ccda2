"""What the rows that are segmented or searched for anomalies have to do with words, categories and prices."""

from __future__ import annotations

import numpy as np
import polars as pl
from scipy import sparse  # noqa: TID253 - this module is reached only when rows are segmented

from adcli.embed.catalogue import Catalogue
from adcli.embed.contents import OWN, Contents
from adcli.embed.segment_names import Tellings
from adcli.embed.texts import STEP


def told_of_users(contents: Contents, catalogue: Catalogue, users: pl.Series) -> Tellings:
    """What users' deeds say: titles of items, searches, reviews.

    Args:
        contents: Deeds with a `weight`, and what they were about.
        catalogue: The items.
        users: (n,) the users in order.
    """
    order = pl.DataFrame({"user_id": users}).with_row_index("row")
    told = contents.deeds.filter((pl.col("level") == OWN) & (pl.col("weight") > 0)).join(order, on="user_id")
    at = told["row"].to_numpy(), told["content"].to_numpy()
    shape = (len(users), len(contents.words))
    weights = sparse.coo_array((told["weight"].to_numpy(), at), shape=shape).tocsr()
    categories = catalogue.items["category"].fill_null("").to_list()
    others = [""] * (len(contents.words) - len(categories))
    brands = catalogue.items["brand"].drop_nulls().unique().sort().to_list()
    return Tellings(weights, contents.words.to_list(), [*categories, *others], brands)


def told_of_rows(rows: pl.DataFrame) -> Tellings:
    """What rows say themselves: their titles, else queries, else texts.

    Args:
        rows: Rows of the vectors table.
    """
    spoken = next((name for name in ("title", "query", "text") if name in rows.columns), None)
    texts = pl.lit("") if spoken is None else pl.col(spoken).fill_null("")
    path = pl.col("category") if "category" in rows.columns else pl.lit("")
    told = rows.select(
        pl.repeat("", pl.len()).alias("nothing"),
        texts.alias("text"),
        path.str.split(STEP).list.first().fill_null("").alias("category"),
    )
    brands = rows["brand"].drop_nulls().unique().sort().to_list() if "brand" in rows.columns else []
    own = sparse.eye_array(rows.height, dtype=np.float64).tocsr()
    return Tellings(own, told["text"].to_list(), told["category"].to_list(), brands)
