"""How wrong the propensities may be before a verdict falls: the marginal sensitivity model."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from adcli.statistics.intervals import Interval
from adcli.statistics.verdicts import BETTER, NOT_ENOUGH, WORSE

Rows = NDArray[np.float64]

LARGEST_FACTOR = 100.0


class WeightedRewards(NamedTuple):
    """The weight, and the weighted reward, of all rows up to each distinct reward, from the least on."""

    weight: Rows
    gain: Rows

    def bounds(self, factor: float) -> Interval:
        """The least and greatest weighted mean of the rewards if each weight may be wrong by this factor."""
        weight, gain = self.weight, self.gain
        rest, gain_rest = weight[-1] - weight, gain[-1] - gain
        least = (gain * factor + gain_rest / factor) / (weight * factor + rest / factor)
        most = (gain / factor + gain_rest * factor) / (weight / factor + rest * factor)
        return Interval(float(least.min()), float(most.max()))

    @property
    def value(self) -> float:
        """The weighted mean of the rewards."""
        return float(self.gain[-1] / self.weight[-1])


def weighted_rewards(reward: Rows, weight: Rows) -> WeightedRewards | None:
    """The rewards and weights of the rows, shape (n,) each, summed up; None where no row has weight."""
    if np.isin(reward, (0.0, 1.0)).all():
        distinct, place = np.array([0.0, 1.0]), reward.astype(np.int64)
    else:
        distinct, place = np.unique(reward, return_inverse=True)
    sums = np.bincount(place, weights=weight, minlength=distinct.size)
    if not sums.sum() > 0:
        return None
    return WeightedRewards(np.append(0.0, np.cumsum(sums)), np.append(0.0, np.cumsum(sums * distinct)))


def tipping_factor(summed: WeightedRewards, difference: Interval) -> float | None:
    """The factor by which propensities must be wrong for an interval of a difference to include 0.

    None where it holds 0 already; at most 100.
    """
    from scipy.optimize import brentq

    if difference.low <= 0 <= difference.high or not np.isfinite([difference.low, difference.high]).all():
        return None

    def left(log_factor: float) -> float:
        return _lower_bound(summed, difference, float(np.exp(log_factor)))

    largest = float(np.log(LARGEST_FACTOR))
    return LARGEST_FACTOR if left(largest) > 0 else float(np.exp(brentq(left, 0.0, largest)))


def _lower_bound(summed: WeightedRewards, difference: Interval, factor: float) -> float:
    """How far the nearer end of a difference stays away from 0 with propensities wrong by this factor."""
    bounds = summed.bounds(factor)
    if difference.low > 0:
        return difference.low - (summed.value - bounds.low)
    return -difference.high - (bounds.high - summed.value)


def with_sensitivity(
    record: dict[str, object], summed: WeightedRewards | None, factor: float | None
) -> dict[str, object]:
    """A row of the table of values with `tipping_factor`, and with the bounds at `factor` if that is given.

    A verdict that would not stand with propensities wrong by the factor becomes `not enough evidence`.
    """
    spoken = record["verdict"] in (BETTER, WORSE) and summed is not None
    found: dict[str, object] = {"tipping_factor": None}
    if spoken and summed is not None and record["headline"]:
        found["tipping_factor"] = tipping_factor(summed, _difference(record))
    if factor is None:
        return {**record, **found}
    bounds = summed.bounds(factor) if summed else Interval(float("nan"), float("nan"))
    found |= {"sensitivity_low": bounds.low, "sensitivity_high": bounds.high}
    if spoken and summed is not None and _lower_bound(summed, _difference(record), factor) <= 0:
        found |= {
            "verdict": NOT_ENOUGH,
            "reason": f"{record['reason']} It would be gone if the propensities were wrong by a factor of "
            f"{factor:g}, which --sensitivity lets them be.",
        }
    return {**record, **found}


def _difference(record: dict[str, object]) -> Interval:
    return Interval(float(record["difference_low"]), float(record["difference_high"]))  # type: ignore[arg-type]
