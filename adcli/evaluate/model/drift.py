"""Whether the columns of one file are distributed as those of another: PSI and Kolmogorov-Smirnov."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
import polars as pl

from adcli.errors import DataError
from adcli.evaluate.ab.metrics import check_columns
from adcli.evaluate.columns import read_numbers
from adcli.evaluate.figures import figures_table
from adcli.statistics.intervals import NO_INTERVAL, FloatArray, Interval
from adcli.statistics.multiplicity import Correction, adjust
from adcli.statistics.verdicts import NO_DIFFERENCE, WORSE, Verdict, decide

SMALL_PSI = 0.1  # below which credit scoring takes a drift for negligible
EMPTY = 0.5  # rows that a bin without any is counted as
NEGLIGIBLE = 1e-9  # scipy's root finder answers with a denormal where there is no root
MOST_VALUES = 50  # of a text column; rarer ones count as one


class DriftRow(NamedTuple):
    """What was found of one column."""

    metric: str
    group: str
    value: float
    ci_low: float
    ci_high: float
    p_value: float
    p_adjusted: float
    definition: str
    verdict: str
    reason: str


class _Found(NamedTuple):
    metric: str
    column: str
    value: float
    interval: Interval
    p_value: float
    definition: str
    by_chance: float = 0.0  # of the value, where nothing has drifted


def drift_table(
    reference: pl.DataFrame,
    current: pl.DataFrame,
    *,
    columns: Sequence[str] | None = None,
    bins: int = 10,
    confidence: float = 0.95,
    correction: Correction = "holm",
) -> pl.DataFrame:
    """Population stability index of each column, and Kolmogorov-Smirnov's distance of each number.

    Args:
        reference: What was, such as the rows a model was trained on.
        current: What is.
        columns: To compare; None takes all numbers, flags and texts that both have. Texts of which each is a
            number count as numbers.
        bins: Of a number, by the quantiles of the reference.
        confidence: Of the intervals.
        correction: Of the p-values, for the number of columns.

    Returns:
        The fields of `DriftRow`; `group` is the column.

    Raises:
        DataError: If there is no column in common, or a file without rows.
    """
    if not reference.height or not current.height:
        raise DataError("Drift needs rows in both files.")
    if columns is None:
        columns = [
            name for name, kind in reference.schema.items() if name in current.columns and _comparable(kind)
        ]
    for name, frame in (("the reference", reference), ("the current file", current)):
        check_columns(columns, frame.columns, of=name)
    if not columns:
        raise DataError("The two files have no column in common that can be compared.")
    reference, current = _read_alike(reference.select(columns), current.select(columns))
    found = [row for name in columns for row in _compare(reference[name], current[name], bins, confidence)]
    adjusted = adjust(np.array([row.p_value for row in found]), correction)
    rows = [_row(row, float(p), confidence) for row, p in zip(found, adjusted, strict=True)]
    return figures_table(rows, DriftRow)


def _read_alike(reference: pl.DataFrame, current: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Both frames, with texts read as numbers in those columns where both hold nothing else."""
    read = [read_numbers(side) for side in (reference, current)]
    numbers = [name for name in reference.columns if all(side.schema[name].is_numeric() for side in read)]
    return reference.with_columns(read[0].select(numbers)), current.with_columns(read[1].select(numbers))


def population_stability(reference: FloatArray, current: FloatArray) -> float:
    """The population stability index, sum of (q - p) ln(q / p), of two histograms over the same bins.

    Args:
        reference: (bins,) counts.
        current: (bins,) counts.

    Source: Jeffreys' divergence; Siddiqi (2006), chapter 8.
    """
    p, q = (np.maximum(counts, EMPTY) / np.maximum(counts, EMPTY).sum() for counts in (reference, current))
    return float(((q - p) * np.log(q / p)).sum())


def _comparable(kind: pl.DataType) -> bool:
    return kind.is_numeric() or kind in (pl.Boolean, pl.String, pl.Categorical) or isinstance(kind, pl.Enum)


