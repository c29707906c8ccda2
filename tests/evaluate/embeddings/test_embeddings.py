"""What vectors find, and how they lie."""

from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl
import pytest

from adcli.errors import DataError
from adcli.evaluate.embeddings.geometry import geometry
from adcli.evaluate.embeddings.page import embeddings_page, neighbour_table
from adcli.evaluate.embeddings.table import embedding_table, with_categories
from adcli.statistics.retrieval import RetrievalTask, retrieve, unit_vectors


def table_of(vectors, categories=None, kind="product", names=None):
    columns = {
        "id": names or [f"{kind[0]}{row}" for row in range(len(vectors))],
        "kind": [kind] * len(vectors),
        "embedding": pl.Series(np.asarray(vectors, np.float32), dtype=pl.Array(pl.Float32, len(vectors[0]))),
    }
    return pl.DataFrame(columns | ({"category": categories} if categories is not None else {}))


def clusters(per_group=20, groups=4, scatter=0.1, seed=0):
    rng = np.random.default_rng(seed)
    labels = np.repeat(np.arange(groups), per_group)
    return np.eye(8)[labels] + rng.normal(scale=scatter, size=(len(labels), 8)), [
        f"g{label}" for label in labels
    ]


def value(table, metric, group="all"):
    return table.row(by_predicate=(pl.col("metric") == metric) & (pl.col("group") == group), named=True)


def test_vectors_that_know_the_category_find_it():
    table = embedding_table(table_of(*clusters()))
    assert value(table, "same_category_recall@10")["value"] == 1
    assert value(table, "same_category_mrr")["value"] == 1
    assert value(table, "same_category_ndcg@20")["value"] == pytest.approx(1, abs=0.01)
    assert value(table, "same_category_recall@5", "g2")["queries"] == 20
    chance = value(table, "same_category_recall@10", "by chance")
    assert chance["value"] == pytest.approx(19 / 79)
    assert chance["ci_low"] is None


def test_vectors_that_know_nothing_find_what_chance_finds():
    rng = np.random.default_rng(0)
    table = embedding_table(table_of(rng.normal(size=(600, 16)), [f"g{i % 5}" for i in range(600)]))
    found, chance = (value(table, "same_category_recall@10", group) for group in ("all", "by chance"))
    assert found["ci_low"] < chance["value"] < found["ci_high"]


def test_equal_vectors_find_no_more_than_chance():
    vectors = np.ones((400, 4))
    table = embedding_table(table_of(vectors, [f"g{i // 100}" for i in range(400)]))
    assert value(table, "same_category_recall@1")["value"] == pytest.approx(0.25, abs=0.1)
    assert value(table, "same_category_mrr")["value"] < 0.7
    assert value(table, "anisotropy", "product")["value"] == pytest.approx(1)


def test_figures_equal_those_computed_one_by_one():
    rng = np.random.default_rng(3)
    vectors, labels = (
        unit_vectors(pl.Series(rng.normal(size=(40, 5)).astype(np.float32), dtype=pl.Array(pl.Float32, 5))),
        rng.integers(0, 3, 40),
    )
    task = RetrievalTask(vectors, vectors, lambda rows: labels[rows, None] == labels, np.arange(40))
    found = retrieve(task, (1, 7), seed=0)
    for row in range(40):
        order = [other for other in np.argsort(-(vectors @ vectors[row])) if other != row]
        right = labels[order] == labels[row]
        recall = [right[:k].sum() / min(k, right.sum()) for k in (1, 7)]
        gain = 1 / np.log2(np.arange(2, 9))
        ndcg = (right[:7] * gain).sum() / gain[: min(7, right.sum())].sum()
        expected = [*recall, 1 / (1 + right.argmax()), ndcg]
        np.testing.assert_allclose(found.values[row], expected, atol=1e-6)
    assert found.metrics == ["recall@1", "recall@7", "mrr", "ndcg@7"]


def test_intervals_hold_the_truth():
    """Of a shop with many rows a sample is evaluated; its interval holds the whole shop's figure."""
    vectors, labels = clusters(400, 4, 0.7, seed=1)
    units = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    codes = np.array(labels)
    whole = retrieve(
        RetrievalTask(units, units, lambda rows: codes[rows, None] == codes, np.arange(1600)), (5,), seed=0
    )
    truth = whole.values[:, 0].mean()
    rng = np.random.default_rng(0)
    hits = 0
    for _ in range(200):
        drawn = whole.values[rng.permutation(1600)[:150], 0]
        resampled = drawn[rng.integers(0, 150, (300, 150))].mean(axis=1)
        low, high = np.quantile(resampled, [0.025, 0.975])
        hits += low <= truth <= high
    assert hits >= 180
    table = embedding_table(table_of(vectors, labels), ks=[5])
    row = value(table, "same_category_recall@5")
    assert row["value"] == pytest.approx(truth, abs=1e-9)
    assert row["ci_low"] < truth < row["ci_high"]


