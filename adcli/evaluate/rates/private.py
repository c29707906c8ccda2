"""Rates with differential privacy: what is shown would be nearly as likely without any one user.

What a user adds is bounded by what the caller gives, never by the data: at most so many rows, and of each row
at most so much money. The sums of the cells that the caller names get noise (discrete Laplace, from OpenDP),
and so do the squares that tell how much the users differ, so that an interval holds both.

Source: Dwork et al. (2006), Theory of Cryptography 3876; OpenDP (2020), whose accounting adds up epsilon.
"""

from __future__ import annotations

import importlib.util
import math
from collections.abc import Iterator, Mapping, Sequence
from itertools import product
from typing import Any, NamedTuple

import numpy as np
import polars as pl

from adcli.arrays import Floats, Integers
from adcli.errors import UsageError
from adcli.evaluate.figures import figures_table
from adcli.evaluate.rates.cells import RateRow
from adcli.evaluate.rates.counts import is_report, with_time_parts
from adcli.evaluate.rates.table import Rate, known_rates
from adcli.report.page import Passage
from adcli.statistics.intervals import NO_INTERVAL, Interval, normal_quantile

COLUMN_OF = {"clicks": "click", "conversions": "conversion", "cost": "cost", "revenue": "revenue"}
ONCE = frozenset({"impressions", "clicks", "conversions", "users"})  # a row adds one at most
FIXED_GROUPS = {"hour": range(24), "weekday": range(1, 8)}
MONEY_STEPS = 10**6  # of a clip: money is counted in whole steps, as the noise is
SQUARE_STEPS = 10**9
LAPLACE_KURTOSIS = 12  # its fourth cumulant, in units of scale^4
CLEAR = 2  # standard errors of noise that a denominator must be above 0

METHOD = (
    Passage(
        "Privacy",
        "Each figure carries noise (discrete Laplace), as large as what one user can change: rows beyond the "
        "given number a user and money above the given clip are left out. The groups were named by who ran "
        "this, and no cell is hidden: the noise protects small ones too. Reports add up: two of epsilon 1 on "
        "the same data protect as one of epsilon 2.",
    ),
    Passage(
        "Intervals",
        "They hold the noise and how much users differ, whose own size was released with noise as well "
        "(Fieller's interval of a ratio, its quantile widened for Laplace noise).",
    ),
)


class Bounds(NamedTuple):
    """What one user can add, given and not read from the data."""

    rows: int  # most rows of a user; of more, some are taken at random
    clip: Mapping[str, float]  # most of each sum of money that one row adds

    def unit(self, name: str) -> float:
        """What one step of a sum is worth: 1 of a count, a small part of the clip of money."""
        return 1.0 if name in ONCE else self.clip[name] / MONEY_STEPS

    def steps(self, name: str) -> int:
        """The most that one row adds to a sum, in steps."""
        return 1 if name in ONCE else MONEY_STEPS


class Release(NamedTuple):
    """A vector with noise."""

    values: Floats  # (cells,) in natural units
    variance: float  # of the noise
    scale: float  # of the noise, as of a Laplace distribution


def check_opendp() -> None:
    """Make sure that noise can be drawn. Raises UsageError if OpenDP is not installed."""
    if importlib.util.find_spec("opendp") is None:
        raise UsageError(
            "--private draws its noise from OpenDP, which is not installed.",
            fix="pip install 'adcli[private]'",
        )


def private_rate_table(
    log: pl.DataFrame,
    *,
    epsilon: float,
    bounds: Bounds,
    metrics: Sequence[str],
    by: Sequence[str] = (),
    groups: Mapping[str, Sequence[str]] | None = None,
    confidence: float = 0.95,
) -> pl.DataFrame:
    """The rates `metrics` in each cell of `by`, epsilon-differentially private for each user as a whole.

    Args:
        log: The impressions table, with `user_id`; rows without a user are left out.
        epsilon: Spent by this table: in equal parts by each sum and each rate's spread.
        bounds: What one user can add.
        metrics: Rates of `RATES`.
        by: Columns to break down by.
        groups: The values of each column of `by` to show, there or not; others are left out. The hours of a
            day and the days of a week need not be given.
        confidence: Of the intervals, which hold the noise.

    Returns:
        The columns of `rate_table`; `numerator` and `denominator` carry noise, `users` is null.

    Raises:
        UsageError: If a bound or the groups of a column are not given, a metric is no rate, or the log is no
            table of impressions with users.
    """
    rates = known_rates(metrics)
    cells = _named_cells(by, groups or {})
    names = list(dict.fromkeys(name for rate in rates for name in (rate.numerator, rate.denominator)))
    _check(log, names, bounds)
    rows = _bounded_rows(with_time_parts(log, by), names, by, cells, bounds.rows)
    share = epsilon / (len(names) + len(rates))
    units = rows.group_by("cell", "user").agg(
        pl.len().alias("rows"), *(_added(name, bounds) for name in names)
    )
    sums = {name: _noisy_sums(units, name, cells.height, bounds, share) for name in names}
    found = [
        row
        for rate in rates
        for row in _rate_rows(rate, sums, _spread(rate, units, sums, bounds, share), bounds, confidence)
    ]
    labelled = figures_table(found, RateRow).join(cells, on="cell", how="left", maintain_order="left")
    return labelled.select("metric", *by, *RateRow._fields[4:], "definition", "reason")


