"""What an experiment's figures say in words: the verdict on one comparison, and why."""

from __future__ import annotations

import math
from typing import NamedTuple

from adcli.statistics.comparison import Comparison
from adcli.statistics.verdicts import BETTER, NO_DIFFERENCE, NOT_ENOUGH, WORSE, Verdict, invalid

SMALLEST_SHOWN = 1e-6  # p-values below are the approximation's, not the data's


class Rules(NamedTuple):
    """By what a comparison is judged.

    Attributes:
        alpha: p-values, after adjustment, must not exceed it.
        smallest_effect: Relative difference worth knowing of; an interval inside it is "no difference found".
        adjusted_over: Comparisons that the p-values were adjusted for.
    """

    alpha: float
    smallest_effect: float
    adjusted_over: int


def judge(comparison: Comparison, p_adjusted: float, rules: Rules, *, lower_is_better: bool) -> Verdict:
    """The verdict on one comparison whose experiment is sound."""
    if comparison.caution:
        return Verdict(NOT_ENOUGH, comparison.caution)
    significant = p_adjusted <= rules.alpha
    many = f" over {rules.adjusted_over} comparisons" if rules.adjusted_over > 1 else ""
    said = f"{_p(p_adjusted)}{many}"
    if significant:
        gains = (comparison.difference > 0) != lower_is_better
        way = "higher" if comparison.difference > 0 else "lower"
        return Verdict(BETTER if gains else WORSE, f"{way} by {_size(comparison)}, {said}")
    low, high = comparison.relative_interval
    if -rules.smallest_effect <= low and high <= rules.smallest_effect:
        return Verdict(
            NO_DIFFERENCE,
            f"{said}, and the interval leaves no room for an effect of {rules.smallest_effect:.1%} or more",
        )
    return Verdict(NOT_ENOUGH, f"{said}; {_needed(comparison, rules)}")


def _p(value: float) -> str:
    return f"p {value:.3g}" if value >= SMALLEST_SHOWN else f"p below {SMALLEST_SHOWN:g}"


def _size(comparison: Comparison) -> str:
    if math.isnan(comparison.relative):
        return f"{abs(comparison.difference):.4g}"
    return f"{abs(comparison.relative):.2%}"


def _needed(comparison: Comparison, rules: Rules) -> str:
    """How many units would show the smallest effect with power .8, at the variance seen."""
    from scipy.special import ndtri

    variant, control = comparison.variant, comparison.control
    effect = rules.smallest_effect * abs(control.value)
    if not effect > 0:
        return "the control's own figure is 0, so no relative effect can be planned for"
    unit_variance = (variant.variance * variant.n + control.variance * control.n) / 2
    per_arm = 2 * unit_variance * float(ndtri(1 - rules.alpha / 2) + ndtri(0.8)) ** 2 / effect**2
    return (
        f"about {math.ceil(per_arm):,} units an arm would show an effect of {rules.smallest_effect:.1%} "
        "(power 80%)"
    )


def sample_ratio_verdict(p_value: float, alpha: float) -> Verdict:
    """The verdict on the arms' sizes; a mismatch makes every other verdict of the experiment invalid."""
    if p_value < alpha:
        return mismatch(p_value)
    return Verdict(NO_DIFFERENCE, f"the arms have the sizes that were expected (p {p_value:.3g})")


def mismatch(p_value: float) -> Verdict:
    """What stands in place of any verdict where the arms have not the sizes they should."""
    return invalid(
        "sample ratio mismatch",
        f"the arms do not have the sizes that the assignment should give (p {p_value:.3g}): find out which "
        "units are missing before reading any difference",
    )
