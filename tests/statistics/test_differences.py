"""Differences put together from two intervals, and the p-values that intervals imply."""

import math

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from adcli.statistics.differences import difference_interval, implied_p_value
from adcli.statistics.intervals import Interval, normal_quantile, wilson
from adcli.statistics.means import cluster_totals, std_error


def test_two_wilson_intervals_make_newcombes():
    from statsmodels.stats.proportion import confint_proportions_2indep

    found = difference_interval(0.3, wilson(30, 100, 0.95), 0.2, wilson(30, 150, 0.95))
    assert found == pytest.approx(confint_proportions_2indep(30, 100, 30, 150, method="newcomb"), abs=1e-12)


@given(st.floats(-5, 5), st.floats(0.1, 5), st.floats(0.1, 5), st.floats(-0.99, 0.99))
def test_symmetric_intervals_give_the_normal_one_of_the_difference(value, one, other, correlation):
    def interval(confidence):
        z = normal_quantile(confidence)
        return difference_interval(
            value,
            Interval(value - z * one, value + z * one),
            1.0,
            Interval(1 - z * other, 1 + z * other),
            correlation=correlation,
        )

    error = math.sqrt(one**2 + other**2 - 2 * correlation * one * other)
    assume(error > 1e-3)
    low, high = interval(0.95)
    assert high - low == pytest.approx(2 * normal_quantile(0.95) * error)
    p_value = math.erfc(abs(value - 1) / error / math.sqrt(2))
    if 1e-11 < p_value < 0.99:
        assert implied_p_value(interval, value - 1) == pytest.approx(p_value, rel=1e-4)


def test_the_standard_error_is_that_of_the_mean_and_clusters_count_once():
    values = np.random.default_rng(0).normal(3, 2, 500)
    assert std_error(values) == pytest.approx(values.std(ddof=1) / math.sqrt(500))
    twice = np.repeat(values, 2)
    cluster = np.repeat(np.arange(500), 2)
    assert std_error(twice, cluster) == pytest.approx(std_error(values))
    assert cluster_totals(twice, cluster).sum() == pytest.approx(0, abs=1e-9)
    assert math.isnan(std_error(np.ones(1)))
