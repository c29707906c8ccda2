"""`adcli optimize forecast` as a user runs it."""

import json
from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl


def test_customers_with_their_forecast_and_what_came(adcli, tmp_path):
    rng = np.random.default_rng(0)
    start, rows = datetime(2025, 1, 1, tzinfo=UTC), []
    for user in range(400):
        rate = rng.gamma(0.8, 0.2)
        at = rng.uniform(0, 3)
        while at < 40:
            rows.append((start + timedelta(weeks=at), f"u{user}", "purchase", rng.gamma(4, 10)))
            at += rng.exponential(1 / rate)
    schema = ["event_time", "user_id", "event_type", "revenue"]
    pl.DataFrame(rows, schema=schema, orient="row").write_parquet(tmp_path / "events.parquet")
    done = adcli(
        *("optimize", "forecast", "events.parquet", "--cutoff", "2025-07-01", "--days", "60"),
        *("-o", "customers.parquet"),
    )
    assert done.returncode == 0, done.said
    assert "purchases were expected" in done.said
    found = pl.read_parquet(tmp_path / "customers.parquet")
    assert found.columns == ["user_id", "p_active", "expected_purchases", "expected_value", "model"]
    assert found["p_active"].is_between(0, 1).all()
    assert found["expected_value"].is_sorted(descending=True)
    assert (
        json.loads((tmp_path / "customers.parquet.meta.json").read_text())["forecast"]["backtest"]["days"]
        == 60
    )


def test_events_without_purchases_are_one_sentence(adcli, tmp_path):
    (tmp_path / "views.csv").write_text("event_time,user_id,event_type\n2025-01-01,u,view\n")
    done = adcli("optimize", "forecast", "views.csv", "-o", "x.parquet")
    assert done.returncode == 3
    assert "no purchases" in done.said
    assert not (tmp_path / "x.parquet").exists()
