"""Confidence intervals that several evaluations share: for proportions, means and ratios of sums."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from adcli.arrays import Floats


class Interval(NamedTuple):
    """Lower and upper end; both NaN where the data allow no interval."""

    low: float
    high: float


FEWEST_DEGREES = 3  # with fewer, Student's quantile says only that nothing is known
SMALLEST_LEFT = 1e-3  # of the denominator, that a unit which has all of it leaves to the others
SMALLEST_SKEW = (
    1e-6  # below, the transformation of Hall is the identity to more digits than it can be computed
)
NO_INTERVAL = Interval(math.nan, math.nan)


def normal_quantile(confidence: float) -> float:
    """The z that a two-sided interval of this confidence reaches to, 1.96 for .95."""
    from scipy.special import ndtri

    return float(ndtri((1 + confidence) / 2))


def student_quantile(confidence: float, degrees: float) -> float:
    """The t that a two-sided interval of this confidence reaches to."""
    from scipy.special import stdtrit

    return float(stdtrit(degrees, (1 + confidence) / 2))


def wilson(successes: float, trials: float, confidence: float) -> Interval:
    """Wilson's score interval of a proportion; `trials` may be an effective, fractional number.

    Source: Wilson (1927); statsmodels `proportion_confint`.
    """
    from statsmodels.stats.proportion import proportion_confint

    low, high = proportion_confint(successes, trials, alpha=1 - confidence, method="wilson")
    return Interval(
        max(0.0, float(low)) if successes > 0 else 0.0, min(1.0, float(high)) if successes < trials else 1.0
    )


class ClusteredRate(NamedTuple):
    """A proportion of trials that come in clusters (a user's impressions)."""

    value: float  # the proportion
    trials: float  # all trials
    design_effect: float  # how many clustered trials are worth one independent one; 1 at least
    degrees: float  # of freedom, of the design effect; infinite where it is known

    def interval(self, confidence: float) -> Interval:
        """Wilson's interval on the effective sample size; Student's quantile pays for the design effect.

        Source: Korn and Graubard (1998), Survey Methodology 24; Wilson's interval in place of the exact one
            as in Franco et al. (2019), J. Survey Statistics and Methodology 7.
        """
        paid = student_quantile(confidence, self.degrees) / normal_quantile(confidence)
        effective = self.trials / (self.design_effect * paid**2)
        return wilson(self.value * effective, effective, confidence)


class ClusteredRatio(NamedTuple):
    """A ratio of sums over independent units."""

    value: float  # the ratio
    error: float  # its standard error
    degrees: float  # of freedom, of the error
    skew: float  # of the ratio's own errors: the sum of the units' cubed shares in them over error^3
    is_positive: bool  # whether the ratio is positive and no unit has anything negative

    def interval(self, confidence: float) -> Interval:
        """Student's interval, its ends moved the way the errors lean; a sum of money is never below 0.

        Source: Hall (1992), J. Royal Statistical Society B 54, the transformation g2.
        """
        quantile = student_quantile(confidence, self.degrees)
        low, high = (self.value - self.error * _unskewed(way, self.skew) for way in (quantile, -quantile))
        return Interval(max(low, 0.0) if self.is_positive else low, high)

    def p_value(self) -> float:
        """Two-sided, of a ratio of 0: 1 less the confidence at which the interval ends there."""
        from scipy.special import stdtr

        if not self.error > 0:
            return math.nan
        t, skew = self.value / self.error, self.skew
        leaning = t + skew * t**2 / 3 + skew**2 * t**3 / 27 + skew / 6
        return float(2 * stdtr(self.degrees, -abs(leaning)))


class Reciprocal(NamedTuple):
    """What one of a count costs, from how many of them a unit of money buys: 1 / ratio."""

    ratio: ClusteredRatio

    @property
    def degrees(self) -> float:
        """Of freedom, of the ratio's error."""
        return self.ratio.degrees

    def interval(self, confidence: float) -> Interval:
        """The ratio's interval, its ends inverted; without an upper end where the ratio may be 0."""
        low, high = self.ratio.interval(confidence)
        return Interval(1 / high if high > 0 else math.nan, 1 / low if low > 0 else math.inf)


def _unskewed(quantile: float, skew: float) -> float:
    """The inverse of t + skew t^2 / 3 + skew^2 t^3 / 27 + skew / 6, whose quantiles are the normal's."""
    if abs(skew) < SMALLEST_SKEW:
        return quantile
    return 3 / skew * (math.cbrt(1 + skew * (quantile - skew / 6)) - 1)


def clustered_rate(successes: Floats, trials: Floats) -> ClusteredRate | None:
    """The proportion of successes among trials in clusters; None with fewer than two clusters.

    Without a success, or without a failure, the design effect cannot be seen and whole clusters are taken as
    one trial each, weighted by their size.

    `successes` (clusters,) successes of each cluster; `trials` (clusters,) trials of each cluster.
    """
    asked = trials > 0
    successes, trials = successes[asked], trials[asked]
    total = float(trials.sum())
    if len(trials) < 2:
        return None
    rate = float(successes.sum()) / total
    errors = jackknife_errors(successes, trials)
    if not errors.any():
        return ClusteredRate(rate, total, float(trials @ trials) / total, math.inf)
    design_effect = float(errors @ errors) * total / (rate * (1 - rate))
    if design_effect <= 1 or float(trials.max()) <= 1:
        return ClusteredRate(rate, total, 1.0, math.inf)
    seen_in = min(int((successes > 0).sum()), int((successes < trials).sum()))
    degrees = min(seen_in, effective_degrees(successes, trials))
    return ClusteredRate(rate, total, design_effect, max(degrees, FEWEST_DEGREES))


def wilson_clustered(successes: Floats, trials: Floats, confidence: float) -> Interval:
    """The interval of `clustered_rate`; NaN with fewer than two clusters."""
    found = clustered_rate(successes, trials)
    return found.interval(confidence) if found else NO_INTERVAL


def wilson_mean(values: Floats, confidence: float) -> Interval:
    """Wilson's interval of the mean of values in [0, 1], on the number of trials that vary as much as they.

    Near 0 and 1, where a bootstrap has little to draw from, it leans inwards as a proportion's does; values
    that are all alike count as one trial each.

    `values` (n,) independent, such as the recall of each query.
    """
    n, mean = len(values), float(values.mean())
    if n < 2:
        return NO_INTERVAL
    variance = float(values.var(ddof=1)) / n
    if variance == 0:
        return wilson(mean * n, n, confidence)
    paid = student_quantile(confidence, n - 1) / normal_quantile(confidence)
    effective = mean * (1 - mean) / (variance * paid**2)
    return wilson(mean * effective, effective, confidence)


def jackknife_errors(numerator: Floats, denominator: Floats) -> Floats:
    """(units,) by how much the ratio would move without each unit; their squares sum to its variance.

    A unit with much of the denominator pulls the ratio towards itself; left out, it shows how far. The delta
    method, which leaves none out, holds too little where some users see a hundred times as much as others.

    Source: Efron and Tibshirani (1993), chapter 11; Bell and McCaffrey (2002), Survey Methodology 28.
    """
    units, total = len(numerator), float(denominator.sum())
    residual = (numerator - float(numerator.sum()) / total * denominator) / total
    left = np.maximum(1 - denominator / total, SMALLEST_LEFT)
    return np.asarray(residual / left * math.sqrt((units - 1) / units))


def effective_degrees(numerator: Floats, denominator: Floats) -> float:
    """Of the ratio's error: units - 1 where residuals are normal, few where few units make up most of it.

    Source: Satterthwaite (1946), on the squared residuals, whose fourth power is 3 times that of their spread
        where they are normal.
    """
    residual = numerator - float(numerator.sum()) / float(denominator.sum()) * denominator
    scaled = (residual / np.abs(residual).max()) ** 2
    return float(3 * scaled.sum() ** 2 / (scaled @ scaled)) - 1


def clustered_ratio(numerator: Floats, denominator: Floats, *, fewest: int = 2) -> ClusteredRatio | None:
    """The ratio of two sums; None where too few units have something to see how much it varies.

    `numerator` (units,) such as revenue of each user; `denominator` (units,) such as impressions of each
    user; `fewest`: units that must have something of either.
    """
    informative = (numerator != 0) | (denominator != 0)
    numerator, denominator = numerator[informative], denominator[informative]
    seen_in = min(int((numerator != 0).sum()), int((denominator != 0).sum()), len(numerator) - 1)
    if seen_in < fewest or float(denominator.sum()) == 0:
        return None
    errors = jackknife_errors(numerator, denominator)
    error = math.sqrt(float(errors @ errors))
    if not error > 0:
        return None
    value = float(numerator.sum()) / float(denominator.sum())
    degrees = min(len(numerator) - 1, effective_degrees(numerator, denominator))
    is_positive = value > 0 and float(numerator.min()) >= 0 and float(denominator.min()) >= 0
    return ClusteredRatio(value, error, degrees, float(((errors / error) ** 3).sum()), is_positive)


def ratio_interval(numerator: Floats, denominator: Floats, confidence: float) -> Interval:
    """The interval of `clustered_ratio`; NaN where too few units have something."""
    found = clustered_ratio(numerator, denominator)
    return found.interval(confidence) if found else NO_INTERVAL
