"""Two quantiles, from the values of two arms."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from adcli.arrays import Floats
from adcli.statistics.comparison import ArmFigure, Comparison, without_spread
from adcli.statistics.intervals import NO_INTERVAL, Interval, normal_quantile

FEW_BEYOND = 20  # values; below, intervals hold the truth in 94 to 98.5 % of trials
TOO_FEW_BEYOND = 2  # values; below, in 30 to 93 %, so that none is given
FEWEST_SAID = f"fewer than {TOO_FEW_BEYOND} values of an arm lie beyond this quantile"
MOST_TIED = 0.05


def compare_quantiles(variant: Floats, control: Floats, quantile: float, confidence: float) -> Comparison:
    """Two quantiles by z, with Maritz and Jarrett's standard errors; the relative interval on the log scale.

    `variant` (n,) values of the variant's units; `control` (m,) values of the control's units; `quantile`: in
    (0, 1).
    """
    one, other = (_quantile_figure(values, quantile) for values in (variant, control))
    difference, error = one.value - other.value, math.sqrt(one.variance + other.variance)
    positive = min(one.value, other.value) > 0
    beyond = min(len(variant), len(control)) * min(quantile, 1 - quantile)
    rough = f"; rough: only about {beyond:.0f} values beyond the quantile" if beyond < FEW_BEYOND else ""
    test = f"z on quantiles, Maritz-Jarrett standard errors; relative: log scale{rough}"
    if beyond < TOO_FEW_BEYOND or not error > 0:
        tied = "too many equal values at this quantile" if beyond >= TOO_FEW_BEYOND else FEWEST_SAID
        return without_spread([one, other], test, tied)
    margin = normal_quantile(confidence) * error
    return Comparison(
        variant=one,
        control=other,
        difference=difference,
        difference_interval=Interval(difference - margin, difference + margin),
        relative=one.value / other.value - 1 if other.value > 0 else math.nan,
        relative_interval=_log_ratio(one, other, confidence) if positive else NO_INTERVAL,
        statistic=difference / error,
        p_value=math.erfc(abs(difference / error) / math.sqrt(2)),
        test=test,
        caution=_tied([(variant, one.value), (control, other.value)]),
    )


def _tied(arms: Sequence[tuple[Floats, float]]) -> str:
    """That many units share the value at the quantile, whose error then is not normal; else empty."""
    share = max(float((values == quantile).mean()) for values, quantile in arms)
    return f"{share:.0%} of an arm's units share the value at this quantile" if share > MOST_TIED else ""


def _quantile_figure(values: Floats, quantile: float) -> ArmFigure:
    """The sample quantile, and the variance that the order statistics around it would have.

    Source: Maritz and Jarrett (1978), with the weights of Harrell and Davis (1982).
    """
    from scipy.special import betainc

    n, ordered = len(values), np.sort(values)
    steps = betainc((n + 1) * quantile, (n + 1) * (1 - quantile), np.arange(n + 1) / n)
    weights = np.diff(steps)
    centre = float(weights @ ordered)
    return ArmFigure(n, float(np.quantile(ordered, quantile)), float(weights @ (ordered - centre) ** 2))


def _log_ratio(one: ArmFigure, other: ArmFigure, confidence: float) -> Interval:
    error = math.hypot(math.sqrt(one.variance) / one.value, math.sqrt(other.variance) / other.value)
    margin, ratio = normal_quantile(confidence) * error, one.value / other.value
    return Interval(ratio * math.exp(-margin) - 1, ratio * math.exp(min(margin, 700.0)) - 1)
