"""Whether an experiment's effect differs between segments of the units."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np
import polars as pl

from adcli.errors import DataError
from adcli.evaluate.ab.compare import Found, compare_arms
from adcli.evaluate.ab.hierarchy import FEWEST_SEGMENTS, shrink
from adcli.evaluate.ab.metrics import parse_metrics
from adcli.evaluate.ab.sample_ratio import sample_ratio
from adcli.evaluate.ab.units import choose_control, prepare_units
from adcli.evaluate.ab.verdicts import mismatch
from adcli.statistics.aggregates import Aggregates, aggregate_arms
from adcli.statistics.intervals import FloatArray
from adcli.statistics.metrics import Metric
from adcli.statistics.verdicts import BETTER, NOT_ENOUGH, WORSE, Verdict

SEGMENT_COLUMNS = {
    "metric": pl.String,
    "variant": pl.String,
    "control": pl.String,
    "segment": pl.String,
    "n_variant": pl.Int64,
    "n_control": pl.Int64,
    "mean_variant": pl.Float64,
    "mean_control": pl.Float64,
    "difference": pl.Float64,
    "difference_low": pl.Float64,
    "difference_high": pl.Float64,
    "shrunken": pl.Float64,
    "shrunken_low": pl.Float64,
    "shrunken_high": pl.Float64,
    "heterogeneity_p": pl.Float64,
    "definition": pl.String,
    "verdict": pl.String,
    "reason": pl.String,
}


class _Effects(NamedTuple):
    """The effects of one arm on one metric over the segments, drawn together."""

    rows: list[tuple[str, Found]]
    value: FloatArray
    low: FloatArray
    high: FloatArray
    p_value: float
    definition: str


def segment_table(
    units: pl.DataFrame,
    *,
    by: str,
    metrics: Sequence[str | Metric],
    variant: str = "variant",
    control: str | None = None,
    unit: str | None = None,
    covariates: Sequence[str] = (),
    lower_is_better: Sequence[str] = (),
    expected_shares: Mapping[str, float] | None = None,
    sample_ratio_alpha: float = 0.01,
    min_units: int = 50,
    confidence: float = 0.95,
) -> pl.DataFrame:
    """The effect in each segment, as it is and drawn towards the common effect as far as segments agree.

    Many segments always hold one that looks special; the shrunken effect is the one to act on. Segments with
    fewer than `min_units` in an arm are left out.

    Args:
        units: One row per experimental unit.
        by: Column of the segments; nulls are left out.
        metrics: In the language of `parse_metric`.
        variant: Column that names each unit's arm.
        control: The arm to compare with; None chooses as in `ab_table`.
        unit: Column that names each unit once.
        covariates: Columns from before the experiment, to adjust for.
        lower_is_better: Names of metrics where less is better.
        expected_shares: Of each arm, in any unit; equal ones if None.
        sample_ratio_alpha: Below this p the arms' sizes make every verdict invalid.
        min_units: Fewest units of a segment in each arm.
        confidence: Of the intervals.

    Returns:
        Columns of `SEGMENT_COLUMNS`. `heterogeneity_p` is Cochran's Q: small if segments really differ.

    Raises:
        DataError: As `ab_table`, or if no segment is large enough.
    """
    parsed = parse_metrics(metrics, units.columns, covariates=covariates)
    (frame,) = prepare_units(units, parsed, variant=variant, unit=unit, others=[by])
    sizes = {str(arm): n for arm, n in frame[variant].drop_nulls().value_counts().sort(variant).iter_rows()}
    against = choose_control(list(sizes), control)
    ratio = sample_ratio(sizes, expected_shares)
    found = [
        (segment, one)
        for segment, part, arms in _large_segments(frame, parsed, by, variant, min_units)
        for one in compare_arms(part, arms, parsed, variant=variant, control=against, confidence=confidence)
    ]
    rows = [
        row
        for effects in _draw_together(found, confidence)
        for row in _rows(effects, against, lower_is_better)
    ]
    if ratio.p_value < sample_ratio_alpha:
        broken = mismatch(ratio.p_value)
        rows = [row | {"verdict": broken.verdict, "reason": broken.reason} for row in rows]
    return pl.DataFrame(rows, schema=SEGMENT_COLUMNS, orient="row").with_columns(
        pl.col(pl.Float64).fill_nan(None)
    )


def _large_segments(
    frame: pl.DataFrame, metrics: Sequence[Metric], by: str, variant: str, min_units: int
) -> Iterator[tuple[str, pl.DataFrame, dict[str, Aggregates]]]:
    arms = frame[variant].n_unique()
    sizes = frame.select(segment=by, arm=variant).drop_nulls("segment").group_by("segment", "arm").len()
    large = sizes.group_by("segment").agg(pl.col("len").min(), pl.len().alias("arms"))
    kept = large.filter(pl.col("len") >= max(min_units, 2), pl.col("arms") == arms)["segment"].sort()
    if kept.is_empty():
        raise DataError(f"No value of '{by}' has {min_units} units in each arm.")
    groups = [metric.columns for metric in metrics if metric.kind != "quantile"]
    for segment in kept:
        part = frame.filter(pl.col(by) == segment)
        yield str(segment), part, aggregate_arms(part, variant=variant, groups=groups)


def _draw_together(found: Sequence[tuple[str, Found]], confidence: float) -> Iterator[_Effects]:
    """The segments' effects by metric and arm."""
    for key in dict.fromkeys((one.metric.name, one.variant) for _, one in found):
        rows = [(segment, one) for segment, one in found if (one.metric.name, one.variant) == key]
        own = [one.comparison for _, one in rows]
        effect = np.array([c.difference for c in own])
        variance = np.array([c.variant.variance + c.control.variance for c in own])
        if len(rows) >= FEWEST_SEGMENTS and (variance > 0).all():
            drawn = shrink(effect, variance, confidence=confidence)
            said = f"normal hierarchy over {len(rows)} segments, spread between them {drawn.spread:.3g}"
            yield _Effects(rows, drawn.value, drawn.low, drawn.high, drawn.p_value, said)
        else:
            low, high = np.array([c.difference_interval for c in own]).T
            yield _Effects(rows, effect, low, high, math.nan, "too few segments to draw them together")


