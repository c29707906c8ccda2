"""Two proportions, from counts."""

from __future__ import annotations

import math

from adcli.statistics.aggregates import Aggregates
from adcli.statistics.comparison import ArmFigure, Comparison
from adcli.statistics.intervals import NO_INTERVAL, Interval

SMALLEST_EXPECTED = 5.0  # successes or failures expected in an arm, below which z is no approximation


def compare_proportions(
    variant: Aggregates, control: Aggregates, column: str, confidence: float
) -> Comparison:
    """Two proportions by the pooled z test, with Newcombe's interval; the score interval of their ratio.

    Source: Newcombe (1998), method 10; Miettinen and Nurminen (1985); both as in statsmodels.
    """
    from statsmodels.stats.proportion import confint_proportions_2indep, proportions_ztest

    successes = [round(arm.average(column) * arm.n) for arm in (variant, control)]
    trials = [variant.n, control.n]
    pooled = sum(successes) / sum(trials)
    if 0 < pooled < 1:
        z, p_value = (float(x) for x in proportions_ztest(successes, trials))
    else:
        z, p_value = math.nan, math.nan
    counts = successes[0], trials[0], successes[1], trials[1]
    low, high = confint_proportions_2indep(*counts, method="newcomb", compare="diff", alpha=1 - confidence)
    expected = min(pooled, 1 - pooled) * min(trials)
    few = f"under the null only {expected:.1f} successes or failures are expected in an arm, fewer than 5"
    share = [s / t for s, t in zip(successes, trials, strict=True)]
    return Comparison(
        variant=ArmFigure(trials[0], share[0], share[0] * (1 - share[0]) / trials[0]),
        control=ArmFigure(trials[1], share[1], share[1] * (1 - share[1]) / trials[1]),
        difference=share[0] - share[1],
        difference_interval=Interval(float(low), float(high)),
        relative=share[0] / share[1] - 1 if successes[1] else math.nan,
        relative_interval=_risk_ratio_interval(successes, trials, confidence),
        statistic=z,
        p_value=p_value,
        test="two-proportion z, pooled; difference: Newcombe; relative: score",
        caution=few if expected < SMALLEST_EXPECTED else "",
        is_proportion=True,
    )


def _risk_ratio_interval(successes: list[int], trials: list[int], confidence: float) -> Interval:
    """Score interval of the relative difference; where all of the control succeeded, that of the inverse."""
    from statsmodels.stats.proportion import confint_proportions_2indep

    full = [s == t for s, t in zip(successes, trials, strict=True)]
    if successes[1] == 0 or all(full):
        return NO_INTERVAL
    if full[1]:  # statsmodels' quadratic has complex roots here; the score interval of the inverse has not
        if successes[0] == 0:
            return NO_INTERVAL
        inverse = _risk_ratio_interval(successes[::-1], trials[::-1], confidence)
        return Interval(1 / (1 + inverse.high) - 1, 1 / (1 + inverse.low) - 1)
    counts = successes[0], trials[0], successes[1], trials[1]
    low, high = confint_proportions_2indep(*counts, method="score", compare="ratio", alpha=1 - confidence)
    return Interval(max(float(low), 0.0) - 1, float(high) - 1)
