"""Off-policy estimators: equal to the published package's, unbiased on a known truth, and with their properties."""

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adcli.evaluate.off_policy import slates as slates
from adcli.policies import estimators as e

FIXTURES = Path(__file__).parent / "fixtures"
OBP = json.loads((FIXTURES / "obp_values.json").read_text())


def some_rows(n, rewarded, weighted, largest, seed):
    """Rewards, weights and a model's expectations of n rows; from a seed, as drawing arrays is slow."""
    rng = np.random.default_rng(seed)
    reward = (rng.random(n) < rewarded).astype(float)
    weight = rng.uniform(0, largest, n) * (rng.random(n) < weighted)
    return reward, weight, rng.random(n), rng.random(n)


shares = st.sampled_from([0.0, 0.1, 0.5, 1.0])
rows = st.builds(
    some_rows, st.integers(2, 80), shares, shares, st.sampled_from([1e-3, 1, 50]), st.integers(0, 2**32 - 1)
)


@pytest.mark.parametrize("campaign", ["all", "men"])
class TestEqualToThePublishedPackage:
    def values(self, campaign):
        with np.load(FIXTURES / f"obp_{campaign}.npz") as held:
            policy, reward = held["policy"], held["reward"].astype(float)
            weight = policy[held["action"], held["position"]] * policy.shape[0]
            q_logged, q_policy = held["q_logged"], held["q_policy"]
        return {
            "ips": e.ips(reward, weight),
            "snips": e.snips(reward, weight),
            "dm": e.dm(q_policy),
            "dr": e.dr(reward, weight, q_logged, q_policy),
            "sndr": e.sndr(reward, weight, q_logged, q_policy),
            "switch-dr 1": e.switch_dr(reward, weight, q_logged, q_policy, 1.0),
            "switch-dr 100": e.switch_dr(reward, weight, q_logged, q_policy, 100.0),
            "dros 1": e.dros(reward, weight, q_logged, q_policy, 1.0),
            "dros 100": e.dros(reward, weight, q_logged, q_policy, 100.0),
            "clipped-ips 3": e.clipped_ips(reward, weight, 3.0),
        }

    def test_values(self, campaign):
        found = {name: estimate.value for name, estimate in self.values(campaign).items()}
        assert found == pytest.approx(OBP[campaign], rel=1e-9)

    def test_influences_average_to_the_values(self, campaign):
        for estimate in self.values(campaign).values():
            assert estimate.influence.mean() == pytest.approx(estimate.value, rel=1e-9)


def test_slate_estimators_equal_the_published_package():
    with np.load(FIXTURES / "obp_slates.npz") as held:
        reward, weight = held["reward"].astype(float), held["target"] / held["propensity"]
        q_policy = (held["policy"] * held["q"]).sum(axis=2)
        q_logged = np.take_along_axis(held["q"], held["action"][:, :, None].astype(int), axis=2)[:, :, 0]
    found = {
        "sips": slates.sips(reward, weight),
        "iips": slates.iips(reward, weight),
        "rips": slates.rips(reward, weight),
        "cascade-dr": slates.cascade_dr(reward, weight, q_logged, q_policy),
    }
    assert {name: one.value for name, one in found.items()} == pytest.approx(OBP["slates"], rel=1e-9)


@settings(max_examples=500)
@given(rows)
def test_a_policy_that_is_the_logs_own_earns_the_mean_reward(given_rows):
    reward, _, q, _ = given_rows
    ones = np.ones(reward.size)
    for estimate in (
        e.ips(reward, ones),
        e.snips(reward, ones),
        e.dr(reward, ones, q, q),
        e.sndr(reward, ones, q, q),
    ):
        assert estimate.value == pytest.approx(reward.mean(), abs=1e-12)


@settings(max_examples=500)
@given(rows, st.floats(0.1, 10))
def test_snips_does_not_see_the_scale_of_the_propensities_and_stays_within_the_rewards(given_rows, scale):
    reward, weight, _, _ = given_rows
    value = e.snips(reward, weight).value
    assert e.snips(reward, weight * scale).value == pytest.approx(value, abs=1e-9)
    if weight.sum():
        assert reward.min() - 1e-12 <= value <= reward.max() + 1e-12


@settings(max_examples=500)
@given(rows)
def test_dr_is_dm_without_weights_and_ips_without_a_model(given_rows):
    reward, weight, q_logged, q_policy = given_rows
    nothing = np.zeros(reward.size)
    assert e.dr(reward, nothing, q_logged, q_policy).value == pytest.approx(e.dm(q_policy).value)
    assert e.dr(reward, weight, nothing, nothing).value == pytest.approx(e.ips(reward, weight).value)


