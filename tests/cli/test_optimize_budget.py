"""`adcli optimize budget` as a user runs it."""

import json

import numpy as np
import polars as pl
import pytest
from budget_worlds import market, report_of

COLUMNS = ["campaign_id", "spend_now", "spend_planned", "value_now", "value_planned", "gain", "gain_low",
           "gain_high", "verdict", "reason"]  # fmt: skip


@pytest.fixture
def report(tmp_path):
    rng = np.random.default_rng(5)
    frame = report_of(market(rng, 3), rng, weekly=True)
    frame.drop("revenue").write_csv(tmp_path / "report.csv")
    return frame


def test_a_plan_with_its_page_and_plots(adcli, report, tmp_path):
    total = float(report["cost"].sum()) / 13
    (tmp_path / "rules.toml").write_text("[campaigns.c2]\nfixed = true\n")
    asked = (
        "--total",
        total,
        "--days",
        28,
        "--constraints",
        "rules.toml",
        "--report",
        "b.html",
        "--plots",
        "p",
    )
    done = adcli("optimize", "budget", "report.csv", *asked, "-o", "plan.csv")
    assert done.returncode == 0, done.said
    assert "Gets more:" in done.said
    plan = pl.read_csv(tmp_path / "plan.csv")
    assert plan.columns == COLUMNS
    assert plan["spend_planned"].sum() == pytest.approx(total, abs=0.02)
    facts = json.loads((tmp_path / "plan.csv.meta.json").read_text())["budget"]
    low, high = facts["gain_interval"]
    assert low < facts["gain"] < high
    page = (tmp_path / "b.html").read_text()
    assert "lift test" in page
    assert len(list((tmp_path / "p").glob("response_*.svg"))) == 3


def test_a_test_of_evaluate_ab_calibrates(adcli, report, tmp_path):
    rng = np.random.default_rng(0)
    rows = [("c1", rng.poisson(1.25)) for _ in range(4_000)] + [
        ("none", rng.poisson(1)) for _ in range(4_000)
    ]
    pl.DataFrame(rows, schema=["variant", "conversions"], orient="row").write_csv(tmp_path / "units.csv")
    tested = adcli(
        "evaluate", "ab", "units.csv", "--metric", "conversions", "--control", "none", "-o", "lift.parquet"
    )
    assert tested.returncode == 0, tested.said
    asked = ("report.csv", "--total", 10_000, "--days", 14)
    done = adcli("optimize", "budget", *asked, "--lift", "lift.parquet", "-o", "plan.csv")
    assert done.returncode == 0, done.said
    lifts = json.loads((tmp_path / "plan.csv.meta.json").read_text())["budget"]["lifts"]
    assert lifts["c1"]["share"] == pytest.approx(0.2, abs=0.04)
    assert 0.005 < lifts["c1"]["std_error"] < 0.03
    other = adcli("optimize", "budget", *asked, "--lift", "c9=lift.parquet", "-o", "x.csv")
    assert other.returncode == 2
    assert "no campaign 'c9'" in other.said


def test_what_tells_nothing_is_one_sentence(adcli, report, tmp_path):
    report.with_columns(cost=pl.lit(100.0)).write_csv(tmp_path / "flat.csv")
    report.filter(pl.col("campaign_id") == "c0").write_csv(tmp_path / "one.csv")
    report.drop("conversions").write_csv(tmp_path / "blind.csv")
    for name, said in (("flat", "never varied"), ("one", "1 campaign"), ("blind", "conversions")):
        done = adcli("optimize", "budget", f"{name}.csv", "--total", 1_000, "--days", 28, "-o", "x.csv")
        assert done.returncode == 3, done.said
        assert said in done.said
    assert adcli("optimize", "budget", "report.csv", "--total", -1, "-o", "x.csv").returncode == 2
    assert not list(tmp_path.glob("x.csv*"))
