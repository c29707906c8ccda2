"""Intervals of off-policy estimates hold what they promise on a known truth."""

import numpy as np
import pytest

from adcli.evaluate.off_policy import intervals as intervals
from adcli.policies import estimators as e

TRIALS = 2_000
NOMINAL = (0.935, 0.965)


class Truth:
    """Four segments, ten actions, a logging and a target policy; optionally users who differ."""

    def __init__(self, *, n, rate, spread, users=0, differ=0.0):
        rng = np.random.default_rng(3)
        scores = np.exp(spread * rng.normal(size=(2, 4, 10)))
        self.logging, self.target = scores / scores.sum(axis=2, keepdims=True)
        self.click = np.minimum(rate * np.exp(0.5 * rng.normal(size=(4, 10))), 0.9)
        self.model = np.full((4, 10), rate) * np.linspace(0.7, 1.3, 10)
        self.value = float((self.target * self.click).sum(axis=1).mean())
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


def skew_of(estimate):
    return lambda rows, _: intervals.skew_interval(estimate(*rows[:4]).influence, rows[4])


SKEW = {
    "ips": skew_of(lambda reward, weight, *_: e.ips(reward, weight)),
    "snips": skew_of(lambda reward, weight, *_: e.snips(reward, weight)),
    "dr": skew_of(e.dr),
    "sndr": skew_of(e.sndr),
}


@pytest.mark.parametrize(
    "truth",
    [
        Truth(n=2_000, rate=0.015, spread=0.4),
        Truth(n=3_000, rate=0.01, spread=0.6),
        Truth(n=4_000, rate=0.03, spread=0.4, users=600, differ=0.8),
        Truth(n=2_000, rate=0.05, spread=0.4, users=200, differ=0.5),
    ],
    ids=["30 clicks", "30 clicks, wide weights", "600 users", "200 users"],
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


def test_the_clopper_pearson_interval_covers_with_weights():
    truth = Truth(n=2_000, rate=0.015, spread=0.4)
    found = coverage(truth, {"ips": lambda rows, _: intervals.clopper_pearson_interval(rows[0], rows[1])})
    assert NOMINAL[0] <= found["ips"] <= NOMINAL[1]


def test_the_bounds_that_hold_at_any_size_hold():
    truth = Truth(n=500, rate=0.03, spread=0.6)
    rng = np.random.default_rng(0)
    above, inside = 0, 0
    for _ in range(TRIALS):
        reward, weight, *_ = truth.rows(rng)
        above += e.log_smoothing_bound(reward, weight) <= truth.value
        wide = intervals.bernstein_interval(weight * reward, reach=float(weight.max()))
        inside += wide.low <= truth.value <= wide.high
    assert above / TRIALS >= 0.95
    assert inside / TRIALS >= 0.95


@pytest.mark.parametrize("clicks", [0, 1, 17, 1000])
def test_clopper_pearson_is_exact_for_equal_weights(clicks):
    from scipy.stats import binomtest

    reward = np.zeros(1000)
    reward[:clicks] = 1
    exact = binomtest(clicks, 1000).proportion_ci(method="exact")
    assert intervals.clopper_pearson_interval(reward, np.ones(1000)) == pytest.approx(exact, rel=1e-9)


def test_users_that_repeat_their_rows_widen_the_interval_as_if_they_were_one_row_each():
    rng = np.random.default_rng(0)
    once = rng.random(300)
    repeated, user = np.repeat(once, 4), np.repeat(np.arange(300), 4)
    assert intervals.skew_interval(repeated, user) == pytest.approx(intervals.skew_interval(once), rel=1e-9)
    assert intervals.std_error(repeated, user) == pytest.approx(intervals.std_error(once))


def test_a_value_without_spread_has_an_interval_without_width():
    flat = np.full(10, 0.3)
    assert intervals.skew_interval(flat) == (pytest.approx(0.3), pytest.approx(0.3))
    assert intervals.bootstrap_interval(flat) == (pytest.approx(0.3), pytest.approx(0.3))
