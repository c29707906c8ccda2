"""Intervals of proportions and ratios: equal to statsmodels where it has them, and true to their confidence."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from nominal_coverage import TRIALS, assert_covers

from adcli.statistics.intervals import (
    normal_quantile,
    ratio_interval,
    student_quantile,
    wilson,
    wilson_clustered,
    wilson_mean,
)


@given(st.integers(0, 500), st.integers(1, 500), st.sampled_from([0.8, 0.95, 0.99]))
def test_wilson_is_that_of_statsmodels(successes, more, confidence):
    from statsmodels.stats.proportion import proportion_confint

    trials = successes + more
    low, high = proportion_confint(successes, trials, alpha=1 - confidence, method="wilson")
    assert wilson(successes, trials, confidence) == pytest.approx((max(low, 0), min(high, 1)), abs=1e-9)


@given(st.integers(0, 200), st.integers(0, 200))
def test_wilson_holds_the_rate_and_stays_within_0_and_1(successes, failures):
    trials = max(successes + failures, 1)
    low, high = wilson(min(successes, trials), trials, 0.95)
    assert 0 <= low <= min(successes, trials) / trials + 1e-12
    assert min(successes, trials) / trials <= high + 1e-12 <= 1 + 1e-11


def test_clusters_that_agree_widen_the_interval():
    trials = np.full(100, 10.0)
    scattered = wilson_clustered(np.tile([1.0, 0.0], 50), trials, 0.95)
    lumped = wilson_clustered(np.repeat([10.0, 0.0], [5, 95]), trials, 0.95)
    assert lumped.high - lumped.low > 2 * (scattered.high - scattered.low)


def test_without_a_success_whole_clusters_count_as_one_trial():
    trials = np.full(60, 50.0)
    assert wilson_clustered(np.zeros(60), trials, 0.95) == pytest.approx(wilson(0, 60, 0.95))


def test_one_cluster_allows_no_interval():
    assert all(map(math.isnan, wilson_clustered(np.array([3.0]), np.array([9.0]), 0.95)))


def test_an_interval_never_claims_more_than_independent_trials_would():
    successes, trials = np.tile([1.0], 40), np.tile([2.0], 40)  # less scatter than chance
    independent = wilson(40, 80, 0.95)
    found = wilson_clustered(successes, trials, 0.95)
    assert found.high - found.low >= independent.high - independent.low - 1e-12


@pytest.mark.parametrize(
    ("users", "impressions", "rate", "agreement"),
    [
        (1000, 6, 0.02, 10),
        (200, 6, 0.02, 10),
        (60, 4, 0.3, 2),
        (100, 1, 0.05, 1e6),
        (400, 3, 0.05, 20),
        (50, 20, 0.05, 3),  # 14 of 50 users hold all clicks
        (60, 5, 0.03, 5),  # 9 clicks of 6 users
        (300, 4, 0.008, 3),
        (100, 5, 0.95, 5),
    ],
)
def test_clustered_wilson_covers_clicks_of_users(users, impressions, rate, agreement):
    rng = np.random.default_rng(2)
    shown = rng.poisson(impressions - 1, (TRIALS, users)) + 1
    taste = rng.beta(rate * agreement, (1 - rate) * agreement, (TRIALS, users))
    clicks = rng.binomial(shown, taste)
    ends = np.array([wilson_clustered(c * 1.0, s * 1.0, 0.95) for c, s in zip(clicks, shown, strict=True)])
    assert_covers(*ends.T, rate)


@pytest.mark.parametrize(("users", "rate", "agreement"), [(300, 0.02, 5), (100, 0.05, 5)])
def test_clustered_wilson_covers_where_few_users_see_most(users, rate, agreement):
    rng = np.random.default_rng(13)
    shown = np.ceil(rng.pareto(1.2, (TRIALS, users)) + 0.5).clip(1, 2000).astype(int)
    clicks = rng.binomial(shown, rng.beta(rate * agreement, (1 - rate) * agreement, (TRIALS, users)))
    ends = np.array([wilson_clustered(c * 1.0, s * 1.0, 0.95) for c, s in zip(clicks, shown, strict=True)])
    assert_covers(*ends.T, rate)


@pytest.mark.parametrize(("users", "rate", "spread"), [(1000, 0.05, 1.2), (300, 0.5, 1.2), (3000, 0.05, 1.0)])
def test_money_covers_a_few_large_baskets(users, rate, spread):
    rng = np.random.default_rng(14)
    shown = rng.poisson(4, (TRIALS, users)) + 1
    spent = rng.binomial(shown, rate) * np.exp(rng.normal(3, spread, (TRIALS, users)))
    ends = [ratio_interval(s, n * 1.0, 0.95) for s, n in zip(spent, shown, strict=True)]
    assert_covers(*np.transpose(ends), rate * np.exp(3 + spread**2 / 2))


@pytest.mark.parametrize(("trials", "rate"), [(10_000, 0.0046), (2_000, 0.02), (300, 0.03), (60, 0.4)])
def test_wilson_covers_small_counts(trials, rate):
    successes = np.random.default_rng(3).binomial(trials, rate, TRIALS)
    ends = np.array([wilson(s, trials, 0.95) for s in successes])
    assert_covers(*ends.T, rate)


@pytest.mark.parametrize(("users", "rate"), [(50, 0.1), (100, 0.05), (200, 0.05), (1000, 0.05)])
def test_money_per_impression_covers_skewed_spending(users, rate):
    rng = np.random.default_rng(4)
    shown = rng.poisson(4, (TRIALS, users)) + 1.0
    spent = rng.binomial(shown.astype(int), rate) * rng.gamma(2, 10, (TRIALS, users))
    ends = np.array([ratio_interval(s, n, 0.95) for s, n in zip(spent, shown, strict=True)])
    assert_covers(*ends.T, rate * 20)


def test_few_large_baskets_make_an_interval_wide():
    many = ratio_interval(np.r_[np.full(40, 1.0), np.full(40, 3.0), np.zeros(40)], np.ones(120), 0.95)
    few = ratio_interval(np.r_[np.full(2, 20.0), np.full(2, 60.0), np.zeros(116)], np.ones(120), 0.95)
    assert many.high < 2 * many.low
    assert few.high > 4 * few.low


@pytest.mark.parametrize("queries", [20, 200])
def test_the_mean_of_shares_covers(queries):
    rng = np.random.default_rng(6)
    recall = rng.binomial(5, rng.beta(1, 3, (TRIALS, queries))) / 5
    assert_covers(*np.transpose([wilson_mean(values, 0.95) for values in recall]), 0.25)


def test_shares_that_are_all_1_leave_room_below():
    assert wilson_mean(np.ones(20), 0.95) == pytest.approx(wilson(20, 20, 0.95))
    assert math.isnan(wilson_mean(np.ones(1), 0.95).low)


def test_an_interval_leans_the_way_that_its_errors_do():
    for sign in (1, -1):
        top = sign * np.r_[np.full(30, -1.0), np.full(5, 10.0)]
        low, high = ratio_interval(top, np.ones(35), 0.95)
        assert (low + high) / 2 * sign > top.mean() * sign
    symmetric = ratio_interval(np.tile([-1.0, 3.0], 20), np.ones(40), 0.95)
    assert sum(symmetric) / 2 == pytest.approx(1.0)


def test_money_with_refunds_covers():
    rng = np.random.default_rng(12)
    spent = rng.gamma(2, 10, (TRIALS, 100)) * np.where(rng.random((TRIALS, 100)) < 0.1, -1, 1)
    assert_covers(*np.transpose([ratio_interval(s, np.ones(100), 0.95) for s in spent]), 16.0)


def test_money_is_never_negative():
    low, _ = ratio_interval(np.r_[np.zeros(30), 1.0, 0.0, 90.0], np.ones(33), 0.95)
    assert low >= 0


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(1, 9)), min_size=3, max_size=30), st.integers(2, 50))
def test_a_ratio_interval_scales_with_its_unit(pairs, factor):
    top, bottom = (np.array(side, np.float64) for side in zip(*pairs, strict=True))
    plain, scaled = ratio_interval(top, bottom, 0.95), ratio_interval(top * factor, bottom, 0.95)
    if math.isnan(plain.low) or np.ptp(top / bottom) == 0:
        return
    assert scaled == pytest.approx((plain.low * factor, plain.high * factor), rel=1e-9)


def test_units_that_saw_nothing_say_nothing():
    top, bottom = np.array([1.0, 0.0, 4.0, 2.0]), np.array([2.0, 1.0, 5.0, 3.0])
    padded = ratio_interval(np.r_[top, np.zeros(50)], np.r_[bottom, np.zeros(50)], 0.95)
    assert padded == ratio_interval(top, bottom, 0.95)


def test_quantiles_are_the_usual_ones():
    assert normal_quantile(0.95) == pytest.approx(1.959963984540054)
    assert student_quantile(0.95, 10) == pytest.approx(2.2281388519649385)
