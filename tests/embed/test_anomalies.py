"""Rows unlike the others: how much, and why."""

import numpy as np
import polars as pl
import pytest
from small_shop import events, interactions

from adcli.embed.anomalies import (
    anomalies,
    ecod,
    interaction_features,
    mahalanobis,
    row_features,
    tail_of_rank,
)
from adcli.embed.vectors import embedding_column
from adcli.statistics.retrieval import unit_vectors


def sessions(humans=20_000, bots=400, seed=0):
    """Sessions of people and of three kinds of bots: eight features, and which are bots."""
    rng = np.random.default_rng(seed)

    def people(n):
        return np.column_stack(
            [
                np.log1p(rng.lognormal(2, 0.9, n)),
                np.log(rng.lognormal(3.2, 0.7, n)),
                rng.gamma(6, 0.2, n),
                rng.beta(5, 2, n),
                rng.beta(1, 20, n),
                rng.beta(1.5, 6, n),
                np.log(rng.lognormal(3.3, 0.6, n)),
                rng.beta(2, 2, n),
            ]
        )

    kind = bots // 3
    crawlers, scrapers, fraud = people(kind), people(kind), people(kind)
    crawlers[:, 0] += rng.normal(1.2, 0.4, kind)
    crawlers[:, 1] -= 1.5
    crawlers[:, 2] *= 0.35
    scrapers[:, 2] = rng.gamma(2, 0.02, kind)
    scrapers[:, 3] = rng.beta(30, 1, kind)
    scrapers[:, 4] = 0
    fraud[:, 4] = rng.beta(8, 8, kind)
    fraud[:, 6] += 1.2
    fraud[:, 3] *= 0.4
    return np.vstack([people(humans), crawlers, scrapers, fraud]), np.arange(humans + 3 * kind) >= humans


def test_the_two_detectors_together_beat_each_alone_and_an_isolation_forest():
    from sklearn.ensemble import IsolationForest
    from sklearn.metrics import roc_auc_score

    features, is_bot = sessions()
    tail, distance = ecod(features), mahalanobis(features)
    together = roc_auc_score(is_bot, tail_of_rank(tail) + tail_of_rank(distance))
    forest = -IsolationForest(random_state=0).fit(features).score_samples(features)
    assert together > roc_auc_score(is_bot, tail)
    assert together > roc_auc_score(is_bot, distance)
    assert together > roc_auc_score(is_bot, forest) + 0.02
    assert together > 0.93


def test_scores_do_not_depend_on_the_order_of_rows():
    features, _ = sessions(500, 30)
    order = np.random.default_rng(1).permutation(len(features))
    np.testing.assert_allclose(ecod(features)[order], ecod(features[order]))
    np.testing.assert_allclose(mahalanobis(features)[order], mahalanobis(features[order]), rtol=1e-6)


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
