"""The table of an A/B test: every arm against the control, on every metric, with a verdict in words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

import numpy as np
import polars as pl

from adcli.errors import UsageError
from adcli.evaluate.ab.compare import compare_arms, posterior_of
from adcli.evaluate.ab.metrics import parse_metrics
from adcli.evaluate.ab.rows import AB_COLUMNS, comparison_row, sample_ratio_row
from adcli.evaluate.ab.sample_ratio import sample_ratio
from adcli.evaluate.ab.sequential import AnyTime, FixedHorizon, Plan, PlannedLooks
from adcli.evaluate.ab.units import (
    Units,
    as_batches,
    choose_control,
    prepare_units,
    sum_clusters,
    uneven_clusters,
)
from adcli.evaluate.ab.verdicts import Rules, judge, mismatch
from adcli.statistics.aggregates import aggregate_arms
from adcli.statistics.metrics import Metric
from adcli.statistics.multiplicity import Correction, adjust
from adcli.tables.unify import concatenated

Reading = Literal["fixed", "planned", "anytime"]


def ab_table(
    units: Units,
    *,
    metrics: Sequence[str | Metric],
    variant: str = "variant",
    control: str | None = None,
    unit: str | None = None,
    cluster: str | None = None,
    covariates: Sequence[str] = (),
    lower_is_better: Sequence[str] = (),
    expected_shares: Mapping[str, float] | None = None,
    sample_ratio_alpha: float = 0.01,
    confidence: float = 0.95,
    correction: Correction = "holm",
    smallest_effect: float = 0.05,
    reading: Reading = "fixed",
    looks: Sequence[float] = (),
    planned_units: int | None = None,
) -> pl.DataFrame:
    """Every arm against the control on every metric, and the check of the sample ratio as the first row.

    Args:
        units: One row per experimental unit; a lazy frame and `UnitBatches` are read in pieces and not kept
            (with quantiles and clusters, the columns in question are).
        metrics: Names in the language of `parse_metric`, or metrics.
        variant: Column that names each unit's arm.
        control: The arm to compare with; None takes one with a control's name, else the first by name.
        unit: Column that names each unit once; None checks `unit_id` where there is one.
        cluster: Column of the groups that were randomised whole (shops, cities); makes them the units.
        covariates: Columns from before the experiment, to adjust every average and ratio for.
        lower_is_better: Names of metrics where less is better.
        expected_shares: Of each arm, in any unit; equal ones if None.
        sample_ratio_alpha: Below this p the arms' sizes make every verdict invalid.
        confidence: Of the intervals; 1 - confidence is the alpha of the verdicts.
        correction: How p-values are adjusted for the number of comparisons.
        smallest_effect: Relative difference worth knowing of.
        reading: `fixed` reads once at the end, `planned` at a planned look, `anytime` whenever one likes.
        looks: With `planned`: shares of the planned sample at the looks so far, this one last.
        planned_units: With `anytime`: units of all arms that the test was planned for.

    Returns:
        Columns of `AB_COLUMNS`. An interval is of its comparison alone; `p_adjusted` and verdict regard all.

    Raises:
        DataError: If there is one arm only, a unit occurs twice, a metric is NaN, missing, a negative count,
            or has more clicks than impressions.
        UsageError: If a metric or a plan is written wrongly.
    """
    pieces = as_batches(units)
    parsed = parse_metrics(metrics, pieces.columns, covariates=covariates)
    prepared = prepare_units(pieces, parsed, variant=variant, unit=unit, others=[cluster] if cluster else [])
    whole: pl.DataFrame | None = None
    if cluster or any(metric.kind == "quantile" for metric in parsed):
        whole = concatenated(list(prepared))
    if cluster and whole is not None:
        whole, parsed = sum_clusters(whole, parsed, variant=variant, cluster=cluster)
    averaged = [m.columns for m in parsed if m.kind != "quantile"]
    arms = aggregate_arms(prepared if whole is None else whole, variant=variant, groups=averaged)
    if cluster and whole is not None:
        arms = uneven_clusters(whole, arms, parsed, variant=variant)
    control = choose_control(list(arms), control)
    plan = _plan(reading, looks, planned_units, n=sum(arm.n for arm in arms.values()))
    found = compare_arms(
        whole, arms, parsed, variant=variant, control=control, confidence=plan.confidence(confidence)
    )
    p_values = np.array([plan.p_value(one.comparison.p_value) for one in found])
    adjusted = adjust(p_values, correction)
    ratio = sample_ratio({name: arm.n for name, arm in arms.items()}, expected_shares)
    rules = Rules(1 - confidence, smallest_effect, int(np.isfinite(p_values).sum()))
    design = "; ".join(filter(None, (f"clusters: {cluster}" if cluster else "", plan.label)))
    rows = [sample_ratio_row(arms, control, ratio, sample_ratio_alpha)]
    for one, p_value, p_adjusted in zip(found, p_values, adjusted, strict=True):
        less = one.metric.name in lower_is_better
        verdict = judge(one.comparison, p_adjusted, rules, lower_is_better=less)
        if ratio.p_value < sample_ratio_alpha:
            verdict = mismatch(ratio.p_value)
        best = posterior_of(found, one, lower_is_better=less)
        rows.append(
            comparison_row(
                one,
                control=control,
                p_value=p_value,
                p_adjusted=p_adjusted,
                best=best,
                verdict=verdict,
                design=design,
            )
        )
    return pl.DataFrame(rows, schema=AB_COLUMNS, orient="row").with_columns(pl.col(pl.Float64).fill_nan(None))


def _plan(reading: Reading, looks: Sequence[float], planned_units: int | None, *, n: int) -> Plan:
    if reading == "fixed":
        return FixedHorizon()
    if reading == "planned":
        if not looks:
            raise UsageError(
                "A planned reading needs the looks so far, as shares of the plan, this one last."
            )
        return PlannedLooks(tuple(looks))
    if not planned_units:
        raise UsageError("An anytime reading needs the number of units that the test was planned for.")
    return AnyTime(n, planned_units)
