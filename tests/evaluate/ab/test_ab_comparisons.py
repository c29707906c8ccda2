"""One arm against another: equal to statsmodels and tea-tasting, and true to the confidence that is claimed."""

import math

import numpy as np
import polars as pl
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from nominal_coverage import TRIALS, assert_covers

from adcli.evaluate.ab.compare import posteriors
from adcli.statistics.aggregates import Aggregates, aggregate_arms
from adcli.statistics.averages import compare_averages
from adcli.statistics.comparison import ArmFigure, Metric
from adcli.statistics.proportions import compare_proportions
from adcli.statistics.quantiles import compare_quantiles


def counted(successes, n):
    """An arm of n units, of which some succeeded."""
    share = successes / n
    return Aggregates(
        n, {"y": share}, {("y", "y"): share * (1 - share) * n / max(n - 1, 1)}, frozenset({"y"})
    )


def arm(**columns):
    """The aggregates of one arm's columns."""
    names = sorted(columns)
    n = len(columns[names[0]])
    spread = np.cov([columns[name] for name in names]).reshape(len(names), -1)
    covariance = {(a, b): spread[i, j] for i, a in enumerate(names) for j, b in enumerate(names) if a <= b}
    return Aggregates(n, {k: float(np.mean(v)) for k, v in columns.items()}, covariance, frozenset())


class TestProportions:
    def test_the_textbook_case(self):
        found = compare_proportions(counted(1100, 50_000), counted(1000, 50_000), "y", 0.95)
        assert found.statistic == pytest.approx(2.2054590923, abs=1e-9)
        assert found.p_value == pytest.approx(0.0274218953, abs=1e-9)
        assert found.difference_interval == pytest.approx((0.0002223163, 0.0037798890), abs=1e-9)
        assert found.relative == pytest.approx(0.1)
        assert found.relative_interval == pytest.approx((0.0106582, 0.1972440), abs=1e-6)

    @given(st.integers(1, 300), st.integers(1, 300), st.integers(300, 900), st.integers(300, 900))
    def test_equal_to_statsmodels(self, a, b, n, m):
        from statsmodels.stats.proportion import confint_proportions_2indep, proportions_ztest

        found = compare_proportions(counted(a, n), counted(b, m), "y", 0.9)
        if a + b < n + m:
            assert (found.statistic, found.p_value) == pytest.approx(
                proportions_ztest([a, b], [n, m]), abs=1e-9
            )
        newcombe = confint_proportions_2indep(a, n, b, m, method="newcomb", compare="diff", alpha=0.1)
        assert found.difference_interval == pytest.approx(newcombe, abs=1e-9)
        if a < n and b < m:
            score = confint_proportions_2indep(a, n, b, m, method="score", compare="ratio", alpha=0.1)
            assert found.relative_interval == pytest.approx([end - 1 for end in score], abs=1e-9)

    @given(st.integers(0, 40), st.integers(0, 40))
    def test_any_counts_give_intervals_around_the_figures(self, a, b):
        found = compare_proportions(counted(a, 40), counted(b, 40), "y", 0.95)
        low, high = found.difference_interval
        assert low - 1e-9 <= found.difference <= high + 1e-9
        low, high = found.relative_interval
        assert math.isnan(low) or low - 1e-9 <= found.relative <= high + 1e-9

    def test_a_control_that_always_succeeds_has_a_relative_interval(self):
        found = compare_proportions(counted(40, 50), counted(50, 50), "y", 0.95)
        mirrored = compare_proportions(counted(50, 50), counted(40, 50), "y", 0.95)
        assert 1 + found.relative_interval.low == pytest.approx(1 / (1 + mirrored.relative_interval.high))

    def test_few_successes_carry_a_caution(self):
        assert "3.5 successes" in compare_proportions(counted(7, 50), counted(0, 50), "y", 0.95).caution
        assert not compare_proportions(counted(20, 50), counted(5, 50), "y", 0.95).caution

    @pytest.mark.parametrize(("n", "p", "q"), [(2000, 0.02, 0.024), (300, 0.05, 0.03), (60, 0.4, 0.5)])
    def test_intervals_cover(self, n, p, q):
        rng = np.random.default_rng(5)
        found = [
            compare_proportions(counted(a, n), counted(b, n), "y", 0.95)
            for a, b in zip(rng.binomial(n, q, TRIALS), rng.binomial(n, p, TRIALS), strict=True)
        ]
        assert_covers(*zip(*(one.difference_interval for one in found), strict=True), q - p)
        relative = [one.relative_interval for one in found if not math.isnan(one.relative_interval.low)]
        assert_covers(*zip(*relative, strict=True), q / p - 1)


