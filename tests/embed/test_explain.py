"""What moved a vector."""

import numpy as np
import pytest
from small_shop import encode, events, interactions, profiled

from adcli.embed.explain import explain_profile, explain_text
from adcli.embed.vectors import matrix
from adcli.errors import DataError


def bag(texts):
    """Vectors of texts as sums over their words, so that what a word moves is known."""
    vectors = np.array([sum((encode([word])[0] for word in text.split()), np.zeros(24)) for text in texts])
    return (vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)).astype(np.float32)


def test_the_words_that_move_a_text_come_first():
    table = explain_text("p", "moka pot moka", bag)
    assert table["part"].unique().to_list() == ["word"]
    assert table["what"].to_list()[0] == "pot"  # the only one of its kind
    full, without = bag(["moka pot moka", "moka moka"])
    assert table["moved"][0] == pytest.approx(1 - full @ without, abs=1e-6)


def test_what_an_event_moved_is_what_the_profile_would_be_without_it(items):
    rows = [
        ("u", 0, "view", "0001", None),
        ("u", 1, "view", "0001", None),
        ("u", 2, "purchase", "0002", None),
    ]
    seen = interactions(events(rows), items)
    table = explain_profile("u", seen, [None] * len(seen.titles), encode, half_life=None)
    assert table["what"].to_list() == ["Toys thing 2", "Outdoor thing 1"]
    assert table["events"].to_list() == [1, 2]
    assert table["share"].to_list() == pytest.approx([5 / 7, 2 / 7])
    full = matrix(profiled(events(rows), items)["embedding"])[0]
    assert table["moved"][0] == pytest.approx(1 - full @ items.vectors[1], abs=1e-6)
    assert table["similarity"][1] == pytest.approx(full @ items.vectors[1], abs=1e-6)


def test_words_of_searches_are_explained_too(items):
    seen = interactions(
        events([("u", 0, "search", None, "down tent"), ("u", 1, "view", "0001", None)]), items
    )
    texts = [None] * seen.item_count + seen.titles[seen.item_count :].to_list()
    table = explain_profile("u", seen, texts, bag, half_life=None)
    assert set(table.filter(part="word")["what"]) == {"down", "tent"}
    assert (table["moved"] >= -1e-6).all()


def test_nobody_of_that_name_is_one_sentence(items):
    seen = interactions(events([("u", 0, "view", "0001", None), ("v", 0, "other", "0001", None)]), items)
    with pytest.raises(DataError, match="--explain x: no event is of this user"):
        explain_profile("x", seen, [], encode, half_life=None)
    with pytest.raises(DataError, match="has a weight and a known item or text"):
        explain_profile("v", seen, [], encode, half_life=None)