def _rows(effects: _Effects, control: str, lower_is_better: Sequence[str]) -> Iterator[dict[str, object]]:
    for i, (segment, one) in enumerate(effects.rows):
        found = one.comparison
        value, low, high = float(effects.value[i]), float(effects.low[i]), float(effects.high[i])
        verdict = _verdict(low, high, effects.p_value, lower_is_better=one.metric.name in lower_is_better)
        yield {
            "metric": one.metric.name,
            "variant": one.variant,
            "control": control,
            "segment": segment,
            "n_variant": found.variant.n,
            "n_control": found.control.n,
            "mean_variant": found.variant.value,
            "mean_control": found.control.value,
            "difference": found.difference,
            "difference_low": found.difference_interval.low,
            "difference_high": found.difference_interval.high,
            "shrunken": value,
            "shrunken_low": low,
            "shrunken_high": high,
            "heterogeneity_p": effects.p_value,
            "definition": f"{found.test}; {effects.definition}",
            "verdict": verdict.verdict,
            "reason": verdict.reason,
        }


def _verdict(low: float, high: float, heterogeneity: float, *, lower_is_better: bool) -> Verdict:
    differ = (
        f"segments differ (Q p {heterogeneity:.3g})" if heterogeneity < 0.05 else "segments may well be alike"
    )
    if math.isnan(low) or low <= 0 <= high:
        return Verdict(NOT_ENOUGH, f"the interval of this segment's effect holds 0; {differ}")
    gains = (low > 0) != lower_is_better
    return Verdict(BETTER if gains else WORSE, f"the drawn-together interval leaves out 0; {differ}")
