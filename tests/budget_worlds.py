"""Markets whose response to spend is known, as reports by day or week, for tests of budgets."""

from datetime import date, timedelta
from typing import NamedTuple

import numpy as np
import polars as pl

from adcli.optimize.budget.response import carried_over

DAYS = 364


class Market(NamedTuple):
    """Campaigns whose value of a day is demand x (base + top x saturation of the spend carried over)."""

    usual: np.ndarray  # (c,) mean spend a day
    base: np.ndarray
    top: np.ndarray
    half: np.ndarray
    steepness: np.ndarray
    carry_over: np.ndarray

    def value(self, spend):
        """What carried-over spends (..., c) bring a day at mean demand."""
        raised = np.maximum(spend, 1e-12) ** self.steepness
        return self.base + self.top * raised / (raised + self.half**self.steepness)

    def gained(self, before, planned, now, days=28):
        """What spends (c,) a day for some days bring above `now`, after days of spend (t, c), at demand 1."""
        paths = [
            np.concatenate([before, np.tile(spend, (days, 1)), np.tile(now, (60, 1))])
            for spend in (planned, now)
        ]
        total = []
        for path in paths:
            columns = [
                carried_over(spend, kept)[0]
                for spend, kept in zip(path.T, self.carry_over[:, None], strict=True)
            ]
            total.append(self.value(np.column_stack(columns))[len(before) :].sum())
        return total[0] - total[1]

    def best(self, total):
        """The steady spends (c,) of a total a day that bring most, by giving it away in small parts.

        Only for curves that are concave.
        """
        part, spend = total / 4_000, np.zeros(self.usual.size)
        for _ in range(4_000):
            more = self.value(spend + part) - self.value(spend)
            spend[more.argmax()] += part
        return spend


def market(rng, campaigns=4, *, steepness=1.0):
    usual = rng.uniform(50, 400, campaigns)
    worth = rng.uniform(0.02, 0.2, campaigns)  # conversions a unit of spend
    half = usual * rng.lognormal(0.2, 0.7, campaigns)
    top = worth * (usual + half)
    return Market(
        usual,
        base=worth * usual * rng.uniform(0, 1, campaigns),
        top=top,
        half=half,
        steepness=np.full(campaigns, steepness),
        carry_over=rng.uniform(0, 0.7, campaigns),
    )


def demand_of(rng, days=DAYS):
    """A season and weekdays, around 1."""
    at = np.arange(days)
    season = np.exp(0.2 * np.sin(2 * np.pi * at / 365 + rng.uniform(0, 6)))
    return season * np.exp(rng.normal(0, 0.1, 7))[at % 7]


def report_of(world, rng, *, demand=None, weekly=False, varied=0.5, held=14, follows_demand=0.0):
    """52 weeks of daily or weekly rows; spend changes by itself every `held` days, its log by `varied`."""
    demand = demand_of(rng) if demand is None else demand
    names = [f"c{number}" for number in range(world.usual.size)]
    at = np.arange(DAYS)
    rows = []
    for number, name in enumerate(names):
        level = np.exp(rng.normal(0, varied, -(-DAYS // held)) - varied**2 / 2)
        spend = world.usual[number] * np.repeat(level, held)[:DAYS] * demand**follows_demand
        carried = carried_over(spend, np.array([world.carry_over[number]]))[0]
        every = np.tile(world.usual, (DAYS, 1))
        every[:, number] = carried
        mean = world.value(every)[:, number] * demand
        conversions = rng.poisson(mean * rng.gamma(50, 1 / 50, DAYS))
        rows.append(
            pl.DataFrame(
                {
                    "date": [date(2025, 1, 6) + timedelta(days=int(day)) for day in at],
                    "campaign_id": name,
                    "cost": spend.round(2),
                    "conversions": conversions,
                    "revenue": conversions * 20.0,
                }
            )
        )
    table = pl.concat(rows)
    return by_week(table) if weekly else table


def by_week(table):
    weeks = table.with_columns(pl.col("date").dt.truncate("1w"))
    return weeks.group_by("date", "campaign_id", maintain_order=True).sum()
