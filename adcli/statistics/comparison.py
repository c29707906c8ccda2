"""What a test of one arm against another finds."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

from adcli.statistics.intervals import NO_INTERVAL, Interval


class ArmFigure(NamedTuple):
    """A figure of one arm with the variance of its estimate; its degrees of freedom are n - 1 if None."""

    n: int
    value: float
    variance: float
    degrees: float | None = None


class Comparison(NamedTuple):
    """The variant against the control.

    Attributes:
        variant: Its figure.
        control: Its figure.
        difference: variant - control, with its interval.
        relative: variant / control - 1, with its interval; NaN where the control is not positive.
        statistic: z or t.
        p_value: Two-sided.
        test: Which test, and which intervals.
        caution: Why the p-value should not be believed; empty if it may.
        variance_reduction: Share of the variance that the covariates took away; NaN without covariates.
        is_proportion: Whether the figures are proportions.
    """

    variant: ArmFigure
    control: ArmFigure
    difference: float
    difference_interval: Interval
    relative: float
    relative_interval: Interval
    statistic: float
    p_value: float
    test: str
    caution: str = ""
    variance_reduction: float = math.nan
    is_proportion: bool = False


def without_spread(arms: Sequence[ArmFigure], test: str, caution: str) -> Comparison:
    """A comparison of figures whose spread cannot be seen: no interval, no p-value."""
    one, other = arms
    relative = one.value / other.value - 1 if other.value > 0 else math.nan
    figures = (one.value - other.value, NO_INTERVAL, relative, NO_INTERVAL, math.nan, math.nan)
    return Comparison(one, other, *figures, test, caution=caution)
