"""Baskets are what was taken together, and items that the same customers take come near to each other."""

from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl

from adcli.core.training.encoder.examples import Pairs
from adcli.optimize.encoder.behaviour_pairs import events_with_texts, taken_items
from adcli.optimize.encoder.collaborative import (
    MOST_BASKETS,
    baskets,
    collaborative_vectors,
    item_vectors,
    teacher_vectors,
)

START = datetime(2024, 5, 1, tzinfo=UTC)


def log(rows, **more):
    """Events of (user, minute, item), all of them purchases."""
    users, minutes, items = zip(*rows, strict=True)
    times = pl.Series([START + timedelta(minutes=int(m)) for m in minutes], dtype=pl.Datetime("us", "UTC"))
    return pl.DataFrame(
        {"user_id": users, "event_time": times, "event_type": ["purchase"] * len(rows), "item_id": items}
        | more
    )


def items_of(events):
    names = events["item_id"].unique().sort()
    return pl.DataFrame({"item_id": names, "text": [f"the {name}" for name in names]})


def sets(taken):
    """What was taken in each basket, in their order."""
    return [
        {taken.texts[i] for i in taken.item[taken.basket == number]}
        for number in range(taken.basket.max() + 1)
    ]


def two_shops(customers=60, seed=0):
    """Customers of one half of the items never take any of the other half."""
    generator = np.random.default_rng(seed)
    rows = []
    for user in range(customers):
        half = user % 2
        for basket in range(4):
            for item in generator.choice(10, 3, replace=False):
                rows.append((f"u{user}", basket * 60, f"i{half}{item}"))
    return log(rows)


def test_a_moment_is_a_basket_and_the_only_one_of_a_customer_is_two():
    events = log([("a", 0, "x"), ("a", 0, "y"), ("a", 9, "z"), ("b", 0, "x"), ("b", 0, "y"), ("b", 0, "z")])
    taken = baskets(taken_items(events_with_texts(events, items_of(events), seed=0)))
    assert sets(taken)[:2] == [{"the x", "the y"}, {"the z"}]
    assert sorted(len(its) for its in sets(taken)[2:]) == [1, 2]
    assert len(set(taken.customer)) == 2


def test_sessions_are_baskets_where_a_customer_has_several():
    rows = [("a", 0, "x"), ("a", 1, "y"), ("a", 50, "z")]
    events = log(rows, session_id=["s1", "s1", "s2"])
    assert sets(baskets(taken_items(events_with_texts(events, items_of(events), seed=0)))) == [
        {"the x", "the y"},
        {"the z"},
    ]


def test_what_has_no_session_is_learned_from_beside_what_has():
    events = log([("a", 0, "x"), ("a", 1, "y"), ("a", 50, "z")], session_id=["s1", "s1", None])
    taken = baskets(taken_items(events_with_texts(events, items_of(events), seed=0)))
    assert sorted(sets(taken), key=len) == [{"the z"}, {"the x", "the y"}]


def test_the_last_baskets_of_a_robot_are_kept():
    events = log([("robot", minute, f"i{minute % 7}") for minute in range(MOST_BASKETS + 50)])
    taken = baskets(taken_items(events_with_texts(events, items_of(events), seed=0)))
    assert taken.basket.max() + 1 == MOST_BASKETS
    assert len(taken.item) == MOST_BASKETS


def test_items_of_the_same_customers_are_near_and_those_of_others_are_not():
    events = two_shops()
    taken = baskets(taken_items(events_with_texts(events, items_of(events), seed=0)))
    vectors = collaborative_vectors(taken, 16, seed=0)
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
    half = np.array([text[5] for text in taken.texts])
    near = vectors @ vectors.T
    same = half[:, None] == half[None, :]
    assert near[same & ~np.eye(len(half), dtype=bool)].mean() > near[~same].mean() + 0.2
    np.testing.assert_array_equal(vectors, collaborative_vectors(taken, 16, seed=0))


def test_vectors_may_have_more_dimensions_than_there_are_items():
    events = log([("a", 0, "x"), ("a", 9, "y"), ("b", 0, "x"), ("b", 9, "y")])
    taken = baskets(taken_items(events_with_texts(events, items_of(events), seed=0)))
    assert collaborative_vectors(taken, 8, seed=0).shape == (2, 8)


def test_an_item_that_few_took_stays_nearer_to_what_it_says():
    events = pl.concat([two_shops(), log([("once", 0, "rare"), ("once", 60, "i00")])])
    taken = baskets(taken_items(events_with_texts(events, items_of(events), seed=0)))
    before = np.random.default_rng(1).normal(size=(len(taken.texts), 32)).astype(np.float32)
    before /= np.linalg.norm(before, axis=1, keepdims=True)
    kept = (item_vectors(taken, before, seed=0) * before).sum(axis=1)
    rare = taken.texts.index("the rare")
    assert kept[rare] > np.delete(kept, rare).max()


def test_queries_are_where_their_results_are_and_earlier_texts_stay():
    events = two_shops()
    taken = baskets(taken_items(events_with_texts(events, items_of(events), seed=0)))

    def encode(texts):
        drawn = [np.random.default_rng(list(text.encode())).normal(size=16) for text in texts]
        return np.array([d / np.linalg.norm(d) for d in drawn], np.float32)

    pairs = Pairs(["mug", "mug", "the i00"], ["the i01", "the i02", "the i03"])
    learned = teacher_vectors(
        taken, pairs, ["the i01", "old lamp", *(f"old {n}" for n in range(90))], encode, seed=0
    )
    at = dict(zip(learned.texts, learned.vectors, strict=True))
    assert len(at) == len(learned.texts)
    between = at["the i01"] + at["the i02"]
    np.testing.assert_allclose(at["mug"], between / np.linalg.norm(between), atol=1e-5)
    old = [text for text in at if text.startswith("old")]
    assert len(old) == 7  # a quarter of 20 items, a query and themselves
    for text in old:
        np.testing.assert_allclose(at[text], encode([text])[0], atol=1e-5)
