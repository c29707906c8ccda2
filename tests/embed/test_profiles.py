"""One profile a user, and the arithmetic that lets tomorrow's events be added to it."""

from datetime import timedelta

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from small_shop import START, TYPES, encode, events, profiled

from adcli.embed.interaction_vectors import interaction_vectors
from adcli.embed.interactions import before, interactions_of_events, interactions_of_reviews, weighted
from adcli.embed.item_vectors import embed_products, item_vectors
from adcli.embed.profiles import profiles
from adcli.embed.vectors import embedding_column, matrix
from adcli.errors import DataError

event_lists = st.lists(
    st.tuples(
        st.sampled_from(["u1", "u2", "u3"]),
        st.integers(0, 24 * 40),
        st.sampled_from(TYPES),
        st.sampled_from(["0000", "0001", "0005", "0011", "unknown"]),
        st.sampled_from([None, "espresso", "tent"]),
    ),
    min_size=1,
    max_size=25,
)
ANCHOR = ("u0", 0, "view", "0003", None)  # the catalog must match something


def assert_alike(left, right, tolerance=1e-6):
    """Equal profiles up to rounding."""
    assert left.columns == right.columns
    for name, dtype in left.schema.items():
        if name == "embedding":
            np.testing.assert_allclose(matrix(left[name]), matrix(right[name]), atol=tolerance)
        elif name == "hour":
            turns = (left[name] - right[name]).drop_nulls().to_numpy() / 24
            np.testing.assert_allclose(turns, np.round(turns), atol=1e-4)
        elif dtype.is_float():
            a, b = left[name].to_numpy(), right[name].to_numpy()
            np.testing.assert_allclose(a, b, rtol=tolerance, atol=1e-4 if "spread" in name else tolerance)
        elif name == "category_shares":
            for a, b in zip(left[name], right[name], strict=True):
                np.testing.assert_allclose(a.to_numpy(), b.to_numpy(), atol=tolerance)
        else:
            assert left[name].to_list() == right[name].to_list(), name


def test_a_profile_is_the_weighted_mean_of_what_a_user_did(items):
    log = events([("u", 0, "view", "0001", None), ("u", 1, "purchase", "0002", None)])
    got = profiled(log, items).row(0, named=True)
    expected = 1 * items.vectors[1] + 5 * items.vectors[2]
    np.testing.assert_allclose(got["embedding"], expected / np.linalg.norm(expected), atol=1e-6)
    assert (got["id"], got["kind"], got["basis"]) == ("u", "user", "items")
    assert (got["events"], got["views"], got["purchases"]) == (2, 1, 1)
    assert got["categories"] == ["Toys", "Outdoor"]
    assert got["category_shares"] == pytest.approx([5 / 6, 1 / 6])
    assert got["price_mean"] == pytest.approx(np.exp((np.log(6) + 5 * np.log(7)) / 6))
    assert got["first_time"] == START
    assert got["last_time"] == START + timedelta(hours=1)


def test_an_order_of_several_lines_is_one_purchase(items):
    log = events([("u", 1, "purchase", "0001", None), ("u", 1, "purchase", "0002", None),
                  ("u", 9, "purchase", "0001", None), ("v", 9, "purchase", "0001", None)])  # fmt: skip
    orders = log.with_columns(pl.Series("order_id", ["a", "a", "b", None]))
    assert profiled(orders, items)["purchases"].to_list() == [2, 1]


def test_weights_can_be_given(items):
    log = events([("u", 0, "view", "0001", None), ("u", 1, "purchase", "0002", None)])
    got = profiled(log, items, weights={"view": 0, "purchase": 7})
    np.testing.assert_allclose(matrix(got["embedding"])[0], items.vectors[2], atol=1e-6)


def test_after_a_half_life_an_event_counts_half(items):
    log = events([("u", 0, "view", "0001", None), ("u", 48, "view", "0002", None)])
    got = profiled(log, items, half_life=2)
    expected = 0.5 * items.vectors[1] + items.vectors[2]
    np.testing.assert_allclose(matrix(got["embedding"])[0], expected / np.linalg.norm(expected), atol=1e-6)
    assert got["weight"][0] == pytest.approx(1.5)


def test_the_usual_hour_goes_round_midnight(items):
    log = events([("u", 23, "view", "0001", None), ("u", 25, "view", "0001", None)])
    got = profiled(log, items).row(0, named=True)
    assert got["hour"] % 24 == pytest.approx(0, abs=1e-6) or got["hour"] == pytest.approx(24, abs=1e-6)
    assert got["hour_cos"] == pytest.approx(np.cos(2 * np.pi / 24))


