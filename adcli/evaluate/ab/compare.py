"""Each arm of an experiment against its control, on each metric, by the test that fits the metric."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from itertools import combinations
from typing import NamedTuple

import numpy as np
import polars as pl

from adcli.arrays import Floats
from adcli.errors import DataError
from adcli.evaluate.columns import finite_numbers
from adcli.statistics.aggregates import Aggregates
from adcli.statistics.averages import compare_averages
from adcli.statistics.comparison import ArmFigure, Comparison, Metric
from adcli.statistics.proportions import compare_proportions
from adcli.statistics.quantiles import compare_quantiles

GRID = np.linspace(-8, 8, 1201)  # of a normal posterior, in its standard deviations
SKEWED_GRID = np.linspace(-8, 24, 2401)  # of a Beta posterior, which with few successes falls off like e^-x


class Found(NamedTuple):
    """One arm against another, its control, on one metric."""

    metric: Metric
    variant: str
    control: str
    comparison: Comparison


def compare_arms(
    units: pl.DataFrame | None,
    arms: Mapping[str, Aggregates],
    metrics: Sequence[Metric],
    *,
    control: str,
    confidence: float,
    all_pairs: bool = False,
) -> list[Found]:
    """Every comparison of the experiment, metric by metric.

    `units`: one row per unit, which quantiles alone need; `all_pairs`: whether the other arms are compared
    with each other too.
    """
    others = [name for name in arms if name != control]
    pairs = [(name, control) for name in others]
    if all_pairs:
        pairs += [(later, earlier) for earlier, later in combinations(others, 2)]
    found = []
    for metric in metrics:
        compare = _test(units, arms, metric)
        found += [Found(metric, one, other, compare(one, other, confidence)) for one, other in pairs]
    return found


def _test(
    units: pl.DataFrame | None, arms: Mapping[str, Aggregates], metric: Metric
) -> Callable[[str, str, float], Comparison]:
    """The test of two arms, by their names, that fits the metric."""
    if metric.kind == "quantile" and units is not None:
        values = _values(units, metric.column)
        return lambda one, other, confidence: compare_quantiles(
            values[one], values[other], metric.quantile, confidence
        )
    for name, arm in arms.items():
        if arm.average(metric.denominator) == 0:
            raise DataError(f"The denominator '{metric.denominator}' sums to 0 in the arm '{name}'.")
    proportion = metric.kind == "average" and not metric.covariates
    if proportion and all(metric.column in arm.binary for arm in arms.values()):
        return lambda one, other, confidence: compare_proportions(
            arms[one], arms[other], metric.column, confidence
        )
    return lambda one, other, confidence: compare_averages(arms[one], arms[other], metric, confidence)


def _values(units: pl.DataFrame, column: str) -> dict[str, Floats]:
    both = finite_numbers(units.select("variant", column), [column])
    return {
        str(name): part[column].to_numpy() for (name,), part in both.group_by("variant", maintain_order=True)
    }


def posterior_of(found: Sequence[Found], one: Found, *, control: str, lower_is_better: bool) -> Posterior:
    """How probably this variant is the best of all arms on its metric, the control among them."""
    same = [other for other in found if other.metric == one.metric and other.control == control]
    figures = [same[0].comparison.control, *(other.comparison.variant for other in same)]
    proportion = one.comparison.is_proportion
    if not proportion and min(figure.variance for figure in figures) <= 0:
        return Posterior(math.nan, math.nan)
    arms = posteriors(figures, proportion=proportion, lower_is_better=lower_is_better)
    return arms[1 + [other.variant for other in same].index(one.variant)]


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


def _points(arm: ArmFigure, *, proportion: bool) -> Floats:
    if not proportion:
        return np.asarray(arm.value + np.sqrt(arm.variance) * GRID)
    mean = (arm.value * arm.n + 1) / (arm.n + 2)
    spread = np.sqrt(mean * (1 - mean) / (arm.n + 3))
    away = SKEWED_GRID if mean < 0.5 else -SKEWED_GRID[::-1]
    return np.asarray(np.clip(mean + spread * away, 0.0, 1.0))


def _below(arm: ArmFigure, values: Floats, *, proportion: bool) -> Floats:
    from scipy.special import betainc, ndtr

    if proportion:
        successes = arm.value * arm.n
        return np.asarray(betainc(successes + 1, arm.n - successes + 1, values))
    return np.asarray(ndtr((values - arm.value) / np.sqrt(arm.variance)))
