"""The days of each campaign in a report: what was spent, what it brought, and what moves demand."""

from __future__ import annotations

from datetime import date
from itertools import pairwise
from typing import NamedTuple

import numpy as np
import polars as pl

from adcli.arrays import Floats
from adcli.errors import DataError, printable
from adcli.numbers import counted

FEWEST_PERIODS = 20
_WEEK = 7
_WAVE = 45  # days, at least, from crest to trough of what counts as season
_SPREAD = 0.5  # of weekdays' and the longest wave's log demand


class Days(NamedTuple):
    """A report by campaign and period."""

    dates: list[date]  # (t,) the first day of each period
    length: int  # of a period, in days: 1 or 7
    spend: dict[str, Floats]  # by campaign, (t,) each
    value: dict[str, Floats]  # by campaign, (t,) each
    said: list[str]  # what was decided about the rows, one sentence each


class Demand(NamedTuple):
    """What moves demand: columns (t, p), the first 1; precision (p,) of their coefficients around 0."""

    waves: Floats
    precision: Floats


def days_of(report: pl.DataFrame, objective: str) -> Days:
    """The report by campaign and period; a campaign without a row in a period spent nothing then.

    `report`: rows with `date campaign_id cost` and the objective, `conversions` or `revenue`. Raises
    DataError if periods are neither days nor weeks, a sum is negative, or there is one campaign only.
    """
    amounts = [pl.col(name).cast(pl.Float64).fill_null(0.0) for name in ("cost", objective)]
    rows = report.filter(pl.col("date").is_not_null(), pl.col("campaign_id").is_not_null())
    table = (
        rows.select(pl.col("date").cast(pl.Date), "campaign_id", *amounts)
        .group_by("campaign_id", "date")
        .sum()
        .sort("campaign_id", "date")
    )
    _refuse_negative(table, objective)
    names = table["campaign_id"].unique().sort().to_list()
    if len(names) < 2:
        only = f", '{printable(names[0])}'" if names else ""
        raise DataError(
            f"Spend is moved between campaigns, and the report has {counted(len(names), 'campaign')}{only}."
        )
    dates = table["date"].unique().sort().to_list()
    said = []
    if rows.height < report.height:
        said.append(f"{counted(report.height - rows.height, 'row')} without a date or campaign left out")
    length = _length(dates, said)
    return Days(
        dates, length, _by_campaign(table, "cost", dates), _by_campaign(table, objective, dates), said
    )


def _by_campaign(table: pl.DataFrame, column: str, dates: list[date]) -> dict[str, Floats]:
    """A campaign's amounts on each of the dates, 0 where it has no row."""
    days = pl.DataFrame({"date": dates})
    return {
        str(name): days.join(rows, on="date", how="left", maintain_order="left")[column]
        .fill_null(0.0)
        .to_numpy()
        for (name,), rows in table.group_by("campaign_id", maintain_order=True)
    }


def _refuse_negative(table: pl.DataFrame, objective: str) -> None:
    for name in ("cost", objective):
        below = table.filter(pl.col(name) < 0)
        if below.height:
            campaign, day = below.row(0)[:2]
            raise DataError(
                f"The {name} of campaign '{printable(campaign)}' on {day} is {below[name][0]:g}, below zero.",
                fix="Take corrections back to the day that they correct.",
            )


def _length(dates: list[date], said: list[str]) -> int:
    """The days from one period to the next: 1 or 7."""
    gaps = np.array([(after - before).days for before, after in pairwise(dates)] or [1])
    length = int(np.bincount(gaps).argmax())
    if length not in (1, _WEEK) or (gaps % length).any():
        raise DataError(f"The report's dates are {length} days apart.", fix="Export it by day, or by week.")
    if missing := int((gaps // length - 1).sum()):
        period = counted(missing, "day" if length == 1 else "week")
        said.append(f"{period} between {dates[0]} and {dates[-1]} in no row, left out")
    return length


def demand_waves(dates: list[date], length: int) -> Demand:
    """Weekdays and slow waves over the report's time: cosines whose half waves take 45 days or more."""
    elapsed = np.array([(day - dates[0]).days for day in dates], dtype=np.float64)
    span = elapsed[-1] + length
    orders = np.arange(1, max(1, int(span / _WAVE)) + 1)
    waves = np.cos(np.pi * orders * (elapsed[:, None] + length / 2) / span)
    weekday = np.array([day.weekday() for day in dates])[:, None] == np.arange(_WEEK)
    weekdays = weekday - 1 / _WEEK if length == 1 else np.empty((elapsed.size, 0))
    columns = np.hstack([np.ones((elapsed.size, 1)), weekdays, waves])
    precision = np.concatenate([[0.0], np.full(weekdays.shape[1], _SPREAD**-2), (orders / _SPREAD) ** 2])
    return Demand(columns, precision)
