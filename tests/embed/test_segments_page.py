"""What the page of segments says of them, and their map."""

import numpy as np
import polars as pl
import pytest
from small_shop import events as events_of
from small_shop import interactions, profiled

from adcli.embed.segment_names import terms_of_rows, terms_of_users
from adcli.embed.segment_profiles import segment_profiles
from adcli.embed.segments_page import projection, segments_page
from adcli.embed.vectors import embedding_column


@pytest.fixture
def segmented(items):
    """Ten cooks who buy often, for much, and until today; five campers who bought once, long ago."""
    rows = [(f"cook{user}", 24 * day, "purchase", "0000", None) for user in range(10) for day in (0, 50, 100)]
    rows += [(f"camper{user}", 0, "purchase", "0001", None) for user in range(5)]
    log = events_of(rows)
    log = log.with_columns(pl.when(pl.col("item_id") == "0000").then(40.0).otherwise(10.0).alias("revenue"))
    table = profiled(log, items)
    name = pl.when(pl.col("id").str.starts_with("cook")).then(pl.lit("cooks")).otherwise(pl.lit("campers"))
    table = table.with_columns(name.alias("segment_name"))
    return table, terms_of_users(interactions(log, items), items, table["id"])


def test_segments_have_size_revenue_recency_and_frequency(segmented):
    facts = segment_profiles(*segmented)
    assert facts["segment"].to_list() == ["cooks", "campers"]
    assert facts["rows"].to_list() == [10, 5]
    assert facts["revenue"].to_list() == [1200.0, 50.0]
    assert facts["revenue_share"].to_list() == pytest.approx([0.96, 0.04])
    assert facts["revenue_per_user"].to_list() == [120.0, 10.0]
    assert facts["purchases_per_user"].to_list() == [3.0, 1.0]
    assert facts["days_since_last_event"].to_list() == [0.0, 100.0]


def test_favourites_and_what_distinguishes_a_segment(segmented):
    facts = segment_profiles(*segmented)
    assert facts["categories"].to_list() == ["Kitchen 100 %", "Outdoor 100 %"]
    assert facts["products"].to_list() == ["Kitchen thing 0", "Outdoor thing 1"]
    assert "kitchen" in facts["distinguished_by"][0]
    assert "revenue a user 12 × that of the others" in facts["distinguished_by"][0]
    assert "revenue a user 0.083 × that of the others" in facts["distinguished_by"][1]


def test_the_page_says_who_brings_the_revenue(segmented):
    page = segments_page(*segmented, seed=0).html()
    assert "15 users in 2 segments, the largest cooks (66.7" in page
    assert "Most revenue comes from cooks: 96.0" in page
    assert "<svg" in page


def test_products_have_typical_titles_and_no_revenue(items, products):
    table = pl.DataFrame(
        [
            products["item_id"].alias("id"),
            embedding_column(items.vectors),
            products["title"],
            products["category"],
        ]
    ).with_columns(pl.lit("product").alias("kind"), pl.col("category").alias("segment_name"))
    facts = segment_profiles(table, terms_of_rows(table))
    assert "revenue" not in facts.columns
    assert all(name.split()[0] in titles for name, titles in facts.select("segment", "products").iter_rows())
    assert "12 products in 3 segments" in segments_page(table, terms_of_rows(table), seed=0).summary


def test_the_map_keeps_groups_together():
    rng = np.random.default_rng(0)
    group = np.repeat([0, 1], 40)
    vectors = (np.eye(8)[group] + rng.normal(scale=0.05, size=(80, 8))).astype(np.float32)
    points = projection(vectors, seed=0)
    distance = np.linalg.norm(points[:, None] - points[None], axis=-1)
    np.fill_diagonal(distance, np.inf)
    assert (group[distance.argmin(axis=1)] == group).mean() > 0.95
    np.testing.assert_array_equal(points, projection(vectors, seed=0))
    assert projection(vectors[:3], seed=0).shape == (3, 2)
