"""Whether predicted probabilities come true: reliability bins and the expected calibration error."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from adcli.statistics.intervals import (
    ClusteredRate,
    FloatArray,
    Interval,
    clustered_rate,
    normal_quantile,
)

IntArray = npt.NDArray[np.int64]

MOST_LEANING = 9.0  # squared standard deviations, up to which a skewed distribution is told by its skew
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
    seen: the bins' gaps, drawn towards their mean as far as noise explains them, are scaled up and down. An
    error is never below 0, and the interval is the one that holds as often there as elsewhere.

    Args:
        label: (n,) 0 or 1.
        score: (n,) predicted probabilities.
        bins: At most.
        confidence: Of the interval.
        cluster: (n,) number of each row's user from 0 on; None: each row is its own.

    Source: Naeini, Cooper and Hauskrecht (2015); Feldman and Cousins (1998), Physical Review D 57, for the
        interval of what is bounded.
    """
    number = bin_of(score, bins)
    rows, ones, predicted = (np.bincount(number, w) for w in (np.ones_like(score), label, score))
    weight, rate, mean = rows / rows.sum(), ones / rows, predicted / rows
    design_effect = np.array([one.design_effect for one in _bin_rates(label, number, cluster)])
    value = float(weight @ np.abs(rate - mean))
    spread = np.maximum(rate * (1 - rate), mean * (1 - mean))
    noise = np.maximum(np.sqrt(spread * design_effect / rows), SMALLEST_NOISE)
    alike = np.bincount(number, score * (1 - score)) / np.maximum(rows * mean * (1 - mean), SMALLEST_NOISE)
    trials = rows / (design_effect * np.clip(alike, SMALLEST_NOISE, 1.0))
    seen = _Gaps(mean, trials, weight, _draw_together(rate - mean, noise))
    return CalibrationError(value, _error_interval(value, seen, confidence), seen.moments(0.0).mean)


class _Moments(NamedTuple):
    mean: float
    deviation: float
    skew: float


class _Gaps(NamedTuple):
    """Bins, and a profile of by how much their rates differ from what was predicted.

    Attributes:
        predicted: (bins,) mean predictions.
        trials: (bins,) as many as vary as much as the bin's rows.
        weight: (bins,) shares of the rows.
        profile: (bins,) rate - prediction.
    """

    predicted: FloatArray
    trials: FloatArray
    weight: FloatArray
    profile: FloatArray

    def error(self, times: float) -> float:
        """The true calibration error, were the gaps `times` the profile."""
        return float(self.weight @ np.abs(self._rates(times) - self.predicted))

    def moments(self, times: float) -> _Moments:
        """Of the error seen, were the gaps `times` the profile; skewed as distances of normal shares are."""
        rates = self._rates(times)
        mean = _mean_distance(self.trials, rates, self.predicted)
        gap, spread = np.abs(rates - self.predicted), rates * (1 - rates) / self.trials
        variance = np.maximum(spread + gap**2 - mean**2, 0.0)
        deviation = max(math.sqrt(float(self.weight**2 @ variance)), SMALLEST_NOISE)
        skew = float(self.weight**3 @ _third_of_folded(gap, np.sqrt(spread))) / deviation**3
        return _Moments(float(self.weight @ mean), deviation, skew)

    def _rates(self, times: float) -> FloatArray:
        return np.clip(self.predicted + times * self.profile, 0.0, 1.0)


def _mean_distance(trials: FloatArray, rate: FloatArray, centre: FloatArray) -> FloatArray:
    """Mean of |share - centre|, for the share of successes among (fractional) trials of that rate."""
    from scipy.special import betainc

    most = np.floor(trials * centre)  # successes of a share below the centre

    def below(successes: FloatArray, trials: FloatArray) -> FloatArray:
        known = betainc(np.maximum(trials - successes, SMALLEST_NOISE), successes + 1, 1 - rate)
        return np.where(successes < 0, 0.0, np.where(successes >= trials, 1.0, known))

    less = centre * below(most, trials) - rate * below(most - 1, trials - 1)
    return np.asarray(rate - centre + 2 * less)


def _third_of_folded(gap: FloatArray, spread: FloatArray) -> FloatArray:
    """Third central moment of |x|, for normal x of mean `gap` and standard deviation `spread`.

    Source: Leone, Nelson and Nottingham (1961), Technometrics 3.
    """
    from scipy.special import erf

    spread = np.maximum(spread, SMALLEST_NOISE)
    is_above, density = (
        erf(gap / (spread * math.sqrt(2))),
        math.sqrt(2 / math.pi) * np.exp(-((gap / spread) ** 2) / 2),
    )
    first = gap * is_above + spread * density
    second = gap**2 + spread**2
    third = (gap**3 + 3 * gap * spread**2) * is_above + spread * density * (gap**2 + 2 * spread**2)
    return np.asarray(third - 3 * first * second + 2 * first**3)


def _draw_together(gaps: FloatArray, noise: FloatArray) -> FloatArray:
    """The gaps under a normal hierarchy whose spread is estimated by moments."""
    precision = 1 / noise**2
    centre = float(gaps @ precision / precision.sum())
    spread = max(float(np.mean((gaps - centre) ** 2 - noise**2)), 0.0)
    return centre + (gaps - centre) * spread / (spread + noise**2)


def _error_interval(seen: float, gaps: _Gaps, confidence: float) -> Interval:
    """The true errors under which the one seen is no surprise."""
    start = gaps.moments(0.0).mean
    most = 1 / max(float(np.abs(gaps.profile).max()), SMALLEST_NOISE)  # where some rate is 0 or 1, or was

    def beyond(times: float, way: int) -> float:
        """By how much the error seen is above the highest (way 1), or the lowest, that is no surprise."""
        at = gaps.moments(times)
        below, above = surprises(max(at.mean - start, 0.0) / at.deviation, confidence)
        bound = above if way > 0 else -below
        leaning = at.skew / 6 * (min(bound**2, MOST_LEANING) - 1)  # Cornish and Fisher (1938)
        return seen - at.mean - at.deviation * (bound + leaning)

    ends = (_root(partial(beyond, way=way), most) for way in (1, -1))
    return Interval(*(gaps.error(end) for end in ends))


def _root(falling: Callable[[float], float], most: float) -> float:
    """Where a falling function crosses 0, between 0 and `most`."""
    from scipy.optimize import brentq

    if falling(0.0) <= 0:
        return 0.0
    return most if falling(most) >= 0 else float(brentq(falling, 0.0, most))


def surprises(room: float, confidence: float) -> tuple[float, float]:
    """How far below and above its mean, `room` above the least possible, a figure is no surprise.

    In standard deviations; at a room of z or more both are z, at none every lower figure is expected.

    Source: Feldman and Cousins (1998), section IV, for a normal figure.
    """
    from scipy.optimize import brentq
    from scipy.special import ndtr, ndtri

    z, one_sided = normal_quantile(confidence), float(ndtri(confidence))
    if room >= z:
        return z, z
    if room <= SMALLEST_NOISE:
        return math.inf, one_sided

    def excess(above: float) -> float:
        return float(ndtr(above) - ndtr(-(room**2 + above**2) / (2 * room))) - confidence

    above = float(brentq(excess, one_sided, z))
    return (room**2 + above**2) / (2 * room), above


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
