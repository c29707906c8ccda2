"""Intervals of off-policy estimates hold what they promise on a known truth."""

import numpy as np
import pytest

from adcli.evaluate.off_policy import intervals as intervals
from adcli.evaluate.off_policy import slates
from adcli.policies import estimators as e
from adcli.policies.logged import LoggedRows
from adcli.policies.uncertainty import difference_mean, value_mean
from adcli.statistics.means import clustered_mean

TRIALS = 2_000
NOMINAL = (0.935, 0.99)  # at fifteen clicks the default is as wide as an exact interval


class Truth:
    """Four segments, ten actions, a logging and a target policy; optionally users who differ."""

    def __init__(self, *, n, rate, spread, users=0, differ=0.0):
        rng = np.random.default_rng(3)
        scores = np.exp(spread * rng.normal(size=(2, 4, 10)))
        self.logging, self.target = scores / scores.sum(axis=2, keepdims=True)
        self.click = np.minimum(rate * np.exp(0.5 * rng.normal(size=(4, 10))), 0.9)
        self.model = np.full((4, 10), rate) * np.linspace(0.7, 1.3, 10)
        self.value = float((self.target * self.click).sum(axis=1).mean())
        self.gain = self.value - float((self.logging * self.click).sum(axis=1).mean())
        self.n, self.users, self.differ = n, users, differ

    def rows(self, rng):
        """Reward, weight, the model's expectations, and the user of each row."""
        user = np.sort(rng.integers(0, self.users, self.n)) if self.users else None
        segment = rng.integers(0, 4, self.n) if user is None else user % 4
        taste = 1.0 if user is None else _taste(rng, self.users, self.differ)[user]
        edges = self.logging.cumsum(axis=1)[segment]
        action = (rng.random(self.n)[:, None] > edges).sum(axis=1).clip(0, 9)
        reward = (rng.random(self.n) < np.minimum(self.click[segment, action] * taste, 1)).astype(float)
        weight = (self.target / self.logging)[segment, action]
        expected = (self.target * self.model).sum(axis=1)[segment]
        return reward, weight, self.model[segment, action], expected, user


def _taste(rng, users, differ):
    return np.exp(differ * rng.normal(size=users) - differ**2 / 2)


def coverage(truth, methods, trials=TRIALS):
    """The share of trials in which each method's interval holds the truth."""
    rng = np.random.default_rng(0)
    held = dict.fromkeys(methods, 0)
    for trial in range(trials):
        rows = truth.rows(rng)
        for name, method in methods.items():
            found = method(rows, trial)
            held[name] += found.low <= truth.value <= found.high
    return {name: count / trials for name, count in held.items()}


def of_users(user, reward):
    """The logged side, of which only users and rewards count here."""
    nothing = np.zeros(reward.size)
    return LoggedRows(nothing.astype(np.int32), reward, nothing, user, None)


def skew_of(estimate, *, modelled=False):
    """The default interval of an estimator's value."""

    def interval(rows, _):
        reward, weight, expected, _, user = rows
        residual = reward - expected if modelled else reward
        found = estimate(*rows[:4])
        return value_mean(found.influence, residual, weight, of_users(user, reward)).interval(0.95)

    return interval


SKEW = {
    "ips": skew_of(lambda reward, weight, *_: e.ips(reward, weight)),
    "snips": skew_of(lambda reward, weight, *_: e.snips(reward, weight)),
    "dr": skew_of(e.dr, modelled=True),
    "sndr": skew_of(e.sndr, modelled=True),
}


@pytest.mark.parametrize(
    "truth",
    [
        Truth(n=1_000, rate=0.015, spread=0.4),
        Truth(n=2_000, rate=0.015, spread=0.4),
        Truth(n=3_000, rate=0.01, spread=0.6),
        Truth(n=4_000, rate=0.03, spread=0.4, users=600, differ=0.8),
        Truth(n=2_000, rate=0.05, spread=0.4, users=200, differ=0.5),
    ],
    ids=["15 clicks", "30 clicks", "30 clicks, wide weights", "600 users", "200 users"],
)
def test_the_default_interval_covers_as_it_says(truth):
    for name, share in coverage(truth, SKEW).items():
        assert NOMINAL[0] <= share <= NOMINAL[1], name


def test_the_bootstrap_covers_as_it_says():
    truth = Truth(n=2_000, rate=0.05, spread=0.4, users=200, differ=0.5)
    found = coverage(
        truth,
        {
            "dr": lambda rows, trial: intervals.bootstrap_interval(
                e.dr(*rows[:4]).influence, rows[4], seed=trial, resamples=400
            )
        },
    )
    assert NOMINAL[0] <= found["dr"] <= NOMINAL[1]


