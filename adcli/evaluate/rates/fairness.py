"""Rates by group, each held against all others, and a plain sentence on each gap that stands."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import NamedTuple, Protocol

import numpy as np
import polars as pl

from adcli.arrays import Floats, Integers
from adcli.evaluate.figures import figures_table
from adcli.evaluate.rates.counts import SummedLog, UnitCounts, count_units
from adcli.evaluate.rates.table import (
    LOWER_IS_BETTER,
    Rate,
    chosen_rates,
    clustered_estimate,
    method_of,
    rate_table,
)
from adcli.numbers import plain, show
from adcli.progress import part, steps
from adcli.report.table import METRIC_KINDS
from adcli.statistics.differences import difference_interval, implied_p_value
from adcli.statistics.intervals import NO_INTERVAL, Interval, clustered_ratio
from adcli.statistics.multiplicity import Correction, adjust
from adcli.statistics.verdicts import Verdict, decide


class Estimate(Protocol):
    """What the interval of a ratio rests on."""

    def interval(self, confidence: float) -> Interval:
        """At this confidence; an end may be infinite."""


Estimator = Callable[[Floats, Floats], Estimate | None]


class GroupSums(NamedTuple):
    """Sums of each unit in each group where it occurs."""

    group: Integers  # (pairs,) number of the group, from 0 on
    unit: Integers  # (pairs,) number of the independent unit, from 0 on
    top: Floats  # (pairs,) of the numerator
    bottom: Floats  # (pairs,) of the denominator


class Gap(NamedTuple):
    """A group against all others."""

    rest: float  # the ratio of all others
    difference: float  # of the group's ratio from it
    interval: Interval  # of the difference; an end that the data do not bound is NaN
    p_value: float  # two-sided, that there is none


def gap(sums: GroupSums, group: int, *, confidence: float, estimate: Estimator = clustered_ratio) -> Gap:
    """One group against all others; a unit in both counts as one.

    The interval is put together from those of the two ratios, each of which leans the way its errors do, and
    from their correlation over units; the p-value is the one at which it would end at 0.

    `sums`: of each unit and group; `group`: its number; `estimate`: from each unit's numerator and
    denominator, what the ratio's interval rests on, None where there is too little for one.

    Source: MOVER, as in `adcli.statistics.differences`.
    """
    units = int(sums.unit.max()) + 1
    inside = sums.group == group
    estimates, influences, values = [], [], []
    for mask in (inside, ~inside):
        top = np.bincount(sums.unit[mask], sums.top[mask], units).astype(np.float64)
        bottom = np.bincount(sums.unit[mask], sums.bottom[mask], units).astype(np.float64)
        values.append(float(top.sum() / bottom.sum()) if bottom.sum() else np.nan)
        influences.append((top - values[-1] * bottom) / bottom.sum() if bottom.sum() else top * 0)
        estimates.append(estimate(top, bottom))
    difference = values[0] - values[1]
    one, rest = estimates
    if one is None or rest is None:
        return Gap(values[1], difference, NO_INTERVAL, np.nan)
    scale = float(np.sqrt((influences[0] @ influences[0]) * (influences[1] @ influences[1])))
    correlation = float(influences[0] @ influences[1]) / scale if scale > 0 else 0.0

    def interval(confidence: float) -> Interval:
        intervals = one.interval(confidence), rest.interval(confidence)
        return difference_interval(values[0], intervals[0], values[1], intervals[1], correlation=correlation)

    low, high = (end if np.isfinite(end) else np.nan for end in interval(confidence))
    return Gap(values[1], difference, Interval(low, high), implied_p_value(interval, difference))


GROUP, UNIT = "number of the group", "number of the unit"  # no names that a breakdown may have
_FIGURES = (
    "value", "ci_low", "ci_high", "rest", "difference", "difference_low", "difference_high", "p_value",
    "p_adjusted",
)  # fmt: skip
FAIRNESS_COLUMNS = {
    **dict.fromkeys(("metric", "group"), pl.String),
    **dict.fromkeys(_FIGURES, pl.Float64),
    "users": pl.Int64,
    **dict.fromkeys(("definition", "verdict", "reason"), pl.String),
}
NO_GAP = Gap(math.nan, math.nan, NO_INTERVAL, math.nan)
Row = dict[str, object]


class _Judged(NamedTuple):
    rate: Rate
    row: Row  # of the rate table
    group: str
    gap: Gap | None
    is_mirrored: bool  # the second of two groups, whose gap is the first's from the other side


def fairness_table(
    log: pl.DataFrame | SummedLog,
    *,
    by: Sequence[str],
    metrics: Sequence[str] = (),
    min_users: int = 50,
    smallest_effect: float = 0.05,
    confidence: float = 0.95,
    correction: Correction = "holm",
) -> pl.DataFrame:
    """Each rate of each group, its gap to all others, and the largest gap between two groups.

    Args:
        log: The impressions or the events table.
        by: Columns whose values make groups, each column by itself.
        metrics: Which of the rates of `rate_table`; none means all that the log allows.
        min_users: Smaller groups are hidden, as in `rate_table`, and not compared.
        smallest_effect: Relative gap worth knowing of.
        confidence: Of the intervals; 1 - confidence is the alpha of the verdicts.
        correction: Of the p-values, over all groups and metrics.

    Returns:
        Columns of `FAIRNESS_COLUMNS`; `reason` is the sentence. `better` and `worse` are the group's lot.

    Raises:
        DataError: As `rate_table`.
    """
    judged: list[_Judged] = []
    largest: list[Row] = []
    for column in steps(by):
        counts = count_units(log, by=[column])
        with part(0, 0.2):
            table = rate_table(log, by=[column], metrics=metrics, min_users=min_users, confidence=confidence)
        with part(0.2, 1):
            for rate in steps(chosen_rates(counts, metrics)):
                rows = table.filter(pl.col("metric") == rate.metric).to_dicts()
                sums = _sums(counts, rate, column, [row[column] for row in rows])
                judged += _judge_groups(sums, rate, column, rows, confidence)
                largest += _largest(rate, column, rows)
    p_values = np.array([one.gap.p_value if one.gap and not one.is_mirrored else math.nan for one in judged])
    adjusted = adjust(p_values, correction)
    for place, one in enumerate(judged):
        if one.is_mirrored:
            adjusted[place] = adjusted[place - 1]
    made = int(np.isfinite(p_values).sum())
    rows = [
        _row(one, float(p), _verdict(one, float(p), made, smallest_effect, confidence))
        for one, p in zip(judged, adjusted, strict=True)
    ]
    return figures_table([*rows, *largest], FAIRNESS_COLUMNS)


def _judge_groups(
    sums: GroupSums, rate: Rate, column: str, rows: Sequence[Row], confidence: float
) -> Iterator[_Judged]:
    estimate = partial(clustered_estimate, method_of(rate, sums.top, sums.bottom))
    are_two = len(rows) == 2 and all(row["value"] is not None for row in rows)
    for i, row in enumerate(steps(rows)):
        comparable = row["value"] is not None and len(rows) > 1
        found = gap(sums, i, confidence=confidence, estimate=estimate) if comparable else None
        yield _Judged(rate, row, f"{column}={row[column]}", found, is_mirrored=are_two and i == 1)


def _sums(counts: UnitCounts, rate: Rate, column: str, groups: Sequence[object]) -> GroupSums:
    """What each unit of `counts` adds to the rate, with the groups numbered in the order given."""
    frame = counts.frame
    numbers = pl.DataFrame({column: pl.Series(groups, dtype=frame[column].dtype)}).with_row_index(GROUP)
    frame = frame.join(numbers, on=column, how="left", nulls_equal=True, maintain_order="left")
    known = frame.select("user").drop_nulls().unique(maintain_order=True).with_row_index(UNIT)
    frame = frame.join(known, on="user", how="left", maintain_order="left").with_columns(
        pl.col(UNIT).cast(pl.Int64)
    )
    alone = known.height + pl.col(UNIT).is_null().cum_sum() - 1  # a row without a user is its own unit
    frame = frame.with_columns(pl.col(UNIT).fill_null(alone))
    per_user = rate.denominator == "users"
    bottom = pl.col("known_user" if per_user else rate.denominator).cast(pl.Float64)
    top = pl.col(rate.numerator).cast(pl.Float64) * (pl.col("known_user") if per_user else 1)
    return GroupSums(
        frame[GROUP].to_numpy().astype(np.int64),
        frame[UNIT].to_numpy(),
        frame.select(top).to_series().to_numpy() * rate.scale,
        frame.select(bottom).to_series().to_numpy(),
    )


def _row(one: _Judged, p_adjusted: float, verdict: Verdict) -> Row:
    found = one.gap or NO_GAP
    return {name: one.row.get(name) for name in FAIRNESS_COLUMNS} | {
        "group": one.group,
        "rest": found.rest,
        "difference": found.difference,
        "difference_low": found.interval.low,
        "difference_high": found.interval.high,
        "p_value": found.p_value,
        "p_adjusted": p_adjusted,
        "verdict": verdict.verdict,
        "reason": verdict.sentence or verdict.reason,
    }


def _verdict(
    one: _Judged, p_adjusted: float, made: int, smallest_effect: float, confidence: float
) -> Verdict:
    found, metric = one.gap, one.rate.metric
    why = str(one.row["reason"])
    if found is None or math.isnan(p_adjusted):
        varies = "too little came to one side to see how much it varies"
        return decide(
            math.nan, NO_INTERVAL, caution=why or (varies if found else "there is nothing to compare it with")
        )
    kind = METRIC_KINDS.get(metric, "number")
    verdict = decide(
        found.difference,
        found.interval,
        confidence=confidence,
        p_value=p_adjusted,
        comparisons=made,
        smallest_effect=smallest_effect * abs(found.rest),
        lower_is_better=metric in LOWER_IS_BETTER,
        kind=kind,
    )
    of_all = f"{abs(found.difference / found.rest):.0%} " if found.rest > 0 else ""
    against = " against ".join(
        plain(show(value, kind)) for value in (found.rest + found.difference, found.rest)
    )
    sentence = (
        f"The {metric} of {one.group} is {of_all}{'higher' if found.difference > 0 else 'lower'} than that "
        f"of all others ({against}): {verdict.reason}."
        + (f" It is {why}." if why.startswith("rough") else "")
    )
    return verdict._replace(sentence=sentence)


def _largest(rate: Rate, column: str, rows: Sequence[Row]) -> Iterator[Row]:
    """The largest gap between two groups; no interval, as the same figures pick the groups."""
    values = {i: float(str(row["value"])) for i, row in enumerate(rows) if row["value"] is not None}
    if len(values) < 2:
        return
    top, bottom = max(values, key=values.__getitem__), min(values, key=values.__getitem__)
    yield dict.fromkeys(FAIRNESS_COLUMNS) | {
        "metric": rate.metric,
        "group": f"{column}: largest gap",
        "value": values[top] - values[bottom],
        "definition": f"largest less smallest {rate.metric} of the groups shown",
        "verdict": "",
        "reason": f"{column}={rows[top][column]} is highest, {column}={rows[bottom][column]} lowest",
    }
