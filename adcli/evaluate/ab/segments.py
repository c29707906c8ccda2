"""Whether an experiment's effect differs between segments of the units."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np
import polars as pl

from adcli.arrays import Floats
from adcli.errors import DataError
from adcli.evaluate.ab.compare import Found, compare_arms
from adcli.evaluate.ab.metrics import parse_metrics
from adcli.evaluate.ab.table import ARMS, FIGURES, VERDICT, Row, arm_figures
from adcli.evaluate.ab.units import choose_control, once, prepare_units
from adcli.evaluate.ab.verdicts import mismatch, sample_ratio
from adcli.evaluate.columns import read_numbers
from adcli.evaluate.figures import figures_table
from adcli.numbers import counted
from adcli.progress import steps
from adcli.statistics.aggregates import Aggregates, aggregate_arms
from adcli.statistics.comparison import Metric
from adcli.statistics.intervals import Interval
from adcli.statistics.verdicts import decide

BINS, MOST_VALUES = 5, 10  # of a column of numbers: bins, and values that are segments as they are
SEGMENTS_DIFFER = 0.05  # p of Cochran's Q
SEGMENT_COLUMNS = {
    **ARMS,
    **dict.fromkeys(("by", "segment"), pl.String),
    **FIGURES,
    **dict.fromkeys(("shrunken", "shrunken_low", "shrunken_high", "heterogeneity_p"), pl.Float64),
    "definition": pl.String,
    **VERDICT,
}
TAU_POINTS = 200
VALUE_POINTS = 401
FEWEST_SEGMENTS = 3  # with two, how much segments differ cannot be separated from their noise


class _Effects(NamedTuple):
    """The effects of one arm on one metric over the segments, shrunk towards each other."""

    rows: list[tuple[str, Found]]
    value: Floats
    low: Floats
    high: Floats
    p_value: float
    definition: str


def segment_table(
    units: pl.DataFrame,
    *,
    by: str | Sequence[str],
    metrics: Sequence[str],
    control: str | None = None,
    unit: str | None = None,
    covariates: Sequence[str] = (),
    lower_is_better: Sequence[str] = (),
    expected_shares: Mapping[str, float] | None = None,
    min_units: int = 50,
    confidence: float = 0.95,
) -> pl.DataFrame:
    """The effect in each segment, as it is and shrunk towards the common effect as far as segments agree.

    Many segments always hold one that looks special; the shrunken effect is the one to act on. Segments with
    fewer than `min_units` in an arm are left out, and counted in the column `definition`.

    Args:
        units: One row per experimental unit; `variant` names its arm.
        by: Column or columns of segments, each on its own; numbers are put into `BINS` bins of equal size,
            nulls are left out.
        metrics: In the language of `parse_metric`.
        control: The arm to compare with; None chooses as in `ab_table`.
        unit: Column that names each unit once.
        covariates: Columns from before the experiment, to adjust for.
        lower_is_better: Names of metrics where less is better.
        expected_shares: Of each arm, in any unit; equal ones if None.
        min_units: Fewest units of a segment in each arm.
        confidence: Of the intervals.

    Returns:
        Columns of `SEGMENT_COLUMNS`. `heterogeneity_p` is Cochran's Q: small if segments really differ.

    Raises:
        DataError: As `ab_table`, or if no segment is large enough.
    """
    columns = [by] if isinstance(by, str) else list(by)
    parsed = parse_metrics(metrics, units.columns, covariates=covariates, lower_is_better=lower_is_better)
    (frame,) = once(prepare_units(units, parsed, unit=unit, others=columns), unit)
    sizes = {
        str(arm): n for arm, n in frame["variant"].drop_nulls().value_counts().sort("variant").iter_rows()
    }
    against = choose_control(list(sizes), control)
    ratio = sample_ratio(sizes, expected_shares)
    rows: list[Row] = []
    for column in steps(columns):
        binned = frame.with_columns(segments_of(read_numbers(units.select(column))[column]).alias(column))
        large, left_out = _large_segments(binned, column, min_units)
        found = [
            (segment, one)
            for segment, part, arms in _parts(binned, large, parsed, column)
            for one in compare_arms(part, arms, parsed, control=against, confidence=confidence)
        ]
        for effects in _shrunk(found, confidence):
            rows += _rows(effects, column, left_out, lower_is_better, confidence)
    if broken := mismatch(ratio.p_value):
        rows = [row | {"verdict": broken.verdict, "reason": broken.reason} for row in rows]
    return figures_table(rows, SEGMENT_COLUMNS)


def segments_of(values: pl.Series) -> pl.Series:
    """Texts as they are; of numbers with more than `MOST_VALUES` values the bin, named by its ends."""
    if not values.dtype.is_numeric() or values.n_unique() <= MOST_VALUES:
        return values.cast(pl.String)
    number = values.cast(pl.Float64).fill_nan(None)
    at = [number.quantile(share / BINS, "nearest") for share in range(BINS + 1)]
    ends = sorted({end for end in at if end is not None})
    names = [f"{n}: {low:.6g} to {high:.6g}" for n, (low, high) in enumerate(pairwise(ends), start=1)]
    return number.bin_intervals(ends[1:-1], labels=names, right_closed=True).cast(pl.String)


def _large_segments(frame: pl.DataFrame, by: str, min_units: int) -> tuple[list[str], str]:
    """The segments with enough units in each arm, and what was left out, in words."""
    arms = frame["variant"].n_unique()
    sizes = frame.select(segment=by, arm="variant").drop_nulls("segment").group_by("segment", "arm").len()
    every = sizes.group_by("segment").agg(
        pl.col("len").min(), pl.col("len").sum().alias("units"), pl.len().alias("arms")
    )
    is_large = (pl.col("len") >= max(min_units, 2)) & (pl.col("arms") == arms)
    large = every.filter(is_large)["segment"].sort().to_list()
    if not large:
        raise DataError(f"No value of '{by}' has {min_units} units in each arm.")
    small, without = every.filter(~is_large), frame[by].null_count()
    parts = []
    if small.height:
        parts.append(f"{counted(small.height, 'segment')} with {counted(int(small['units'].sum()), 'unit')}")
    if without:
        parts.append(f"{counted(without, 'unit')} without a '{by}'")
    return large, f"; left out: {' and '.join(parts)}" if parts else ""


def _parts(
    frame: pl.DataFrame, segments: Sequence[str], metrics: Sequence[Metric], by: str
) -> Iterator[tuple[str, pl.DataFrame, dict[str, Aggregates]]]:
    averaged = [metric for metric in metrics if metric.kind != "quantile"]
    for segment in steps(segments):
        part = frame.filter(pl.col(by) == segment)
        yield (
            segment,
            part,
            aggregate_arms(
                part,
                groups=[metric.columns for metric in averaged],
                shapes=[(metric.column, metric.denominator) for metric in averaged],
            ),
        )


def _shrunk(found: Sequence[tuple[str, Found]], confidence: float) -> Iterator[_Effects]:
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
            yield _Effects(rows, effect, low, high, math.nan, "too few segments to shrink them")


def _rows(
    effects: _Effects, by: str, left_out: str, lower_is_better: Sequence[str], confidence: float
) -> Iterator[Row]:
    for i, (segment, one) in enumerate(effects.rows):
        found = one.comparison
        value, low, high = float(effects.value[i]), float(effects.low[i]), float(effects.high[i])
        verdict = decide(
            value,
            Interval(low, high),
            confidence=confidence,
            lower_is_better=one.metric.name in lower_is_better,
            kind="rate" if found.is_proportion else "number",
            caution=found.caution,
        )
        yield arm_figures(one) | {
            "by": by,
            "segment": segment,
            "shrunken": value,
            "shrunken_low": low,
            "shrunken_high": high,
            "heterogeneity_p": effects.p_value,
            "definition": f"{found.test}; {effects.definition}{left_out}",
            "verdict": verdict.verdict,
            "reason": f"{verdict.reason}; {_alike(effects.p_value)}",
        }


def _alike(heterogeneity: float) -> str:
    if heterogeneity < SEGMENTS_DIFFER:
        return f"segments differ (Q p {heterogeneity:.3g})"
    return "segments may well be alike"


class Shrunken(NamedTuple):
    """What a hierarchical model says of the segments."""

    value: Floats  # (segments,) posterior means of the effects
    low: Floats  # (segments,) lower ends of their intervals
    high: Floats  # (segments,) upper ends
    spread: float  # posterior mean of the standard deviation between segments
    p_value: float  # of Cochran's Q, that all effects are equal


def shrink(effect: Floats, variance: Floats, *, confidence: float) -> Shrunken:
    """The effects under a normal hierarchy whose spread is itself unknown, and integrated over.

    `effect` (segments,) estimates, three or more; `variance` (segments,) of the estimates, positive.

    Source: Gelman et al., Bayesian Data Analysis, third edition, section 5.4; Cochran (1954) for Q.
    """
    from scipy.stats import chi2

    tau, weight = _spread_posterior(effect, variance)
    precision = 1 / (variance + tau[:, None] ** 2)  # (tau, segments)
    centre = (precision @ effect) / precision.sum(axis=1)
    pull = variance * precision  # share of the common mean in each segment's own
    mean = (1 - pull) * effect + pull * centre[:, None]
    spread = np.sqrt((1 - pull) * variance + pull**2 / precision.sum(axis=1)[:, None])
    tail = (1 - confidence) / 2
    ends = [_mixture_quantiles(mean[:, j], spread[:, j], weight, tail) for j in range(len(effect))]
    common = float(effect @ (1 / variance) / (1 / variance).sum())
    q = float(((effect - common) ** 2 / variance).sum())
    low, high = np.array(ends).T
    return Shrunken(weight @ mean, low, high, float(weight @ tau), float(chi2.sf(q, len(effect) - 1)))


def _spread_posterior(effect: Floats, variance: Floats) -> tuple[Floats, Floats]:
    """Values of the standard deviation between segments and their posterior weights, under a flat prior."""
    largest = 5 * float(effect.std(ddof=1)) + 5 * float(np.sqrt(variance.mean()))
    tau = np.linspace(0, largest, TAU_POINTS)
    precision = 1 / (variance + tau[:, None] ** 2)
    total = precision.sum(axis=1)
    centre = (precision @ effect) / total
    fit = (precision * (effect - centre[:, None]) ** 2).sum(axis=1)
    log_density = 0.5 * (np.log(precision).sum(axis=1) - np.log(total) - fit)
    weight = np.exp(log_density - log_density.max())
    weight[[0, -1]] /= 2  # trapezoidal rule
    return tau, weight / weight.sum()


def _mixture_quantiles(mean: Floats, spread: Floats, weight: Floats, tail: float) -> tuple[float, float]:
    from scipy.special import ndtr

    values = np.linspace(float((mean - 6 * spread).min()), float((mean + 6 * spread).max()), VALUE_POINTS)
    below = ndtr((values[:, None] - mean) / spread) @ weight
    low, high = np.interp([tail, 1 - tail], below, values)
    return float(low), float(high)
