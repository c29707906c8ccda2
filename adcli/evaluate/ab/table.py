"""The table of an A/B test: every arm against the control, on every metric, with a verdict in words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import polars as pl

from adcli.evaluate.ab.compare import Found, Posterior, compare_arms, posterior_of
from adcli.evaluate.ab.metrics import parse_metrics
from adcli.evaluate.ab.sequential import AnyTime, PlannedLooks
from adcli.evaluate.ab.units import (
    Units,
    as_batches,
    choose_control,
    once,
    per_unit,
    prepare_units,
    sum_clusters,
)
from adcli.evaluate.ab.verdicts import Rules, SampleRatio, judge, mismatch, sample_ratio
from adcli.evaluate.figures import figures_table
from adcli.statistics.aggregates import Aggregates, Wanted, read_summaries, summarise
from adcli.statistics.comparison import Metric
from adcli.statistics.multiplicity import Correction, adjust
from adcli.statistics.verdicts import HEALTHY, Verdict
from adcli.tables.unify import concatenated

Row = dict[str, object]
ARMS = dict.fromkeys(("metric", "variant", "control"), pl.String)
FIGURES = dict.fromkeys(("n_variant", "n_control"), pl.Int64) | dict.fromkeys(
    ("mean_variant", "mean_control", "difference", "difference_low", "difference_high"), pl.Float64
)
VERDICT = dict.fromkeys(("verdict", "reason"), pl.String)
_TESTED = (
    "relative", "relative_low", "relative_high", "statistic", "p_value", "p_adjusted", "probability_best",
    "expected_loss", "variance_reduction",
)  # fmt: skip
AB_COLUMNS = ARMS | FIGURES | dict.fromkeys(_TESTED, pl.Float64) | {"test": pl.String} | VERDICT


def ab_table(
    experiment: SummedUnits,
    *,
    control: str | None = None,
    expected_shares: Mapping[str, float] | None = None,
    confidence: float = 0.95,
    correction: Correction = "holm",
    smallest_effect: float = 0.05,
    looks: Sequence[float] = (),
    planned_units: int | None = None,
    all_pairs: bool = False,
) -> pl.DataFrame:
    """Every arm against the control on every metric, and the check of the sample ratio as the first row.

    Args:
        experiment: Its units, from `sum_units`.
        control: The arm to compare with; None takes one with a control's name, else the first by name.
        expected_shares: Of each arm, in any unit; equal ones if None.
        confidence: Of the intervals; 1 - confidence is the alpha of the verdicts.
        correction: How p-values are adjusted for the number of comparisons.
        smallest_effect: Relative difference worth knowing of.
        looks: Shares of the planned sample at the planned looks so far, this one last; none reads at the end.
        planned_units: Units of all arms that the test was planned for, to read it whenever one likes.
        all_pairs: Whether every arm is compared with every other, not with the control alone.

    Returns:
        Columns of `AB_COLUMNS`. An interval is of its comparison alone; `p_adjusted` and verdict regard all.

    Raises:
        DataError: If there is one arm only, or a denominator sums to 0.
        UsageError: If looks are no plan.
    """
    arms, sizes = experiment.arms, experiment.sizes
    control = choose_control(list(arms), control)
    now = sum(sizes.values())
    plan = AnyTime(now, planned_units) if planned_units else PlannedLooks(tuple(looks) or (1.0,))
    found = compare_arms(
        experiment.units,
        arms,
        experiment.metrics,
        control=control,
        confidence=plan.confidence(confidence),
        all_pairs=all_pairs,
    )
    p_values = np.array([plan.p_value(one.comparison.p_value) for one in found])
    made = max(int(np.isfinite(p_values).sum()), 1) if correction != "none" else 1
    ratio = sample_ratio(sizes, expected_shares, plan)
    rules = Rules(confidence, smallest_effect, made, plan.inflation(confidence))
    design = "; ".join(filter(None, (experiment.design, plan.label)))
    rows = [sample_ratio_row(sizes, control, ratio)]
    for one, p_value, p_adjusted in zip(found, p_values, adjust(p_values, correction), strict=True):
        less = one.metric.name in experiment.lower_is_better
        verdict = judge(one.comparison, p_adjusted, rules, lower_is_better=less)
        rows.append(
            comparison_row(
                one,
                sizes=sizes,
                p_value=p_value,
                p_adjusted=p_adjusted,
                best=posterior_of(found, one, control=control, lower_is_better=less),
                verdict=mismatch(ratio.p_value) or verdict,
                design=design,
            )
        )
    return figures_table(rows, AB_COLUMNS)


class SummedUnits(NamedTuple):
    """What tests need of the experiment."""

    arms: dict[str, Aggregates]  # the aggregates of each
    metrics: list[Metric]  # whose; of clusters, ratios
    unit_count: str | None = None  # column that counts units, where rows do
    cluster: str | None = None  # column of the groups that were randomised whole
    lower_is_better: Sequence[str] = ()  # names of metrics where less is better
    units: pl.DataFrame | None = None  # the units themselves, which quantiles need

    @property
    def sizes(self) -> dict[str, int]:
        """How many units each arm has."""
        if self.unit_count:
            return {name: round(arm.average(self.unit_count) * arm.n) for name, arm in self.arms.items()}
        return {name: arm.n for name, arm in self.arms.items()}

    @property
    def design(self) -> str:
        """What varies, where it is not single units."""
        if self.unit_count:
            return f"rows count {self.unit_count} and vary as clusters"
        return f"clusters: {self.cluster}" if self.cluster else ""


def wanted_of(metrics: Sequence[Metric], unit_count: str | None) -> Wanted:
    """What units are summed up to for these metrics."""
    averaged = [metric for metric in metrics if metric.kind != "quantile"]
    groups = [*(metric.columns for metric in averaged), *([(unit_count,)] if unit_count else [])]
    return Wanted.of(groups, [(metric.column, metric.denominator) for metric in averaged])


def sum_units(
    units: Units,
    *,
    metrics: Sequence[str],
    unit: str | None = None,
    cluster: str | None = None,
    unit_count: str | None = None,
    covariates: Sequence[str] = (),
    lower_is_better: Sequence[str] = (),
) -> SummedUnits:
    """The units of an experiment, checked and summed up to what its tests need.

    Args:
        units: One row per experimental unit, whose arm `variant` names; a lazy frame and `UnitBatches` are
            read in pieces and not kept (with quantiles and clusters, the columns in question are).
        metrics: Names in the language of `parse_metric`.
        unit: Column that names each unit once; None checks `unit_id` where there is one.
        cluster: Column of the groups that were randomised whole (shops, cities); makes them the units.
        unit_count: Column that counts units, where a row is a total of some (of a day): arms are as large as
            its sums, metrics are per unit counted, and rows vary as clusters do.
        covariates: Columns from before the experiment, to adjust every average and ratio for.
        lower_is_better: Names of metrics where less is better.

    Raises:
        DataError: If a unit occurs twice, a metric is NaN, missing, a negative count, or has more clicks than
            impressions.
        UsageError: If a metric is written wrongly.
    """
    pieces = as_batches(units)
    parsed = parse_metrics(metrics, pieces.columns, covariates=covariates, lower_is_better=lower_is_better)
    if unit_count:
        parsed = [per_unit(metric, unit_count) for metric in parsed]
    prepared = prepare_units(pieces, parsed, unit=unit, cluster=cluster, unit_count=unit_count)
    prepared = once(prepared, unit)
    whole: pl.DataFrame | None = None
    if cluster or any(metric.kind == "quantile" for metric in parsed):
        whole = concatenated(list(prepared))
    if cluster and whole is not None:
        whole, parsed = sum_clusters(whole, parsed, cluster)
    wanted = wanted_of(parsed, unit_count)
    pieces_of_all = prepared if whole is None else [whole]
    arms = read_summaries((summarise(one, wanted) for one in pieces_of_all), wanted)
    return SummedUnits(arms, parsed, unit_count, cluster, lower_is_better, whole)


def sample_ratio_row(sizes: Mapping[str, int], control: str, ratio: SampleRatio) -> Row:
    """The arms' sizes: `mean_variant` and `mean_control` hold the shares seen, `test` those expected."""
    others = [name for name in sizes if name != control]
    total = sum(sizes.values())
    expected = ", ".join(f"{name} {share:.1%}" for name, share in ratio.expected_share.items())
    healthy = f"the split is healthy: the arms have the sizes expected (p {ratio.p_value:.3g})"
    verdict = mismatch(ratio.p_value) or Verdict(HEALTHY, healthy)
    return dict.fromkeys(AB_COLUMNS) | {
        "metric": "sample_ratio",
        "variant": others[0] if len(others) == 1 else "all",
        "control": control,
        "n_variant": total - sizes[control],
        "n_control": sizes[control],
        "mean_variant": 1 - sizes[control] / total,
        "mean_control": sizes[control] / total,
        "statistic": ratio.statistic,
        "p_value": ratio.p_value,
        "test": f"chi-square of the arms' sizes against the expected shares ({expected}){ratio.reading}",
        "verdict": verdict.verdict,
        "reason": verdict.reason,
    }


