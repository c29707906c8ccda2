"""A ratio of sums in each group against that of all others, when a user may be in several groups."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple, Protocol

import numpy as np
import numpy.typing as npt

from adcli.statistics.differences import difference_interval, implied_p_value
from adcli.statistics.intervals import NO_INTERVAL, FloatArray, Interval, clustered_ratio


class Estimate(Protocol):
    """What the interval of a ratio rests on."""

    def interval(self, confidence: float) -> Interval:
        """At this confidence; an end may be infinite."""


Estimator = Callable[[FloatArray, FloatArray], Estimate | None]


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


class Gap(NamedTuple):
    """A group against all others.

    Attributes:
        rest: The ratio of all others.
        difference: Of the group's ratio from it.
        interval: Of the difference; an end that the data do not bound is NaN.
        p_value: Two-sided, that there is none.
    """

    rest: float
    difference: float
    interval: Interval
    p_value: float


def gap(sums: GroupSums, group: int, *, confidence: float, estimate: Estimator = clustered_ratio) -> Gap:
    """One group against all others; a unit in both counts as one.

    The interval is put together from those of the two ratios, each of which leans the way its errors do, and
    from their correlation over units; the p-value is the one at which it would end at 0.

    Args:
        sums: Of each unit and group.
        group: Its number.
        confidence: Of the interval.
        estimate: From each unit's numerator and denominator, what the ratio's interval rests on; None where
            there is too little for one.

    Source: MOVER, as in `adcli.statistics.differences`.
    """
    units = int(sums.unit.max()) + 1
    inside = sums.group == group
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
        intervals = one.interval(confidence), rest.interval(confidence)
        return difference_interval(values[0], intervals[0], values[1], intervals[1], correlation=correlation)

    low, high = (end if np.isfinite(end) else np.nan for end in interval(confidence))
    return Gap(values[1], difference, Interval(low, high), implied_p_value(interval, difference))
