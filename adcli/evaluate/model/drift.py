"""Whether the columns of one file are distributed as those of another: PSI and Kolmogorov-Smirnov."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
import polars as pl

from adcli.arrays import Floats, Integers
from adcli.errors import DataError
from adcli.evaluate.columns import IDENTIFIER, USER, cluster_numbers, read_numbers
from adcli.evaluate.figures import figures_table
from adcli.evaluate.model.stability import Cells, chance, effective_rows, population_stability
from adcli.statistics.intervals import NO_INTERVAL, Interval
from adcli.statistics.multiplicity import adjust
from adcli.statistics.verdicts import NO_DIFFERENCE, WORSE, Verdict, decide

SMALL_PSI = 0.1  # below which credit scoring takes a drift for negligible
MOST_VALUES = 50  # of a text column; rarer ones count as one. Identifiers of more are not compared.


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


class _Drift(NamedTuple):
    metric: str
    column: str
    value: float
    interval: Interval
    p_value: float
    definition: str
    by_chance: float = 0.0  # of the value, where nothing has drifted


def drift_table(
    reference: pl.DataFrame, current: pl.DataFrame, *, bins: int = 10, confidence: float = 0.95
) -> pl.DataFrame:
    """Population stability index of each column, and Kolmogorov-Smirnov's distance of each number.

    Compared are all numbers, flags and texts that both have, but no users and no other identifiers of many
    values; texts of which each is a number count as numbers. p-values are adjusted by Holm.

    `reference`: what was, such as the rows a model was trained on; `bins`: of a number, by the quantiles of
    the reference. Returns the fields of `DriftRow`; `group` is the column. Raises DataError if there is no
    column in common, or a file without rows.
    """
    if not reference.height or not current.height:
        raise DataError("Drift needs rows in both files.")
    columns = [
        name
        for name, kind in reference.schema.items()
        if name in current.columns
        and (kind.is_numeric() or kind in (pl.Boolean, pl.String, pl.Categorical, pl.Enum))
        and not _is_identifier(reference[name])
    ]
    if not columns:
        raise DataError("The two files have no column in common that can be compared.")
    clusters = _clusters(reference, current)
    reference, current = _read_alike(reference.select(columns), current.select(columns))
    found = [
        row
        for name in columns
        for row in _compare(reference[name], current[name], clusters, bins, confidence)
    ]
    adjusted = adjust(np.array([row.p_value for row in found]), "holm")
    rows = [_row(row, float(p), confidence) for row, p in zip(found, adjusted, strict=True)]
    return figures_table(rows, DriftRow)


def _read_alike(reference: pl.DataFrame, current: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Both frames, with texts read as numbers in those columns where both hold nothing else."""
    read = [read_numbers(side) for side in (reference, current)]
    numbers = [name for name in reference.columns if all(side.schema[name].is_numeric() for side in read)]
    return reference.with_columns(read[0].select(numbers)), current.with_columns(read[1].select(numbers))


def identifiers(reference: pl.DataFrame, current: pl.DataFrame) -> list[str]:
    """The columns of both that name rows or users and do not describe them."""
    return [name for name in reference.columns if name in current.columns and _is_identifier(reference[name])]


def _is_identifier(column: pl.Series) -> bool:
    return column.name == USER or (
        IDENTIFIER.search(column.name) is not None and column.n_unique() > MOST_VALUES
    )


def _clusters(reference: pl.DataFrame, current: pl.DataFrame) -> list[Integers | None]:
    """The user of each row of both files, where users have several rows."""
    frames = (reference, current)
    if not all(USER in frame.columns for frame in frames):
        return [None, None]
    numbers = [cluster_numbers(frame[USER]) for frame in frames]
    return [number if int(number.max()) + 1 < len(number) else None for number in numbers]


