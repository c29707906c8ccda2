"""Who will come back: what each customer is expected to buy, and how such forecasts fared so far."""

from __future__ import annotations

from datetime import date, timedelta
from typing import NamedTuple

import numpy as np
import polars as pl

from adcli.errors import DataError
from adcli.numbers import counted
from adcli.optimize.purchase_models import (
    BgNbd,
    GammaGamma,
    History,
    Numbers,
    fit_bg_nbd,
    fit_gamma_gamma,
)

MODEL = "bg-nbd"
FEWEST_CUSTOMERS = 30


class Backtest(NamedTuple):
    """A forecast beside what came.

    Attributes:
        days: After the cutoff, that the log goes on for.
        expected: Purchases, of all customers.
        observed: Purchases, of all customers.
        errors: The mean absolute error of a customer's purchases by the model, by the customer's own rate so
            far (`own rate`) and by the same number for all (`same for all`).
    """

    days: int
    expected: float
    observed: int
    errors: dict[str, float]


class Forecast(NamedTuple):
    """Customers with what they are expected to do, the models behind it, and their backtest."""

    customers: pl.DataFrame
    purchases: BgNbd
    values: GammaGamma | None
    backtest: Backtest | None


def forecast_customers(sales: pl.DataFrame, *, days: int, cutoff: date | None = None) -> Forecast:
    """What each customer will buy in the days after the log, or after a cutoff.

    The customers have the columns `user_id p_active expected_purchases expected_value model`, those of the
    greatest value first. Purchases on one day are one.

    Args:
        sales: Events whose purchases are sales (`settle_sales`): `event_time user_id event_type sold_for`.
        days: How far the forecast reaches.
        cutoff: The first day that is not seen; what comes from it on is for the backtest.

    Raises:
        DataError: If there are too few customers before the cutoff, or none came back.
    """
    bought = _purchase_days(sales)
    if bought.is_empty():
        raise DataError("The events have no purchases, so there is nothing to forecast from.")
    last: date = bought["day"].max()  # type: ignore[assignment]
    end = cutoff - timedelta(days=1) if cutoff else last
    before = bought.filter(pl.col("day") <= end)
    customers = _histories(before, end)
    if customers.height < FEWEST_CUSTOMERS:
        when = f" before {cutoff}" if cutoff else ""
        raise DataError(
            f"{counted(customers.height, 'customer')} bought something{when}; a forecast needs at least "
            f"{FEWEST_CUSTOMERS}."
        )
    seen = _history(customers)
    model = fit_bg_nbd(seen)
    expected = model.expected_purchases(seen, days / 7)
    values = _value_model(customers)
    worth = _worth(values, customers)
    found = customers.select("user_id").with_columns(
        p_active=model.p_active(seen),
        expected_purchases=expected,
        expected_value=pl.Series(expected * worth).fill_nan(None),
        model=pl.lit(MODEL),
    )
    order = ["expected_value", "expected_purchases"]
    ordered = found.sort(*order, descending=True, nulls_last=True, maintain_order=True)
    left = min(days, (last - end).days)
    backtest = _backtest(model, customers, bought, end, left) if left > 0 else None
    return Forecast(ordered, model, values, backtest)


def _purchase_days(sales: pl.DataFrame) -> pl.DataFrame:
    """`user_id day value`: what a customer bought on a day, value null where no amount is known."""
    value = pl.col("sold_for").cast(pl.Float64) if "sold_for" in sales.columns else pl.lit(None, pl.Float64)
    return (
        sales.filter(pl.col("event_type").cast(pl.String) == "purchase", pl.col("user_id").is_not_null())
        .select("user_id", value.alias("value"), day=pl.col("event_time").dt.date())
        .group_by("user_id", "day")
        .agg(pl.when(pl.col("value").count() > 0).then(pl.col("value").sum()).alias("value"))
        .sort("user_id", "day")
    )


def _histories(bought: pl.DataFrame, end: date) -> pl.DataFrame:
    """One row per customer: `user_id repeats recency age mean_value`, times in weeks."""
    first, last = pl.col("day").min(), pl.col("day").max()
    again = pl.col("value").filter(pl.col("day") > first)
    return bought.group_by("user_id", maintain_order=True).agg(
        repeats=(pl.len() - 1).cast(pl.Float64),
        recency=(last - first).dt.total_days() / 7,
        age=(pl.lit(end) - first).dt.total_days() / 7,
        mean_value=again.mean(),
    )


def _history(customers: pl.DataFrame) -> History:
    return History(*(customers[name].to_numpy() for name in History._fields))


def _value_model(customers: pl.DataFrame) -> GammaGamma | None:
    """Of customers whose repeated purchases were worth something; None where they are too few."""
    known = customers.filter(pl.col("mean_value") > 0)
    if known.height < FEWEST_CUSTOMERS:
        return None
    return fit_gamma_gamma(known["repeats"].to_numpy(), known["mean_value"].to_numpy())


def _worth(values: GammaGamma | None, customers: pl.DataFrame) -> Numbers:
    """What a purchase of each customer is expected to be worth; NaN without a model."""
    if values is None:
        return np.full(customers.height, np.nan)
    mean = customers["mean_value"].fill_null(0.0).to_numpy()
    repeats = np.where(mean > 0, customers["repeats"].to_numpy(), 0.0)
    return values.expected_value(repeats, mean)


def _backtest(model: BgNbd, customers: pl.DataFrame, bought: pl.DataFrame, end: date, days: int) -> Backtest:
    """The purchases of the customers known at the end of what was seen, in the days after it."""
    in_time = (pl.col("day") > end) & (pl.col("day") <= end + timedelta(days=days))
    came = bought.filter(in_time).group_by("user_id").len("purchases")
    joined = customers.join(came, on="user_id", how="left", maintain_order="left")
    observed = joined["purchases"].fill_null(0).to_numpy().astype(np.float64)
    seen = _history(customers)
    expected = model.expected_purchases(seen, days / 7)
    own_rate = seen.repeats / np.maximum(seen.age, 1 / 7) * days / 7
    all_alike = np.full(observed.size, own_rate.mean())
    forecasts = {MODEL: expected, "own rate": own_rate, "same for all": all_alike}
    errors = {name: float(np.abs(one - observed).mean()) for name, one in forecasts.items()}
    return Backtest(days, float(expected.sum()), int(observed.sum()), errors)
