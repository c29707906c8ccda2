"""Whether predicted probabilities come true: reliability bins and the expected calibration error."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from adcli.arrays import Floats, Integers
from adcli.statistics.intervals import ClusteredRate, Interval, clustered_rate

SIMULATED = 1000  # errors at each scale of the gaps
SMALLEST_NOISE = 1e-9  # of a bin whose predictions are all 0 or all 1


class ReliabilityBin(NamedTuple):
    """Rows of like prediction."""

    rows: int
    predicted: float
    observed: float
    interval: Interval


class CalibrationError(NamedTuple):
    """The expected calibration error."""

    value: float  # mean over rows of the distance of their bin's mean prediction from its rate
    interval: Interval  # that allows for the error's being positive by noise alone; it never reaches below 0
    by_chance: float  # what the value would be on average if every prediction were right


def reliability(
    label: Floats, score: Floats, *, bins: int, confidence: float, cluster: Integers | None = None
) -> list[ReliabilityBin]:
    """Bins of equally many rows, in the order of the prediction, with Wilson intervals of the rate.

    `label` (n,) 0 or 1; `score` (n,) predicted probabilities; `bins`: at most, rows of equal prediction stay
    together; `cluster` (n,) number of each row's user from 0 on, None: each row is its own.
    """
    number = bin_of(score, bins)
    rows, predicted = np.bincount(number), np.bincount(number, score)
    rates = _bin_rates(label, number, cluster)
    return [
        ReliabilityBin(int(n), float(p / n), rate.value, rate.interval(confidence))
        for n, p, rate in zip(rows, predicted, rates, strict=True)
    ]


def _bin_rates(label: Floats, number: Integers, cluster: Integers | None) -> list[ClusteredRate]:
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
    label: Floats, score: Floats, *, bins: int, confidence: float, cluster: Integers | None = None
) -> CalibrationError:
    """The expected calibration error over bins of equally many rows.

    Noise alone makes it positive, and a bootstrap adds that noise once more (its intervals hold the truth in
    55 to 90 % of trials). So the interval inverts a test by simulation: the bins' gaps, shrunk towards their
    mean, are scaled up and down, and those scales are kept under which the error seen is no surprise. For a
    model that is right, whose error is 0, it holds a little more often than `confidence`.

    `label` (n,) 0 or 1; `score` (n,) predicted probabilities; `bins`: at most; `cluster` (n,) number of each
    row's user from 0 on, None: each row is its own.

    Source: Naeini, Cooper and Hauskrecht (2015); Efron and Tibshirani (1993), section 12.3, for the interval.
    """
    number = bin_of(score, bins)
    rows, ones, predicted = (np.bincount(number, w) for w in (np.ones_like(score), label, score))
    weight, rate, mean = rows / rows.sum(), ones / rows, predicted / rows
    design_effect = np.array([one.design_effect for one in _bin_rates(label, number, cluster)])
    spread = np.maximum(rate * (1 - rate), mean * (1 - mean))
    gaps = _shrunk(rate - mean, np.maximum(np.sqrt(spread * design_effect / rows), SMALLEST_NOISE))
    alike = np.bincount(number, score * (1 - score)) / np.maximum(rows * mean * (1 - mean), SMALLEST_NOISE)
    trials = rows / (design_effect * np.clip(alike, SMALLEST_NOISE, 1.0))
    noise = np.random.default_rng(0).standard_normal((SIMULATED, len(rows)))

    def rates(times: float) -> Floats:
        return np.clip(mean + times * gaps, 0.0, 1.0)

    def simulated(times: float) -> Floats:
        """(SIMULATED,) errors that would be seen, were the gaps `times` as large as they seem."""
        true = rates(times)
        return np.asarray(np.abs(true + noise * np.sqrt(true * (1 - true) / trials) - mean) @ weight)

    def error_at(seen: float, level: float) -> float:
        """The true error under which the one seen lies at this level of those simulated."""
        times = _root(lambda times: seen - float(np.quantile(simulated(times), level)), most)
        return float(weight @ np.abs(rates(times) - mean))

    value, by_chance = float(weight @ np.abs(rate - mean)), float(simulated(0.0).mean())
    most = 1 / max(float(np.abs(gaps).max()), SMALLEST_NOISE)
    low = error_at(value, (1 + confidence) / 2)
    high = error_at(max(value, by_chance), (1 - confidence) / 2)  # less than chance says no more than chance
    return CalibrationError(value, Interval(low, high), by_chance)


def _shrunk(gaps: Floats, noise: Floats) -> Floats:
    """The gaps under a normal hierarchy whose spread is estimated by moments."""
    precision = 1 / noise**2
    centre = float(gaps @ precision / precision.sum())
    spread = max(float(np.mean((gaps - centre) ** 2 - noise**2)), 0.0)
    return centre + (gaps - centre) * spread / (spread + noise**2)


def _root(falling: Callable[[float], float], most: float) -> float:
    """Where a falling function crosses 0, between 0 and `most`."""
    from scipy.optimize import brentq

    if falling(0.0) <= 0:
        return 0.0
    return most if falling(most) >= 0 else float(brentq(falling, 0.0, most))


def bin_of(score: Floats, bins: int) -> Integers:
    """(n,) number of each row's bin, from 0 without gaps; bins are about equally large and never cut ties."""
    order = np.argsort(score, kind="stable")
    ranked = score[order]
    starts = np.flatnonzero(np.diff(ranked, prepend=np.nan) != 0)
    wanted = starts * bins // len(score)
    _, compact = np.unique(wanted, return_inverse=True)
    number = np.empty(len(score), np.int64)
    number[order] = np.repeat(compact, np.diff(starts, append=len(score)))
    return number