@pytest.mark.parametrize(
    "truth",
    [
        Truth(n=1_000, rate=0.015, spread=0.4),
        Truth(n=3_000, rate=0.01, spread=0.6),
        Truth(n=4_000, rate=0.03, spread=0.4, users=600, differ=0.8),
    ],
    ids=["15 clicks", "30 clicks, wide weights", "600 users"],
)
def test_the_interval_of_the_difference_to_the_log_covers_as_it_says(truth):
    rng = np.random.default_rng(0)
    held, surprised = 0, 0
    for _ in range(TRIALS):
        reward, weight, *model, user = truth.rows(rng)
        logged = of_users(user, reward)
        found = difference_mean(e.dr(reward, weight, *model).influence, reward - model[0], weight, logged)
        interval = found.interval(0.95)
        held += interval.low <= truth.gain <= interval.high
        null = e.snips(reward, weight).influence - truth.gain
        surprised += difference_mean(null, reward, weight, logged).p_value() < 0.05
    # The least error, of rewards that spread alike, is too wide for a model that explains them, never too narrow.
    assert NOMINAL[0] <= held / TRIALS <= 0.995
    assert surprised / TRIALS <= 0.065


def test_the_p_value_of_a_difference_is_that_at_which_its_interval_reaches_0():
    rng = np.random.default_rng(0)
    found = clustered_mean(rng.normal(0, 1, 4_000) ** 3 / 10 - 0.01)
    p_value = found.p_value()
    assert 0.001 < p_value < 1
    interval = found.interval(1 - p_value)
    assert min(abs(interval.low), abs(interval.high)) == pytest.approx(0, abs=1e-9)


def test_a_difference_of_dense_symmetric_terms_has_the_interval_of_a_mean():
    terms = np.random.default_rng(0).normal(0.1, 1, 20_000)
    usual = 1.959964 * terms.std(ddof=1) / np.sqrt(terms.size)
    interval = clustered_mean(terms).interval(0.95)
    assert interval == pytest.approx((terms.mean() - usual, terms.mean() + usual), rel=0.02)
    assert np.isnan(clustered_mean(np.zeros(5)).p_value())


def test_large_weights_that_no_click_fell_on_widen_the_interval():
    weight = np.r_[np.full(2_000, 0.5), np.full(20, 50.0)]
    reward = np.zeros(2_020)
    reward[:40] = 1
    logged, influence = of_users(None, reward), e.snips(reward, weight).influence
    seen = clustered_mean(influence - reward).interval(0.95)
    found = difference_mean(influence, reward, weight, logged).interval(0.95)
    assert found.high - found.low > 2 * (seen.high - seen.low)
    assert seen.high < 0 < found.high


def test_intervals_of_slate_estimators_cover_as_they_say():
    rng = np.random.default_rng(3)
    logging, target, position = np.array([0.5, 0.3, 0.2]), np.array([0.2, 0.3, 0.5]), np.array([1, 0.6, 0.4])
    click, model = np.array([0.02, 0.04, 0.08]), np.array([0.03, 0.04, 0.05])
    truth, n = float(target @ click * position.sum()), 1_500
    expected = np.broadcast_to((target @ model) * position, (n, 3))
    follows = slates.rewards_to_come(expected)
    held = dict.fromkeys(("iips", "rips", "sips", "cascade-dr"), 0)
    for _ in range(TRIALS):
        action = rng.choice(3, (n, 3), p=logging)
        reward, weight = (rng.random((n, 3)) < click[action] * position) * 1.0, (target / logging)[action]
        found = {
            "iips": slates.iips(reward, weight),
            "rips": slates.rips(reward, weight),
            "sips": slates.sips(reward, weight),
            "cascade-dr": slates.cascade_dr(
                reward, weight, model[action] * position + follows, expected + follows
            ),
        }
        for name, estimate in found.items():
            interval = clustered_mean(estimate.influence).interval(0.95)
            held[name] += interval.low <= truth <= interval.high
    for name, count in held.items():
        assert NOMINAL[0] <= count / TRIALS <= NOMINAL[1], name


def test_the_bounds_that_hold_at_any_size_hold():
    truth = Truth(n=500, rate=0.03, spread=0.6)
    rng = np.random.default_rng(0)
    above, inside = 0, 0
    for _ in range(TRIALS):
        reward, weight, *_ = truth.rows(rng)
        above += e.log_smoothing_bound(reward, weight) <= truth.value
        wide = intervals.bernstein_interval(weight * reward, width=float(weight.max()))
        inside += wide.low <= truth.value <= wide.high
    assert above / TRIALS >= 0.95
    assert inside / TRIALS >= 0.95


@pytest.mark.parametrize("clicks", [0, 1, 17, 1000])
def test_clopper_pearson_is_exact_for_equal_weights(clicks):
    from scipy.stats import binomtest

    exact = binomtest(clicks, 1000).proportion_ci(method="exact")
    assert intervals.clopper_pearson_interval(clicks, 1000) == pytest.approx(exact, rel=1e-9)


def test_users_that_repeat_their_rows_widen_the_interval_as_if_they_were_one_row_each():
    rng = np.random.default_rng(0)
    once = rng.random(300)
    repeated, user = np.repeat(once, 4), np.repeat(np.arange(300), 4)
    again, alone = clustered_mean(repeated, user), clustered_mean(once)
    assert again.interval(0.95) == pytest.approx(alone.interval(0.95), rel=1e-9)
    assert again.error == pytest.approx(alone.error)


def test_a_value_without_spread_has_an_interval_without_width():
    flat = np.full(10, 0.3)
    assert clustered_mean(flat).interval(0.95) == (pytest.approx(0.3), pytest.approx(0.3))
    assert intervals.bootstrap_interval(flat) == (pytest.approx(0.3), pytest.approx(0.3))