def test_geometry_of_known_clouds():
    rng = np.random.default_rng(0)
    even = rng.normal(size=(1500, 3))
    even /= np.linalg.norm(even, axis=1, keepdims=True)
    figures = {figure.metric: figure for figure in geometry(even, None, confidence=0.95, seed=0)}
    assert figures["anisotropy"].interval.low < 0 < figures["anisotropy"].interval.high
    truth = np.log(
        (1 - np.exp(-8)) / 8
    )  # mean of exp(-2 d^2), d^2 uniform on [0, 4] on the sphere in three dimensions
    assert figures["uniformity"].interval.low < truth < figures["uniformity"].interval.high
    pairs = np.repeat(np.eye(3), 2, axis=0)
    found = {
        figure.metric: figure.value
        for figure in geometry(pairs, np.array([0, 0, 1, 1, 2, 2]), confidence=0.95, seed=0)
    }
    assert found["alignment"] == pytest.approx(0)
    assert found["anisotropy"] == pytest.approx(3 / 15)


def events_of(rows):
    start = datetime(2024, 5, 1, tzinfo=UTC)
    return pl.DataFrame(
        {
            "event_time": [start + timedelta(hours=hours) for _, hours, _ in rows],
            "user_id": [user for user, _, _ in rows],
            "event_type": ["view"] * len(rows),
            "item_id": [item for _, _, item in rows],
        },
        schema_overrides={"event_time": pl.Datetime("us", "UTC")},
    )


def walks(users=80, seed=0):
    """Users that each stay within one of four groups of twenty items."""
    rng = np.random.default_rng(seed)
    return events_of(
        [
            (f"u{user}", hour, f"p{20 * (user % 4) + rng.integers(0, 20)}")
            for user in range(users)
            for hour in range(6)
        ]
    )


def test_the_next_item_is_found_by_what_came_before():
    vectors, _ = clusters()
    shuffled = np.random.default_rng(5).permutation(80)
    items = table_of(vectors[shuffled], names=[f"p{place}" for place in shuffled])
    table = embedding_table(items, events=walks())
    assert value(table, "next_item_recall@20")["value"] > 0.95
    assert value(table, "next_item_recall@20", "by chance")["value"] == pytest.approx(0.25)
    popular = value(table, "next_item_recall@20", "by popularity")
    assert popular["value"] < 0.6
    assert "most looked at before" in popular["definition"]


def test_users_that_have_a_vector_are_asked_with_it():
    vectors, _ = clusters()
    users = table_of(np.eye(8)[np.arange(80) % 4], kind="user", names=[f"u{user}" for user in range(80)])
    since = datetime(2024, 5, 1, 3, tzinfo=UTC)
    table = embedding_table(pl.concat([users, table_of(vectors)]), events=walks(), since=since)
    row = value(table, "next_item_recall@20")
    assert row["value"] > 0.95
    assert "the user's vector" in row["definition"]
    assert "2024-05-01 03:00" in row["definition"]


def test_the_future_is_not_in_the_query():
    """With what comes after the split changed, what is found changes only by the right answers."""
    vectors, _ = clusters()
    log = walks()
    since = datetime(2024, 5, 1, 3, tzinfo=UTC)
    other = log.with_columns(
        pl.when(pl.col("event_time") >= since).then(pl.lit("p0")).otherwise("item_id").alias("item_id")
    )
    first = value(embedding_table(table_of(vectors), events=log, since=since), "next_item_recall@20")
    again = value(embedding_table(table_of(vectors), events=other, since=since), "next_item_recall@20")
    assert first["value"] > 0.95
    assert again["value"] == pytest.approx(0.25, abs=0.05)  # only those who were near p0 anyway


def test_events_about_other_items_are_one_sentence():
    vectors, _ = clusters()
    with pytest.raises(DataError, match="No user has items of the vectors on both sides"):
        embedding_table(table_of(vectors, names=[f"x{i}" for i in range(80)]), events=walks())
    with pytest.raises(DataError, match="not two vectors"):
        embedding_table(table_of(vectors[:1]))


def test_categories_come_from_the_products_or_the_vectors():
    vectors = table_of(np.eye(3), ["Home > Chairs", '["Home >> Tables"]', None])
    assert with_categories(vectors)["category"].to_list() == ["Home", "Home", None]
    products = pl.DataFrame({"item_id": ["p2", "p0"], "title": ["x", "y"], "category": ["Toys", "Books"]})
    assert with_categories(vectors, products)["category"].to_list() == ["Books", None, "Toys"]


def test_the_page_lists_neighbours_and_draws_a_map():
    vectors, labels = clusters()
    known = table_of(vectors, labels).with_columns(title=pl.Series([f"<b>{label}</b>" for label in labels]))
    neighbours = neighbour_table(with_categories(known), seed=0)
    assert (neighbours["row"] == neighbours["neighbour"]).mean() > 0.95  # titles are the groups
    html = embeddings_page(embedding_table(known), known, None, seed=0).html()
    assert "Same category: recall at 10 is 100" in html
    assert "<b>g0</b>" not in html
    assert "Map of the vectors" in html
