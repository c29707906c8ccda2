"""Intervals for off-policy estimates, from the influence of each row."""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from adcli.statistics.intervals import Interval, normal_quantile, student_quantile

Rows = NDArray[np.float64]
Method = Literal["skew", "bootstrap", "bernstein", "clopper-pearson"]
METHODS: tuple[Method, ...] = ("skew", "bootstrap", "bernstein", "clopper-pearson")

BLOCKS = 2_000
RESAMPLES = 1_000
ROUNDING = 1e-12
PRIOR_CLICKS = 2.0
JEFFREYS = 0.5
LEAST_SKEW = 1e-3


def cluster_totals(influence: Rows, cluster: NDArray[np.int64] | None) -> Rows:
    """The deviations of the influence from its mean, summed by cluster; shape (clusters,) or (n,)."""
    deviation: Rows = influence - influence.mean()
    return deviation if cluster is None else _summed(cluster, deviation)


def std_error(influence: Rows, cluster: NDArray[np.int64] | None = None) -> float:
    """The standard error of the mean influence, robust to dependence within clusters (users)."""
    totals = cluster_totals(influence, cluster)
    units = totals.size
    if units < 2:
        return float("nan")
    return float(np.sqrt(totals @ totals * units / (units - 1))) / influence.size


def skew_interval(
    influence: Rows, cluster: NDArray[np.int64] | None = None, *, confidence: float = 0.95
) -> Interval:
    """The mean and its error, leaning as its skewness says, and widened as the error too is estimated."""
    totals = cluster_totals(influence, cluster)
    mean = float(influence.mean())
    if _flat(totals, mean):
        return Interval(mean, mean)
    down, up = skewed_reach(normal_quantile(confidence), skewness(totals))
    error = std_error(influence, cluster) * widening(totals, confidence)
    return Interval(mean - error * down, mean + error * up)


def skewness(totals: Rows) -> float:
    """The skewness of the sum of independent deviations, shape (units,)."""
    return float(np.sum(totals**3) / (totals @ totals) ** 1.5)


def widening(totals: Rows, confidence: float) -> float:
    """Student's quantile over the normal one, for an error estimated from so few influential units.

    The variance of a sum of counts of equal worth follows from their number, which `skewed_reach` takes into
    account; what their kurtosis says beyond the skewness is not known that well, and counts four times what a
    normal variance does: in simulations of 8 to 500 clicks, of one worth or many, this covers as stated.
    """
    squares = np.square(totals)
    tails, skew = float(squares @ squares) / float(squares.sum()) ** 2, skewness(totals)
    unexplained = max(tails - 1 / totals.size - skew**2, 0.0)
    degrees = 1 / (2 * unexplained + 0.4 * skew**2 + 0.5 / totals.size)
    return student_quantile(confidence, max(float(degrees), 1.0)) / normal_quantile(confidence)


def skewed_reach(quantile: float, skew: float, *, unseen: float = JEFFREYS) -> tuple[float, float]:
    """How many standard errors the interval of a mean with this skewness goes below and above it.

    Rewards are few and have weights: their sum is taken for k = 1 / skew² equal counts, which are as skewed,
    and gets Jeffreys' interval of a Poisson mean, scaled. Without skewness that is the quantile both ways.
    `unseen` counts are added on the long side: half a one is Jeffreys', a whole one the exact interval's.

    Source: Bohm and Zech, "Statistics of weighted Poisson events and its applications" (2014), section 3;
        Brown, Cai and DasGupta, "Interval estimation in exponential families" (2003).
    """
    from scipy.special import gammainccinv, gammaincinv, ndtr

    if abs(skew) < LEAST_SKEW:
        return quantile, quantile
    count, tail = 1 / skew**2, float(ndtr(-quantile))
    short = abs(skew) * (count - float(gammaincinv(count + JEFFREYS, tail)))
    long = abs(skew) * (float(gammainccinv(count + unseen, tail)) - count)
    return (short, long) if skew > 0 else (long, short)


