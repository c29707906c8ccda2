"""Rates of a log, R = sum of what came / sum of what it came from, with intervals over users."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import polars as pl

from adcli.arrays import Floats
from adcli.errors import DataError, UsageError, require_known
from adcli.evaluate.rates.cells import RateCells, RateRow, group_cells, hidden_cells, rows_table
from adcli.evaluate.rates.counts import ROW, USER, SummedLog, UnitCounts, count_units
from adcli.numbers import counted
from adcli.progress import part, steps
from adcli.statistics.intervals import (
    NO_INTERVAL,
    ClusteredRate,
    ClusteredRatio,
    Interval,
    Reciprocal,
    clustered_rate,
    clustered_ratio,
    wilson,
)

FEW_WITH_ONE = 10  # below this many users with a success the design effect is a guess
FEWEST_WITH_MONEY = 10  # below this many, no interval of a sum of money holds what it says
FEW_WITH_MONEY = 60  # below this many, one large amount more or less would move an interval
FEW_DEGREES = 8  # below this many degrees of freedom a few users say how sure a rate is
COUNT_RATES = frozenset({"ctr", "cvr"})
WILSON = "Wilson interval"
JACKKNIFE = "jackknife interval with Hall's skew correction"
INVERTED = "jackknife interval with Hall's skew correction, of the reciprocal"


class Rate(NamedTuple):
    """A ratio of two sums: `scale` x `numerator` / `denominator`."""

    metric: str
    numerator: str
    denominator: str
    scale: int = 1


RATES = (
    Rate("ctr", "clicks", "impressions"),
    Rate("cvr", "conversions", "clicks"),
    Rate("cpc", "cost", "clicks"),
    Rate("cpa", "cost", "conversions"),
    Rate("cpm", "cost", "impressions", 1000),
    Rate("rpm", "revenue", "impressions", 1000),
    Rate("roas", "revenue", "cost"),
    Rate("revenue_per_user", "revenue", "users"),
    Rate("average_order_value", "revenue", "conversions"),
)


PRICES = tuple(rate for rate in RATES if rate.metric in ("cpc", "cpa"))  # what an event costs
LOWER_IS_BETTER = frozenset({"cpc", "cpa", "cpm"})


def rate_table(
    log: pl.DataFrame | SummedLog,
    *,
    by: Sequence[str] = (),
    metrics: Sequence[str] = (),
    min_users: int = 50,
    confidence: float = 0.95,
) -> pl.DataFrame:
    """Each rate that the log allows, in each cell of `by`, with its interval.

    Click and conversion rates get Wilson's interval, on the effective number of trials if users are known;
    other ratios get a jackknife interval that leans as their errors do, clustered by user (in a report by ad
    and day), and what an event costs that of its reciprocal: few conversions make a price high without bound.

    Args:
        log: The impressions table (`click`, and where there are such `conversion cost revenue user_id`), or
            the events table, of which `event_type` is counted; a purchase without `revenue` is worth
            price x quantity. Or the table `report`, whose rows are counts.
        by: Columns to break down by; none gives the whole.
        metrics: Which rates of `RATES`; none means all that the log allows.
        min_users: Cells of fewer users are hidden, and further cells so that these cannot be worked out.
        confidence: Of the intervals.

    Returns:
        One row per rate and cell: `metric`, the `by` columns, `value ci_low ci_high numerator denominator
        users definition reason`. Without users in the log, `users` counts its rows; in a report it is null.

    Raises:
        DataError: If a column is missing or impossible, or the log allows no rate, or not the one asked for.
        UsageError: If a metric is no rate.
    """
    with part(0, 0.3):
        units = count_units(log, by=by)
        cells = group_cells(units, by)
        hidden = hidden_cells(cells, by, min_users=min_users)
    with part(0.3, 1):
        rows = [
            row
            for rate in steps(chosen_rates(units, metrics))
            for row in _rate_rows(rate, cells, hidden, confidence)
        ]
    table = rows_table(rows, cells, by)
    return table.select("metric", *by, *RateRow._fields[4:], "definition", "reason")


def chosen_rates(units: UnitCounts, metrics: Sequence[str] = ()) -> list[Rate]:
    """The rates that are asked for and can be formed, or all that can.

    Raises DataError if there is none, or one that is asked for cannot be formed; UsageError if a metric is no
    rate.
    """
    asked = known_rates(metrics)
    sums = {name: units.frame[name].sum() for name in units.counted} | {"users": int(units.unit == USER)}
    possible = [rate for rate in RATES if rate.numerator in sums and sums.get(rate.denominator, 0) > 0]
    if not possible:
        raise DataError(
            f"No rate can be formed from what the log counts ({', '.join(units.counted) or 'nothing'}).",
            fix="A rate needs two of impressions, clicks, conversions, cost and revenue.",
        )
    formed = [rate.metric for rate in possible]
    if missing := [metric for metric in metrics if metric not in formed]:
        raise DataError(
            f"The rate '{missing[0]}' cannot be formed from this log.", fix=f"It allows {', '.join(formed)}."
        )
    return [rate for rate in possible if not metrics or rate in asked]


def known_rates(metrics: Sequence[str]) -> list[Rate]:
    """The rates of these names. Raises UsageError if a metric is no rate."""
    known = [rate.metric for rate in RATES]
    for metric in metrics:
        fix = f"There are {', '.join(known)}."
        require_known(metric, known, f"'{metric}' is no rate.", fix, error=UsageError)
    return [rate for rate in RATES if rate.metric in metrics]


def _rate_rows(rate: Rate, cells: RateCells, hidden: list[str], confidence: float) -> Iterator[RateRow]:
    sums = cell_sums(rate, cells)
    for cell, why in enumerate(steps(hidden)):
        span = slice(cells.starts[cell], cells.starts[cell + 1])
        tops, bottoms = sums.tops[span], sums.bottoms[span]
        definition = _definition(rate, cells, method_of(rate, tops, bottoms), confidence=confidence)
        if why:
            yield RateRow(rate.metric, cell, definition, why)
            continue
        top, bottom, users = sums.top[cell], sums.bottom[cell], cells.sums["users"][cell]
        if bottom == 0:
            why = f"no {rate.denominator}"
            yield RateRow(rate.metric, cell, definition, why, numerator=top, denominator=bottom, users=users)
            continue
        interval, reason = _interval(rate, tops, bottoms, cells.unit, confidence)
        low, high = (rate.scale * end if math.isfinite(end) else None for end in interval)
        value = rate.scale * top / bottom
        yield RateRow(rate.metric, cell, definition, reason, value, low, high, top, bottom, users)


class CellSums(NamedTuple):
    """What is divided by what: exact sums of each cell, and the values of each unit."""

    top: list[float]
    bottom: list[float]
    tops: Floats
    bottoms: Floats


def cell_sums(rate: Rate, cells: RateCells) -> CellSums:
    """What a rate divides by what, in each cell."""
    units, sums = cells.units, cells.sums
    if rate.denominator == "users":  # revenue of nobody known is nobody's
        units = units.with_columns(
            pl.when("known_user").then(rate.numerator).otherwise(0).alias(rate.numerator),
            pl.col("known_user").cast(pl.Int64).alias("users"),
        )
        known = units.group_by("cell").agg(pl.col(rate.numerator).sum(), pl.col("users").sum())
        sums = known.sort("cell")
    return CellSums(
        [float(value) for value in sums[rate.numerator]],
        [float(value) for value in sums[rate.denominator]],
        units[rate.numerator].cast(pl.Float64).to_numpy(),
        units[rate.denominator].cast(pl.Float64).to_numpy(),
    )


def method_of(rate: Rate, tops: Floats, bottoms: Floats) -> str:
    """Which interval a rate gets: `WILSON` where it is a share, else one of a ratio of sums."""
    if rate.metric in COUNT_RATES and bool((tops <= bottoms).all()):
        return WILSON
    return INVERTED if rate in PRICES else JACKKNIFE


def _interval(
    rate: Rate, tops: Floats, bottoms: Floats, unit: str, confidence: float
) -> tuple[Interval, str]:
    """The interval, and what to beware of in it."""
    method = method_of(rate, tops, bottoms)
    if method == WILSON and unit == ROW:
        few = float(tops.sum()) < FEW_WITH_ONE
        said = f"rough: only {counted(int(tops.sum()), rate.numerator.removesuffix('s'))}" if few else ""
        return wilson(float(tops.sum()), float(bottoms.sum()), confidence), said
    found = clustered_estimate(method, tops, bottoms)
    plural = unit if unit in (USER, ROW) else f"cluster of {unit}"
    if found is None:
        fewer, seen = min(
            (int((values != 0).sum()), name)
            for values, name in ((tops, rate.numerator), (bottoms, rate.denominator))
        )
        return NO_INTERVAL, f"no interval: only {_units(fewer, plural)} with {seen}"
    interval = found.interval(confidence)
    rare, name = (bottoms, rate.denominator) if method == INVERTED else (tops, rate.numerator)
    with_one = int((rare > 0).sum())
    if with_one < (FEW_WITH_ONE if rate.metric in COUNT_RATES else FEW_WITH_MONEY):
        return interval, f"rough: only {_units(with_one, plural)} with {name}"
    if found.degrees < FEW_DEGREES:
        return interval, f"rough: a few {_units(0, plural)[2:]} make up most of the {name}"
    unclicked = "some conversions came without a click, so this is a ratio and may exceed 1"
    return interval, unclicked if rate.metric in COUNT_RATES and method != WILSON else ""


def clustered_estimate(
    method: str, tops: Floats, bottoms: Floats
) -> ClusteredRate | ClusteredRatio | Reciprocal | None:
    """What the interval of a rate over clusters rests on."""
    if method == WILSON:
        return clustered_rate(tops, bottoms)
    if method == INVERTED:
        found = clustered_ratio(bottoms, tops, fewest=FEWEST_WITH_MONEY)
        return found and Reciprocal(found)
    return clustered_ratio(tops, bottoms, fewest=FEWEST_WITH_MONEY)


def _units(number: int, unit: str) -> str:
    head, _, tail = unit.partition(" ")
    return counted(number, head) + (f" {tail}" if tail else "")


def _definition(rate: Rate, cells: RateCells, method: str, *, confidence: float) -> str:
    scale = "" if rate.scale == 1 else f"{rate.scale} x "
    clustered = "" if cells.unit == ROW else f", clustered by {cells.unit}"
    varied = "" if cells.unit in (USER, ROW) else ", which vary more than counts do"
    alone = ["the log has no user_id, so each row counts as a unit of its own"] if cells.unit == ROW else []
    made_of = [cells.said[name] for name in (rate.numerator, rate.denominator) if name in cells.said]
    formula = f"{scale}{rate.numerator} / {rate.denominator}"
    return "; ".join([formula, *made_of, f"{confidence:.0%} {method}{clustered}{varied}", *alone])