@pytest.fixture(scope="module")
def formula_units():
    """4,000 units whose columns are formulas of their number, so that any tool can be given the same."""
    i = np.arange(4000)
    pre = (i * 7919 % 101) / 10
    orders = (i * 104729 % 7 == 0).astype(float) + (i % 3 == 0) * (i % 2) * 0.2
    spend = orders * (5 + pre / 2 + (i * 17 % 13))
    return pl.DataFrame({"variant": i % 2, "pre": pre, "visits": 1 + (i * 31 % 5), "spend": spend})


# tea-tasting 1.14.0 on the units above: Mean("spend"), Mean("spend", "pre"), RatioOfMeans("spend", "visits"),
# RatioOfMeans("spend", "visits", "pre"); effect, its interval, relative interval, p-value, statistic
TEA_TASTING = {
    Metric("mean", "average", "spend"): (
        0.903055000000001, 0.5884996585943749, 1.2176103414056272, 0.27813225384272333, 0.6856577342747536,
        1.9420872268711628e-08, 5.628555442451042,
    ),
    Metric("cuped", "average", "spend", covariates=("pre",)): (
        0.9035810069425521, 0.5894778842105137, 1.2176841296745904, 0.27863559338545474, 0.6857663222340373,
        1.818869339880282e-08, 5.639942025275548,
    ),
    Metric("ratio", "ratio", "spend", "visits"): (
        0.3010183333333337, 0.19353490277477636, 0.4085017638918911, 0.27423027424930213, 0.6908195972547462,
        4.251785029157544e-08, 5.490747098563819,
    ),
    Metric("ratio_cuped", "ratio", "spend", "visits", covariates=("pre",)): (
        0.3011907712643237, 0.1938497082678143, 0.40853183426083306, 0.27471541325489257, 0.6909378191117306,
        4.0094584132839385e-08, 5.501178902029676,
    ),
}  # fmt: skip


def figures(found):
    return (
        found.difference,
        *found.difference_interval,
        *found.relative_interval,
        found.p_value,
        found.statistic,
    )


