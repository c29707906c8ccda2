"""Counts, means and covariances of each arm of an experiment: all that its tests need of the data."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from itertools import combinations_with_replacement
from typing import NamedTuple

import polars as pl

from adcli.errors import DataError
from adcli.numbers import counted

Pair = tuple[str, str]
CLICKS = frozenset({"click", "clicks", "clicked", "clk"})
IMPRESSIONS = frozenset({"impression", "impressions", "imp", "imps", "shown", "displays"})
COUNTED = (
    CLICKS
    | IMPRESSIONS
    | {"conversion", "conversions", "visit", "visits", "view", "views", "order", "orders", "purchase"}
    | {"purchases", "session", "sessions", "pageviews", "carts", "installs", "signups"}
)
MOST_ARMS = 50
LARGEST_SPREAD = 1e150  # its square is the largest that a float holds


def counts_clicks(column: str) -> bool:
    """Whether a column of this name counts clicks: `clicks`, `n_clicks`, `Ad Clicks`."""
    return bool(_words(column) & CLICKS)


def counts_impressions(column: str) -> bool:
    """Whether a column of this name counts impressions."""
    return bool(_words(column) & IMPRESSIONS)


def _words(column: str) -> set[str]:
    return set(re.split(r"[\W_]+", column.casefold()))


def _counts(column: str) -> bool:
    """Whether a column of this name is of one word that counts, or of one with a prefix such as `n_`."""
    return bool(_words(column.casefold().removeprefix("n_").removeprefix("num_")) <= COUNTED)


class Unevenness(NamedTuple):
    """What units of very different sizes do to the error of a ratio.

    Attributes:
        inflation: Its variance with each unit left out in turn, over that of the delta method.
        degrees: Of freedom, of the variance.
    """

    inflation: float
    degrees: float


class Aggregates(NamedTuple):
    """One arm, summed up.

    Attributes:
        n: Units.
        mean: Of each column.
        covariance: Sample covariances (n - 1) by pair of columns in sorted order; (x, x) is the variance.
        binary: Columns that hold nothing but 0 and 1.
        uneven: Of ratios (numerator, denominator) whose units were looked at for it.
    """

    n: int
    mean: Mapping[str, float]
    covariance: Mapping[Pair, float]
    binary: frozenset[str]
    uneven: Mapping[Pair, Unevenness] = {}

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
    units: pl.DataFrame | Iterable[pl.DataFrame], *, variant: str, groups: Iterable[Sequence[str]]
) -> dict[str, Aggregates]:
    """The aggregates of each arm by name, in one pass over the units.

    Sums are taken in the order of the rows, so that the same file gives the same digits; of units in pieces
    none is kept.

    Args:
        units: One row per experimental unit, whole or in pieces.
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
    for batch in [units] if isinstance(units, pl.DataFrame) else units:
        for name, part in _aggregate(batch, variant, columns, pairs).items():
            arms[name] = arms[name] + part if name in arms else part
        _check_number(variant, len(arms))
    return dict(sorted(arms.items()))


def _check_number(variant: str, arms: int) -> None:
    if arms > MOST_ARMS:
        raise DataError(f"Column '{variant}' has {arms:,} values; more than {MOST_ARMS} are no variants.")


def _aggregate(
    batch: pl.DataFrame, variant: str, columns: Sequence[str], pairs: Sequence[Pair]
) -> dict[str, Aggregates]:
    names = batch[variant].unique().sort()
    if names.null_count():
        without = batch[variant].null_count()
        raise DataError(f"{counted(without, 'unit')} {'has' if without == 1 else 'have'} no '{variant}'.")
    _check_number(variant, len(names))
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
        if _counts(column):
            yield (value < 0).sum().alias(f"negative {column}")
    for a, b in pairs:
        spread = pl.col(a).cast(pl.Float64).var() if a == b else pl.cov(a, b)
        yield spread.alias(f"cov {a} {b}")


def _read(arm: str, row: Mapping[str, float], columns: Sequence[str], pairs: Sequence[Pair]) -> Aggregates:
    for column in columns:
        if row[f"nulls {column}"]:
            raise DataError(
                f"Column '{column}' is empty in {counted(int(row[f'nulls {column}']), 'unit')} "
                f"of the arm '{arm}'.",
                fix="Fill it (0, if nothing happened) or drop those units before the comparison.",
            )
        if row.get(f"negative {column}"):
            raise DataError(
                f"'{column}' counts, but is negative in {counted(int(row[f'negative {column}']), 'unit')} of "
                f"the arm '{arm}'."
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
