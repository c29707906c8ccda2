"""Counts, means and covariances of each arm of an experiment: all that its tests need of the data."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import combinations_with_replacement
from typing import NamedTuple

import polars as pl

from adcli.errors import DataError

Pair = tuple[str, str]
CLICKS, IMPRESSIONS = frozenset({"click", "clicks"}), frozenset({"impression", "impressions"})
COUNTED = CLICKS | IMPRESSIONS | {"conversion", "conversions", "visits", "orders", "purchases"}
MOST_ARMS = 50
LARGEST_SPREAD = 1e150  # its square is the largest that a float holds
ROWS_AT_A_TIME = 4_000_000  # of a lazy frame, so that memory does not grow with its length


class Aggregates(NamedTuple):
    """One arm, summed up.

    Attributes:
        n: Units.
        mean: Of each column.
        covariance: Sample covariances (n - 1) by pair of columns in sorted order; (x, x) is the variance.
        binary: Columns that hold nothing but 0 and 1.
    """

    n: int
    mean: Mapping[str, float]
    covariance: Mapping[Pair, float]
    binary: frozenset[str]

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
        return Aggregates(n, mean, covariance, self.binary & other.binary)


def _scatter(part: Aggregates, pair: Pair) -> float:
    return part.covariance[pair] * (part.n - 1) if part.n > 1 else 0.0


def aggregate_arms(
    units: pl.DataFrame | pl.LazyFrame, *, variant: str, groups: Iterable[Sequence[str]]
) -> dict[str, Aggregates]:
    """The aggregates of each arm, in one pass over the units.

    Sums are taken in the order of the rows, so that the same file gives the same digits; a lazy frame is read
    in pieces and never held whole.

    Args:
        units: One row per experimental unit.
        variant: Column that names each unit's arm.
        groups: Sets of columns whose covariances within the set are needed (those of one metric).

    Raises:
        DataError: If a unit has no variant, or a column holds missing values, NaN, infinity, or counts
            something and is negative.
    """
    groups = [tuple(sorted(set(group))) for group in groups]
    columns = sorted({column for group in groups for column in group})
    pairs = sorted({pair for group in groups for pair in combinations_with_replacement(group, 2)})
    arms: dict[str, Aggregates] = {}
    for batch in _batches(
        units.lazy().select(variant, *columns) if isinstance(units, pl.LazyFrame) else units
    ):
        for name, part in _aggregate(batch, variant, columns, pairs).items():
            arms[name] = arms[name] + part if name in arms else part
    return arms


def _batches(units: pl.DataFrame | pl.LazyFrame) -> Iterable[pl.DataFrame]:
    if isinstance(units, pl.DataFrame):
        return [units]
    return units.collect_batches(chunk_size=ROWS_AT_A_TIME, maintain_order=True)


def _aggregate(
    batch: pl.DataFrame, variant: str, columns: Sequence[str], pairs: Sequence[Pair]
) -> dict[str, Aggregates]:
    names = batch[variant].unique().sort()
    if names.null_count():
        raise DataError(f"{batch[variant].null_count():,} units have no '{variant}'.")
    if len(names) > MOST_ARMS:
        raise DataError(
            f"Column '{variant}' has {len(names):,} values; more than {MOST_ARMS} are no variants."
        )
    wanted = [pl.len().alias("n"), *_summaries(columns, pairs)]
    arms = pl.collect_all(
        [batch.lazy().filter(pl.col(variant) == name).select(wanted) for name in names.to_list()],
        engine="in-memory",
    )
    return {
        str(name): _read(str(name), arm.row(0, named=True), columns, pairs)
        for name, arm in zip(names.to_list(), arms, strict=True)
    }


def _summaries(columns: Sequence[str], pairs: Sequence[Pair]) -> Iterable[pl.Expr]:
    for column in columns:
        value = pl.col(column)
        yield value.mean().cast(pl.Float64).alias(f"mean {column}")
        yield value.null_count().alias(f"nulls {column}")
        yield ((value == 0) | (value == 1)).all().alias(f"binary {column}")
        if column in COUNTED:
            yield (value < 0).sum().alias(f"negative {column}")
    for a, b in pairs:
        spread = pl.col(a).cast(pl.Float64).var() if a == b else pl.cov(a, b)
        yield spread.alias(f"cov {a} {b}")


def _read(arm: str, row: Mapping[str, float], columns: Sequence[str], pairs: Sequence[Pair]) -> Aggregates:
    for column in columns:
        if row[f"nulls {column}"]:
            raise DataError(
                f"Column '{column}' is empty in {row[f'nulls {column}']:,} units of the arm '{arm}'.",
                fix="Fill it (0, if nothing happened) or drop those units before the comparison.",
            )
        if row.get(f"negative {column}"):
            raise DataError(
                f"'{column}' counts, but is negative in {row[f'negative {column}']:,} units of '{arm}'."
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
    )
