"""Plans of tests: as statsmodels counts, and as simulated tests turn out."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adcli.errors import UsageError
from adcli.evaluate.ab.plan import plan_from_policy_value, plan_table
from adcli.evaluate.ab.power import Design, detectable_effect, units_needed


def test_the_textbook_size():
    assert units_needed(0.02, 0.022, Design()) == 80_638  # 80,637.2 of statsmodels, rounded up


@settings(max_examples=40)
@given(st.floats(0.01, 0.5), st.floats(0.05, 0.5), st.sampled_from([0.7, 0.8, 0.9]), st.integers(2, 4))
def test_size_and_effect_agree(baseline, lift, power, arms):
    design, target = Design(power=power, arms=arms), baseline * (1 + lift)
    n = units_needed(baseline, target, design)
    assert detectable_effect(n, baseline, design) == pytest.approx(target, rel=0.02)


def test_a_planned_test_has_the_power_it_was_planned_for():
    rng = np.random.default_rng(0)
    n = units_needed(0.1, 0.13, Design(power=0.8))
    a, b = rng.binomial(n, 0.1, 20_000) / n, rng.binomial(n, 0.13, 20_000) / n
    pooled = (a + b) / 2
    z = (b - a) / np.sqrt(pooled * (1 - pooled) * 2 / n)
    assert np.mean(np.abs(z) > 1.96) == pytest.approx(0.8, abs=0.015)


def test_looks_cost_a_few_percent():
    # Jennison and Turnbull (2000), table 2.4: 1.028 for the classical boundaries at 5 looks, power .8
    assert Design(looks=5).inflation == pytest.approx(1.026, abs=0.004)
    assert Design().inflation == 1.0


def test_more_comparisons_need_more_units():
    assert units_needed(0.1, 0.12, Design(comparisons=6)) > units_needed(0.1, 0.12, Design())


def test_a_mean_is_planned_by_its_standard_deviation():
    assert units_needed(10, 10.5, Design(), std_dev=5) == pytest.approx(
        2 * (1.96 + 0.8416) ** 2 * 100, rel=0.01
    )


def test_the_table_tells_units_and_days():
    table = plan_table(
        baseline=0.02, daily_units=10_000, relative_effects=[0.1], design=Design(control_share=0.2)
    )
    row = table.row(0, named=True)
    assert row["units"] == row["units_control"] + row["units_variant"]
    assert row["units_variant"] == pytest.approx(4 * row["units_control"], rel=1e-3)
    assert row["days"] == -(-row["units"] // 10_000)


def test_units_given_the_table_tells_the_effect():
    row = plan_table(baseline=0.02, units=161_276).row(0, named=True)
    assert row["relative"] == pytest.approx(0.1, abs=0.001)


def test_an_off_policy_estimate_is_not_planned_for_as_if_it_were_the_truth():
    table = plan_from_policy_value(value=0.006, std_error=0.0006, baseline=0.0046, daily_units=5000)
    assert table.height == 3
    assert table["units"].is_sorted()


def test_a_scenario_without_a_gain_is_left_out():
    table = plan_from_policy_value(value=0.0048, std_error=0.0006, baseline=0.0046)
    assert table["scenario"].to_list() == ["the estimate"]


def test_a_loss_can_be_confirmed_too():
    table = plan_from_policy_value(value=0.003, std_error=0.0001, baseline=0.0046)
    assert (table["difference"] < 0).all()


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: units_needed(0.1, 0.1, Design()), "effect of 0"),
        (lambda: units_needed(0.9, 1.2, Design()), "no proportion"),
        (lambda: units_needed(5, 6, Design(), std_dev=0), "standard deviation of 0"),
        (lambda: detectable_effect(3, 0.5, Design()), "too few"),
        (lambda: plan_from_policy_value(value=0.1, std_error=0.1, baseline=0.1), "equals the baseline"),
    ],
)
def test_plans_that_cannot_be_are_refused(call, said):
    with pytest.raises(UsageError, match=said):
        call()