def _named_cells(by: Sequence[str], groups: Mapping[str, Sequence[str]]) -> pl.DataFrame:
    """One row per combination of the given values: the `by` columns as text, `cell`."""
    for name in groups:
        if name not in by:
            raise UsageError(f"--group {name}=…: '{name}' is no column of --by.")
    values = []
    for name in by:
        given = groups.get(name, FIXED_GROUPS.get(name, ()))
        if not given:
            raise UsageError(
                f"With --private the values of '{name}' must be given: that one occurs tells of who has it.",
                fix=f"--group {name}=VALUE, once for each value to show.",
            )
        values.append(dict.fromkeys(str(value) for value in given))
    cells = list(product(*values))
    columns = {name: [cell[at] for cell in cells] for at, name in enumerate(by)}
    return pl.DataFrame({"cell": range(len(cells)), **columns}, schema_overrides={"cell": pl.Int64})


def _check(log: pl.DataFrame, names: Sequence[str], bounds: Bounds) -> None:
    if is_report(log) or "event_type" in log.columns:
        raise UsageError("--private needs a log of single impressions, with the user of each.")
    if "user_id" not in log.columns:
        raise UsageError("--private protects users, and the log names none.", fix="--map user_id=COLUMN.")
    for name in names:
        if name in COLUMN_OF and COLUMN_OF[name] not in log.columns:
            raise UsageError(f"The log has no column '{COLUMN_OF[name]}'.", fix="Choose another --metric.")
        if name not in ONCE and name not in bounds.clip:
            raise UsageError(
                f"With --private the most {name} of a row must be given and not read from the data.",
                fix=f"--clip {name}=AMOUNT.",
            )
    for name in bounds.clip:
        if name not in names:
            raise UsageError(f"--clip {name}=…: no --metric that was asked for sums '{name}'.")


def _bounded_rows(
    log: pl.DataFrame, names: Sequence[str], by: Sequence[str], cells: pl.DataFrame, most: int
) -> pl.DataFrame:
    """At most `most` rows of each user in the given cells, which of them hangs on that user's rows alone."""
    columns = ["user_id", *(COLUMN_OF[name] for name in names if name in COLUMN_OF)]
    rows = log.select(*(pl.col(name).cast(pl.String) for name in by), *dict.fromkeys(columns))
    rows = rows.filter(pl.col("user_id").is_not_null()).rename({"user_id": "user"})
    placed = rows.join(cells, on=[*by], how="inner") if by else rows.with_columns(cell=pl.lit(0, pl.Int64))
    drawn = pl.struct("user", pl.int_range(pl.len()).over("user")).hash().rank("ordinal").over("user")
    return placed.filter(drawn <= most)


def _added(name: str, bounds: Bounds) -> pl.Expr:
    """What a user adds to a cell, in whole steps."""
    if name == "impressions":
        return pl.len().cast(pl.Int64).alias(name)
    if name == "users":
        return pl.lit(1, pl.Int64).alias(name)
    value = pl.col(COLUMN_OF[name]).cast(pl.Float64).fill_nan(0).fill_null(0)
    share = (value / bounds.clip.get(name, 1.0)).clip(0, 1)
    return (share * bounds.steps(name)).round().cast(pl.Int64).sum().alias(name)


def _noisy_sums(units: pl.DataFrame, name: str, cells: int, bounds: Bounds, epsilon: float) -> Release:
    """The sum of each cell: one user changes those of all cells together by `rows` x the most a row adds."""
    exact = _totals(units["cell"], units[name].to_numpy(), cells)
    return _released(exact, bounds.rows * bounds.steps(name), epsilon, bounds.unit(name))


def _totals(cell: pl.Series, values: Integers, cells: int) -> Integers:
    total = np.zeros(cells, np.int64)
    np.add.at(total, cell.to_numpy(), values)
    return total


def _released(exact: Integers, sensitivity: int, epsilon: float, unit: float) -> Release:
    """Whole numbers with noise; `sensitivity` is by how much one user changes them, all together."""
    mechanism, scale = laplace(sensitivity, epsilon)
    noisy = np.array(mechanism(exact.tolist()), np.float64)
    return Release(noisy * unit, 2 * (scale * unit) ** 2, scale * unit)


