"""Tests that may be looked at before the end: planned looks, or any number of them.

A fixed-horizon interval of 95 % that is read 28 times is wrong 27 % of the time. Both plans here widen it:
at a planned look by O'Brien and Fleming's alpha spending, else by a confidence sequence that holds always.
"""

from __future__ import annotations

import math
from typing import NamedTuple

from adcli.evaluate.ab.boundaries import looks_inflation, obrien_fleming_boundaries
from adcli.statistics.intervals import normal_quantile

SMALLEST_P = 1e-12


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
    tuned_for: float = 0.05  # alpha at which the sequence is tuned

    @property
    def label(self) -> str:
        """What the sequence is tuned to."""
        return f"asymptotic confidence sequence, tuned to {self.planned_n:,} units"

    def _information(self, n: int) -> float:
        log_alpha = -2 * math.log(self.tuned_for)
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
