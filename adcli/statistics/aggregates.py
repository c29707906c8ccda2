"""Counts, means and covariances of each arm of an experiment: all that its tests need of the data."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from itertools import combinations_with_replacement
from typing import Any, NamedTuple

import polars as pl

from adcli.errors import DataError
from adcli.numbers import counted

Pair = tuple[str, str]
ARM = "arm"
MOST_ARMS = 50
LARGEST_SPREAD = 1e150  # its square is the largest that a float holds
ROUNDED = 8.9e-16  # of a mean: as much as computing it in floats leaves to values that are all the same
FINEST_SPREAD = 1e-13  # of a mean: values that differ by less cannot be told apart as floats
SMALLEST_LEFT = 1e-3  # of the denominator, that a unit which has all of it leaves to the others


class Shape(NamedTuple):
    """What one unit's residual has beyond its variance: mean powers of column - ratio x denominator."""

    second: float  # mean square
    third: float  # mean cube
    fourth: float  # mean fourth power
    # mean square of the residuals, each over the share of the denominator that the others hold
    left_out: float

    def degrees(self, n: int) -> float:
        """Of freedom, of the variance: n - 1 where residuals are normal, few where few units make most of it.

        Source: Satterthwaite (1946), as `effective_degrees`.
        """
        return min(3 * n * self.second**2 / self.fourth - 1, n - 1) if self.fourth > 0 else n - 1

    def inflation(self, n: int) -> float:
        """Of the variance by units that pull the ratio towards themselves: `jackknife_errors` over plain."""
        return ((n - 1) / n) ** 2 * self.left_out / self.second if self.second > 0 else 1.0


class Aggregates(NamedTuple):
    """One arm, summed up."""

    n: int  # units
    mean: Mapping[str, float]  # of each column
    # sample covariances (n - 1) by pair of columns in sorted order; (x, x) is the variance
    covariance: Mapping[Pair, float]
    binary: frozenset[str]  # columns that hold nothing but 0 and 1
    shape: Mapping[Pair, Shape] = {}  # by (column, denominator) of a metric; the denominator of a mean is ""

    def cov(self, left: str, right: str) -> float:
        """Covariance of two columns; one named "" is the constant 1."""
        if not left or not right:
            return 0.0
        return self.covariance[(left, right) if left <= right else (right, left)]

    def average(self, column: str) -> float:
        """Mean of a column; that of "" is 1."""
        return self.mean[column] if column else 1.0

    def __add__(self, other: object) -> Aggregates:
        """Both samples as one. Source: Chan, Golub and LeVeque (1983), equation 1.5."""
        if not isinstance(other, Aggregates):
            return NotImplemented
        n = self.n + other.n
        gap = {column: other.mean[column] - self.mean[column] for column in self.mean}
        mean = {column: self.mean[column] + gap[column] * other.n / n for column in self.mean}
        between = self.n * other.n / n
        covariance = {
            (a, b): (_scatter(self, (a, b)) + _scatter(other, (a, b)) + gap[a] * gap[b] * between) / (n - 1)
            for a, b in self.covariance
        }
        shape = {
            pair: Shape(
                *((self.n * a + other.n * b) / n for a, b in zip(own, other.shape[pair], strict=True))
            )
            for pair, own in self.shape.items()
        }
        return Aggregates(n, mean, covariance, self.binary & other.binary, shape)


def _scatter(part: Aggregates, pair: Pair) -> float:
    return part.covariance[pair] * (part.n - 1) if part.n > 1 else 0.0


def aggregate_arms(
    units: pl.DataFrame | Iterable[pl.DataFrame],
    *,
    groups: Iterable[Sequence[str]],
    shapes: Iterable[Pair] = (),
) -> dict[str, Aggregates]:
    """The aggregates of each arm by name, in one pass over the units.

    Sums are taken in the order of the rows, so that the same file gives the same digits; of units in pieces
    none is kept.

    Args:
        units: One row per experimental unit, whole or in pieces; `variant` names its arm.
        groups: Sets of columns whose covariances within the set are needed (those of one metric).
        shapes: (column, denominator) of the metrics whose residuals' shape is needed.

    Raises:
        DataError: If a unit has no variant, or a column holds missing values, NaN, infinity, or values that
            differ by less than a float can tell.
    """
    wanted = Wanted.of(groups, shapes)
    batches = [units] if isinstance(units, pl.DataFrame) else units
    return read_summaries((summarise(batch, wanted) for batch in batches), wanted)


class Wanted(NamedTuple):
    """What is summed up: columns, pairs of them whose covariance is needed, and metrics' residuals."""

    columns: Sequence[str]
    pairs: Sequence[Pair]
    shapes: Sequence[Pair]

    @classmethod
    def of(cls, groups: Iterable[Sequence[str]], shapes: Iterable[Pair] = ()) -> Wanted:
        """What the arguments of `aggregate_arms` ask for."""
        groups = [tuple(sorted(set(group))) for group in groups]
        columns = sorted({column for group in groups for column in group})
        pairs = sorted({pair for group in groups for pair in combinations_with_replacement(group, 2)})
        return cls(columns, pairs, list(dict.fromkeys(shapes)))


