"""How large a test must be, and what a test of a given size could show."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from adcli.errors import UsageError
from adcli.evaluate.ab.sequential import looks_inflation

POWER = 0.8


class Design(NamedTuple):
    """What a test is to hold."""

    power: float = POWER  # probability of a significant result if the effect is real
    confidence: float = 0.95  # 1 - alpha, two-sided
    arms: int = 2  # all arms, the control among them
    control_share: float | None = None  # of the units that the control gets; None: as many as each other arm
    looks: int = 1  # equally spaced looks, by O'Brien-Fleming spending; 1 looks at the end only
    comparisons: int = 1  # over which alpha is shared (Bonferroni): variants x metrics

    @property
    def alpha(self) -> float:
        """Of one comparison."""
        return (1 - self.confidence) / self.comparisons

    @property
    def ratio(self) -> float:
        """Units of a variant per unit of the control."""
        share = 1 / self.arms if self.control_share is None else self.control_share
        return (1 - share) / (self.arms - 1) / share

    @property
    def inflation(self) -> float:
        """By how much more units the looks cost than one at the end."""
        fractions = np.arange(1, self.looks + 1) / self.looks
        return looks_inflation(fractions, alpha=self.alpha, power=self.power)


def units_needed(baseline: float, target: float, design: Design, *, std_dev: float | None = None) -> int:
    """Units of the control arm that show the step from `baseline` to `target`; of a variant, `ratio` as many.

    `baseline`: the control's figure, a proportion unless `std_dev` is given; `target`: what the variant is
    hoped to reach; `design`: what the test is to hold; `std_dev`: of one unit's value, if the figure is a
    mean. Raises UsageError if there is no effect to show, or a proportion lies outside (0, 1).

    Source: statsmodels `NormalIndPower`; Cohen's h for proportions.
    """
    from statsmodels.stats.power import NormalIndPower

    effect = standardised_effect(baseline, target, std_dev)
    if effect == 0:
        raise UsageError("An effect of 0 cannot be shown by any number of units.")
    n = NormalIndPower().solve_power(abs(effect), alpha=design.alpha, power=design.power, ratio=design.ratio)
    return math.ceil(float(n) * design.inflation)


def detectable_effect(
    n_control: int, baseline: float, design: Design, *, std_dev: float | None = None
) -> float:
    """The smallest target above `baseline` that `n_control` units in the control would show.

    Raises UsageError if a proportion lies outside (0, 1), or no proportion below 1 could be shown.
    """
    from statsmodels.stats.power import NormalIndPower

    n = n_control / design.inflation
    effect = float(
        NormalIndPower().solve_power(nobs1=n, alpha=design.alpha, power=design.power, ratio=design.ratio)
    )
    if std_dev is not None:
        return baseline + effect * std_dev
    angle = 2 * math.asin(math.sqrt(baseline)) + effect
    if not 0 < baseline < 1 or angle >= math.pi:
        raise UsageError(f"{n_control:,} units are too few to show any proportion above {baseline:g}.")
    return math.sin(angle / 2) ** 2


def standardised_effect(baseline: float, target: float, std_dev: float | None) -> float:
    """Cohen's h of two proportions, or the difference in standard deviations of a mean.

    Raises UsageError if a proportion lies outside (0, 1), or `std_dev` is not positive.
    """
    from statsmodels.stats.proportion import proportion_effectsize

    if std_dev is not None:
        if not std_dev > 0:
            raise UsageError(f"A standard deviation of {std_dev:g} plans nothing.")
        return (target - baseline) / std_dev
    for value in (baseline, target):
        if not 0 < value < 1:
            raise UsageError(
                f"{value:g} is no proportion between 0 and 1.", fix="Give the standard deviation of a mean."
            )
    return float(proportion_effectsize(target, baseline))
