"""Rows unlike the others: how much, and why."""

import numpy as np
import polars as pl
import pytest
from small_shop import events, interactions

from adcli.embed.anomalies import anomalies, interaction_features, row_features
from adcli.embed.vectors import embedding_column
from adcli.statistics.retrieval import unit_vectors


def test_a_crawler_stands_out_and_it_is_said_why(items):
    rng = np.random.default_rng(0)
    rows = []
    for user in range(60):
        hours = np.sort(rng.uniform(8, 20, 6)) + 24 * rng.integers(0, 9)
        rows += [(f"u{user:02}", hour, "view", f"{rng.integers(0, 12):04}", None) for hour in hours]
    rows += [("crawler", 3 + step * 0.3 / 3600, "view", f"{step % 12:04}", None) for step in range(200)]
    features = interaction_features(interactions(events(rows), items).events)
    vectors = unit_vectors(rng.normal(size=(61, 8)))
    found = anomalies(vectors, features.drop("user_id"))
    found = features.select("user_id").hstack(found).sort("anomaly_score", descending=True)
    assert found["user_id"][0] == "crawler"
    assert "many events (200)" in found["anomaly_why"][0]
    assert "close upon each other (median 0.3 s)" in found["anomaly_why"][0]
    assert found["anomaly_why"].null_count() >= 50


def test_a_product_unlike_all_others_stands_out():
    rng = np.random.default_rng(0)
    vectors = np.eye(6)[rng.integers(0, 3, 100)] + rng.normal(scale=0.05, size=(100, 6))
    vectors[42] = np.eye(6)[5]
    table = pl.DataFrame([embedding_column(unit_vectors(vectors)), pl.Series("price", [9.0] * 100)])
    found = anomalies(unit_vectors(vectors), row_features(table))
    assert found["anomaly_score"].arg_max() == 42
    assert "unlike anything else" in found["anomaly_why"][42]


def test_features_nobody_has_are_left_out():
    features = pl.DataFrame(
        {"price": [None, None, None], "events": [1.0, 2.0, None]},
        schema={"price": pl.Float64, "events": pl.Float64},
    )
    found = anomalies(unit_vectors(np.eye(3)), features)
    assert found["anomaly_score"].is_finite().all()


def test_few_rows_are_no_trouble():
    found = anomalies(unit_vectors(np.ones((1, 4))), pl.DataFrame({"events": [3.0]}))
    assert found["anomaly_score"].to_list() == pytest.approx([0.0])
