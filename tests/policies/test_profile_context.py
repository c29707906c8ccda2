"""Vectors of users as context of a policy."""

import numpy as np
import polars as pl
import pytest

from adcli.errors import DataError
from adcli.optimize.policy_learning import learn_policy
from adcli.policies.prepared import Question
from adcli.policies.profiles import profile_join

VECTOR = pl.Array(pl.Float32, 2)


def vectors(ids, values, kind="user"):
    return pl.DataFrame({"id": ids, "kind": kind, "embedding": pl.Series(values, dtype=VECTOR)})


def test_rows_get_the_vector_of_their_user_and_strangers_the_mean():
    log = pl.DataFrame({"user_id": ["b", "x", None, "a"], "click": [0, 1, 0, 0]})
    products = vectors(["a"], [[9, 9]], kind="product")
    join, missing = profile_join(log, pl.concat([products, vectors(["a", "b"], [[1, 0], [0, 1]])]))
    assert join(log)["profile"].to_list() == [[0, 1], [0.5, 0.5], [0.5, 0.5], [1, 0]]
    assert missing == 2
    assert pl.concat([join(part) for part in log.iter_slices(1)])["profile"].equals(join(log)["profile"])


def test_a_log_without_those_users_is_refused():
    with pytest.raises(DataError, match="names no users"):
        profile_join(pl.DataFrame({"click": [1]}), vectors(["a"], [[1, 0]]))
    with pytest.raises(DataError, match="none of the log's users"):
        profile_join(pl.DataFrame({"user_id": ["x"]}), vectors(["a"], [[1, 0]]))


def test_what_a_profile_says_of_a_user_is_learned():
    rng = np.random.default_rng(0)
    users, n = 400, 4_000
    taste = rng.normal(size=(users, 2)).astype(np.float32)
    user, action = rng.integers(0, users, n), rng.integers(0, 2, n)
    liked = taste[user, 0] > 0
    click = rng.random(n) < np.where(liked == action, 0.4, 0.1)
    log = pl.DataFrame(
        {
            "user_id": [f"u{one}" for one in user],
            "item_id": [f"i{one}" for one in action],
            "click": click.astype(int),
            "propensity": 0.5,
        }
    )
    join, _ = profile_join(log, vectors([f"u{one}" for one in range(users)], taste))
    joined = join(log)
    learned = learn_policy(joined, Question(context=("profile",)))
    best = learned.policy.probabilities(joined).argmax(axis=1)
    assert (best == liked).mean() > 0.85
