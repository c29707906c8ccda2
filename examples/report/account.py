"""Simulate an advertising account and export it as two platforms would; the truth lies beside.

    python account.py --out out --seed 7

Days and ads differ in how often they are clicked, as real ones do. `google.csv` has title lines, grouped
numbers, `--` and overlapping totals; `meta.csv` has a row that restates each day, and two kinds of clicks.
"""

from __future__ import annotations

import argparse
import csv
import json
from datetime import date, timedelta
from pathlib import Path
from typing import NamedTuple

import numpy as np

START, DAYS = date(2026, 8, 1), 28
CAMPAIGNS = {"Brand": (0.09, 0.06, 0.8), "Prospecting": (0.012, 0.02, 0.45), "Total Wine": (0.03, 0.04, 0.6)}
ADS = 3


class Row(NamedTuple):
    """One ad on one day."""

    day: str
    campaign: str
    ad: str
    impressions: int
    clicks: int
    cost: float
    conversions: int
    revenue: float


def main() -> None:
    """Write both exports and the truth."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=Path("out"))
    parser.add_argument("--seed", type=int, default=7)
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(options.seed)
    google, meta = simulate(rng), simulate(rng)
    write_google(options.out / "google.csv", google)
    write_meta(options.out / "meta.csv", meta)
    truth = {
        "google": sums(google),
        "meta": sums(meta),
        "click rates": {k: v[0] for k, v in CAMPAIGNS.items()},
    }
    (options.out / "truth.json").write_text(json.dumps(truth, indent=1) + "\n", encoding="utf-8")


def simulate(rng: np.random.Generator) -> list[Row]:
    """Each ad of each campaign on each day; its click rate is the campaign's, as ad and day bend it."""
    ads = {(campaign, ad): rng.normal(0, 0.15) for campaign in CAMPAIGNS for ad in range(ADS)}
    rows = []
    for step in range(DAYS):
        for (campaign, ad), taste in ads.items():
            rate, conversion, price = CAMPAIGNS[campaign]
            impressions = int(rng.poisson(2500))
            clicks = int(rng.binomial(impressions, min(rate * np.exp(taste + rng.normal(0, 0.2)), 0.9)))
            conversions = int(rng.binomial(clicks, conversion))
            cost = round(float(clicks * price * rng.gamma(50, 0.02)), 2)
            revenue = round(float(rng.gamma(4, 15, conversions).sum()), 2)
            day = (START + timedelta(days=step)).isoformat()
            rows.append(
                Row(day, campaign, f"{campaign} {ad + 1}", impressions, clicks, cost, conversions, revenue)
            )
    return rows


def sums(rows: list[Row]) -> dict[str, float]:
    """What the account truly counted."""
    names = ("impressions", "clicks", "cost", "conversions", "revenue")
    return {name: round(sum(getattr(row, name) for row in rows), 2) for name in names}


def write_google(path: Path, rows: list[Row]) -> None:
    """As the web interface of Google Ads downloads an ad report by day."""
    header = ["Day", "Ad status", "Campaign", "Ad name", "Currency code", "Impr.", "Interactions", "CTR",
              "Cost", "Clicks", "Search impr. share", "Conv. value", "Conversions"]  # fmt: skip
    with path.open("w", newline="", encoding="utf-8") as file:
        write = csv.writer(file, lineterminator="\n").writerow
        write(["Ad report"])
        write([f"{START:%b %-d, %Y} - {START + timedelta(days=DAYS - 1):%b %-d, %Y}"])
        write(header)
        for row in rows:
            write(google_cells(row.day, "Enabled", row.campaign, row.ad, row._asdict()))
        for label in ("Total: Ads", "Total: Account"):
            write(google_cells(label, "", "", "", sums(rows)))


def google_cells(first: str, status: str, campaign: str, ad: str, of: dict[str, float]) -> list[str]:
    """One line; counts and values are grouped, costs are not."""
    share = of["clicks"] / of["impressions"]
    return [
        first, status, campaign, ad, "EUR", f"{of['impressions']:,}", f"{of['clicks']:,}", f"{share:.2%}",
        f"{of['cost']:.2f}", f"{of['clicks']:,}", "< 10%" if campaign == "Prospecting" else " --",
        f"{of['revenue']:,.2f}", f"{of['conversions']:,.2f}",
    ]  # fmt: skip


def write_meta(path: Path, rows: list[Row]) -> None:
    """As Meta Ads Manager exports ads by day."""
    header = ["Reporting starts", "Reporting ends", "Campaign name", "Ad name", "Day", "Impressions",
              "Link clicks", "Clicks (all)", "Amount spent (EUR)", "Purchases",
              "Purchases conversion value"]  # fmt: skip
    period = [START.isoformat(), (START + timedelta(days=DAYS - 1)).isoformat()]
    with path.open("w", newline="", encoding="utf-8") as file:
        write = csv.writer(file, lineterminator="\n").writerow
        write(header)
        for day in sorted({row.day for row in rows}):
            of_day = [row for row in rows if row.day == day]
            write([*period, "", "", day, *meta_cells(sums(of_day))])
            for row in of_day:
                write([*period, row.campaign, row.ad, day, *meta_cells(row._asdict())])


def meta_cells(of: dict[str, float]) -> list[str]:
    """The counts of one line; a third of all clicks open no link."""
    clicks = of["clicks"]
    return [f"{of['impressions']}", f"{clicks}", f"{clicks + clicks // 2}", f"{of['cost']:.2f}",
            f"{of['conversions']}", f"{of['revenue']:.2f}"]  # fmt: skip


if __name__ == "__main__":
    main()
