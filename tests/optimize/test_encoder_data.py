"""What an encoder learns from: pairs that belong together, splits that do not leak, rows worth labelling."""

import json
from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from simulated_shop import simulated_shop

from adcli.core.training.encoder.evaluations import NextItems, evaluation_from_json, evaluation_to_json
from adcli.core.training.encoder.examples import Labelled, Pairs, Texts
from adcli.errors import DataError, UsageError
from adcli.optimize.encoder.association import associated
from adcli.optimize.encoder.behaviour_pairs import (
    behaviour_pairs,
    events_with_texts,
    frequent_items,
    item_texts,
    taken_items,
)
from adcli.optimize.encoder.examples import (
    check_objective,
    default_objective,
    examples_for,
    label_pairs,
    with_hard_negatives,
)
from adcli.optimize.encoder.replay import mixed, sample_from_json, sample_to_json
from adcli.optimize.encoder.splits import (
    Split,
    held_out_since,
    split_labelled,
    split_pairs,
    split_texts,
    with_next_items,
)
from adcli.optimize.encoder.suggestions import suggest

START = datetime(2024, 1, 1, tzinfo=UTC)
ITEMS = pl.DataFrame({"item_id": ["a", "b", "c", "d"], "text": ["kettle", "teapot", "rope", "tent"]})


def log(rows):
    """Events from (user, minutes, type, item, query, session)."""
    return pl.DataFrame(
        [(START + timedelta(minutes=m), u, t, i, q, s) for u, m, t, i, q, s in rows],
        schema={"event_time": pl.Datetime("us", "UTC"), "user_id": pl.String, "event_type": pl.String,
                "item_id": pl.String, "query": pl.String, "session_id": pl.String},
        orient="row",
    )  # fmt: skip


def found(rows):
    pairs = behaviour_pairs(events_with_texts(log(rows), ITEMS, seed=0))
    return set(pairs.select("anchor", "positive", "source").iter_rows())


def test_what_one_user_viewed_and_bought_belongs_together_and_what_two_did_does_not():
    assert found(
        [
            ("u", 0, "view", "a", None, None),
            ("u", 5, "view", "b", None, None),
            ("v", 6, "view", "c", None, None),
        ]
    ) == {("kettle", "teapot", "co-viewed")}
    rows = [("u", 0, "purchase", "a", None, None), ("u", 0, "purchase", "b", None, None)]
    assert {frozenset(pair[:2]) for pair in found(rows)} == {frozenset({"kettle", "teapot"})}
    assert {pair[2] for pair in found(rows)} == {"co-bought"}


def test_sessions_divide_and_so_does_a_long_time():
    apart = [
        ("u", 0, "view", "a", None, "1"),
        ("u", 5, "view", "b", None, "2"),
        ("u", 6, "view", "c", None, "2"),
    ]
    assert found(apart) == {("teapot", "rope", "co-viewed")}
    late = [("u", 0, "view", "a", None, None), ("u", 5, "view", "b", None, None),
            ("u", 60 * 24 * 40, "view", "c", None, None)]  # fmt: skip
    assert found(late) == {("kettle", "teapot", "co-viewed")}


def test_a_query_belongs_to_what_was_taken_after_it_and_before_the_next():
    rows = [
        ("u", 0, "search", None, "tea", None),
        ("u", 1, "click", "b", None, None),
        ("u", 2, "search", None, "camping", None),
        ("u", 3, "click", "d", None, None),
        ("u", 90, "click", "c", None, None),
    ]
    assert {pair for pair in found(rows) if pair[2] == "query"} == {
        ("tea", "teapot", "query"),
        ("camping", "tent", "query"),
    }


def test_impressions_are_nobodys_choice_and_a_log_without_pairs_is_said_so():
    with pytest.raises(DataError, match="two items"):
        found([("u", 0, "impression", "a", None, None), ("u", 1, "impression", "b", None, None)])
    with pytest.raises(DataError, match="No event is about an item with a text"):
        found([("u", 0, "view", "x", None, None), ("u", 1, "view", "y", None, None)])


def test_an_items_text_is_the_one_it_comes_with_most_often():
    events = log([("u", m, "view", "a", None, None) for m in range(3)]).with_columns(
        pl.Series("text", ["Kettle", "kettel", "Kettle"])
    )
    assert item_texts(events).rows() == [("a", "Kettle")]
    with pytest.raises(DataError, match="--catalog"):
        item_texts(log([("u", 0, "view", "a", None, None)]))


