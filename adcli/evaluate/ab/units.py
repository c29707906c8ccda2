"""The units of an experiment, checked and made fit for its tests."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np
import polars as pl

from adcli.errors import DataError, UsageError, require_known
from adcli.evaluate.columns import as_numbers, known_columns
from adcli.numbers import counted
from adcli.statistics.comparison import Metric

DAYS = frozenset({"date", "day", "week", "month", "hour", "event_time", "event_date", "timestamp"})
NUMBER, ARMS, NAME = "number of the cluster", "number of its arms", "name of the unit"  # of no column
CONTROL_NAMES = frozenset({"control", "ctrl", "baseline", "base", "holdout", "placebo", "off", "a", "0"})
ROWS_AT_A_TIME = 4_000_000  # of a lazy frame, so that memory does not grow with its length
UnitsFrame = pl.DataFrame | pl.LazyFrame
WORD = re.compile(r"[^\W\d_]+")
HUMP = re.compile(r"(?<=[a-z])(?=[A-Z])")
CLICKS = frozenset({"click", "clicks", "clicked", "clk", "clks"})
IMPRESSIONS = frozenset({"impression", "impressions", "imp", "imps", "impr", "shown", "displays"})
COUNTED = (
    CLICKS
    | IMPRESSIONS
    | {"conversion", "conversions", "conv", "convs", "visit", "visits", "visitors", "view", "views", "viewed"}
    | {"order", "orders", "purchase", "purchases", "purchased", "transactions", "session", "sessions"}
    | {"pageviews", "carts", "installs", "signups", "leads", "users", "units", "items", "searches", "logins"}
)
NO_COUNT = frozenset(
    {"delta", "diff", "difference", "change", "net", "growth", "lift", "uplift", "residual", "adjusted"}
    | {"value", "revenue", "amount", "margin", "profit", "cost", "score", "trend", "zscore", "centered"}
    | {"log"}
)


class UnitBatches(NamedTuple):
    """Units that come piece by piece and are read once."""

    columns: Sequence[str]  # their columns
    batches: Iterable[pl.DataFrame]  # the pieces; all have these columns


Units = UnitsFrame | UnitBatches


def as_batches(units: Units) -> UnitBatches:
    """The units in pieces; a frame in memory is one piece."""
    if isinstance(units, UnitBatches):
        return units
    if isinstance(units, pl.DataFrame):
        return UnitBatches(units.columns, [units])
    pieces = units.collect_batches(chunk_size=ROWS_AT_A_TIME, maintain_order=True)
    return UnitBatches(units.collect_schema().names(), pieces)


def with_all(frame: pl.DataFrame, schema: Mapping[str, pl.DataType]) -> pl.DataFrame:
    """The frame with every column of the schema: an input of rows that say what they have may lack some."""
    missing = [name for name in schema if name not in frame.columns]
    return frame.with_columns(pl.lit(None, schema[name]).alias(name) for name in missing)


def prepare_units(
    units: Units,
    metrics: Sequence[Metric],
    *,
    unit: str | None,
    cluster: str | None = None,
    unit_count: str | None = None,
    others: Sequence[str] = (),
) -> Iterator[pl.DataFrame]:
    """Piece by piece, only the columns that metrics need, as numbers, `variant`, cluster and `others`.

    Where units have names, `NAME` is a hash of each, by which `once` finds those that occur twice.

    Raises DataError if a column is missing, a row is a total, a text is no number, a count is negative, or a
    unit has more clicks than impressions; UsageError if the variant or the cluster is a metric, or units are
    counted and clustered.
    """
    known, pieces = as_batches(units)
    if unit_count and (cluster or unit):
        raise UsageError("A row that counts units is no unit and of no cluster: give one of the options.")
    for wanted in filter(None, ("variant", cluster, unit_count, unit, *others)):
        if wanted not in known:
            raise DataError(f"There is no column '{wanted}'.", fix=known_columns(wanted, known))
    columns = sorted({column for metric in metrics for column in metric.columns})
    for taken, what in (("variant", "names the arms"), (cluster, "names the clusters")):
        if taken in columns:
            raise UsageError(f"The column '{taken}' {what}; it cannot be a metric too.")
    if cluster == "variant":
        raise UsageError("The column 'variant' names the arms; it cannot name clusters too.")
    named = unit or ("unit_id" if "unit_id" in known and not unit_count else None)
    if not (named or cluster or unit_count):
        pieces = _no_totals(pieces)
    kept = list(dict.fromkeys(filter(None, ("variant", cluster, *others, *columns, unit_count))))
    numbers = [*columns, unit_count] if unit_count and unit_count not in columns else columns
    return _prepared(pieces, metrics, numbers, kept, named)


def _no_totals(pieces: Iterable[pl.DataFrame]) -> Iterator[pl.DataFrame]:
    """The pieces, unless their rows are totals: each arm has one row on each day and nothing else."""
    for number, piece in enumerate(pieces):
        if number == 0 and "variant" in piece.columns:
            for name in piece.columns:
                if name.casefold() in DAYS and _is_total(piece, name):
                    raise DataError(
                        f"Each row is a total of an arm and a '{name}', no unit: neither the split nor the "
                        "spread of units can be seen in rows.",
                        fix="Name the column that counts units, such as --unit-count visitors.",
                    )
        yield piece


def _is_total(piece: pl.DataFrame, day: str) -> bool:
    arms, days = piece["variant"].n_unique(), piece[day].n_unique()
    crossed = piece.select("variant", day).n_unique()
    return arms > 1 and days > 1 and piece.height == crossed == arms * days


def per_unit(metric: Metric, unit_count: str) -> Metric:
    """The metric of rows that count units: a mean is a ratio to their number.

    Raises UsageError if it is a quantile, or adjusted.
    """
    if metric.kind == "quantile" or metric.covariates:
        raise UsageError(
            f"'{metric.name}' needs one row a unit; rows that count '{unit_count}' give sums alone.",
            fix="Name a column, or a ratio of two.",
        )
    return metric if metric.denominator else metric._replace(kind="ratio", denominator=unit_count)


def _prepared(
    pieces: Iterable[pl.DataFrame],
    metrics: Sequence[Metric],
    columns: Sequence[str],
    wanted: Sequence[str],
    unit: str | None,
) -> Iterator[pl.DataFrame]:
    for piece in pieces:
        numbers = as_numbers(piece.select(wanted), columns)
        _check_counts(numbers, metrics)
        yield numbers if unit is None else numbers.with_columns(piece[unit].hash().alias(NAME))


def once(pieces: Iterable[pl.DataFrame], unit: str | None) -> Iterator[pl.DataFrame]:
    """The pieces without `NAME`, of which 8 bytes a unit are kept, to find at the end any that came twice.

    Raises DataError if a unit occurs twice.
    """
    names = []
    for piece in pieces:
        if NAME in piece.columns:
            names.append(piece[NAME].to_numpy())
        yield piece.drop(NAME, strict=False)
    if names:
        every = np.concatenate(names)
        check_repeats(len(every), len(np.unique(every)), unit or "unit_id")


def check_repeats(rows: int, distinct: int, unit: str) -> None:
    """Make sure that so many rows have as many names of units."""
    if distinct < rows:
        raise DataError(
            f"{rows - distinct:,} of {rows:,} rows repeat a '{unit}': a unit must occur once.",
            fix=f"Sum the rows of each {unit} first, or name the column as the cluster.",
        )


def _check_counts(frame: pl.DataFrame, metrics: Sequence[Metric]) -> None:
    """Nothing that counts or is divided by is negative, and no unit has more clicks than impressions."""
    ratios = [metric for metric in metrics if metric.kind == "ratio"]
    divided_by = {metric.denominator for metric in ratios}
    never_negative = {name for metric in metrics for name in metric.columns if counts(name)} | divided_by
    clicked = [m for m in ratios if _words(m.column) & CLICKS and _words(m.denominator) & IMPRESSIONS]
    found = frame.select(
        *((pl.col(name) < 0).sum().alias(f"negative {name}") for name in sorted(never_negative)),
        *((pl.col(m.column) > pl.col(m.denominator)).sum().alias(f"over {m.name}") for m in clicked),
    )
    figures = found.row(0, named=True) if found.width else {}
    for name in sorted(never_negative):
        if below := figures[f"negative {name}"]:
            units = counted(below, "unit")
            if name in divided_by:
                raise DataError(f"'{name}' is negative in {units}; what a ratio is taken of cannot be.")
            raise DataError(f"'{name}' counts, but is negative in {units}.")
    for metric in clicked:
        if over := figures[f"over {metric.name}"]:
            raise DataError(
                f"In {counted(over, 'unit')} '{metric.column}' exceeds '{metric.denominator}': clicks above "
                "impressions."
            )


def sum_clusters(
    units: pl.DataFrame, metrics: Sequence[Metric], cluster: str
) -> tuple[pl.DataFrame, list[Metric]]:
    """One row per cluster, and the metrics as ratios over it: the mean of a column is its sum / the units.

    Raises DataError if a cluster has units in two arms; UsageError if a metric is a quantile.
    """
    ratios = per_cluster(metrics, cluster)
    arms = units.group_by(cluster, maintain_order=True).agg(
        pl.col("variant").first(), pl.col("variant").n_unique().alias(ARMS)
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
        if name not in {"variant", cluster}
    }
    number = pl.Series(_units_of(cluster), size, pl.Float64)
    return pl.DataFrame({"variant": arms["variant"], **sums}).with_columns(number), ratios


def per_cluster(metrics: Sequence[Metric], cluster: str) -> list[Metric]:
    """The metrics as ratios over clusters: the mean of a column is its sum / the units.

    Raises UsageError if a metric is a quantile.
    """
    for metric in metrics:
        if metric.kind == "quantile":
            raise UsageError(f"The quantile '{metric.name}' has no test for randomised clusters.")
    count = _units_of(cluster)
    return [m if m.kind == "ratio" else m._replace(kind="ratio", denominator=count) for m in metrics]


def _units_of(cluster: str) -> str:
    return f"units of a {cluster}"


def choose_control(arms: Sequence[str], control: str | None) -> str:
    """The control among the arms: the one asked for, else one named like a control, else the first by name.

    Raises DataError if there is no such arm, or only one arm.
    """
    if not arms:
        raise DataError("There are no units.")
    if len(arms) < 2:
        raise DataError(
            f"There is one arm only, '{arms[0]}': nothing to compare.",
            fix="Name the column of the variants with --variant.",
        )
    if control is not None:
        known = f"The arms are: {', '.join(arms)}."
        require_known(control, arms, f"There is no arm '{control}' to take as control.", known)
        return control
    named = [arm for arm in arms if arm.lower() in CONTROL_NAMES or arm.lower().split()[0:1] == ["no"]]
    return (named or sorted(arms))[0]


def counts(column: str) -> bool:
    """Whether a column of this name counts: `conversions_7d`, `totalClicks`; not `order_value`."""
    words = _words(column)
    return bool(words & COUNTED) and not words & NO_COUNT


def _words(column: str) -> set[str]:
    return {word.casefold() for word in WORD.findall(HUMP.sub(" ", column))}
