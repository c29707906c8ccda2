"""How probable it is that an arm is the best, and what choosing it is expected to cost."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from adcli.statistics.comparison import ArmFigure
from adcli.statistics.intervals import FloatArray

GRID = np.linspace(-8, 8, 1201)  # of a normal posterior, in its standard deviations
SKEWED_GRID = np.linspace(-8, 24, 2401)  # of a Beta posterior, which with few successes falls off like e^-x


class Posterior(NamedTuple):
    """Of one arm's figure: `probability_best`, and `expected_loss` against the best, in the metric's unit."""

    probability_best: float
    expected_loss: float


def posteriors(arms: Sequence[ArmFigure], *, proportion: bool, lower_is_better: bool) -> list[Posterior]:
    """Of each arm, by the trapezoidal rule over points close together in every arm; exact to 1e-5.

    A proportion has the Beta posterior under a flat prior; anything else the normal one, with the estimate's
    own standard error.

    Source: P(i best) = integral of the product of F_j, j other than i, over F_i.
    """
    values = np.unique(np.concatenate([_points(arm, proportion=proportion) for arm in arms]))
    below = np.array([_below(arm, values, proportion=proportion) for arm in arms])
    if lower_is_better:
        values, below = -values[::-1], 1 - below[:, ::-1]
    highest = np.prod(below, axis=0)  # distribution of the best arm's figure
    best = []
    for i in range(len(arms)):
        others = np.prod(np.delete(below, i, axis=0), axis=0)
        best.append(float(np.sum((others[1:] + others[:-1]) / 2 * np.diff(below[i]))))
    return [
        Posterior(share / sum(best), max(float(np.trapezoid(own - highest, values)), 0.0))
        for share, own in zip(best, below, strict=True)
    ]


def _points(arm: ArmFigure, *, proportion: bool) -> FloatArray:
    if not proportion:
        return np.asarray(arm.value + np.sqrt(arm.variance) * GRID)
    mean = (arm.value * arm.n + 1) / (arm.n + 2)
    spread = np.sqrt(mean * (1 - mean) / (arm.n + 3))
    away = SKEWED_GRID if mean < 0.5 else -SKEWED_GRID[::-1]
    return np.asarray(np.clip(mean + spread * away, 0.0, 1.0))


def _below(arm: ArmFigure, values: FloatArray, *, proportion: bool) -> FloatArray:
    from scipy.special import betainc, ndtr

    if proportion:
        successes = arm.value * arm.n
        return np.asarray(betainc(successes + 1, arm.n - successes + 1, values))
    return np.asarray(ndtr((values - arm.value) / np.sqrt(arm.variance)))