def test_training_pairs_are_earlier_than_all_that_is_asked():
    shop = simulated_shop()
    items = shop.products.rename({"title": "text"})
    pairs = behaviour_pairs(events_with_texts(shop.events, items, seed=0))
    split = split_pairs(pairs, items["text"].to_list(), seed=0)
    first = pairs["event_time"][int(0.9 * pairs.height)]
    early = set(pairs.filter(pl.col("event_time") < first).select("anchor", "positive").iter_rows())
    later = set(pairs.filter(pl.col("event_time") >= first).select("anchor", "positive").iter_rows())
    assert set(zip(split.train.anchors, split.train.positives, strict=True)) <= early
    for evaluation in (split.validation, split.test):
        asked = zip(evaluation.queries, (evaluation.documents[i] for i in evaluation.relevant), strict=True)
        assert set(asked) <= later
    assert len(set(split.test.documents)) == len(split.test.documents)


def test_customers_of_both_sides_are_asked_what_they_take_next():
    shop = simulated_shop()
    items = shop.products.rename({"title": "text"})
    taken = taken_items(events_with_texts(shop.events, items, seed=0))
    pairs = behaviour_pairs(events_with_texts(shop.events, items, seed=0))
    since = held_out_since(pairs)
    split = split_pairs(pairs, items["text"].to_list(), seed=0)
    asked = with_next_items(split, taken, since, seed=0)
    assert asked.train == split.train
    assert asked.validation.metric == asked.test.metric == "next-item recall@20"
    middle = taken["event_time"].filter(taken["event_time"] >= since).sort()
    middle = middle[len(middle) // 2]
    for evaluation, first, last in ((asked.validation, since, middle), (asked.test, middle, None)):
        before = {evaluation.items[i] for i in evaluation.item}
        later = {evaluation.items[i] for i in evaluation.later_item}
        assert before <= set(taken.filter(pl.col("event_time") < first)["text"])
        within = (
            pl.col("event_time") >= first
            if last is None
            else pl.col("event_time").is_between(first, last, "left")
        )
        assert later <= set(taken.filter(within)["text"])
        assert set(evaluation.later_customer) == set(evaluation.customer)
        assert evaluation_from_json(json.loads(json.dumps(evaluation_to_json(evaluation)))) == evaluation


def test_next_items_counts_what_is_found_of_what_was_taken():
    evaluation = NextItems(["a", "b", "c", "d"], [0, 0, 1], [0, 0, 1], [0, 0, 1], [1, 3, 2], k=2)
    places = {"a": 0.0, "b": 0.1, "c": 3.0, "d": 1.0}
    encode = lambda texts: np.array([[np.cos(places[t]), np.sin(places[t])] for t in texts], np.float32)  # noqa: E731
    assert evaluation.asked == 2
    assert evaluation(encode) == pytest.approx((1 / 2 + 0) / 2)  # a finds itself and b; b itself and a


def test_nobody_on_both_sides_leaves_the_pairs_to_be_asked_about():
    times = [START, START, START + timedelta(days=9), START + timedelta(days=9)]
    taken = pl.DataFrame({"user_id": ["a", "a", "b", "b"], "text": list("xyxy"), "event_time": times})
    split = Split(Pairs(["x"], ["y"]), None, None)
    assert with_next_items(split, taken, START + timedelta(days=1), seed=0) is split
    assert with_next_items(split, taken, None, seed=0) is split


def test_the_most_frequent_items_do_not_hang_on_the_order_of_the_log():
    taken = pl.DataFrame({"text": list("ddccbba")})
    for order in range(5):
        shuffled = taken.sample(fraction=1, shuffle=True, seed=order)
        assert frequent_items(shuffled, 2).rows() == [(0, "b"), (1, "c")]


def test_pairs_that_popularity_explains_are_left_out_and_queries_are_not():
    rows = [("a", "b")] * 5 + [("c", "d")] * 5 + [(name, "popular") for name in "abcd" for _ in range(5)]
    rows += [(f"x{i}", "popular") for i in range(200)]
    pairs = pl.DataFrame(rows, schema=["anchor", "positive"], orient="row")
    pairs = pairs.with_columns(source=pl.lit("co-bought"))
    asked = pl.DataFrame({"anchor": ["q"] * 3, "positive": ["a", "b", "c"], "source": ["query"] * 3})
    kept = associated(pl.concat([pairs, asked]), partners=1)
    assert kept.filter(pl.col("anchor") == "a")["positive"].to_list() == ["b"] * 5
    assert kept.filter(pl.col("source") == "query").height == 3


def test_pairs_of_one_moment_are_all_learned_from():
    pairs = pl.DataFrame({"anchor": ["a"] * 30, "positive": ["b"] * 30, "event_time": [START] * 30,
                          "source": ["co-bought"] * 30})  # fmt: skip
    split = split_pairs(pairs, ["a", "b"], seed=0)
    assert len(split.train.anchors) == 30
    assert split.validation is None


@given(st.lists(st.text("abc ", min_size=1, max_size=6), min_size=1, max_size=60), st.integers(0, 3))
def test_equal_texts_are_never_on_both_sides(texts, seed):
    split = split_labelled(Labelled(texts, [i % 2 for i in range(len(texts))], ["n", "y"]), seed=seed)
    for probe in (split.validation, split.test):
        assert probe is None or not set(probe.held_out.texts) & set(split.train.texts)


def test_halves_of_held_out_texts_are_asked_for_each_other():
    texts = [f"word{i} steel bottle blue number{i}" for i in range(300)]
    split = split_texts(texts, seed=0)
    query, place = split.test.queries[0], split.test.relevant[0]
    assert f"{query} {split.test.documents[place]}" in set(texts) - set(split.train.texts)


def test_pairs_of_labels_share_their_label_and_say_so():
    labelled = Labelled([f"t{i}" for i in range(10)], [i % 3 for i in range(10)], ["a", "b", "c"])
    pairs = label_pairs(labelled, most=1_000, seed=0)
    label = dict(zip(labelled.texts, labelled.labels, strict=True))
    for anchor, positive, group in zip(pairs.anchors, pairs.positives, pairs.groups, strict=True):
        assert label[anchor] == label[positive] == group
        assert anchor != positive


def test_a_hard_negative_is_near_and_never_a_known_answer():
    documents = [f"d{i}" for i in range(40)]
    angle = {text: i * 0.02 for i, text in enumerate(documents)}
    encode = lambda texts: np.array([[np.cos(angle[t]), np.sin(angle[t])] for t in texts], np.float32)  # noqa: E731
    pairs = Pairs(["d0"] * 10 + ["d20"], [f"d{i}" for i in range(1, 11)] + ["d21"])
    mined = with_hard_negatives(pairs, documents, encode, seed=0)
    assert not set(mined.negatives[:10]) & {f"d{i}" for i in range(11)}
    assert mined.negatives[10] not in {"d20", "d21"}


def test_the_objective_follows_from_the_material_and_a_wrong_one_is_one_sentence():
    texts, few = Texts(["a", "b"]), Labelled(["a", "b"], [0, 1], ["n", "y"])
    assert default_objective(Pairs(["a"], ["b"])) == "collaborative"
    assert default_objective(texts) == "simcse"
    assert default_objective(few) == "few-labels"
    assert default_objective(Labelled(["a"] * 600, [0] * 600, ["n"])) == "classify"
    with pytest.raises(UsageError, match="--objective contrastive learns from a log of events"):
        check_objective("contrastive", texts)
    pairs = examples_for("simcse", texts, most=10, seed=0)
    assert pairs.anchors == pairs.positives


def test_replay_is_at_most_a_quarter_and_survives_json():
    new, old = Pairs(["n"] * 90, ["m"] * 90), Pairs([f"o{i}" for i in range(500)], ["p"] * 500)
    both = mixed(new, old, seed=0)
    assert len(both.anchors) == 120
    assert set(both.positives) == {"m", "p"}
    material, test = sample_from_json(sample_to_json(old, None, seed=0))
    assert list(material.anchors) == old.anchors
    assert test is None


def test_replayed_labels_keep_their_names():
    both = mixed(Labelled(["a"] * 9, [0] * 9, ["x"]), Labelled(["b"], [1], ["w", "y"]), seed=0)
    assert {(text, both.names[label]) for text, label in zip(both.texts, both.labels, strict=True)} == {
        ("a", "x"),
        ("b", "y"),
    }


def test_suggestions_are_uncertain_open_rows_that_are_unlike_each_other():
    generator = np.random.default_rng(0)
    centres = np.eye(6)
    centres[4], centres[5] = centres[0] + centres[1], centres[0] + centres[1] + 0.8 * centres[3]
    place = np.repeat([0, 1, 4, 5], [60, 60, 30, 30])
    vectors = centres[place] + 0.02 * generator.normal(size=(180, 6))
    vectors = (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)
    labels = [None] * 180
    for row in (0, 1, 2, 60, 61, 62):
        labels[row] = int(row >= 60)
    rows = pl.DataFrame({"row": np.arange(180)})
    suggested = suggest(rows, vectors, labels, ["no", "yes"], most=4, seed=0)
    assert suggested.height == 4
    assert set(place[suggested["row"].to_numpy()]) == {4, 5}
    assert suggested["uncertainty"].is_sorted(descending=True)
    assert suggest(rows, vectors, [None] * 180, [], most=4, seed=0)["predicted"].null_count() == 4