@settings(max_examples=500)
@given(rows)
def test_shrinking_ends_in_dm_and_in_dr(given_rows):
    reward, weight, q_logged, q_policy = given_rows
    whole = e.dr(reward, weight, q_logged, q_policy).value
    assert e.dros(reward, weight, q_logged, q_policy, 1e14).value == pytest.approx(whole, abs=1e-6)
    assert e.switch_dr(reward, weight, q_logged, q_policy, 1e9).value == pytest.approx(whole)
    assert e.dros(reward, weight, q_logged, q_policy, 1e-12).value == pytest.approx(q_policy.mean(), abs=1e-4)
    assert e.clipped_ips(reward, weight, 1e9).value == pytest.approx(e.ips(reward, weight).value)


@settings(max_examples=500)
@given(rows, st.integers(0, 2**32 - 1))
def test_the_order_of_rows_does_not_matter(given_rows, seed):
    reward, weight, q_logged, q_policy = given_rows
    order = np.random.default_rng(seed).permutation(reward.size)
    for name in (e.ips, e.snips):
        assert name(reward[order], weight[order]).value == pytest.approx(name(reward, weight).value)
    shuffled = e.sndr(reward[order], weight[order], q_logged[order], q_policy[order]).value
    assert shuffled == pytest.approx(e.sndr(reward, weight, q_logged, q_policy).value)
    assert e.effective_sample_size(weight[order]) == pytest.approx(e.effective_sample_size(weight))


@settings(max_examples=500)
@given(rows)
def test_effective_numbers_are_at_most_the_actual_ones(given_rows):
    reward, weight, _, _ = given_rows
    assert 0 <= e.effective_sample_size(weight) <= weight.size + 1e-9
    assert 0 <= e.matched_clicks(reward, weight) <= reward.sum() + 1e-9


@settings(max_examples=500)
@given(rows)
def test_the_log_smoothing_bound_is_below_the_weighted_mean(given_rows):
    reward, weight, _, _ = given_rows
    assert 0 <= e.log_smoothing_bound(reward, weight) <= e.ips(reward, weight).value + 1e-12


def two_thousand_logs(estimate, *, seed=0):
    """The mean and standard error of an estimator over 2,000 simulated logs, and the truth."""
    rng = np.random.default_rng(seed)
    logging, target, click = (
        np.array([0.6, 0.3, 0.1]),
        np.array([0.1, 0.3, 0.6]),
        np.array([0.05, 0.1, 0.2]),
    )
    values = np.empty(2_000)
    for trial in range(values.size):
        action = rng.choice(3, 400, p=logging)
        reward = (rng.random(400) < click[action]).astype(float)
        values[trial] = estimate(reward, (target / logging)[action], action)
    return values.mean(), values.std() / np.sqrt(values.size), float(target @ click)


MODEL = np.array([0.1, 0.1, 0.15])  # wrong on purpose
EXPECTED = float(np.array([0.1, 0.3, 0.6]) @ MODEL)


@pytest.mark.parametrize(
    "estimate",
    [
        lambda reward, weight, action: e.ips(reward, weight).value,
        lambda reward, weight, action: e.dr(reward, weight, MODEL[action], np.full(400, EXPECTED)).value,
    ],
    ids=["ips", "dr"],
)
def test_unbiased_over_two_thousand_logs(estimate):
    mean, error, truth = two_thousand_logs(estimate)
    assert abs(mean - truth) < 3 * error


def test_slate_estimators_are_unbiased_where_their_click_model_holds():
    rng = np.random.default_rng(0)
    logging, target = np.array([0.7, 0.3]), np.array([0.4, 0.6])
    alone, after_hit = np.array([0.1, 0.4]), 0.5
    values = {"sips": [], "rips": [], "cascade-dr": [], "iips": []}
    for _ in range(2_000):
        action = rng.choice(2, (200, 2), p=logging)
        chance = alone[action]
        first = rng.random(200) < chance[:, 0]
        chance[:, 1] *= np.where(action[:, 0] == 1, after_hit, 1.0)  # depends on what stands above
        reward = np.column_stack([first, rng.random(200) < chance[:, 1]]).astype(float)
        weight = (target / logging)[action]
        values["sips"].append(slates.sips(reward, weight).value)
        values["rips"].append(slates.rips(reward, weight).value)
        values["iips"].append(slates.iips(reward, weight).value)
        q_logged, q_policy = alone[action], np.full(action.shape, float(target @ alone))
        follows = slates.rewards_to_come(q_policy)
        values["cascade-dr"].append(
            slates.cascade_dr(reward, weight, q_logged + follows, q_policy + follows).value
        )
    truth = float(target @ alone) * (1 + target[0] + target[1] * after_hit)
    for name in ("sips", "rips", "cascade-dr"):
        found = np.array(values[name])
        assert abs(found.mean() - truth) < 3 * found.std() / np.sqrt(found.size), name
    biased = np.array(values["iips"])
    assert abs(biased.mean() - truth) > 5 * biased.std() / np.sqrt(biased.size)
