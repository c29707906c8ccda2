"""What a test of one arm against another finds."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal, NamedTuple

from adcli.statistics.intervals import NO_INTERVAL, Interval

Kind = Literal["average", "ratio", "quantile"]


class ArmFigure(NamedTuple):
    """A figure of one arm with the variance of its estimate; its degrees of freedom are n - 1 if None."""

    n: int
    value: float
    variance: float
    degrees: float | None = None


class Comparison(NamedTuple):
    """The variant against the control."""

    variant: ArmFigure  # its figure
    control: ArmFigure  # its figure
    difference: float  # variant - control, with its interval
    difference_interval: Interval
    relative: float  # variant / control - 1, with its interval; NaN where the control is not positive
    relative_interval: Interval
    statistic: float  # z or t
    p_value: float  # two-sided
    test: str  # which test, and which intervals
    caution: str = ""  # why the p-value should not be believed; empty if it may
    # share of the variance that the covariates took away; NaN without covariates
    variance_reduction: float = math.nan
    is_proportion: bool = False  # whether the figures are proportions


def without_spread(arms: Sequence[ArmFigure], test: str, caution: str) -> Comparison:
    """A comparison of figures whose spread cannot be seen: no interval, no p-value."""
    one, other = arms
    relative = one.value / other.value - 1 if other.value > 0 else math.nan
    figures = (one.value - other.value, NO_INTERVAL, relative, NO_INTERVAL, math.nan, math.nan)
    return Comparison(one, other, *figures, test, caution=caution)


class Metric(NamedTuple):
    """One figure of an arm."""

    name: str  # as printed in the column `metric`
    # `average` of a column (a proportion, if it only holds 0 and 1), `ratio` of two columns' sums, or
    # `quantile` of a column
    kind: Kind
    column: str  # measured on each unit; the numerator of a ratio
    denominator: str = ""  # of a ratio
    quantile: float = 0.5  # in (0, 1), of a quantile
    covariates: tuple[str, ...] = ()  # columns known before the experiment began, to adjust for

    @property
    def columns(self) -> tuple[str, ...]:
        """Every column that the metric reads."""
        return tuple(filter(None, (self.column, self.denominator, *self.covariates)))