def bootstrap_interval(
    influence: Rows,
    cluster: NDArray[np.int64] | None = None,
    *,
    confidence: float = 0.95,
    seed: int = 0,
    resamples: int = RESAMPLES,
) -> Interval:
    """The studentised bootstrap of the mean influence, over users or rows (in at most 2,000 random blocks).

    Resamples of few influential units vary less than new samples would: the interval is widened as that of
    `skew_interval` is.

    Source: Efron and Tibshirani, "An Introduction to the Bootstrap" (1993), chapter 12.
    """
    rng = np.random.default_rng(seed)
    whole = cluster_totals(influence, cluster)
    totals = _blocks(whole, rng)
    units, n, mean = totals.size, influence.size, float(influence.mean())
    if _flat(whole, mean):
        return Interval(mean, mean)
    drawn = totals[rng.integers(0, units, (resamples, units))]
    sums = drawn.sum(axis=1)
    spread = np.sqrt(np.square(drawn).sum(axis=1) - sums**2 / units)
    studentised = np.divide(sums, spread, out=np.copysign(np.inf, sums), where=spread > 0)
    low, high = np.quantile(studentised, [(1 - confidence) / 2, (1 + confidence) / 2], method="nearest")
    error = float(np.sqrt(totals @ totals)) / n * widening(whole, confidence)
    return Interval(mean - float(high) * error, mean - float(low) * error)


def _flat(totals: Rows, mean: float) -> bool:
    return bool(np.abs(totals).max() <= ROUNDING * max(abs(mean), 1e-300))


def _blocks(totals: Rows, rng: np.random.Generator) -> Rows:
    if totals.size <= BLOCKS:
        return totals
    return _summed(rng.permutation(np.arange(totals.size) % BLOCKS), totals)


def _summed(group: NDArray[np.int64], values: Rows) -> Rows:
    return np.asarray(np.bincount(group, weights=values), dtype=np.float64)


def bernstein_interval(
    terms: Rows, cluster: NDArray[np.int64] | None = None, *, reach: float, confidence: float = 0.95
) -> Interval:
    """The empirical-Bernstein interval: holds at any size for terms in a range of width `reach`. Wide.

    Source: Maurer and Pontil (2009), theorem 4, at (1 - confidence) / 2 a side.
    """
    totals = cluster_totals(terms, cluster)
    units = totals.size
    scale = units / terms.size
    largest = 1 if cluster is None else int(np.bincount(cluster).max())
    log_term = np.log(4 / (1 - confidence))
    variance = float(totals @ totals) / (units - 1)
    half = np.sqrt(2 * variance * log_term / units) + 7 * reach * largest * log_term / (3 * (units - 1))
    return Interval(float(terms.mean()) - half * scale, float(terms.mean()) + half * scale)


def clopper_pearson_interval(reward: Rows, weight: Rows, *, confidence: float = 0.95) -> Interval:
    """The Clopper-Pearson interval of the weighted clicks, for rewards of 0 and 1.

    Exact, and so at least as sure as stated, where all weights are equal. Else the sum of weighted clicks is
    taken for a constant and k clicks of one worth, which give it its variance and skewness. For those two,
    the clicks are mixed with two that have the weights of all rows: few clicks seldom show the large weights.
    With no click matched, one is taken to be worth sum w² / sum w.

    Source: Clopper and Pearson (1934).
    """
    from scipy.stats import beta

    gains, n = weight * reward, reward.size
    squares = float(gains @ gains)
    if squares:
        seen = float(reward.sum())
        share = seen / (seen + PRIOR_CLICKS)
        squares = share * (squares + PRIOR_CLICKS * float(np.mean(weight**2)))
        worth = share * float(np.sum(gains**3) + PRIOR_CLICKS * np.mean(weight**3)) / squares
        clicks = min(squares / worth**2, float(n))
    else:
        worth, clicks = float(weight @ weight) / max(float(weight.sum()), 1e-300), 0.0
    constant = (float(gains.sum()) - worth * clicks) / n
    low = float(beta.ppf((1 - confidence) / 2, clicks, n - clicks + 1)) if clicks else 0.0
    high = float(beta.ppf((1 + confidence) / 2, clicks + 1, n - clicks)) if clicks < n else 1.0
    return Interval(constant + worth * low, constant + worth * high)
