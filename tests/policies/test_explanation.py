"""Contributions add up to the score, member by member, and are those that a known model has."""

import numpy as np
import polars as pl
import pytest

from adcli.errors import DataError
from adcli.policies.actions import action_set
from adcli.policies.context import fit_context
from adcli.policies.explanation import explain
from adcli.policies.members.member import RewardRows
from adcli.policies.members.network import NetworkMember
from adcli.policies.members.random_effects import RandomEffectsMember
from adcli.policies.members.trees import TreesMember
from adcli.policies.policy import ScoredPolicy
from adcli.policies.scores import Scores, weighted_sum
from adcli.policies.store import load_policy, save_policy
from adcli.policies.table_policy import uniform


@pytest.fixture(scope="module")
def learned():
    """Each member fitted to clicks on three items: who is young clicks on b, and more so in the evening."""
    rng = np.random.default_rng(0)
    n = 3_000
    action, age, evening = rng.integers(0, 3, n), rng.normal(size=n), rng.integers(0, 2, n)
    rate = 0.1 + 0.5 * ((action == 1) & (age < 0)) * (0.4 + 0.6 * evening)
    log = pl.DataFrame(
        {
            "item_id": np.array(["a", "b", "c"])[action],
            "age": age,
            "part": np.array(["day", "evening"])[evening],
            "noise": rng.normal(size=n),
        }
    )
    actions, encoder = action_set(log), fit_context(log, ["age", "part", "noise"])
    features = np.array([[1.0, 0], [0, 1], [0, 0]], dtype=np.float32)
    clicks = (rng.random(n) < rate).astype(float)
    rows = RewardRows(encoder.encode(log), actions.index(log), clicks, np.ones(n), features)
    members = {
        "linear": RandomEffectsMember("random effects of pairs", pairs=True),
        "trees": TreesMember(trees=20),
        "network": NetworkMember(),
    }
    fitted = {name: member.fit(rows, "logit") for name, member in members.items()}
    d = len(encoder.names)
    fitted["stack"] = weighted_sum(list(fitted.values()), [0.3, 0.5, 0.4], -0.2, d)
    return log.head(200), {
        name: ScoredPolicy(name, actions, encoder, scores, "greedy", 0.1) for name, scores in fitted.items()
    }


def scores_of(policy, log, action):
    """The scores computed as they are written down, in double precision."""
    context = policy.encoder.encode(log).astype(np.float64)
    whole = np.hstack([context, *(units.of(context) for units in policy.model.units)])
    each = np.arange(action.size)
    return (whole @ policy.model.weights.astype(np.float64) + policy.model.bias)[each, action]


@pytest.mark.parametrize("name", ["linear", "trees", "network", "stack"])
def test_contributions_add_up_to_the_score(learned, name):
    log, policies = learned
    action = np.arange(log.height) % 3
    found = explain(policies[name], log, action)
    assert found.names == ["age", "part", "noise", "item_id"]
    assert found.score == pytest.approx(scores_of(policies[name], log, action), abs=1e-6)


def test_what_matters_is_what_moves_the_score(learned):
    log, policies = learned
    found = explain(policies["stack"], log, np.ones(log.height, dtype=np.int64))
    age, part, noise, _ = np.abs(found.contributions).mean(axis=0)
    assert age > part > noise
    young = (log["age"] < -0.5).to_numpy()
    assert (
        found.contributions[young, 0].min() > 0 > found.contributions[(log["age"] > 0.5).to_numpy(), 0].max()
    )


def test_a_linear_score_is_explained_by_its_weights(learned):
    log, policies = learned
    policy = policies["trees"]
    weights = np.arange(3 * len(policy.encoder.names), dtype=np.float32).reshape(-1, 3)
    linear = ScoredPolicy("l", policy.actions, policy.encoder, Scores(weights, weights[0] * 0), "greedy", 0.1)
    found = explain(linear, log, np.full(log.height, 2))
    age = policy.encoder.encode(log)[:, 0]
    assert found.contributions[:, 0] == pytest.approx(age * weights[0, 2])


def test_a_policy_read_again_explains_the_same(learned, tmp_path):
    log, policies = learned
    save_policy(policies["stack"], tmp_path, {})
    action = np.zeros(log.height, dtype=np.int64)
    again, before = (explain(one, log, action) for one in (load_policy(tmp_path), policies["stack"]))
    assert again.contributions == pytest.approx(before.contributions, abs=1e-9)


def test_a_table_has_nothing_to_explain(learned):
    log, policies = learned
    with pytest.raises(DataError, match="no scores to explain"):
        explain(uniform(policies["stack"].actions), log, np.zeros(log.height, dtype=np.int64))
