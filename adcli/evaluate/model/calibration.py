"""Whether predicted probabilities come true: reliability bins and the expected calibration error."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from adcli.evaluate.intervals import (
    ClusteredRate,
    FloatArray,
    Interval,
    clustered_rate,
    normal_quantile,
)

IntArray = npt.NDArray[np.int64]

SMALLEST_NOISE = 1e-9  # of a bin whose predictions are all 0 or all 1


class ReliabilityBin(NamedTuple):
    """Rows of like prediction."""

    rows: int
    predicted: float
    observed: float
    interval: Interval


class CalibrationError(NamedTuple):
    """The expected calibration error.

    Attributes:
        value: Mean over rows of the distance of their bin's mean prediction from its rate.
        interval: That allows for the error's being positive by noise alone; it never reaches below 0.
        by_chance: What the value would be on average if every prediction were right.
    """

    value: float
    interval: Interval
    by_chance: float


def reliability(
    label: FloatArray,
    score: FloatArray,
    *,
    bins: int,
    confidence: float,
    cluster: IntArray | None = None,
) -> list[ReliabilityBin]:
    """Bins of equally many rows, in the order of the prediction, with Wilson intervals of the rate.

    Args:
        label: (n,) 0 or 1.
        score: (n,) predicted probabilities.
        bins: At most; rows of equal prediction stay together.
        confidence: Of the intervals.
        cluster: (n,) number of each row's user from 0 on; None: each row is its own.
    """
    number = bin_of(score, bins)
    rows, predicted = np.bincount(number), np.bincount(number, score)
    rates = _bin_rates(label, number, cluster)
    return [
        ReliabilityBin(int(n), float(p / n), rate.value, rate.interval(confidence))
        for n, p, rate in zip(rows, predicted, rates, strict=True)
    ]


def _bin_rates(label: FloatArray, number: IntArray, cluster: IntArray | None) -> list[ClusteredRate]:
    """The rate of each bin, with the design effect of its users."""
    rates = []
    for one in range(int(number.max()) + 1):
        own = label[number == one]
        found = None
        if cluster is not None:
            users = cluster[number == one]
            found = clustered_rate(
                np.bincount(users, own).astype(np.float64), np.bincount(users).astype(np.float64)
            )
        rates.append(found or ClusteredRate(float(own.mean()), len(own), 1.0, math.inf))
    return rates


def expected_calibration_error(
    label: FloatArray,
    score: FloatArray,
    *,
    bins: int,
    confidence: float,
    cluster: IntArray | None = None,
) -> CalibrationError:
    """The expected calibration error over bins of equally many rows.

    Noise alone makes it positive, so its interval is found by asking which true errors would give the one
    seen: the bins' gaps, drawn towards their mean as far as noise explains them, are scaled up and down.

    Args:
        label: (n,) 0 or 1.
        score: (n,) predicted probabilities.
        bins: At most.
        confidence: Of the interval.
        cluster: (n,) number of each row's user from 0 on; None: each row is its own.

    Source: Naeini, Cooper and Hauskrecht (2015); moments of the folded normal by Leone et al. (1961).
    """
    number = bin_of(score, bins)
    rows, ones, predicted = (np.bincount(number, w) for w in (np.ones_like(score), label, score))
    weight, rate = rows / rows.sum(), ones / rows
    gaps = rate - predicted / rows
    noise = np.sqrt(np.maximum(rate * (1 - rate), predicted / rows * (1 - predicted / rows)) / rows)
    design_effect = np.array([one.design_effect for one in _bin_rates(label, number, cluster)])
    noise = np.maximum(noise * np.sqrt(design_effect), SMALLEST_NOISE)
    value = float(weight @ np.abs(gaps))
    uncertain = np.bincount(number, score * (1 - score)) * design_effect
    chance = float(np.sqrt(uncertain * 2 / np.pi).sum() / rows.sum())  # mean distance of a normal from 0
    profile = _draw_together(gaps, noise)
    z = normal_quantile(confidence)
    ends = (_true_error(value, profile, noise, weight, side) for side in (z, -z))
    return CalibrationError(value, Interval(*(min(end, 1.0) for end in ends)), chance)


def _draw_together(gaps: FloatArray, noise: FloatArray) -> FloatArray:
    """The gaps under a normal hierarchy whose spread is estimated by moments."""
    precision = 1 / noise**2
    centre = float(gaps @ precision / precision.sum())
    spread = max(float(np.mean((gaps - centre) ** 2 - noise**2)), 0.0)
    return centre + (gaps - centre) * spread / (spread + noise**2)


def _true_error(seen: float, profile: FloatArray, noise: FloatArray, weight: FloatArray, z: float) -> float:
    """The error, for gaps a multiple of `profile`, whose estimate lies z standard deviations from `seen`."""
    from scipy.optimize import brentq

    def excess(times: float) -> float:
        mean, variance = _folded(times * np.abs(profile), noise)
        return float(weight @ mean) + z * float(np.sqrt(weight**2 @ variance)) - seen

    if not np.abs(profile).sum() or excess(0.0) >= 0:
        return 0.0
    most = 1.0
    while excess(most) < 0:
        most *= 2
    return float(brentq(excess, 0.0, most)) * float(weight @ np.abs(profile))


def _folded(centre: FloatArray, spread: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Mean and variance of |x| for normal x."""
    from scipy.special import ndtr

    mean = spread * np.sqrt(2 / np.pi) * np.exp(-(centre**2) / (2 * spread**2)) + centre * (
        1 - 2 * ndtr(-centre / spread)
    )
    return mean, centre**2 + spread**2 - mean**2


def bin_of(score: FloatArray, bins: int) -> IntArray:
    """(n,) number of each row's bin, from 0 without gaps; bins are about equally large and never cut ties."""
    order = np.argsort(score, kind="stable")
    ranked = score[order]
    starts = np.flatnonzero(np.diff(ranked, prepend=np.nan) != 0)
    wanted = starts * bins // len(score)
    _, compact = np.unique(wanted, return_inverse=True)
    number = np.empty(len(score), np.int64)
    number[order] = np.repeat(compact, np.diff(starts, append=len(score)))
    return number
