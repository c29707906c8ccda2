"""LightGBM upon BG/NBD: taken where it forecasts better out of time, and only there."""

from datetime import UTC, date, datetime, timedelta

import numpy as np
import polars as pl
from test_forecast import simulated

from adcli.optimize.forecast import forecast_customers
from adcli.optimize.forecast_page import at_stake, forecast_page

START = datetime(2025, 1, 1, tzinfo=UTC)


def shop(customers=2_500, weeks=52, seed=0):
    """Customers come and leave at any time; as long as they are there they look at products."""
    rng = np.random.default_rng(seed)
    rows = []
    for number in range(customers):
        first = rng.uniform(0, weeks - 2)
        until = min(first + rng.exponential(20), weeks)
        for kind, rate in (("purchase", rng.gamma(2, 0.04)), ("view", 0.5)):
            for at in rng.uniform(first, until, rng.poisson(rate * (until - first))):
                rows.append((f"u{number}", kind, START + timedelta(weeks=at), 10.0))
    return pl.DataFrame(rows, schema=["user_id", "event_type", "event_time", "sold_for"], orient="row")


def test_trees_are_taken_where_other_events_tell_who_comes_back():
    cutoff = date(2025, 10, 1)
    found = forecast_customers(shop(), days=60, cutoff=cutoff)
    assert found.choice.model == "lightgbm"
    assert set(found.customers["model"]) == {"lightgbm"}
    assert found.backtest.errors["forecast"] < found.backtest.errors["bg-nbd"]
    highest, lowest = found.backtest.calibration[-1], found.backtest.calibration[0]
    assert abs(highest["expected"] / highest["observed"] - 1) < 0.25
    assert lowest["observed"] < highest["observed"] / 4


def test_trees_take_nothing_from_customers_of_the_model():
    """Where BG/NBD is the truth, whichever is chosen is as good."""
    events, _ = simulated(3_000, 60, seed=4)
    found = forecast_customers(events, days=60, cutoff=(START + timedelta(weeks=50)).date())
    assert found.choice is not None
    assert found.backtest.errors["forecast"] < found.backtest.errors["bg-nbd"] * 1.03


def test_a_forecast_does_not_see_what_comes_after_the_cutoff():
    events, cutoff = shop(600), date(2025, 9, 1)
    whole = forecast_customers(events, days=60, cutoff=cutoff).customers
    before = events.filter(pl.col("event_time").dt.date() < cutoff)
    alone = forecast_customers(before, days=60, cutoff=cutoff).customers
    assert alone.equals(whole)


def test_the_page_shows_who_is_worth_keeping():
    found = forecast_customers(shop(600), days=60)
    keep = at_stake(found.customers)
    first = keep.row(0, named=True)
    if_active = first["expected_value"] / first["p_active"]
    assert first["at_stake"] == if_active - first["expected_value"]
    assert keep["at_stake"].is_sorted(descending=True)
    assert keep["p_active"][:20].mean() < found.customers["p_active"].mean()
    html = forecast_page(found, days=60).html()
    assert "Worth keeping" in html
    assert first["user_id"] in html
