"""Tests that may be looked at before the end: planned looks, or any number of them.

A fixed-horizon interval of 95 % that is read 28 times is wrong 27 % of the time. Both plans here widen it:
at a planned look by O'Brien and Fleming's alpha spending, else by a confidence sequence that holds always.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from adcli.arrays import Floats
from adcli.errors import UsageError
from adcli.statistics.intervals import normal_quantile

SMALLEST_P = 1e-12
FARTHEST = 8.0  # standard deviations; what lies beyond has a probability of 1e-15
FINENESS = 5.0  # grid points per standard deviation of the shortest step between looks
MOST_POINTS = 4001
TUNED_FOR = 0.05  # alpha at which a confidence sequence is narrowest


class PlannedLooks(NamedTuple):
    """Looks at planned shares of the whole sample; the last is now. None but the end is a fixed horizon.

    Source: Lan and DeMets (1983), the O'Brien-Fleming spending function; repeated intervals and p-values of
        Jennison and Turnbull (2000), chapter 9.
    """

    fractions: tuple[float, ...] = (1.0,)

    @property
    def is_fixed(self) -> bool:
        """Whether nobody looks before the end, so that figures stand as they are."""
        return self.fractions == (1.0,)

    @property
    def label(self) -> str:
        """Which look this is, for the column `test`."""
        if self.is_fixed:
            return ""
        return f"look {len(self.fractions)} at {self.fractions[-1]:.0%} of the plan, O'Brien-Fleming spending"

    def confidence(self, nominal: float) -> float:
        """The fixed-horizon confidence whose interval keeps the nominal one over all looks."""
        if self.is_fixed:
            return nominal
        return 1 - _two_sided(obrien_fleming_boundaries(self.fractions, alpha=1 - nominal)[-1])

    def p_value(self, fixed: float) -> float:
        """The p-value that holds over all looks: the least alpha whose boundary now the statistic reaches."""
        from scipy.optimize import brentq

        if math.isnan(fixed) or self.is_fixed:
            return fixed
        z = _z_of(fixed)

        def margin(log_alpha: float) -> float:
            return float(obrien_fleming_boundaries(self.fractions, alpha=math.exp(log_alpha))[-1]) - z

        low, high = math.log(SMALLEST_P), math.log(0.999)
        if margin(high) >= 0:
            return 1.0
        return SMALLEST_P if margin(low) <= 0 else math.exp(brentq(margin, low, high, xtol=1e-6))

    def inflation(self, nominal: float) -> float:
        """By how much more units the looks so far and one at the end cost, at equal power."""
        fractions = self.fractions if self.fractions[-1] >= 1 else (*self.fractions, 1.0)
        return looks_inflation(fractions, alpha=1 - nominal)


class AnyTime(NamedTuple):
    """Looks at any time; the sequence is narrowest when all planned units are in.

    Source: Waudby-Smith et al. (2021), asymptotic confidence sequences, equation 14, and 66 for the tuning.
    """

    n: int  # units now, of all arms
    planned_n: int  # units planned, of all arms

    @property
    def label(self) -> str:
        """What the sequence is tuned to."""
        return f"asymptotic confidence sequence, tuned to {self.planned_n:,} units"

    def _information(self, n: int) -> float:
        log_alpha = -2 * math.log(TUNED_FOR)
        return n * (log_alpha + math.log(log_alpha + 1)) / self.planned_n

    def _squared_width(self, n: int, nominal: float) -> float:
        x = self._information(n)
        return (x + 1) / x * (math.log(x + 1) - 2 * math.log(1 - nominal))

    def confidence(self, nominal: float) -> float:
        """That of the sequence's width at this n."""
        return 1 - _two_sided(math.sqrt(self._squared_width(self.n, nominal)))

    def p_value(self, fixed: float) -> float:
        """The smallest alpha whose sequence excludes no effect now."""
        x = self._information(self.n)
        exponent = 0.5 * math.log(x + 1) - x * _z_of(fixed) ** 2 / (2 * (x + 1))
        return min(1.0, math.exp(exponent)) if not math.isnan(exponent) else math.nan

    def inflation(self, nominal: float) -> float:
        """Of a sequence read when all planned units are in: its squared width over the fixed one's."""
        return self._squared_width(self.planned_n, nominal) / normal_quantile(nominal) ** 2


Plan = PlannedLooks | AnyTime


def _two_sided(z: float) -> float:
    return math.erfc(z / math.sqrt(2))


def _z_of(p_value: float) -> float:
    from scipy.special import ndtri

    return float(-ndtri(p_value / 2)) if not math.isnan(p_value) else math.nan


def obrien_fleming_boundaries(fractions: Sequence[float] | Floats, *, alpha: float = 0.05) -> Floats:
    """The |z| to reach at each look, so that without an effect any is crossed with probability `alpha`.

    `fractions` (looks,) shares of the planned sample at each look, increasing, in (0, 1]; `alpha`: two-sided.
    Returns (looks,) boundaries of |z|. Raises UsageError if the fractions do not increase within (0, 1].

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
    fractions: Sequence[float] | Floats, bounds: Sequence[float] | Floats, *, drift: float
) -> float:
    """Probability that |z| reaches its bound at any look, where z has the mean `drift` x sqrt(fraction)."""
    times = _times(fractions)
    paths = _start(times, drift)
    crossed = 0.0
    for time, bound in zip(times, np.asarray(bounds) * np.sqrt(times), strict=True):
        crossed += paths.crossing(time, float(bound))
        paths = paths.going_on(time, float(bound))
    return crossed


def looks_inflation(fractions: Sequence[float] | Floats, *, alpha: float = 0.05, power: float = 0.8) -> float:
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


def _times(fractions: Sequence[float] | Floats) -> Floats:
    times = np.asarray(fractions, np.float64)
    if len(times) == 0 or times[0] <= 0 or times[-1] > 1 or (np.diff(times) <= 0).any():
        raise UsageError("The looks must be increasing shares of the plan, above 0 and at most 1.")
    return times


class _Paths(NamedTuple):
    """Where the score z sqrt(time) of the tests that continue lies, as probability masses at points.

    Source: the recursion of Armitage, McPherson and Rowe (1969), by Simpson's rule.
    """

    time: float
    points: Floats
    mass: Floats
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


def _start(times: Floats, drift: float = 0.0) -> _Paths:
    spacing = math.sqrt(float(np.diff(times, prepend=0.0).min())) / FINENESS
    return _Paths(0.0, np.zeros(1), np.ones(1), drift, spacing)
