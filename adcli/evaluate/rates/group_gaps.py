"""A ratio of sums in each group against that of all others, when a user may be in several groups."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import partial
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from adcli.statistics.intervals import (
    NO_INTERVAL,
    FloatArray,
    Interval,
    clustered_rate,
    clustered_ratio,
)

LOG_P_SMALLEST, LOG_P_LARGEST = math.log(1e-12), math.log(0.999)


class GroupSums(NamedTuple):
    """Sums of each unit in each group where it occurs.

    Attributes:
        group: (pairs,) number of the group, from 0 on.
        unit: (pairs,) number of the independent unit, from 0 on.
        top: (pairs,) of the numerator.
        bottom: (pairs,) of the denominator.
    """

    group: npt.NDArray[np.int64]
    unit: npt.NDArray[np.int64]
    top: FloatArray
    bottom: FloatArray

    def ratios(self, weight: FloatArray | None = None) -> FloatArray:
        """(groups,) the ratio of each group; NaN where nothing is divided by."""
        top, bottom = (
            np.bincount(self.group, values if weight is None else values * weight[self.unit])
            for values in (self.top, self.bottom)
        )
        return np.divide(top, bottom, out=np.full_like(top, np.nan), where=bottom > 0)


class Gap(NamedTuple):
    """A group against all others.

    Attributes:
        rest: The ratio of all others.
        difference: Of the group's ratio from it.
        interval: Of the difference.
        p_value: Two-sided, that there is none.
    """

    rest: float
    difference: float
    interval: Interval
    p_value: float


def gap(sums: GroupSums, group: int, *, confidence: float, is_count: bool = False, fewest: int = 2) -> Gap:
    """One group against all others; a unit in both counts as one.

    The interval is put together from those of the two ratios, each of which leans the way its errors do, and
    from their correlation over units; the p-value is the one at which it would end at 0.

    Args:
        sums: Of each unit and group.
        group: Its number.
        confidence: Of the interval.
        is_count: Whether the ratio is a share of trials, such as clicks of impressions.
        fewest: Units that must have something of a ratio that is none; else there is no interval.

    Source: Zou and Donner (2008), equations 9 and 10 (MOVER), on those of `adcli.statistics.intervals`.
    """
    units = int(sums.unit.max()) + 1
    inside = sums.group == group
    estimate = clustered_rate if is_count else partial(clustered_ratio, fewest=fewest)
    estimates, influences, values = [], [], []
    for mask in (inside, ~inside):
        top = np.bincount(sums.unit[mask], sums.top[mask], units).astype(np.float64)
        bottom = np.bincount(sums.unit[mask], sums.bottom[mask], units).astype(np.float64)
        values.append(float(top.sum() / bottom.sum()) if bottom.sum() else np.nan)
        influences.append((top - values[-1] * bottom) / bottom.sum() if bottom.sum() else top * 0)
        estimates.append(estimate(top, bottom))
    difference = values[0] - values[1]
    one, rest = estimates
    if one is None or rest is None:
        return Gap(values[1], difference, NO_INTERVAL, np.nan)
    scale = float(np.sqrt((influences[0] @ influences[0]) * (influences[1] @ influences[1])))
    correlation = float(influences[0] @ influences[1]) / scale if scale > 0 else 0.0

    def interval(confidence: float) -> Interval:
        return _difference(one.interval(confidence), rest.interval(confidence), values, correlation)

    return Gap(values[1], difference, interval(confidence), _p_value(interval, difference))


def _difference(one: Interval, rest: Interval, values: Sequence[float], correlation: float) -> Interval:
    """The interval of the difference of two figures, from the intervals of both."""
    down = (values[0] - one.low, rest.high - values[1])
    up = (one.high - values[0], values[1] - rest.low)
    below, above = (_reach(*sides, correlation) for sides in (down, up))
    return Interval(values[0] - values[1] - below, values[0] - values[1] + above)


def _reach(one: float, rest: float, correlation: float) -> float:
    """sqrt(a^2 + b^2 - 2 r a b), of sides that at tiny p-values are too large to be squared."""
    longest = max(one, rest)
    if not longest > 0:
        return 0.0
    a, b = one / longest, rest / longest
    return longest * math.sqrt(max(a**2 + b**2 - 2 * correlation * a * b, 0.0))


def _p_value(interval: Callable[[float], Interval], difference: float) -> float:
    """1 - the confidence at which the interval ends at 0."""
    from scipy.optimize import brentq

    def room(log_p: float) -> float:
        ends = interval(-math.expm1(log_p))
        return ends.low if difference > 0 else -ends.high

    if difference == 0 or room(LOG_P_LARGEST) < 0:
        return 1.0
    if room(LOG_P_SMALLEST) > 0:
        return math.exp(LOG_P_SMALLEST)
    return math.exp(float(brentq(room, LOG_P_SMALLEST, LOG_P_LARGEST, xtol=1e-6)))


def bootstrap_ratios(sums: GroupSums, *, samples: int, seed: int) -> FloatArray:
    """(samples, groups) ratios of each group among units resampled by Poisson weights.

    Units that are alike are drawn at once: a million users with few impressions each are some hundred draws.

    Args:
        sums: Of each unit and group.
        samples: Bootstrap samples.
        seed: Of the draws.

    Source: Hanley and MacGibbon (2006).
    """
    rng = np.random.default_rng(seed)
    alike, times = _collapse(sums)
    weights = rng.poisson(times, (samples, len(times))).astype(np.float64)
    return np.array([alike.ratios(weight) for weight in weights])


def _collapse(sums: GroupSums) -> tuple[GroupSums, npt.NDArray[np.int64]]:
    """Units in one group alone that are alike, as one, and how many they are; else all units as they are."""
    units = int(sums.unit.max()) + 1
    if units < len(sums.unit):
        return sums, np.ones(units, np.int64)
    import polars as pl

    frame = pl.DataFrame({"group": sums.group, "top": sums.top, "bottom": sums.bottom})
    counted = frame.group_by("group", "top", "bottom").len().sort("group", "top", "bottom")
    group, top, bottom, times = (counted[name].to_numpy() for name in counted.columns)
    return GroupSums(group, np.arange(len(group)), top, bottom), times.astype(np.int64)
