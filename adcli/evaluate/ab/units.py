"""The units of an experiment, checked and made fit for its tests."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import polars as pl

from adcli.errors import DataError, UsageError, did_you_mean
from adcli.evaluate.ab.metrics import Metric
from adcli.evaluate.columns import as_numbers, known_columns, numbers_expr
from adcli.evaluate.effects.aggregates import CLICKS, IMPRESSIONS

NUMBER, ARMS = "number of the cluster", "number of its arms"  # no names that a column may have
CONTROL_NAMES = frozenset({"control", "ctrl", "baseline", "base", "holdout", "placebo", "off", "a", "0"})
UnitsFrame = pl.DataFrame | pl.LazyFrame


def prepare_units(
    units: UnitsFrame,
    metrics: Sequence[Metric],
    *,
    variant: str,
    unit: str | None,
    others: Sequence[str] = (),
) -> UnitsFrame:
    """Only the columns that the metrics need, as numbers; beside them the variant and `others`.

    Raises:
        DataError: If a column is missing, a unit occurs twice, a text is no number, or a unit has more clicks
            than impressions.
        UsageError: If the variant is a metric.
    """
    schema = units.collect_schema()
    for name in (variant, *others, *([unit] if unit else [])):
        if name not in schema:
            raise DataError(f"There is no column '{name}'.", fix=known_columns(name, schema))
    columns = sorted({column for metric in metrics for column in metric.columns})
    if variant in columns:
        raise UsageError(f"The column '{variant}' names the arms; it cannot be a metric too.")
    _check_unique(units, unit)
    wanted = list(dict.fromkeys([variant, *others, *columns]))
    if isinstance(units, pl.DataFrame):
        numbers: UnitsFrame = as_numbers(units[wanted], columns)
    else:
        texts = [name for name in columns if schema[name] == pl.String]
        if texts:
            raise DataError(f"Column '{texts[0]}' is text; a metric needs numbers.")
        numbers = units.select(wanted).with_columns(numbers_expr(name, schema[name]) for name in columns)
    _check_clicks(numbers, metrics)
    return numbers


def _check_unique(units: UnitsFrame, unit: str | None) -> None:
    if unit is None and (isinstance(units, pl.LazyFrame) or "unit_id" not in units.columns):
        return
    name = unit or "unit_id"
    rows, distinct = units.lazy().select(pl.len(), pl.col(name).n_unique().alias("distinct")).collect().row(0)
    if distinct < rows:
        raise DataError(
            f"{rows - distinct:,} of {rows:,} rows repeat a '{name}': a unit must occur once.",
            fix=f"Sum the rows of each {name} first, or name the column as the cluster.",
        )


def _check_clicks(frame: UnitsFrame, metrics: Sequence[Metric]) -> None:
    for metric in metrics:
        clicks, impressions = metric.column, metric.denominator
        if clicks in CLICKS and impressions in IMPRESSIONS:
            over = int(frame.lazy().select((pl.col(clicks) > pl.col(impressions)).sum()).collect().item())
            if over:
                raise DataError(
                    f"In {over:,} units '{clicks}' exceeds '{impressions}': clicks above impressions."
                )


def sum_clusters(
    frame: UnitsFrame, metrics: Sequence[Metric], *, variant: str, cluster: str
) -> tuple[pl.DataFrame, list[Metric]]:
    """One row per cluster, and the metrics as ratios over it: the mean of a column is its sum / the units.

    Raises:
        DataError: If a cluster has units in two arms.
        UsageError: If a metric is a quantile.
    """
    units = frame.lazy().collect()
    count = f"units of a {cluster}"
    for metric in metrics:
        if metric.kind == "quantile":
            raise UsageError(f"The quantile '{metric.name}' has no test for randomised clusters.")
    arms = units.group_by(cluster, maintain_order=True).agg(
        pl.col(variant).first(), pl.col(variant).n_unique().alias(ARMS)
    )
    if (split := int((arms[ARMS] > 1).sum())) > 0:
        raise DataError(
            f"{split:,} values of '{cluster}' have units in several arms: they were not randomised whole."
        )
    code = units.join(
        arms.select(cluster).with_row_index(NUMBER),
        on=cluster,
        how="left",
        nulls_equal=True,
        maintain_order="left",
    )[NUMBER].to_numpy()
    size = np.bincount(code)
    covariates = {name for metric in metrics for name in metric.covariates}
    sums = {
        name: np.bincount(code, units[name].cast(pl.Float64).to_numpy()) / (size if name in covariates else 1)
        for name in units.columns
        if name not in {variant, cluster}
    }
    ratios = [m if m.kind == "ratio" else m._replace(kind="ratio", denominator=count) for m in metrics]
    return pl.DataFrame({variant: arms[variant], **sums, count: size.astype(np.float64)}), ratios


def choose_control(arms: Sequence[str], control: str | None) -> str:
    """The control among the arms: the one asked for, else one named like a control, else the first by name.

    Raises:
        DataError: If there is no such arm, or only one arm.
    """
    if len(arms) < 2:
        raise DataError(
            f"There is one arm only, '{arms[0] if arms else ''}': nothing to compare.",
            fix="Name the column of the variants with --variant.",
        )
    if control is not None:
        if control not in arms:
            known = did_you_mean(control, arms) or f"The arms are: {', '.join(arms)}."
            raise DataError(f"There is no arm '{control}' to take as control.", fix=known)
        return control
    named = [arm for arm in arms if arm.lower() in CONTROL_NAMES or arm.lower().split()[0:1] == ["no"]]
    return (named or sorted(arms))[0]
