"""Several vectors a user, where one does not fit."""

import numpy as np
import polars as pl
from small_shop import events, interactions

from adcli.embed.interests import interests, user_interests
from adcli.embed.vectors import matrix


def axes(*groups, size=6):
    """Unit vectors scattered a little around the given axes."""
    rng = np.random.default_rng(0)
    vectors = np.eye(size)[list(groups)] + rng.normal(scale=0.05, size=(len(groups), size))
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


def test_two_things_far_apart_are_two_interests():
    vectors = axes(0, 0, 0, 1, 1)
    found = user_interests(vectors, np.arange(5), np.array([1.0, 1, 1, 5, 1]), 4)
    assert [sorted(one.members.tolist()) for one in found] == [[3, 4], [0, 1, 2]]
    assert [round(one.share, 3) for one in found] == [0.667, 0.333]
    assert found[0].vector[1] > 0.99


def test_one_thing_is_one_interest_however_many_are_allowed():
    found = user_interests(axes(2, 2, 2, 2), np.arange(4), np.ones(4), 3)
    assert len(found) == 1
    assert found[0].share == 1


def test_things_that_have_something_in_common_are_still_two_interests():
    shared, own = np.eye(6)[5], np.eye(6)
    vectors = np.array([0.6 * shared + 0.8 * own[place] for place in (0, 0, 1, 1)], np.float32)
    found = user_interests(vectors, np.arange(4), np.ones(4), 3)
    assert [one.members.tolist() for one in found] in ([[0, 1], [2, 3]], [[2, 3], [0, 1]])


def test_never_more_than_asked_for():
    found = user_interests(axes(0, 1, 2, 3, 4), np.arange(5), np.ones(5), 2)
    assert len(found) == 1 or len(found) == 2
    assert sum(one.share for one in found) == 1


def test_rows_of_the_vectors_table(items):
    log = events(
        [("u", 0, "view", "0001", None), ("u", 1, "cart", "0002", None), ("v", 0, "other", "0001", None)]
    )
    table = pl.concat(interests(interactions(log, items), 3))
    assert table.columns == ["id", "kind", "embedding", "interest", "share", "about"]
    assert set(table["kind"]) == {"user_interest"}
    assert set(table["id"]) == {"u"}
    assert table["about"][0].startswith("Toys thing 2")
    np.testing.assert_allclose(np.linalg.norm(matrix(table["embedding"]), axis=1), 1, atol=1e-6)
