"""Group-sequential boundaries, and how probably a test crosses them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from adcli.errors import UsageError
from adcli.statistics.intervals import FloatArray, normal_quantile

FARTHEST = 8.0  # standard deviations; what lies beyond has a probability of 1e-15
FINENESS = 5.0  # grid points per standard deviation of the shortest step between looks
MOST_POINTS = 4001


def obrien_fleming_boundaries(fractions: Sequence[float] | FloatArray, *, alpha: float = 0.05) -> FloatArray:
    """The |z| to reach at each look, so that without an effect any is crossed with probability `alpha`.

    Args:
        fractions: (looks,) shares of the planned sample at each look, increasing, in (0, 1].
        alpha: Two-sided.

    Returns:
        (looks,) boundaries of |z|.

    Raises:
        UsageError: If the fractions do not increase within (0, 1].

    Source: Lan and DeMets (1983), for each side alpha(t) = 2 - 2 Phi(z_{alpha/4} / sqrt t).
    """
    from scipy.optimize import brentq
    from scipy.special import ndtr

    times = _times(fractions)
    spent = 4 * ndtr(-normal_quantile(1 - alpha / 2) / np.sqrt(times))
    paths = _start(times)
    bounds = []
    for time, to_spend in zip(times, np.diff(spent, prepend=0.0), strict=True):
        highest = 12.0 * math.sqrt(time)
        if to_spend <= paths.crossing(time, highest):
            bound = highest
        else:
            bound = brentq(lambda b, t=time, s=to_spend: paths.crossing(t, b) - s, 0.0, highest, xtol=1e-9)  # noqa: B023
        bounds.append(bound / math.sqrt(time))
        paths = paths.going_on(time, bound)
    return np.array(bounds)


def crossing_probability(
    fractions: Sequence[float] | FloatArray, bounds: Sequence[float] | FloatArray, *, drift: float
) -> float:
    """Probability that |z| reaches its bound at any look, where z has the mean `drift` x sqrt(fraction)."""
    times = _times(fractions)
    paths = _start(times, drift)
    crossed = 0.0
    for time, bound in zip(times, np.asarray(bounds) * np.sqrt(times), strict=True):
        crossed += paths.crossing(time, float(bound))
        paths = paths.going_on(time, float(bound))
    return crossed


def looks_inflation(
    fractions: Sequence[float] | FloatArray, *, alpha: float = 0.05, power: float = 0.8
) -> float:
    """By how much more units looks at these shares cost than one look at the end, at equal power; about 1.03.

    Source: Jennison and Turnbull (2000), section 2.3, the inflation factor.
    """
    from scipy.optimize import brentq
    from scipy.special import ndtri

    if len(fractions) == 1:
        return 1.0
    bounds = obrien_fleming_boundaries(fractions, alpha=alpha)
    fixed = normal_quantile(1 - alpha) + float(ndtri(power))
    drift = brentq(
        lambda d: crossing_probability(fractions, bounds, drift=d) - power, 0.9 * fixed, 2 * fixed, xtol=1e-5
    )
    return max(float(drift) / fixed, 1.0) ** 2


def _times(fractions: Sequence[float] | FloatArray) -> FloatArray:
    times = np.asarray(fractions, np.float64)
    if len(times) == 0 or times[0] <= 0 or times[-1] > 1 or (np.diff(times) <= 0).any():
        raise UsageError("The looks must be increasing shares of the plan, above 0 and at most 1.")
    return times


class _Paths(NamedTuple):
    """Where the score z sqrt(time) of the tests that continue lies, as probability masses at points.

    Source: the recursion of Armitage, McPherson and Rowe (1969), by Simpson's rule.
    """

    time: float
    points: FloatArray
    mass: FloatArray
    drift: float
    spacing: float

    def crossing(self, time: float, bound: float) -> float:
        """Probability to continue until now and lie outside of +-bound at `time`."""
        from scipy.special import ndtr

        spread, centre = math.sqrt(time - self.time), self.points + self.drift * (time - self.time)
        return float(self.mass @ (ndtr((-bound - centre) / spread) + ndtr((centre - bound) / spread)))

    def going_on(self, time: float, bound: float) -> _Paths:
        """The paths still inside of +-bound at `time`."""
        step = time - self.time
        middle, far = self.drift * time, FARTHEST * math.sqrt(time)
        low, high = max(-bound, middle - far), min(bound, middle + far)
        count = min(max(int((high - low) / self.spacing), 100), MOST_POINTS) // 2 * 2 + 1
        points = np.linspace(low, high, count)
        weights = np.full(count, 2.0)
        weights[1::2] = 4.0
        weights[[0, -1]] = 1.0
        weights *= (points[1] - points[0]) / 3
        distance = points[:, None] - self.points - self.drift * step
        density = np.exp(-(distance**2) / (2 * step)) @ self.mass / math.sqrt(2 * math.pi * step)
        return _Paths(time, points, density * weights, self.drift, self.spacing)


def _start(times: FloatArray, drift: float = 0.0) -> _Paths:
    spacing = math.sqrt(float(np.diff(times, prepend=0.0).min())) / FINENESS
    return _Paths(0.0, np.zeros(1), np.ones(1), drift, spacing)
