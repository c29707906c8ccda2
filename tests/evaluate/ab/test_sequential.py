"""Looks before the end keep the error they promise, at the power they promise."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adcli.errors import UsageError
from adcli.evaluate.ab.sequential import (
    AnyTime,
    PlannedLooks,
    crossing_probability,
    obrien_fleming_boundaries,
)

LOOKS = 28
PER_ARM = 80_637  # for 2.0 % against 2.2 %, power .8
EXPERIMENTS = 10_000


def z_paths(rate, lifted, seed=7):
    """(experiments, looks) z of a two-arm test of clicks, and units per arm at each look."""
    rng = np.random.default_rng(seed)
    n = np.linspace(PER_ARM / LOOKS, PER_ARM, LOOKS).round().astype(int)
    step = np.diff(np.r_[0, n])
    a, b = (rng.binomial(step, p, (EXPERIMENTS, LOOKS)).cumsum(1) / n for p in (rate, lifted))
    return (b - a) / np.sqrt((a * (1 - a) + b * (1 - b)) / n), n


def stopped(z, bounds, n):
    """Share of experiments that cross, and the mean share of the sample they used."""
    crossed = np.abs(z) > bounds
    first = np.where(crossed.any(1), crossed.argmax(1), LOOKS - 1)
    return crossed.any(1).mean(), (n[first] / n[-1]).mean()


@pytest.fixture(scope="module")
def rules():
    from scipy.stats import norm

    n = np.linspace(PER_ARM / LOOKS, PER_ARM, LOOKS).round().astype(int)

    def anytime(planned):
        return np.array([norm.isf((1 - AnyTime(2 * k, planned).confidence(0.95)) / 2) for k in n])

    fixed = np.r_[np.full(LOOKS - 1, math.inf), norm.isf(0.025)]
    planned = obrien_fleming_boundaries(np.arange(1, LOOKS + 1) / LOOKS)
    return {"fixed": fixed, "planned": planned, "tuned": anytime(2 * PER_ARM), "default": anytime(5000)}


def test_28_looks_without_an_effect_err_no_more_than_promised(rules):
    z, n = z_paths(0.02, 0.02)
    assert stopped(z, rules["planned"], n)[0] <= 0.053
    assert stopped(z, rules["tuned"], n)[0] <= 0.053
    assert stopped(z, np.full(LOOKS, 1.96), n)[0] > 0.2  # what peeking does


def test_planned_looks_keep_the_power_at_less_sample(rules):
    share = np.arange(1, LOOKS + 1) / LOOKS
    drift = 1.959964 + 0.841621  # of a test planned for power .8
    steps = np.random.default_rng(0).standard_normal((200_000, LOOKS)) / math.sqrt(LOOKS)
    z = (steps.cumsum(1) + drift * share) / np.sqrt(share)
    fixed, _ = stopped(z, rules["fixed"], share)
    power, sample = stopped(z, rules["planned"], share)
    assert power >= 0.975 * fixed
    assert sample <= 0.78


def test_a_sequence_tuned_to_the_plan_has_more_power_than_a_default_one(rules):
    z, n = z_paths(0.02, 0.022)
    assert stopped(z, rules["tuned"], n)[0] >= 1.25 * stopped(z, rules["default"], n)[0]


def test_boundaries_are_the_published_ones():
    # R ldbounds 2.0, ldBounds(1:5 / 5, iuse = c(1, 1), alpha = c(.025, .025))
    published = [4.8769, 3.3569, 2.6803, 2.2898, 2.0310]
    assert obrien_fleming_boundaries([0.2, 0.4, 0.6, 0.8, 1.0]) == pytest.approx(published, abs=2e-4)


@settings(max_examples=50)
@given(
    st.lists(st.integers(1, 49), max_size=6, unique=True).map(
        lambda ks: [*(k / 50 for k in sorted(ks)), 1.0]
    ),
    st.sampled_from([0.01, 0.05, 0.1]),
)
def test_boundaries_spend_all_alpha_and_no_more(fractions, alpha):
    bounds = obrien_fleming_boundaries(fractions, alpha=alpha)
    assert crossing_probability(fractions, bounds, drift=0.0) == pytest.approx(alpha, abs=1e-6)


def test_crossing_under_an_effect_is_what_simulation_finds(rules):
    share = np.arange(1, LOOKS + 1) / LOOKS
    steps = np.random.default_rng(1).standard_normal((100_000, LOOKS)) / math.sqrt(LOOKS)
    z = (steps.cumsum(1) + 2.8 * share) / np.sqrt(share)
    found, _ = stopped(z, rules["planned"], share)
    assert crossing_probability(share, rules["planned"], drift=2.8) == pytest.approx(found, abs=0.005)


@settings(max_examples=60)
@given(st.floats(1e-6, 0.9), st.integers(1, 5))
def test_a_repeated_p_value_reaches_alpha_just_at_the_boundary(fixed, look):
    plan = PlannedLooks(tuple((k + 1) / 6 for k in range(look)))
    p = plan.p_value(fixed)
    assert p >= fixed * (1 - 1e-6)
    assert (p <= 0.05) == (fixed <= (1 - plan.confidence(0.95)) + 1e-9)


@given(st.floats(1e-8, 0.99), st.integers(100, 10_000), st.integers(100, 10_000))
def test_an_anytime_p_value_agrees_with_the_sequence(fixed, n, planned):
    plan = AnyTime(n, planned)
    assert (plan.p_value(fixed) <= 0.05) == (fixed <= 1 - plan.confidence(0.95) + 1e-12)
    assert plan.p_value(fixed) >= fixed


def test_the_sequence_is_narrowest_about_where_it_is_tuned():
    def width(n):
        return 1 - AnyTime(n, 10_000).confidence(0.95)  # the larger, the narrower

    assert max(range(1000, 40_000, 500), key=width) == pytest.approx(10_000, rel=0.6)


def test_a_fixed_horizon_changes_nothing():
    assert PlannedLooks().p_value(0.03) == 0.03
    assert PlannedLooks().confidence(0.95) == 0.95


@pytest.mark.parametrize("looks", [[], [0.0, 1.0], [0.5, 0.5], [0.5, 1.2]])
def test_looks_that_are_no_plan_are_refused(looks):
    with pytest.raises(UsageError, match="increasing shares"):
        obrien_fleming_boundaries(looks)
