"""Print what adcli makes of each export beside what the account truly counted.

python compare.py --out out
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import polars as pl

RATES = {
    "ctr": ("clicks", "impressions", 1),
    "cvr": ("conversions", "clicks", 1),
    "cpc": ("cost", "clicks", 1),
    "cpm": ("cost", "impressions", 1000),
    "cpa": ("cost", "conversions", 1),
    "roas": ("revenue", "cost", 1),
}


def main() -> None:
    """Print the table, and each campaign's click rate with its interval."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=Path("out"))
    out = parser.parse_args().out
    truth = json.loads((out / "truth.json").read_text(encoding="utf-8"))
    print(f"{'export':8} {'rate':5} {'adcli':>12} {'truth':>12} {'difference':>12}")
    for export in ("google", "meta"):
        found = pl.read_csv(out / f"{export}-rates.csv")
        for metric, (top, bottom, scale) in RATES.items():
            value = found.filter(pl.col("metric") == metric)["value"].item()
            true = scale * truth[export][top] / truth[export][bottom]
            print(f"{export:8} {metric:5} {value:12.6f} {true:12.6f} {value - true:+12.1e}")
    print()
    for export in ("google", "meta"):
        by = pl.read_csv(out / f"{export}-campaigns.csv")
        for row in by.iter_rows(named=True):
            interval = f"{row['ci_low']:.4f} to {row['ci_high']:.4f}"
            print(f"{export:8} {row['campaign_id']:12} {interval}   {row['value']:.4f}")


if __name__ == "__main__":
    main()
