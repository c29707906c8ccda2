"""How far weights are cut or shrunk: chosen from the data by Lepski's principle."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from adcli.policies.estimators import Estimate
from adcli.policies.logged import LoggedRows
from adcli.statistics.means import std_error

WIDTH = 1.96  # standard errors
SLACK = 6**0.5 - 1


class TunedEstimate(NamedTuple):
    """An estimate and the parameter that gave it."""

    estimate: Estimate
    parameter: float


def slope(values: Sequence[float], widths: Sequence[float]) -> int:
    """The number of the estimator to use among several ordered from least to most biased.

    The last whose interval agrees with all before it: |v_i - v_j| <= width_i + (sqrt(6) - 1) width_j.

    Source: Su, Srinath and Krishnamurthy, "Adaptive estimator selection for off-policy evaluation" (2020).
    """
    chosen = 0
    for i in range(1, len(values)):
        agrees = all(abs(values[i] - values[j]) <= widths[i] + SLACK * widths[j] for j in range(i))
        if not agrees:
            break
        chosen = i
    return chosen


def tune(
    estimate: Callable[[float], Estimate], parameters: Sequence[float], logged: LoggedRows
) -> TunedEstimate:
    """The estimate whose parameter SLOPE chooses; `parameters` go from least to most biased."""
    tried = [estimate(parameter) for parameter in parameters]
    widths = [WIDTH * std_error(one.influence, logged.cluster) for one in tried]
    smallest = np.minimum.accumulate(widths)
    number = slope([one.value for one in tried], smallest.tolist())
    return TunedEstimate(tried[number], parameters[number])


def weight_limits(largest: float) -> list[float]:
    """Limits to cut weights at, from none to the mean weight, for weights up to `largest`."""
    return [float(limit) for limit in np.geomspace(max(largest, 1.0), 1.0, 12)]


def shrinkages(largest: float) -> list[float]:
    """Shrinkage parameters for weights up to `largest`, from nearly none to nearly the direct method."""
    return [float(value) for value in np.geomspace(1e4 * max(largest, 1.0) ** 2, 1e-2, 16)]