def _compare(
    reference: pl.Series,
    current: pl.Series,
    clusters: Sequence[Integers | None],
    bins: int,
    confidence: float,
) -> Iterator[_Drift]:
    numbers = reference.dtype.is_numeric() and current.dtype.is_numeric() and reference.n_unique() > bins
    cells = _number_cells(reference, current, bins) if numbers else _value_cells(reference, current)
    sides = [Cells(cell, cluster) for cell, cluster in zip(cells, clusters, strict=True)]
    width = int(max(cell.max() for cell in cells)) + 1
    counts = np.array([side.counts(width) for side in sides])
    counts = counts[:, counts.sum(axis=0) > 0]
    value = population_stability(*counts)
    by_users = ", clustered by user" if any(cluster is not None for cluster in clusters) else ""
    said = f"sum of (q - p) ln(q / p) over {counts.shape[1]} {'bins' if numbers else 'values'}{by_users}"
    alone = chance(sides[0], sides[1], width)
    interval, p_value = alone.interval(value, confidence)
    by_chance = alone.noise * alone.degrees if alone.degrees else 0.0
    yield _Drift("psi", reference.name, value, interval, p_value, said, by_chance)
    if numbers:
        a, b = (side.drop_nulls().cast(pl.Float64).drop_nans().to_numpy() for side in (reference, current))
        if len(a) and len(b):
            worth = [effective_rows(side, width) / len(side.cell) for side in sides]
            distance, p_value = _kolmogorov_smirnov(a, b, worth)
            said = f"greatest distance of the two distribution functions; asymptotic p{by_users}"
            yield _Drift("ks", reference.name, distance, NO_INTERVAL, p_value, said)


def _kolmogorov_smirnov(a: Floats, b: Floats, worth: Sequence[float]) -> tuple[float, float]:
    """The distance, and the asymptotic p of it from so many effective rows."""
    from scipy.stats import ks_2samp, kstwo

    distance = float(ks_2samp(a, b, method="asymp").statistic)
    n, m = len(a) * worth[0], len(b) * worth[1]
    return distance, float(kstwo.sf(distance, max(round(n * m / (n + m)), 1)))


def _number_cells(reference: pl.Series, current: pl.Series, bins: int) -> list[Integers]:
    """The bin of each row, by the quantiles of the reference; the last for those without a number."""
    sides = [side.cast(pl.Float64).fill_nan(None) for side in (reference, current)]
    edges = np.unique(np.quantile(sides[0].drop_nulls().to_numpy(), np.arange(1, bins) / bins))
    return [
        np.where(side.is_null(), len(edges) + 1, np.searchsorted(edges, side.fill_null(0).to_numpy(), "left"))
        for side in sides
    ]


def _value_cells(reference: pl.Series, current: pl.Series) -> list[Integers]:
    """The rank of each row's value by the reference's counts; the rare ones share the last."""
    sides = [side.cast(pl.String).rename("value").to_frame() for side in (reference, current)]
    ranked = (
        pl.concat([sides[0].with_columns(here=1), sides[1].with_columns(here=0)])
        .group_by("value")
        .agg(pl.col("here").sum())
        .sort("here", "value", descending=[True, False])
        .with_row_index("rank")
    )
    return [
        side.join(ranked, on="value", how="left", nulls_equal=True, maintain_order="left")["rank"]
        .clip(upper_bound=MOST_VALUES)
        .to_numpy()
        .astype(np.int64)
        for side in sides
    ]


def _row(found: _Drift, p_adjusted: float, confidence: float) -> DriftRow:
    verdict = _verdict(found, p_adjusted, confidence)
    figures = (found.value, *found.interval, found.p_value, p_adjusted)
    chance = f"; {found.by_chance:.2g} comes by chance alone" if found.by_chance else ""
    return DriftRow(
        found.metric, found.column, *figures, found.definition, verdict.verdict, verdict.reason + chance
    )


def _verdict(found: _Drift, p_adjusted: float, confidence: float) -> Verdict:
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
