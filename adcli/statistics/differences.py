"""Differences of two figures whose own intervals are known, and the p-value that an interval implies."""

from __future__ import annotations

import math
from collections.abc import Callable

from adcli.statistics.intervals import Interval

LOG_P_SMALLEST, LOG_P_LARGEST = math.log(1e-12), math.log(0.999)


def difference_interval(
    figure: float, of_figure: Interval, reference: float, of_reference: Interval, *, correlation: float = 0.0
) -> Interval:
    """The interval of figure - reference, put together from both's: each leans the way its errors do.

    `of_figure`: its interval; `reference`: what it is compared with; `of_reference`: its interval, of the
    same confidence; `correlation`: of the two estimates.

    Source: Zou and Donner (2008), equations 9 and 10, the method of variance estimates recovery (MOVER).
    """
    below = _margin(figure - of_figure.low, of_reference.high - reference, correlation)
    above = _margin(of_figure.high - figure, reference - of_reference.low, correlation)
    return Interval(figure - reference - below, figure - reference + above)


def _margin(one: float, other: float, correlation: float) -> float:
    """sqrt(a^2 + b^2 - 2 r a b), of sides that at tiny p-values are too large to be squared."""
    longest = max(one, other)
    if not 0 < longest < math.inf:
        return max(longest, 0.0)
    a, b = one / longest, other / longest
    return longest * math.sqrt(max(a**2 + b**2 - 2 * correlation * a * b, 0.0))


def implied_p_value(interval: Callable[[float], Interval], difference: float) -> float:
    """The two-sided p-value of no difference: 1 less the confidence at which the interval ends at 0.

    `interval`: of the difference, by confidence.
    """
    from scipy.optimize import brentq

    def room(log_p: float) -> float:
        ends = interval(-math.expm1(log_p))
        return ends.low if difference > 0 else -ends.high

    if difference == 0 or room(LOG_P_LARGEST) < 0:
        return 1.0
    if room(LOG_P_SMALLEST) > 0:
        return math.exp(LOG_P_SMALLEST)
    return math.exp(float(brentq(room, LOG_P_SMALLEST, LOG_P_LARGEST, xtol=1e-6)))