def read_summaries(summaries: Iterable[pl.DataFrame], wanted: Wanted) -> dict[str, Aggregates]:
    """The aggregates of each arm by name, out of what `summarise` gave of each piece of the units."""
    arms: dict[str, Aggregates] = {}
    for summary in summaries:
        for row in summary.iter_rows(named=True):
            name, part = row[ARM], _read(row, wanted)
            arms[name] = arms[name] + part if name in arms else part
        _check_number(len(arms))
    for arm in arms.values():
        _check_precision(arm, wanted.columns)
    return dict(sorted(arms.items()))


def _check_precision(arm: Aggregates, columns: Sequence[str]) -> None:
    for column in columns:
        spread, mean = math.sqrt(max(arm.covariance.get((column, column), 0.0), 0.0)), abs(arm.mean[column])
        if ROUNDED * mean < spread < FINEST_SPREAD * mean:
            raise DataError(
                f"The values of '{column}' differ by less ({spread:.2g}) than numbers as large as their mean "
                f"({mean:.4g}) can be told apart.",
                fix="Subtract a constant from the column first.",
            )


def _check_number(arms: int) -> None:
    if arms > MOST_ARMS:
        raise DataError(f"Column 'variant' has {arms:,} values; more than {MOST_ARMS} are no variants.")


def summarise(
    batch: pl.DataFrame, wanted: Wanted, around: Mapping[str, Aggregates] | None = None
) -> pl.DataFrame:
    """One row per arm of these units; residuals are taken about the arm's own means, or those of `around`."""
    names = batch["variant"].unique().sort()
    if names.null_count():
        without = batch["variant"].null_count()
        raise DataError(f"{counted(without, 'unit')} {'has' if without == 1 else 'have'} no 'variant'.")
    _check_number(len(names))
    arms = [
        batch.lazy()
        .filter(pl.col("variant") == name)
        .select(
            pl.lit(str(name)).alias(ARM),
            pl.len().alias("n"),
            *_summaries(wanted.columns, wanted.pairs),
            *_shape_summaries(wanted.shapes, None if around is None else around[str(name)]),
        )
        for name in names.to_list()
    ]
    return pl.concat(pl.collect_all(arms, engine="in-memory")) if arms else pl.DataFrame()


def _summaries(columns: Sequence[str], pairs: Sequence[Pair]) -> Iterable[pl.Expr]:
    for column in columns:
        value = pl.col(column)
        yield value.mean().cast(pl.Float64).alias(f"mean {column}")
        yield value.null_count().alias(f"nulls {column}")
        yield ((value == 0) | (value == 1)).all().alias(f"binary {column}")
    for a, b in pairs:
        spread = pl.col(a).cast(pl.Float64).var() if a == b else pl.cov(a, b)
        yield spread.alias(f"cov {a} {b}")


def _shape_summaries(shapes: Sequence[Pair], around: Aggregates | None) -> Iterable[pl.Expr]:
    def total(column: str) -> pl.Expr:
        own = pl.col(column).cast(pl.Float64).sum()
        return own if around is None else pl.lit(around.average(column) * around.n)

    for column, denominator in shapes:
        top, name = pl.col(column).cast(pl.Float64), f"{column}/{denominator}"
        if denominator:
            bottom = pl.col(denominator).cast(pl.Float64)
            residual = top - total(column) / total(denominator) * bottom
            left = (1 - bottom / total(denominator)).clip(SMALLEST_LEFT)
        else:
            mean = top.mean() if around is None else pl.lit(around.average(column))
            residual, left = top - mean, pl.lit(1.0)
        square = residual * residual
        yield square.mean().alias(f"second {name}")
        yield (square * residual).mean().alias(f"third {name}")
        if denominator:
            yield (square * square).mean().alias(f"fourth {name}")
            yield (square / (left * left)).mean().alias(f"left {name}")


def _shape(row: Mapping[str, float | None], pair: Pair) -> Shape:
    name = "/".join(pair)
    return Shape(*((row.get(f"{what} {name}") or 0.0) for what in ("second", "third", "fourth", "left")))


def _read(row: Mapping[str, Any], wanted: Wanted) -> Aggregates:
    columns, pairs, shapes = wanted
    for column in columns:
        if row[f"nulls {column}"]:
            raise DataError(
                f"Column '{column}' is empty in {counted(int(row[f'nulls {column}']), 'unit')} "
                f"of the arm '{row[ARM]}'.",
                fix="Fill it (0, if nothing happened) or drop those units before the comparison.",
            )
        if not abs(row[f"mean {column}"]) < float("inf"):
            raise DataError(
                f"Column '{column}' holds NaN or infinite values; a mean of it would mean nothing."
            )
    for a, b in pairs:
        spread = row[f"cov {a} {b}"]
        if spread is not None and not abs(spread) < LARGEST_SPREAD:
            raise DataError(f"Column '{a}' holds values too large to be squared.")
    n = int(row["n"])
    return Aggregates(
        n=n,
        mean={column: row[f"mean {column}"] for column in columns},
        covariance={pair: row[f"cov {pair[0]} {pair[1]}"] if n > 1 else 0.0 for pair in pairs},
        binary=frozenset(column for column in columns if row[f"binary {column}"]),
        shape={pair: _shape(row, pair) for pair in shapes},
    )
