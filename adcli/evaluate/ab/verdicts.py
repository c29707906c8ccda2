"""What an experiment's figures say in words: the verdict on one comparison, and why."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from adcli.errors import DataError, require_known
from adcli.evaluate.ab.power import POWER
from adcli.evaluate.ab.sequential import Plan, PlannedLooks
from adcli.statistics.comparison import Comparison
from adcli.statistics.verdicts import Verdict, decide, invalid

SAMPLE_RATIO_ALPHA = 0.01  # below this p the arms' sizes make every verdict invalid
AT_THE_END = PlannedLooks()


class Rules(NamedTuple):
    """By what a comparison is judged."""

    confidence: float  # 1 - it is the level of the adjusted p-values
    smallest_effect: float  # relative difference worth knowing of
    comparisons: int = 1  # that the p-values were adjusted for
    looks_inflation: float = 1.0  # by how much more units looks before the end cost


def judge(comparison: Comparison, p_adjusted: float, rules: Rules, *, lower_is_better: bool) -> Verdict:
    """The verdict on one comparison whose experiment is sound."""
    is_relative = not math.isnan(comparison.relative_interval.low)
    return decide(
        comparison.relative if is_relative else comparison.difference,
        comparison.relative_interval if is_relative else comparison.difference_interval,
        kind="relative" if is_relative else "rate" if comparison.is_proportion else "number",
        confidence=rules.confidence,
        p_value=p_adjusted,
        comparisons=rules.comparisons,
        smallest_effect=rules.smallest_effect if is_relative else 0.0,
        lower_is_better=lower_is_better,
        caution=comparison.caution,
        enough=_enough(comparison, rules),
    )


def _enough(comparison: Comparison, rules: Rules) -> str:
    """How many units would show the smallest effect, at the variance seen, over all comparisons and looks."""
    from scipy.special import ndtri

    variant, control = comparison.variant, comparison.control
    effect = rules.smallest_effect * abs(control.value)
    if not effect > 0:
        return "the control's own figure is 0, so no relative effect can be planned for"
    unit_variance = (variant.variance * variant.n + control.variance * control.n) / 2
    alpha = (1 - rules.confidence) / rules.comparisons
    quantiles = float(ndtri(1 - alpha / 2) + ndtri(POWER))
    per_arm = 2 * unit_variance * quantiles**2 / effect**2 * rules.looks_inflation
    return (
        f"about {math.ceil(per_arm):,} units an arm would show an effect of {rules.smallest_effect:.1%} "
        f"(power {POWER:.0%})"
    )


def mismatch(p_value: float) -> Verdict | None:
    """What stands in place of any verdict where the arms have not the sizes they should; else None."""
    if not p_value < SAMPLE_RATIO_ALPHA:
        return None
    return invalid(
        "sample ratio mismatch",
        f"the arms do not have the sizes that the assignment should give (p {p_value:.3g}): find out which "
        "units are missing before reading any difference",
    )


class SampleRatio(NamedTuple):
    """Chi-square of the arms' sizes against the expected shares."""

    statistic: float  # chi-square
    p_value: float  # that holds over all looks
    expected_share: Mapping[str, float]  # of each arm
    reading: str = ""  # how the p-value regards looks before the end; empty if it need not


def sample_ratio(
    sizes: Mapping[str, int], expected_shares: Mapping[str, float] | None, plan: Plan = AT_THE_END
) -> SampleRatio:
    """The check for a sample ratio mismatch.

    `expected_shares`: of each arm, in any unit (1:1, 90:10), equal ones if None; `plan`: how often the test
    is looked at, its p-values hold over all looks. Raises DataError if the shares are not one positive number
    for each arm.

    Source: Fabijan et al. (2019), section 2.
    """
    from scipy.stats import chisquare

    shares = dict.fromkeys(sizes, 1.0) if expected_shares is None else dict(expected_shares)
    _check(shares, list(sizes))
    whole = sum(shares.values())
    total = sum(sizes.values())
    statistic, p_value = chisquare(list(sizes.values()), [total * shares[arm] / whole for arm in sizes])
    reading = f"; {plan.label}" if plan.label else ""
    expected = {arm: shares[arm] / whole for arm in sizes}
    return SampleRatio(float(statistic), plan.p_value(float(p_value)), expected, reading)


def _check(shares: Mapping[str, float], arms: Sequence[str]) -> None:
    for arm in shares:
        require_known(arm, arms, f"There is no arm '{arm}' to expect a share of.")
    for arm in arms:
        if not shares.get(arm, 0) > 0:
            raise DataError(f"The expected share of the arm '{arm}' is missing or not positive.")
