"""Simulate what the shop's advertising left: auctions, a year's spend by week, and its customers' orders.

    python advertising.py --out out/raw --seed 7

Writes auctions.csv.gz and auctions_later.csv.gz (runs of 1,000 with a budget each), spend.csv (what campaigns
cost and brought by week), orders.csv.gz, and advertising.json, the truth that no method sees.
"""

from __future__ import annotations

import argparse
import datetime as dt
import json
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

START = dt.datetime(2024, 3, 4, tzinfo=dt.UTC)  # a Monday
AUCTIONS, CUSTOMERS, WEEKS, WEEKS_AFTER = 10_000, 2_000, 40, 8
CAMPAIGNS = {  # most conversions a day, the spend that brings half of them, what is spent on average
    "search": (60.0, 150.0, 100.0),
    "social": (25.0, 60.0, 120.0),
    "display": (12.0, 100.0, 80.0),
}


def main() -> None:
    """Write everything."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--seed", type=int, default=7)
    options = parser.parse_args()
    rng = np.random.default_rng(options.seed)
    for name in ("auctions", "auctions_later"):
        auctions(rng).write_csv(options.out / f"{name}.csv.gz", compression="gzip")
    spend(rng).write_csv(options.out / "spend.csv")
    orders, truth = customers(rng)
    orders.write_csv(options.out / "orders.csv.gz", compression="gzip")
    text = json.dumps({"customers": truth, "campaigns": CAMPAIGNS}, indent=1) + "\n"
    (options.out / "advertising.json").write_text(text, encoding="utf-8")


def auctions(rng: np.random.Generator) -> pl.DataFrame:
    """Dearer where clicks are likelier, and towards the end of each run."""
    pctr = rng.beta(1.5, 60, AUCTIONS)
    late = np.arange(AUCTIONS) % 1_000 / 1_000
    price = rng.lognormal(0, 0.7, AUCTIONS) * (pctr / 0.025) ** 0.5 * (0.8 + 0.4 * late)
    clicks = (rng.random(AUCTIONS) < pctr).astype(int)
    return pl.DataFrame({"market_price": price.round(4), "pctr": pctr.round(6), "click": clicks})


def conversions(campaign: str, spend: NDArray[np.float64]) -> NDArray[np.float64]:
    """What a day's spend brings on average."""
    most, half, _ = CAMPAIGNS[campaign]
    return most * spend / (spend + half)


def spend(rng: np.random.Generator) -> pl.DataFrame:
    """52 weeks; each campaign's budget changes by itself every other week."""
    rows = []
    for name, (_, _, usual) in CAMPAIGNS.items():
        daily = np.repeat(usual * rng.lognormal(-0.1, 0.45, 26), 2)
        came = rng.poisson(7 * conversions(name, daily))
        for week, (cost, count) in enumerate(zip((7 * daily).round(2), came, strict=True)):
            day = START.date() - dt.timedelta(weeks=52 - week)
            rows.append((day, name, float(cost), int(count)))
    return pl.DataFrame(rows, schema=["date", "campaign_id", "cost", "conversions"], orient="row")


def customers(rng: np.random.Generator) -> tuple[pl.DataFrame, dict[str, Any]]:
    """Orders of customers, each at an own rate until leaving, which may be after any order but the first."""
    rows, active, after = [], 0, 0
    for number in range(CUSTOMERS):
        rate, leaves, is_there = rng.gamma(0.8, 1 / 6), rng.beta(1, 4), True
        at = first = rng.uniform(0, 10)
        while at < WEEKS + WEEKS_AFTER:
            rows.append(
                (START + dt.timedelta(weeks=at), f"c{number}", "purchase", round(rng.gamma(4, 10), 2))
            )
            after += at >= WEEKS
            if at > first and rng.random() < leaves:
                is_there = at >= WEEKS
                break
            at += rng.exponential(1 / rate)
        active += is_there
    frame = pl.DataFrame(rows, schema=["event_time", "user_id", "event_type", "revenue"], orient="row")
    return frame.sort("event_time"), {"active": active, "orders_after": int(after)}


if __name__ == "__main__":
    main()
