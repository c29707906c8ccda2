"""One rule decides what a comparison may say, and one wording says it."""

import math

from hypothesis import given
from hypothesis import strategies as st

from adcli.statistics.intervals import NO_INTERVAL, Interval
from adcli.statistics.verdicts import (
    BETTER,
    NO_DIFFERENCE,
    NOT_ENOUGH,
    WORSE,
    Verdict,
    decide,
    invalid,
)

finite = st.floats(-1e3, 1e3)


def test_the_p_value_decides_where_there_is_one():
    found = decide(0.05, Interval(0.01, 0.09), p_value=0.2, kind="relative")
    assert found.verdict == NOT_ENOUGH
    assert decide(0.05, Interval(-0.01, 0.11), p_value=0.04).verdict == BETTER
    assert decide(-0.05, Interval(-0.11, 0.01), p_value=0.04).verdict == WORSE


def test_else_whether_the_interval_holds_zero():
    assert decide(0.05, Interval(0.01, 0.09)).verdict == BETTER
    assert decide(0.05, Interval(0.01, 0.09), lower_is_better=True).verdict == WORSE
    assert decide(0.05, Interval(-0.01, 0.11)).verdict == NOT_ENOUGH


def test_no_difference_is_said_only_where_none_worth_knowing_has_room():
    narrow = Interval(-0.02, 0.03)
    assert decide(0.01, narrow, smallest_effect=0.05, kind="relative").verdict == NO_DIFFERENCE
    assert decide(0.01, narrow, smallest_effect=0.03, kind="relative").verdict == NOT_ENOUGH
    assert decide(0.01, narrow).verdict == NOT_ENOUGH


def test_an_end_that_is_not_known_rules_nothing_out():
    assert decide(0.1, Interval(0.02, math.nan)).verdict == BETTER
    assert decide(-0.1, Interval(-0.2, math.nan), smallest_effect=1).verdict == NOT_ENOUGH
    assert decide(0.1, NO_INTERVAL, smallest_effect=1).verdict == NOT_ENOUGH
    assert decide(0.1, NO_INTERVAL, p_value=math.nan, smallest_effect=1).verdict == NOT_ENOUGH


def test_a_caution_stands_above_the_figures_and_an_invalidity_names_itself():
    assert decide(0.5, Interval(0.4, 0.6), p_value=1e-9, caution="few clicks") == Verdict(
        NOT_ENOUGH, "few clicks"
    )
    assert invalid("no support", "why").verdict == "invalid: no support"


def test_the_reason_has_difference_interval_p_value_and_what_would_be_enough():
    found = decide(
        0.052, Interval(0.012, 0.091), p_value=0.003, comparisons=4, kind="relative", confidence=0.95
    )
    assert found.reason == "the difference is +5.2 % [+1.2, +9.1] (95 % interval), p 0.003 over 4 comparisons"
    short = decide(0.001, Interval(-0.003, 0.005), kind="rate", enough="about 900 units would be")
    assert short.reason == (
        "the difference is +0.10 pp [-0.30, +0.50] (95 % interval): it may be 0; about 900 units would be"
    )
    none = decide(0.0, Interval(-0.01, 0.01), smallest_effect=0.05, kind="relative", confidence=0.9)
    assert none.reason.endswith("(90 % interval): none of 5 % or more")


@given(finite, finite, finite, st.floats(0, 1) | st.none(), st.floats(0, 10))
def test_swapping_what_is_better_swaps_the_verdict_and_nothing_else(a, b, value, p_value, smallest_effect):
    interval = Interval(min(a, b), max(a, b))
    kept, swapped = (
        decide(
            value, interval, p_value=p_value, smallest_effect=smallest_effect, lower_is_better=lower_is_better
        )
        for lower_is_better in (False, True)
    )
    mirror = {BETTER: WORSE, WORSE: BETTER}
    assert kept.verdict in {BETTER, WORSE, NO_DIFFERENCE, NOT_ENOUGH}
    assert swapped.verdict == mirror.get(kept.verdict, kept.verdict)
    assert swapped.reason == kept.reason


@given(finite, finite, finite)
def test_an_interval_that_holds_zero_is_never_better_or_worse(a, b, value):
    interval = Interval(-abs(a), abs(b))
    assert decide(value, interval, smallest_effect=1.0).verdict in {NO_DIFFERENCE, NOT_ENOUGH}


def test_p_values_below_what_an_approximation_knows_are_not_spelled_out():
    assert "p below 1e-06" in decide(1.0, Interval(0.5, 1.5), p_value=1e-30).reason
    assert decide(1.0, Interval(0.5, 1.5), p_value=0.05).verdict == BETTER
