"""The units of an experiment, checked and made fit for its tests."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np
import polars as pl

from adcli.errors import DataError, UsageError, did_you_mean
from adcli.evaluate.columns import as_numbers, known_columns
from adcli.numbers import counted
from adcli.statistics.aggregates import Aggregates, Unevenness, counts_clicks, counts_impressions
from adcli.statistics.intervals import effective_degrees, jackknife_errors, ratio_variance
from adcli.statistics.metrics import Metric

NUMBER, ARMS = "number of the cluster", "number of its arms"  # no names that a column may have
CONTROL_NAMES = frozenset({"control", "ctrl", "baseline", "base", "holdout", "placebo", "off", "a", "0"})
ROWS_AT_A_TIME = 4_000_000  # of a lazy frame, so that memory does not grow with its length
UnitsFrame = pl.DataFrame | pl.LazyFrame


class UnitBatches(NamedTuple):
    """Units that come piece by piece and are read once.

    Attributes:
        columns: Their columns.
        batches: The pieces; all have these columns.
    """

    columns: Sequence[str]
    batches: Iterable[pl.DataFrame]


Units = UnitsFrame | UnitBatches


def as_batches(units: Units) -> UnitBatches:
    """The units in pieces; a frame in memory is one piece."""
    if isinstance(units, UnitBatches):
        return units
    if isinstance(units, pl.DataFrame):
        return UnitBatches(units.columns, [units])
    pieces = units.collect_batches(chunk_size=ROWS_AT_A_TIME, maintain_order=True)
    return UnitBatches(units.collect_schema().names(), pieces)


def prepare_units(
    units: Units,
    metrics: Sequence[Metric],
    *,
    variant: str,
    unit: str | None,
    others: Sequence[str] = (),
) -> Iterator[pl.DataFrame]:
    """Piece by piece, only the columns that metrics need, as numbers; beside them the variant and `others`.

    Raises:
        DataError: If a column is missing, a unit occurs twice, a text is no number, or a unit has more clicks
            than impressions.
        UsageError: If the variant is a metric.
    """
    known, pieces = as_batches(units)
    for name in (variant, *others, *([unit] if unit else [])):
        if name not in known:
            raise DataError(f"There is no column '{name}'.", fix=known_columns(name, known))
    columns = sorted({column for metric in metrics for column in metric.columns})
    if variant in columns:
        raise UsageError(f"The column '{variant}' names the arms; it cannot be a metric too.")
    named = unit or ("unit_id" if "unit_id" in known else None)
    return _prepared(pieces, metrics, columns, list(dict.fromkeys([variant, *others, *columns])), named)


def _prepared(
    pieces: Iterable[pl.DataFrame],
    metrics: Sequence[Metric],
    columns: Sequence[str],
    wanted: Sequence[str],
    unit: str | None,
) -> Iterator[pl.DataFrame]:
    """The pieces, checked; of each unit's name 8 bytes are kept, to tell at the end if any came twice."""
    names, rows = [], 0
    for piece in pieces:
        numbers = as_numbers(piece.select(wanted), columns)
        _check_clicks(numbers, metrics)
        if unit is not None:
            names.append(piece[unit].hash().to_numpy())
            rows += piece.height
        yield numbers
    if unit is not None and names:
        _check_repeats(rows, len(np.unique(np.concatenate(names))), unit)


def check_unique(units: pl.DataFrame, unit: str | None) -> None:
    """Nothing.

    Raises:
        DataError: If a value of `unit` (None: of `unit_id`, where there is one) occurs twice.
    """
    name = unit or "unit_id"
    if name in units.columns:
        _check_repeats(units.height, units[name].n_unique(), name)


def _check_repeats(rows: int, distinct: int, unit: str) -> None:
    if distinct < rows:
        raise DataError(
            f"{rows - distinct:,} of {rows:,} rows repeat a '{unit}': a unit must occur once.",
            fix=f"Sum the rows of each {unit} first, or name the column as the cluster.",
        )


def _check_clicks(frame: pl.DataFrame, metrics: Sequence[Metric]) -> None:
    """No ratio has a negative denominator, and no unit more clicks than impressions."""
    ratios = [metric for metric in metrics if metric.kind == "ratio"]
    found = frame.select(
        *((pl.col(name) < 0).sum().alias(f"negative {name}") for name in {m.denominator for m in ratios}),
        *(
            (pl.col(m.column) > pl.col(m.denominator)).sum().alias(f"over {m.name}")
            for m in ratios
            if counts_clicks(m.column) and counts_impressions(m.denominator)
        ),
    )
    figures = found.row(0, named=True) if found.width else {}
    for metric in ratios:
        if below := figures[f"negative {metric.denominator}"]:
            raise DataError(
                f"'{metric.denominator}' is negative in {counted(below, 'unit')}; "
                "what a ratio is taken of cannot be."
            )
        if over := figures.get(f"over {metric.name}"):
            raise DataError(
                f"In {counted(over, 'unit')} '{metric.column}' exceeds '{metric.denominator}': clicks above "
                "impressions."
            )


def sum_clusters(
    units: pl.DataFrame, metrics: Sequence[Metric], *, variant: str, cluster: str
) -> tuple[pl.DataFrame, list[Metric]]:
    """One row per cluster, and the metrics as ratios over it: the mean of a column is its sum / the units.

    Raises:
        DataError: If a cluster has units in two arms.
        UsageError: If a metric is a quantile.
    """
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


def uneven_clusters(
    clusters: pl.DataFrame, arms: Mapping[str, Aggregates], metrics: Sequence[Metric], *, variant: str
) -> dict[str, Aggregates]:
    """The arms' aggregates with what clusters of very different sizes do to the errors of each metric.

    Args:
        clusters: What `sum_clusters` made.
        arms: Its aggregates.
        metrics: Ratios over clusters.
        variant: Column of the arms' names.

    Source: as `jackknife_errors` and `effective_degrees`.
    """
    parts = {str(name): part for (name,), part in clusters.group_by(variant, maintain_order=True)}
    return {
        name: arm._replace(uneven={(m.column, m.denominator): _unevenness(parts[name], m) for m in metrics})
        for name, arm in arms.items()
    }


def _unevenness(clusters: pl.DataFrame, metric: Metric) -> Unevenness:
    top, bottom = (clusters[name].to_numpy() for name in (metric.column, metric.denominator))
    plain = ratio_variance(top, bottom) if len(top) > 1 else 0.0
    if not plain > 0:
        return Unevenness(1.0, len(top) - 1)
    errors = jackknife_errors(top, bottom)
    return Unevenness(float(errors @ errors) / plain, min(effective_degrees(top, bottom), len(top) - 1))


def choose_control(arms: Sequence[str], control: str | None) -> str:
    """The control among the arms: the one asked for, else one named like a control, else the first by name.

    Raises:
        DataError: If there is no such arm, or only one arm.
    """
    if not arms:
        raise DataError("There are no units.")
    if len(arms) < 2:
        raise DataError(
            f"There is one arm only, '{arms[0]}': nothing to compare.",
            fix="Name the column of the variants with --variant.",
        )
    if control is not None:
        if control not in arms:
            known = did_you_mean(control, arms) or f"The arms are: {', '.join(arms)}."
            raise DataError(f"There is no arm '{control}' to take as control.", fix=known)
        return control
    named = [arm for arm in arms if arm.lower() in CONTROL_NAMES or arm.lower().split()[0:1] == ["no"]]
    return (named or sorted(arms))[0]
