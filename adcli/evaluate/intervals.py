"""Confidence intervals that several evaluations share: for proportions, means and ratios of sums."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]


class Interval(NamedTuple):
    """Lower and upper end; both NaN where the data allow no interval."""

    low: float
    high: float


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
    return Interval(max(0.0, float(low)), min(1.0, float(high)))


def wilson_clustered(successes: FloatArray, trials: FloatArray, confidence: float) -> Interval:
    """Wilson's interval on the effective sample size, for trials in clusters (a user's impressions).

    The delta-method variance of the ratio gives the design effect, hence the number of independent trials
    worth the same; Student's quantile pays for having estimated it. Without a success, or without a failure,
    the design effect cannot be seen and whole clusters are taken as one trial each, weighted by their size.

    Args:
        successes: (clusters,) successes of each cluster.
        trials: (clusters,) trials of each cluster.
        confidence: Such as .95.

    Source: Korn and Graubard (1998), Survey Methodology 24; Wilson's interval in place of the exact one as in
        Franco et al. (2019), J. Survey Statistics and Methodology 7.
    """
    asked = trials > 0
    successes, trials = successes[asked], trials[asked]
    clusters, total = len(trials), float(trials.sum())
    if clusters < 2:
        return NO_INTERVAL
    rate = float(successes.sum()) / total
    variance = ratio_variance(successes, trials)
    if variance > 0:
        independent = rate * (1 - rate) / variance
        paid = student_quantile(confidence, total - 1) / student_quantile(confidence, clusters - 1)
        effective = min(independent * paid**2, total) if total > 1 else independent
    else:
        effective = total**2 / float(trials @ trials)
    return wilson(rate * effective, effective, confidence)


def ratio_variance(numerator: FloatArray, denominator: FloatArray) -> float:
    """Variance of sum(numerator) / sum(denominator) over independent units, by the delta method.

    Source: Deng, Knoblich and Lu (2018), equation 3, for unweighted units.
    """
    units, total = len(numerator), float(denominator.sum())
    if units < 2 or total == 0:
        return math.nan
    residual = numerator - (float(numerator.sum()) / total) * denominator
    return units / (units - 1) * float(residual @ residual) / total**2


def ratio_interval(numerator: FloatArray, denominator: FloatArray, confidence: float) -> Interval:
    """Interval of sum(numerator) / sum(denominator): on the log scale if nothing is negative, else symmetric.

    Money is skewed; on the log scale the interval leans the way the errors do. Units where both are 0 say
    nothing about the ratio and do not count as degrees of freedom.

    Args:
        numerator: (units,) such as revenue of each user.
        denominator: (units,) such as impressions of each user.
        confidence: Such as .95.
    """
    informative = (numerator != 0) | (denominator != 0)
    numerator, denominator = numerator[informative], denominator[informative]
    variance = ratio_variance(numerator, denominator)
    if not variance > 0:
        return NO_INTERVAL
    ratio = float(numerator.sum()) / float(denominator.sum())
    reach = student_quantile(confidence, len(numerator) - 1) * math.sqrt(variance)
    if ratio > 0 and float(numerator.min()) >= 0 and float(denominator.min()) >= 0:
        factor = math.exp(min(reach / ratio, 700.0))  # e^709 is the largest a float holds
        return Interval(ratio / factor, ratio * factor)
    return Interval(ratio - reach, ratio + reach)