class TestAverages:
    @pytest.mark.parametrize("metric", TEA_TASTING, ids=lambda metric: metric.name)
    def test_equal_to_tea_tasting(self, formula_units, metric):
        arms = aggregate_arms(formula_units, groups=[metric.columns])
        found = compare_averages(arms["1"], arms["0"], metric, 0.95)
        assert figures(found) == pytest.approx(TEA_TASTING[metric], rel=1e-9)

    def test_equal_to_tea_tasting_as_installed(self, formula_units):
        tt = pytest.importorskip("tea_tasting", reason="tea-tasting is not installed")
        theirs = tt.Experiment(m=tt.RatioOfMeans("spend", "visits", "pre")).analyze(formula_units)["m"]
        metric = Metric("m", "ratio", "spend", "visits", covariates=("pre",))
        arms = aggregate_arms(formula_units, groups=[metric.columns])
        ours = compare_averages(arms["1"], arms["0"], metric, 0.95)
        assert ours.p_value == pytest.approx(theirs.pvalue, rel=1e-6)
        assert ours.difference_interval == pytest.approx(
            (theirs.effect_size_ci_lower, theirs.effect_size_ci_upper), rel=1e-6
        )

    def test_welch_is_that_of_scipy(self):
        from scipy.stats import ttest_ind

        rng = np.random.default_rng(0)
        a, b = rng.gamma(2, 3, 40), rng.gamma(2, 4, 70)
        found = compare_averages(arm(y=a), arm(y=b), Metric("y", "average", "y"), 0.95)
        theirs = ttest_ind(a, b, equal_var=False)
        assert (found.statistic, found.p_value) == pytest.approx((theirs.statistic, theirs.pvalue), abs=1e-12)
        assert found.difference_interval == pytest.approx(tuple(theirs.confidence_interval()), abs=1e-9)

    def test_a_covariate_that_says_all_leaves_little_variance(self):
        rng = np.random.default_rng(1)
        before = rng.normal(10, 3, 4000)
        after = before + rng.normal(0, 0.3, 4000)
        metric = Metric("y", "average", "y", covariates=("x",))
        found = compare_averages(
            arm(y=after[:2000], x=before[:2000]), arm(y=after[2000:], x=before[2000:]), metric, 0.95
        )
        assert found.variance_reduction > 0.98

    def test_a_constant_covariate_changes_nothing(self):
        rng = np.random.default_rng(1)
        a, b, ones = rng.normal(size=50), rng.normal(size=50), np.ones(50)
        metric = Metric("y", "average", "y")
        plain = compare_averages(arm(y=a), arm(y=b), metric, 0.95)
        adjusted = compare_averages(
            arm(y=a, x=ones), arm(y=b, x=ones), metric._replace(covariates=("x",)), 0.95
        )
        assert adjusted.difference_interval == pytest.approx(plain.difference_interval)

    def test_equal_values_everywhere_are_no_evidence(self):
        found = compare_averages(arm(y=np.ones(9)), arm(y=np.ones(9)), Metric("y", "average", "y"), 0.95)
        assert "same value" in found.caution
        assert math.isnan(found.p_value)

    @pytest.mark.parametrize("n", [60, 600])
    @pytest.mark.parametrize("covariates", [(), ("x",), ("w", "x")])
    def test_intervals_of_means_cover(self, n, covariates):
        rng = np.random.default_rng(6)
        x, w = rng.gamma(3, 2, (TRIALS, 2, n)), rng.normal(size=(TRIALS, 2, n))
        y = 0.5 * x + w + rng.gamma(2, 2, (TRIALS, 2, n))
        y[:, 0] += 1
        metric = Metric("y", "average", "y", covariates=covariates)
        found = [
            compare_averages(*(arm(y=y[t, a], x=x[t, a], w=w[t, a]) for a in (0, 1)), metric, 0.95)
            for t in range(TRIALS)
        ]
        assert_covers(*zip(*(one.difference_interval for one in found), strict=True), 1.0)
        assert_covers(*zip(*(one.relative_interval for one in found), strict=True), 1 / 7)

    @pytest.mark.parametrize("n", [100, 1000])
    def test_intervals_of_ratios_cover_clustered_clicks(self, n):
        rng = np.random.default_rng(7)
        shown = rng.poisson(4, (TRIALS, 2, n)) + 1.0
        taste = rng.beta([[[2.4], [2]]], [[[7.6], [8]]], (TRIALS, 2, n))
        clicks = rng.binomial(shown.astype(int), taste) * 1.0
        metric = Metric("ctr", "ratio", "c", "s")
        found = [
            compare_averages(*(arm(c=clicks[t, a], s=shown[t, a]) for a in (0, 1)), metric, 0.95)
            for t in range(TRIALS)
        ]
        assert_covers(*zip(*(one.difference_interval for one in found), strict=True), 0.04)
        assert_covers(*zip(*(one.relative_interval for one in found), strict=True), 0.2)


def test_a_mean_that_few_units_make_is_said_to_be_rough():
    rng = np.random.default_rng(0)
    spend = [(rng.random(200) < share) * rng.gamma(1, 20, 200) for share in (0.05, 0.06)]
    found = compare_averages(*(arm(y=y) for y in spend), Metric("y", "average", "y"), 0.95)
    assert "rough: a figure worth" in found.test
    dense = compare_averages(*(arm(y=5 + y) for y in spend), Metric("y", "average", "y"), 0.95)
    assert "rough" not in dense.test


def test_a_ratio_that_few_units_hold_is_said_to_be_rough():
    rng = np.random.default_rng(0)
    shown = np.r_[np.full(5, 20_000.0), np.ones(995)]
    arms = [arm(c=rng.binomial(shown.astype(int), 0.1) * 1.0, s=shown) for _ in range(2)]
    assert (
        "rough: 5 units hold most of the s"
        in compare_averages(*arms, Metric("r", "ratio", "c", "s"), 0.95).test
    )