def test_searches_and_reviews_speak_by_their_texts(items):
    log = events([("u", 0, "search", None, "espresso"), ("v", 0, "view", "0001", None)])
    assert profiled(log, items)["basis"].to_list() == ["queries", "items"]
    np.testing.assert_allclose(
        matrix(profiled(log, items)["embedding"])[0], encode(["espresso"])[0], atol=1e-6
    )
    reviews = pl.DataFrame({"item_id": ["0001"], "user_id": ["u"], "text": ["Lovely"], "title": [None]})
    both = pl.concat([interactions_of_events(log), interactions_of_reviews(reviews)])
    got = pl.concat(profiles(interaction_vectors(weighted(both, {}), items, encode), items))
    assert got["basis"].to_list() == ["queries+reviews", "items"]
    assert got["reviews"].to_list() == [1, 0]


def test_of_whom_nothing_is_known_the_profile_is_a_mean(items):
    log = events(
        [("a", 0, "view", "0001", None), ("b", 0, "view", "gone", None), ("c", 0, "other", "0002", None)]
    )
    log = log.with_columns(pl.Series("category", [None, "Toys", None]))
    got = profiled(log, items)
    assert got["basis"].to_list() == ["items", "category", "catalog"]
    toys = items.category_vectors[items.categories.index("Toys")]
    np.testing.assert_allclose(matrix(got["embedding"])[1], toys / np.linalg.norm(toys), atol=1e-6)
    np.testing.assert_allclose(matrix(got["embedding"])[2], items.mean, atol=1e-6)
    assert np.isfinite(matrix(got["embedding"])).all()


@settings(max_examples=60, deadline=None)
@given(event_lists, st.integers(1, 24 * 40), st.sampled_from([None, 3.0, 30.0]))
def test_yesterdays_profiles_and_todays_events_equal_the_full_run(items, rows, border, half_life):
    log = events([ANCHOR, *rows, ("u0", border, "view", "0003", None)]).with_columns(
        pl.when(pl.col("item_id") == "unknown").then(pl.lit("Toys")).alias("category")
    )
    at = START + timedelta(hours=border)
    yesterday = profiled(log.filter(pl.col("event_time") < at), items, half_life=half_life)
    today = log.filter(pl.col("event_time") >= at)
    full = profiled(log, items, half_life=half_life)
    assert_alike(profiled(today, items, half_life=half_life, earlier=yesterday), full)


@settings(max_examples=40, deadline=None)
@given(event_lists, st.randoms())
def test_the_order_of_the_log_does_not_matter(items, rows, random):
    shuffled = [ANCHOR, *rows]
    random.shuffle(shuffled)
    assert_alike(
        profiled(events([ANCHOR, *rows]), items, half_life=5.0),
        profiled(events(shuffled), items, half_life=5.0),
    )


@settings(max_examples=40, deadline=None)
@given(event_lists, event_lists, st.integers(1, 24 * 40))
def test_nothing_from_the_cutoff_on_is_looked_at(items, rows, others, border):
    at = START + timedelta(hours=border)
    past = [row for row in rows if row[1] < border]
    future = [row for row in others if row[1] >= border]
    cut = before(interactions_of_events(events([ANCHOR, *past, *future])), at)
    got = pl.concat(profiles(interaction_vectors(weighted(cut, {}), items, encode), items))
    assert_alike(got, profiled(events([ANCHOR, *past]), items))


def test_users_past_the_first_thousands_are_like_the_first(items, monkeypatch):
    monkeypatch.setattr("adcli.embed.profiles.CHUNK_USERS", 3)
    rows = [(f"u{i}", i, "view", f"{i % 12:04}", None) for i in range(20)]
    in_parts = profiled(events(rows), items)
    monkeypatch.undo()
    assert_alike(in_parts, profiled(events(rows), items))


def test_a_catalog_can_be_vectors(items, products):
    table = products.select(
        pl.col("item_id").alias("id"),
        pl.lit("product").alias("kind"),
        embedding_column(items.vectors),
        "category",
        "price",
    )
    again = item_vectors(table)
    np.testing.assert_allclose(again.vectors, items.vectors, atol=1e-6)
    assert again.products.drop("title", "text").equals(items.products.drop("title", "text"))
    with pytest.raises(DataError, match="no vectors of products; its kinds are user"):
        item_vectors(table.with_columns(pl.lit("user").alias("kind")))


def test_profiles_of_another_dimension_are_one_sentence(items, products):
    log = events([("u", 0, "view", "0001", None)])
    narrow = embed_products(products, lambda texts: encode(texts)[:, :7])
    with pytest.raises(DataError, match="vectors have 7 dimensions, the catalog's 24"):
        profiled(log, items, earlier=profiled(log, narrow))


def test_only_profiles_can_be_added_to(items):
    log = events([("u", 0, "view", "0001", None)])
    with pytest.raises(DataError, match="lack basis"):
        profiled(log, items, earlier=profiled(log, items).drop("basis"))
