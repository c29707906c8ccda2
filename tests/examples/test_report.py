"""The simulated account: its two exports say the same every time, and rates are those of what it counted."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest

from adcli.evaluate.rates.table import rate_table
from adcli.tables.read import open_table

ACCOUNT = Path(__file__).resolve().parents[2] / "examples" / "report" / "account.py"


def simulate(folder: Path, seed: int = 7) -> Path:
    command = [sys.executable, str(ACCOUNT), "--out", str(folder), "--seed", str(seed)]
    subprocess.run(command, check=True, timeout=60)
    return folder


@pytest.fixture(scope="module")
def account(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return simulate(tmp_path_factory.mktemp("account"))


def read(path: Path) -> tuple[pl.DataFrame, int]:
    stream = open_table([str(path)], tables=["impressions", "report", "events"])
    frame = pl.concat([batch.frame for batch in stream.batches()])
    return frame, stream.rows_rejected


def test_the_same_seed_gives_the_same_bytes(account: Path, tmp_path: Path) -> None:
    again = simulate(tmp_path)
    for name in ("google.csv", "meta.csv", "truth.json"):
        assert (account / name).read_bytes() == (again / name).read_bytes()


@pytest.mark.parametrize(("export", "totals"), [("google", 2), ("meta", 28)])
def test_every_rate_is_that_of_the_account(account: Path, export: str, totals: int) -> None:
    truth = json.loads((account / "truth.json").read_text(encoding="utf-8"))[export]
    frame, rejected = read(account / f"{export}.csv")
    assert rejected == totals
    table = rate_table(frame)
    for metric, top, bottom, scale in (
        ("ctr", "clicks", "impressions", 1),
        ("cvr", "conversions", "clicks", 1),
        ("cpc", "cost", "clicks", 1),
        ("cpm", "cost", "impressions", 1000),
        ("roas", "revenue", "cost", 1),
    ):
        row = table.filter(pl.col("metric") == metric).row(0, named=True)
        assert row["value"] == pytest.approx(scale * truth[top] / truth[bottom], rel=1e-12)
        assert row["ci_low"] < row["value"] < row["ci_high"]
        assert row["users"] is None


def test_intervals_are_wider_than_counts_alone_would_make_them(account: Path) -> None:
    frame, _ = read(account / "google.csv")
    row = rate_table(frame, metrics=["ctr"]).row(0, named=True)
    of_counts = 2 * 1.96 * (row["value"] * (1 - row["value"]) / row["denominator"]) ** 0.5
    assert row["ci_high"] - row["ci_low"] > 3 * of_counts
    assert "clustered by ad and day, which vary more than counts do" in row["definition"]
