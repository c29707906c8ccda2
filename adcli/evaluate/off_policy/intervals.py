"""Intervals for off-policy estimates by other methods than the default, from the influence of each row."""

from __future__ import annotations

from typing import Literal

import numpy as np

from adcli.arrays import Floats, Integers
from adcli.statistics.intervals import Interval, normal_quantile
from adcli.statistics.means import cluster_totals, std_error

Method = Literal["skew", "normal", "bootstrap", "bernstein", "clopper-pearson"]
METHODS: tuple[Method, ...] = ("skew", "normal", "bootstrap", "bernstein", "clopper-pearson")

BLOCKS = 2_000
RESAMPLES = 1_000
ROUNDING = 1e-12


def normal_interval(
    influence: Floats, cluster: Integers | None = None, *, confidence: float = 0.95
) -> Interval:
    """The mean and so many standard errors of it, to check the others by: too narrow where clicks are few."""
    margin = normal_quantile(confidence) * std_error(influence, cluster)
    return Interval(float(influence.mean()) - margin, float(influence.mean()) + margin)


def bootstrap_interval(
    influence: Floats,
    cluster: Integers | None = None,
    *,
    confidence: float = 0.95,
    seed: int = 0,
    resamples: int = RESAMPLES,
) -> Interval:
    """The studentised bootstrap of the mean influence, over users or rows (in at most 2,000 random blocks).

    Source: Efron and Tibshirani, "An Introduction to the Bootstrap" (1993), chapter 12.
    """
    rng = np.random.default_rng(seed)
    totals = _blocks(cluster_totals(influence, cluster), rng)
    units, n, mean = totals.size, influence.size, float(influence.mean())
    if np.abs(totals).max() <= ROUNDING * max(abs(mean), 1e-300):
        return Interval(mean, mean)
    drawn = totals[rng.integers(0, units, (resamples, units))]
    sums = drawn.sum(axis=1)
    spread = np.sqrt(np.square(drawn).sum(axis=1) - sums**2 / units)
    studentised = np.divide(sums, spread, out=np.copysign(np.inf, sums), where=spread > 0)
    low, high = np.quantile(studentised, [(1 - confidence) / 2, (1 + confidence) / 2], method="nearest")
    error = float(np.sqrt(totals @ totals)) / n
    return Interval(mean - float(high) * error, mean - float(low) * error)


def _blocks(totals: Floats, rng: np.random.Generator) -> Floats:
    if totals.size <= BLOCKS:
        return totals
    group = rng.permutation(np.arange(totals.size) % BLOCKS)
    return np.asarray(np.bincount(group, weights=totals), dtype=np.float64)


def bernstein_interval(
    terms: Floats, cluster: Integers | None = None, *, width: float, confidence: float = 0.95
) -> Interval:
    """The empirical-Bernstein interval: holds at any size for terms in a range of this width. Wide.

    Source: Maurer and Pontil (2009), theorem 4, at (1 - confidence) / 2 a side.
    """
    totals = cluster_totals(terms, cluster)
    units = totals.size
    scale = units / terms.size
    largest = 1 if cluster is None else int(np.bincount(cluster).max())
    log_term = np.log(4 / (1 - confidence))
    variance = float(totals @ totals) / (units - 1)
    half = np.sqrt(2 * variance * log_term / units) + 7 * width * largest * log_term / (3 * (units - 1))
    return Interval(float(terms.mean()) - half * scale, float(terms.mean()) + half * scale)


def clopper_pearson_interval(clicks: float, impressions: float, *, confidence: float = 0.95) -> Interval:
    """The exact interval of a click rate, at least as sure as stated; both numbers may be fractions.

    Source: Clopper and Pearson (1934); on an effective sample size, Korn and Graubard (1998).
    """
    from statsmodels.stats.proportion import proportion_confint

    return Interval(*map(float, proportion_confint(clicks, impressions, 1 - confidence, method="beta")))