def comparison_row(
    one: Found,
    *,
    sizes: Mapping[str, int],
    p_value: float,
    p_adjusted: float,
    best: Posterior,
    verdict: Verdict,
    design: str,
) -> Row:
    """One arm against another on one metric; `design` is added to the name of the test."""
    found = one.comparison
    return arm_figures(one) | {
        "n_variant": sizes[one.variant],
        "n_control": sizes[one.control],
        "relative": found.relative,
        "relative_low": found.relative_interval.low,
        "relative_high": found.relative_interval.high,
        "statistic": found.statistic,
        "p_value": p_value,
        "p_adjusted": p_adjusted,
        "probability_best": best.probability_best,
        "expected_loss": best.expected_loss,
        "variance_reduction": found.variance_reduction,
        "test": "; ".join(filter(None, (found.test, design))),
        "verdict": verdict.verdict,
        "reason": verdict.reason,
    }


def arm_figures(one: Found) -> Row:
    """Of one arm against another on one metric: which they are, their sizes and means, the difference."""
    found = one.comparison
    return {
        "metric": one.metric.name,
        "variant": one.variant,
        "control": one.control,
        "n_variant": found.variant.n,
        "n_control": found.control.n,
        "mean_variant": found.variant.value,
        "mean_control": found.control.value,
        "difference": found.difference,
        "difference_low": found.difference_interval.low,
        "difference_high": found.difference_interval.high,
    }