class TestQuantiles:
    def test_an_end_of_the_arm_has_no_interval(self):
        rng = np.random.default_rng(0)
        found = compare_quantiles(rng.gamma(2, 1, 100), rng.gamma(2, 1, 100), 0.99, 0.95)
        assert math.isnan(found.difference_interval.low)
        assert math.isnan(found.p_value)
        assert "fewer than 2 values" in found.caution

    def test_a_value_that_many_units_share_carries_a_caution(self):
        lumps = np.r_[np.zeros(90), np.full(10, 30.0)]
        assert compare_quantiles(lumps, np.arange(100.0), 0.95, 0.95).caution.startswith("10%")

    @pytest.mark.parametrize("quantile", [0.5, 0.9])
    @pytest.mark.parametrize("n", [150, 1500])
    def test_intervals_cover(self, quantile, n):
        from scipy.stats import gamma

        rng = np.random.default_rng(8)
        a, b = rng.gamma(2, 1.2, (TRIALS, n)), rng.gamma(2, 1.0, (TRIALS, n))
        found = [compare_quantiles(x, y, quantile, 0.95) for x, y in zip(a, b, strict=True)]
        truth = float(gamma(2).ppf(quantile))
        assert_covers(*zip(*(one.difference_interval for one in found), strict=True), 0.2 * truth)
        assert_covers(*zip(*(one.relative_interval for one in found), strict=True), 0.2)

    def test_p_below_alpha_just_when_the_interval_leaves_out_zero(self):
        rng = np.random.default_rng(9)
        for shift in np.linspace(-1, 1, 41):
            found = compare_quantiles(rng.gamma(2, 1, 300) + shift, rng.gamma(2, 1, 300), 0.5, 0.95)
            low, high = found.difference_interval
            assert (found.p_value < 0.05) == (not low <= 0 <= high)

    def test_ties_are_no_evidence(self):
        found = compare_quantiles(np.zeros(100), np.zeros(100), 0.5, 0.95)
        assert "equal values" in found.caution


@given(
    st.lists(st.floats(-50, 50), min_size=3, max_size=12),
    st.lists(st.floats(-50, 50), min_size=3, max_size=12),
    st.floats(-20, 20),
)
def test_a_shift_of_both_arms_leaves_the_difference(a, b, shift):
    assume(np.var(a) > 1e-3 and np.var(b) > 1e-3)
    metric = Metric("y", "average", "y")
    plain = compare_averages(arm(y=np.array(a)), arm(y=np.array(b)), metric, 0.95)
    moved = compare_averages(arm(y=np.array(a) + shift), arm(y=np.array(b) + shift), metric, 0.95)
    assert moved.difference_interval == pytest.approx(plain.difference_interval, abs=1e-6)


@given(
    st.lists(st.floats(-50, 50), min_size=3, max_size=12),
    st.lists(st.floats(-50, 50), min_size=3, max_size=12),
)
def test_swapping_the_arms_turns_the_sign(a, b):
    assume(np.var(a) > 1e-3 and np.var(b) > 1e-3)
    metric = Metric("y", "average", "y")
    one = compare_averages(arm(y=np.array(a)), arm(y=np.array(b)), metric, 0.95)
    other = compare_averages(arm(y=np.array(b)), arm(y=np.array(a)), metric, 0.95)
    assert one.difference == pytest.approx(-other.difference, abs=1e-9)
    assert one.p_value == pytest.approx(other.p_value, abs=1e-9)


arms_known = st.builds(ArmFigure, st.integers(20, 500), st.floats(0.05, 0.9), st.floats(1e-4, 1e-2))


@given(arms_known, arms_known, st.booleans())
def test_two_normal_arms_have_a_closed_form(one, other, lower):
    from scipy.stats import norm

    found = posteriors([one, other], proportion=False, lower_is_better=lower)
    spread = np.sqrt(one.variance + other.variance)
    gap = (other.value - one.value) if lower else (one.value - other.value)
    assert found[0].probability_best == pytest.approx(norm.cdf(gap / spread), abs=1e-5)
    loss = spread * norm.pdf(gap / spread) - gap * norm.cdf(-gap / spread)
    assert found[0].expected_loss == pytest.approx(loss, abs=1e-5)


@given(st.lists(arms_known, min_size=2, max_size=6), st.booleans(), st.booleans())
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
