"""A ratio of sums in each group against that of all others, when a user may be in several groups."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from adcli.evaluate.intervals import FloatArray, Interval, student_quantile


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


def gap(sums: GroupSums, group: int, *, confidence: float) -> Gap:
    """One group against all others, by the delta method over units; a unit in both counts as one.

    Args:
        sums: Of each unit and group.
        group: Its number.
        confidence: Of the interval.
    """
    from scipy.stats import t

    units = int(sums.unit.max()) + 1
    inside = sums.group == group
    influence, ratio = np.zeros(units), []
    for mask, sign in ((inside, 1.0), (~inside, -1.0)):
        top = np.bincount(sums.unit[mask], sums.top[mask], units)
        bottom = np.bincount(sums.unit[mask], sums.bottom[mask], units)
        ratio.append(float(top.sum() / bottom.sum()) if bottom.sum() else np.nan)
        if bottom.sum():
            influence += sign * (top - ratio[-1] * bottom) / bottom.sum()
    error = float(np.sqrt(units / max(units - 1, 1) * (influence @ influence)))
    difference = ratio[0] - ratio[1]
    reach = student_quantile(confidence, max(units - 1, 1)) * error
    p_value = float(2 * t.sf(abs(difference) / error, units - 1)) if error > 0 else np.nan
    return Gap(ratio[1], difference, Interval(difference - reach, difference + reach), p_value)


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
