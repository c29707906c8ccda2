"""Effects of several segments, shrunk towards their common mean as far as they agree."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from adcli.statistics.intervals import FloatArray

TAU_POINTS = 200
VALUE_POINTS = 401
FEWEST_SEGMENTS = 3  # with two, how much segments differ cannot be separated from their noise


class Shrunken(NamedTuple):
    """What a hierarchical model says of the segments."""

    value: FloatArray  # (segments,) posterior means of the effects
    low: FloatArray  # (segments,) lower ends of their intervals
    high: FloatArray  # (segments,) upper ends
    spread: float  # posterior mean of the standard deviation between segments
    p_value: float  # of Cochran's Q, that all effects are equal


def shrink(effect: FloatArray, variance: FloatArray, *, confidence: float) -> Shrunken:
    """The effects under a normal hierarchy whose spread is itself unknown, and integrated over.

    Args:
        effect: (segments,) estimates, three or more.
        variance: (segments,) of the estimates, positive.
        confidence: Of the intervals.

    Source: Gelman et al., Bayesian Data Analysis, third edition, section 5.4; Cochran (1954) for Q.
    """
    from scipy.stats import chi2

    tau, weight = _spread_posterior(effect, variance)
    precision = 1 / (variance + tau[:, None] ** 2)  # (tau, segments)
    centre = (precision @ effect) / precision.sum(axis=1)
    pull = variance * precision  # share of the common mean in each segment's own
    mean = (1 - pull) * effect + pull * centre[:, None]
    spread = np.sqrt((1 - pull) * variance + pull**2 / precision.sum(axis=1)[:, None])
    tail = (1 - confidence) / 2
    ends = [_mixture_quantiles(mean[:, j], spread[:, j], weight, tail) for j in range(len(effect))]
    common = float(effect @ (1 / variance) / (1 / variance).sum())
    q = float(((effect - common) ** 2 / variance).sum())
    low, high = np.array(ends).T
    return Shrunken(weight @ mean, low, high, float(weight @ tau), float(chi2.sf(q, len(effect) - 1)))


def _spread_posterior(effect: FloatArray, variance: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Values of the standard deviation between segments and their posterior weights, under a flat prior."""
    largest = 5 * float(effect.std(ddof=1)) + 5 * float(np.sqrt(variance.mean()))
    tau = np.linspace(0, largest, TAU_POINTS)
    precision = 1 / (variance + tau[:, None] ** 2)
    total = precision.sum(axis=1)
    centre = (precision @ effect) / total
    fit = (precision * (effect - centre[:, None]) ** 2).sum(axis=1)
    log_density = 0.5 * (np.log(precision).sum(axis=1) - np.log(total) - fit)
    weight = np.exp(log_density - log_density.max())
    weight[[0, -1]] /= 2  # trapezoidal rule
    return tau, weight / weight.sum()


def _mixture_quantiles(
    mean: FloatArray, spread: FloatArray, weight: FloatArray, tail: float
) -> tuple[float, float]:
    from scipy.special import ndtr

    values = np.linspace(float((mean - 6 * spread).min()), float((mean + 6 * spread).max()), VALUE_POINTS)
    below = ndtr((values[:, None] - mean) / spread) @ weight
    low, high = np.interp([tail, 1 - tail], below, values)
    return float(low), float(high)