def laplace(sensitivity: int, epsilon: float) -> tuple[Any, float]:
    """OpenDP's mechanism for vectors of integers, and the least scale that its accounting allows."""
    import opendp.prelude as dp

    dp.enable_features("contrib")
    space = dp.vector_domain(dp.atom_domain(T="i64")), dp.l1_distance(T="i64")

    def mechanism(scale: float) -> Any:
        return dp.m.make_laplace(*space, scale=scale)

    scale = dp.binary_search_param(mechanism, d_in=sensitivity, d_out=epsilon)
    return mechanism(scale), scale


def _rate_rows(
    rate: Rate, sums: Mapping[str, Release], spread: Floats, bounds: Bounds, confidence: float
) -> Iterator[RateRow]:
    top, bottom = sums[rate.numerator], sums[rate.denominator]
    most = 1.0 if rate.metric == "ctr" else math.inf
    for cell, ratio in enumerate(_ratios(top, bottom)):
        value, interval, why = ratio, _fieller(top, bottom, cell, float(spread[cell]), confidence), ""
        if not bottom.values[cell] > CLEAR * math.sqrt(bottom.variance):
            why = f"no value: the noise is as large as the {rate.denominator}"
            value, interval = math.nan, NO_INTERVAL
        low, high = (rate.scale * min(max(end, 0.0), most) for end in interval)
        figures = (
            rate.scale * min(value, most),
            low,
            high,
            float(top.values[cell]),
            float(bottom.values[cell]),
        )
        yield RateRow(rate.metric, cell, _definition(rate, bounds, confidence), why, *figures)


def _ratios(top: Release, bottom: Release) -> Floats:
    """(cells,) the ratios, 0 where either is not above 0."""
    return np.maximum(top.values, 0) / np.where(bottom.values > 0, bottom.values, np.inf)


def _spread(
    rate: Rate, units: pl.DataFrame, sums: Mapping[str, Release], bounds: Bounds, epsilon: float
) -> Floats:
    """(cells,) upper bounds of the users' squared residuals, summed, from a release with noise.

    A residual is numerator - ratio x denominator, and the ratio was released before. In a cell of k rows a
    user's is at most k x the most a row adds; in units of rows x that, the squares of all cells together are
    1 at most.
    """
    names = rate.numerator, rate.denominator
    ratio = _ratios(*(sums[name] for name in names))
    clip = [bounds.clip.get(name, 1.0) for name in names]
    most = bounds.rows * np.maximum(clip[0], ratio * clip[1])
    cell = units["cell"].to_numpy()
    top, bottom = (units[name].to_numpy() * bounds.unit(name) for name in names)
    squares = np.minimum(((top - ratio[cell] * bottom) / most[cell]) ** 2, 1.0)
    steps = np.floor(squares * SQUARE_STEPS).astype(np.int64)
    found = _released(_totals(units["cell"], steps, len(ratio)), SQUARE_STEPS, epsilon, 1 / SQUARE_STEPS)
    bound: Floats = np.maximum(found.values + math.sqrt(found.variance), 0) * most**2
    return bound


def _fieller(top: Release, bottom: Release, cell: int, sampling: float, confidence: float) -> Interval:
    """All ratios r at which top - r x bottom is not clearly another thing than 0.

    Source: Fieller (1954); the quantile by Cornish and Fisher (1938) with the kurtosis of the noise.
    """
    a, b = float(top.values[cell]), float(bottom.values[cell])
    r = max(a, 0.0) / b if b > 0 else 0.0
    variance = sampling + top.variance + r**2 * bottom.variance
    noise = LAPLACE_KURTOSIS * (top.scale**4 + (r * bottom.scale) ** 4)
    kurtosis = noise / variance**2 if noise else 0.0
    z = normal_quantile(confidence)
    q2 = (z + (z**3 - 3 * z) * kurtosis / 24) ** 2
    square, half, rest = b**2 - q2 * bottom.variance, a * b, a**2 - q2 * (sampling + top.variance)
    if b <= 0 or square <= 0:
        return NO_INTERVAL
    root = math.sqrt(max(half**2 - square * rest, 0.0))
    return Interval((half - root) / square, (half + root) / square)


def _definition(rate: Rate, bounds: Bounds, confidence: float) -> str:
    scale = "" if rate.scale == 1 else f"{rate.scale} x "
    clipped = [
        f"{name} up to {bounds.clip[name]:g} a row"
        for name in (rate.numerator, rate.denominator)
        if name in bounds.clip
    ]
    return "; ".join(
        [
            f"{scale}{rate.numerator} / {rate.denominator}",
            f"of at most {bounds.rows} rows a user",
            *clipped,
            f"with noise; {confidence:.0%} Fieller interval that holds the noise, clustered by user",
        ]
    )
