"""Each arm of an experiment against its control, on each metric, by the test that fits the metric."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from itertools import combinations
from typing import NamedTuple

import polars as pl

from adcli.errors import DataError
from adcli.evaluate.ab.posterior import Posterior, posteriors
from adcli.statistics.aggregates import Aggregates
from adcli.statistics.averages import compare_averages
from adcli.statistics.comparison import Comparison
from adcli.statistics.intervals import FloatArray
from adcli.statistics.metrics import Metric
from adcli.statistics.proportions import compare_proportions
from adcli.statistics.quantiles import compare_quantiles


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
    variant: str,
    control: str,
    confidence: float,
    all_pairs: bool = False,
) -> list[Found]:
    """Every comparison of the experiment, metric by metric.

    Args:
        units: One row per unit, which quantiles alone need.
        arms: The aggregates of each arm.
        metrics: What to compare.
        variant: Column of the arms' names.
        control: The arm to compare with.
        confidence: Of the intervals.
        all_pairs: Whether the other arms are compared with each other too.
    """
    others = [name for name in arms if name != control]
    pairs = [(name, control) for name in others]
    if all_pairs:
        pairs += [(later, earlier) for earlier, later in combinations(others, 2)]
    found = []
    for metric in metrics:
        compare = _test(units, arms, metric, variant=variant)
        found += [Found(metric, one, other, compare(one, other, confidence)) for one, other in pairs]
    return found


def _test(
    units: pl.DataFrame | None, arms: Mapping[str, Aggregates], metric: Metric, *, variant: str
) -> Callable[[str, str, float], Comparison]:
    """The test of two arms, by their names, that fits the metric."""
    if metric.kind == "quantile" and units is not None:
        values = _values(units, variant, metric.column)
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


def _values(units: pl.DataFrame, variant: str, column: str) -> dict[str, FloatArray]:
    both = units.select(variant, pl.col(column).cast(pl.Float64))
    if not both[column].is_finite().fill_null(value=False).all():
        raise DataError(f"Column '{column}' holds missing, NaN or infinite values.")
    return {
        str(name): part[column].to_numpy() for (name,), part in both.group_by(variant, maintain_order=True)
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
