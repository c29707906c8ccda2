"""Forecasts of purchases: the published fit on CDNOW, and customers simulated from the model itself."""

from datetime import UTC, date, datetime, timedelta

import numpy as np
import polars as pl
import pytest

from adcli.errors import DataError
from adcli.optimize.forecast import forecast_customers
from adcli.optimize.purchase_models import GammaGamma, fit_gamma_gamma

START = datetime(2025, 1, 1, tzinfo=UTC)


def cdnow(folder):
    rows = [line.split() for line in (folder / "behaviour/cdnow_sample.txt").read_text().splitlines()]
    return pl.DataFrame(
        {
            "user_id": [row[0] for row in rows],
            "event_time": [datetime.strptime(row[2], "%Y%m%d").replace(tzinfo=UTC) for row in rows],
            "event_type": ["purchase"] * len(rows),
            "sold_for": [float(row[4]) for row in rows],
        }
    )


def simulated(customers, weeks, seed, *, r=0.5, alpha=5.0, a=0.8, b=2.5):
    """Purchases of BG/NBD customers, all of whom first buy in the first weeks, and who is active when."""
    rng = np.random.default_rng(seed)
    rows, left_at = [], {}
    for number in range(customers):
        user, rate, leaves = f"u{number}", rng.gamma(r, 1 / alpha), rng.beta(a, b)
        at = rng.uniform(0, 4)
        rows.append((user, at))
        while True:
            at += rng.exponential(1 / rate)
            if at > weeks:
                break
            rows.append((user, at))
            if rng.random() < leaves:
                left_at[user] = at
                break
    frame = pl.DataFrame(rows, schema=["user_id", "weeks"], orient="row").with_columns(
        event_time=pl.Series([START + timedelta(weeks=week) for _, week in rows]),
        event_type=pl.lit("purchase"),
        sold_for=pl.lit(10.0),
    )
    return frame, left_at


def test_cdnow_is_fitted_as_published_and_forecast_better_than_by_own_rates(shared_data):
    found = forecast_customers(cdnow(shared_data), days=273, cutoff=date(1997, 10, 1))
    assert found.purchases == pytest.approx((0.243, 4.414, 0.793, 2.426), abs=0.0006)
    assert found.backtest.errors["bg-nbd"] < min(
        found.backtest.errors["own rate"], found.backtest.errors["same for all"]
    )
    assert found.backtest.days == 273
    assert found.customers.height == 2_357


def test_customers_of_the_model_buy_and_stay_as_forecast():
    events, left_at = simulated(4_000, 80, seed=1)
    cutoff = (START + timedelta(weeks=40)).date()
    found = forecast_customers(events, days=280, cutoff=cutoff)
    assert found.backtest.expected == pytest.approx(found.backtest.observed, rel=0.1)
    customers = found.customers.with_columns(
        is_active=pl.col("user_id").map_elements(lambda user: left_at.get(user, 99.0) > 40, pl.Boolean)
    )
    for low in (0.2, 0.4, 0.6, 0.8):
        part = customers.filter(pl.col("p_active").is_between(low, low + 0.2))
        if part.height >= 100:
            assert part["is_active"].mean() == pytest.approx(part["p_active"].mean(), abs=0.1)


def test_gamma_gamma_recovers_what_customers_spend():
    rng = np.random.default_rng(0)
    truth = GammaGamma(6.0, 4.0, 15.0)
    scale = rng.gamma(truth.q, 1 / truth.v, 8_000)
    repeats = rng.integers(1, 6, 8_000).astype(float)
    means = rng.gamma(truth.p * repeats, 1 / (scale * repeats))
    fitted = fit_gamma_gamma(repeats, means)
    wanted = truth.expected_value(repeats, means)
    assert fitted.expected_value(repeats, means) == pytest.approx(wanted, rel=0.05)


def test_values_do_not_depend_on_the_last_digit_of_an_amount():
    """Where customers hardly differ, the likelihood is a ridge, on which a rough search stops anywhere."""
    chance = np.random.default_rng(0)
    repeats = chance.poisson(3, 1500) + 1.0
    mean = np.array([chance.gamma(2, 20, int(times)).mean() for times in repeats])
    found = [
        fit_gamma_gamma(repeats, mean * (1 + 1e-13 * chance.normal(size=mean.size))).expected_value(
            repeats, mean
        )
        for _ in range(5)
    ]
    np.testing.assert_allclose(found, np.broadcast_to(found[0], (5, mean.size)), rtol=1e-5)


def test_what_cannot_be_forecast_is_said():
    events, _ = simulated(200, 30, seed=2)
    with pytest.raises(DataError, match="no purchases"):
        forecast_customers(events.with_columns(event_type=pl.lit("view")), days=30)
    with pytest.raises(DataError, match="0 customers bought something before"):
        forecast_customers(events, days=30, cutoff=date(2024, 1, 1))
    once = events.unique("user_id")
    with pytest.raises(DataError, match="on a second day"):
        forecast_customers(once, days=30)


def test_without_amounts_there_are_purchases_but_no_value():
    events, _ = simulated(500, 30, seed=3)
    found = forecast_customers(events.drop("sold_for"), days=30)
    assert found.values is None
    assert found.customers["expected_value"].null_count() == found.customers.height
    assert found.customers["expected_purchases"].min() >= 0
    assert found.backtest is None
