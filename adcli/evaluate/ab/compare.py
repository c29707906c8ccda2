"""Each arm of an experiment against its control, on each metric, by the test that fits the metric."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
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
    """One arm against the control on one metric."""

    metric: Metric
    variant: str
    comparison: Comparison


def compare_arms(
    units: pl.DataFrame | None,
    arms: Mapping[str, Aggregates],
    metrics: Sequence[Metric],
    *,
    variant: str,
    control: str,
    confidence: float,
) -> list[Found]:
    """Every comparison of the experiment, metric by metric.

    Args:
        units: One row per unit, which quantiles alone need.
        arms: The aggregates of each arm.
        metrics: What to compare.
        variant: Column of the arms' names.
        control: The arm to compare with.
        confidence: Of the intervals.
    """
    return [
        Found(metric, name, compare(confidence))
        for metric in metrics
        for name, compare in _tests(units, arms, metric, variant=variant, control=control)
    ]


def _tests(
    units: pl.DataFrame | None, arms: Mapping[str, Aggregates], metric: Metric, *, variant: str, control: str
) -> Iterator[tuple[str, Callable[[float], Comparison]]]:
    others = [name for name in arms if name != control]
    if metric.kind == "quantile" and units is not None:
        values = _values(units, variant, metric.column)
        for name in others:
            yield name, partial(compare_quantiles, values[name], values[control], metric.quantile)
        return
    for name, arm in arms.items():
        if arm.average(metric.denominator) == 0:
            raise DataError(f"The denominator '{metric.denominator}' sums to 0 in the arm '{name}'.")
    proportion = metric.kind == "average" and not metric.covariates
    proportion &= all(metric.column in arm.binary for arm in arms.values())
    for name in others:
        if proportion:
            yield name, partial(compare_proportions, arms[name], arms[control], metric.column)
        else:
            yield name, partial(compare_averages, arms[name], arms[control], metric)


def _values(units: pl.DataFrame, variant: str, column: str) -> dict[str, FloatArray]:
    both = units.select(variant, pl.col(column).cast(pl.Float64))
    if not both[column].is_finite().fill_null(value=False).all():
        raise DataError(f"Column '{column}' holds missing, NaN or infinite values.")
    return {
        str(name): part[column].to_numpy() for (name,), part in both.group_by(variant, maintain_order=True)
    }


def posterior_of(found: Sequence[Found], one: Found, *, lower_is_better: bool) -> Posterior:
    """How probably this arm is the best of all arms on its metric, the control among them."""
    same = [other for other in found if other.metric == one.metric]
    figures = [one.comparison.control, *(other.comparison.variant for other in same)]
    proportion = one.comparison.is_proportion
    if not proportion and min(figure.variance for figure in figures) <= 0:
        return Posterior(math.nan, math.nan)
    arms = posteriors(figures, proportion=proportion, lower_is_better=lower_is_better)
    return arms[1 + same.index(one)]
