"""Probability of being best and expected loss: closed forms where there are such, sums that must hold."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from adcli.evaluate.ab.posterior import posteriors
from adcli.statistics.comparison import ArmFigure

figures = st.builds(ArmFigure, st.integers(20, 500), st.floats(0.05, 0.9), st.floats(1e-4, 1e-2))


@given(figures, figures, st.booleans())
def test_two_normal_arms_have_a_closed_form(one, other, lower):
    from scipy.stats import norm

    found = posteriors([one, other], proportion=False, lower_is_better=lower)
    spread = np.sqrt(one.variance + other.variance)
    gap = (other.value - one.value) if lower else (one.value - other.value)
    assert found[0].probability_best == pytest.approx(norm.cdf(gap / spread), abs=1e-5)
    loss = spread * norm.pdf(gap / spread) - gap * norm.cdf(-gap / spread)
    assert found[0].expected_loss == pytest.approx(loss, abs=1e-5)


@given(st.lists(figures, min_size=2, max_size=6), st.booleans(), st.booleans())
def test_probabilities_sum_to_one_and_losses_are_not_negative(arms, lower, proportion):
    found = posteriors(arms, proportion=proportion, lower_is_better=lower)
    assert sum(one.probability_best for one in found) == pytest.approx(1, abs=1e-9)
    assert min(one.expected_loss for one in found) >= 0


def test_proportions_are_beta():
    from scipy.stats import beta

    found = posteriors([ArmFigure(50, 0.2, 0), ArmFigure(40, 0.3, 0)], proportion=True, lower_is_better=False)
    rng = np.random.default_rng(0)
    a, b = beta(11, 41).rvs(400_000, random_state=rng), beta(13, 29).rvs(400_000, random_state=rng)
    assert found[0].probability_best == pytest.approx((a > b).mean(), abs=0.003)
    assert found[0].expected_loss == pytest.approx(np.maximum(b - a, 0).mean(), abs=0.0005)


def test_equal_arms_share_the_probability():
    arm = ArmFigure(100, 0.5, 0.01)
    for one in posteriors([arm] * 4, proportion=False, lower_is_better=False):
        assert one.probability_best == pytest.approx(0.25)
