"""One vector for each row, in the order of the rows."""

import numpy as np
import polars as pl
from small_shop import encode

from adcli.embed.texts import texts_of
from adcli.embed.vectors import matrix, row_texts, row_vectors


def test_a_row_for_each_row_in_their_order(products):
    parts = [products.head(5), products.tail(7)]
    table = pl.concat(row_vectors(parts, "products", encode))
    assert table.columns == ["id", "kind", "embedding", "title", "category", "price"]
    assert table["id"].to_list() == products["item_id"].to_list()
    assert table["kind"].unique().to_list() == ["product"]
    np.testing.assert_array_equal(
        matrix(table["embedding"]), encode(texts_of(products, "products").to_list())
    )


def test_rows_without_a_name_are_named_by_their_place():
    reviews = pl.DataFrame(
        {"item_id": ["a", "b"], "text": ["x", "y"], "rating": [1.0, 2.0], "user_id": ["u", None]}
    )
    table = pl.concat(row_vectors([reviews, reviews], "reviews", encode))
    assert table["id"].to_list() == ["review-1", "review-2", "review-3", "review-4"]
    assert table.columns == ["id", "kind", "embedding", "user_id", "item_id", "rating"]
    named = pl.concat(
        row_vectors([reviews.with_columns(review_id=pl.Series(["r7", None]))], "reviews", encode)
    )
    assert named["id"].to_list() == ["r7", "review-2"]
    queries = pl.DataFrame({"query": ["tent"], "query_id": ["q9"]})
    assert pl.concat(row_vectors([queries], "queries", encode))["id"].to_list() == ["q9"]


def test_the_texts_of_rows_can_be_had_by_name(products):
    [(names, texts)] = row_texts([products], "products")
    assert dict(zip(names, texts, strict=True))["0001"] == "Outdoor thing 1. Outdoor"