def _compare(reference: pl.Series, current: pl.Series, bins: int, confidence: float) -> Iterator[_Found]:
    numbers = reference.dtype.is_numeric() and current.dtype.is_numeric() and reference.n_unique() > bins
    counts = _number_counts(reference, current, bins) if numbers else _value_counts(reference, current)
    kept = counts.sum(axis=0) > 0
    counts = counts[:, kept]
    value = population_stability(*counts)
    said = f"sum of (q - p) ln(q / p) over {counts.shape[1]} {'bins' if numbers else 'values'}"
    interval, p_value = _stability_interval(value, counts, confidence)
    by_chance = (counts.shape[1] - 1) * float((1 / counts.sum(axis=1)).sum())
    yield _Found("psi", reference.name, value, interval, p_value, said, by_chance)
    if numbers:
        from scipy.stats import ks_2samp

        a, b = (side.drop_nulls().cast(pl.Float64).drop_nans().to_numpy() for side in (reference, current))
        if len(a) and len(b):
            test = ks_2samp(a, b, method="asymp")
            said = "greatest distance of the two distribution functions; asymptotic p"
            yield _Found("ks", reference.name, float(test.statistic), NO_INTERVAL, float(test.pvalue), said)


def _number_counts(reference: pl.Series, current: pl.Series, bins: int) -> FloatArray:
    sides = [side.cast(pl.Float64).fill_nan(None) for side in (reference, current)]
    edges = np.unique(np.quantile(sides[0].drop_nulls().to_numpy(), np.arange(1, bins) / bins))
    return np.array(
        [
            np.append(
                np.bincount(
                    np.searchsorted(edges, side.drop_nulls().to_numpy(), "left"), minlength=len(edges) + 1
                ),
                side.null_count(),
            )
            for side in sides
        ],
        np.float64,
    )


def _value_counts(reference: pl.Series, current: pl.Series) -> FloatArray:
    counted = [
        side.cast(pl.String).rename("value").to_frame().group_by("value").len()
        for side in (reference, current)
    ]
    both = counted[0].join(counted[1], on="value", how="full", nulls_equal=True, coalesce=True).fill_null(0)
    ranked = (
        both.sort("len", "value", descending=[True, False])
        .select("len", "len_right")
        .to_numpy()
        .astype(float)
    )
    return np.vstack([ranked[:MOST_VALUES], ranked[MOST_VALUES:].sum(axis=0, keepdims=True)]).T


def _stability_interval(value: float, counts: FloatArray, confidence: float) -> tuple[Interval, float]:
    """Interval, and p-value of no drift: PSI / (1/n + 1/m) is then about chi-square, bins - 1 degrees.

    Files more alike than chance makes them say no more than files as alike as chance: two rows that are equal
    leave room for drift. So the upper end is that of a statistic at its mean, where the one seen is below.

    Source: Yurdakul (2018), theorem 1; with drift the noncentral chi-square, inverted in its noncentrality.
    """
    from scipy.stats import chi2

    noise, degrees = float((1 / counts.sum(axis=1)).sum()), counts.shape[1] - 1
    if degrees == 0:
        return NO_INTERVAL, math.nan
    statistic, tail = value / noise, (1 - confidence) / 2
    low = _noncentrality(statistic, degrees, 1 - tail) * noise
    high = _noncentrality(max(statistic, degrees), degrees, tail) * noise
    return Interval(low, high), float(chi2.sf(statistic, degrees))


def _noncentrality(statistic: float, degrees: int, level: float) -> float:
    """The noncentrality that puts the statistic at `level` of its distribution, or 0 if none does."""
    from scipy.special import chndtrinc

    found = float(chndtrinc(statistic, degrees, level))
    return found if math.isfinite(found) and found > NEGLIGIBLE else 0.0


def _row(found: _Found, p_adjusted: float, confidence: float) -> DriftRow:
    verdict = _verdict(found, p_adjusted, confidence)
    figures = (found.value, *found.interval, found.p_value, p_adjusted)
    chance = f"; {found.by_chance:.2g} comes by chance alone" if found.by_chance else ""
    return DriftRow(
        found.metric, found.column, *figures, found.definition, verdict.verdict, verdict.reason + chance
    )


def _verdict(found: _Found, p_adjusted: float, confidence: float) -> Verdict:
    """`worse` where the column has drifted as much as models are known to suffer from."""
    if math.isnan(p_adjusted):
        return Verdict(NO_DIFFERENCE, "one and the same value in both files")
    verdict = decide(
        found.value,
        found.interval,
        confidence=confidence,
        p_value=p_adjusted,
        smallest_effect=SMALL_PSI,
        lower_is_better=True,
    )
    if verdict.verdict == WORSE and found.value < SMALL_PSI:
        return Verdict(NO_DIFFERENCE, f"{verdict.reason}: real, but below {SMALL_PSI}")
    return verdict
