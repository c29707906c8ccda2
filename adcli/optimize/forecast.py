"""Who will come back: what each customer is expected to buy, and how such forecasts fared so far."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import NamedTuple

import numpy as np
import polars as pl

from adcli.arrays import Floats
from adcli.behaviour.features import COUNTS, RECENT, SOLD, features
from adcli.errors import DataError
from adcli.numbers import counted
from adcli.optimize.purchase_models import (
    BgNbd,
    GammaGamma,
    History,
    PurchaseTrees,
    fit_bg_nbd,
    fit_gamma_gamma,
    poisson_deviance,
)

MODEL = "bg-nbd"
TREES = "lightgbm"
FEWEST_CUSTOMERS = 30
FEWEST_FOR_TREES = 300  # customers at the time that trees are first fitted at
SHORTEST = 14  # days that a choice of model rests on
TENTHS = 10
TREE_FEATURES = (
    *History._fields, "mean_value", "revenue", "quiet", "relative_quiet",
    *(f"{name}_{days}_days" for name in COUNTS if name != "events" for days in RECENT),
    *(f"days_since_{kind}" for kind in COUNTS.values() if kind not in (None, "purchase")),
)  # fmt: skip
FORECAST_COLUMNS = ("user_id", "p_active", "expected_purchases", "expected_value", "model")


class Backtest(NamedTuple):
    """A forecast beside what came."""

    days: int  # after the cutoff, that the log goes on for
    expected: float  # purchases, of all customers
    observed: int  # purchases, of all customers
    # the mean absolute error of a customer's purchases by the model, by the customer's own rate so far (`own
    # rate`) and by the same number for all (`same for all`)
    errors: dict[str, float]
    # tenths of the customers by forecast: `customers expected observed`, means of each
    calibration: list[dict[str, float]]


class Choice(NamedTuple):
    """How the models did in the last days that were seen, each fitted on what came before them."""

    days: int  # how many
    deviance: dict[str, float]  # the mean Poisson deviance of a customer's purchases, by model
    calibration: list[dict[str, float]]  # of the better one; see `Backtest`

    @property
    def model(self) -> str:
        """The better one."""
        return min(self.deviance, key=self.deviance.__getitem__)


class Forecast(NamedTuple):
    """Customers with what they are expected to do, the models behind it, their choice and their backtest."""

    customers: pl.DataFrame
    purchases: BgNbd
    values: GammaGamma | None
    choice: Choice | None
    backtest: Backtest | None


class _Log(NamedTuple):
    """Of customers: `user_id day value` of purchases, and all events at the begin of their days."""

    bought: pl.DataFrame
    events: pl.DataFrame


class _Seen(NamedTuple):
    """Customers as they are known at the end of a day, with BG/NBD fitted to them."""

    # `user_id`, the features of `TREE_FEATURES` and the columns of `History`, `mean_value`
    customers: pl.DataFrame
    history: History  # of the same customers
    model: BgNbd  # BG/NBD
    end: date  # the day

    def expected(self, days: int) -> Floats:
        return self.model.expected_purchases(self.history, days / 7)


def forecast_customers(sales: pl.DataFrame, *, days: int, cutoff: date | None = None) -> Forecast:
    """What each customer will buy in the days after the log, or after a cutoff.

    The customers have the columns `user_id p_active expected_purchases expected_value model`, those of the
    greatest value first. Purchases on one day are one. The model is BG/NBD, or LightGBM upon it where that
    forecast the last days before the cutoff better.

    `sales`: events whose purchases are sales (`settle_sales`): `event_time user_id event_type sold_for`;
    `cutoff`: the first day that is not seen, what comes from it on is for the backtest. Raises DataError if
    there are too few customers before the cutoff, or none came back.
    """
    log = _Log(_purchase_days(sales), _event_days(sales))
    if log.bought.is_empty():
        raise DataError("The events have no purchases, so there is nothing to forecast from.")
    last: date = log.bought["day"].max()  # type: ignore[assignment]
    end = cutoff - timedelta(days=1) if cutoff else last
    customers = _customers(log, end)
    if customers.height < FEWEST_CUSTOMERS:
        when = f" before {cutoff}" if cutoff else ""
        raise DataError(
            f"{counted(customers.height, 'customer')} bought something{when}; a forecast needs at least "
            f"{FEWEST_CUSTOMERS}."
        )
    seen = _fitted(customers, end)
    choice, trees = _chosen(log, end, days)
    values = _value_model(customers)
    left = min(days, (last - end).days)
    found = customers.select("user_id").with_columns(
        p_active=seen.model.p_active(seen.history),
        expected_purchases=_forecast(seen, trees, days),
        model=pl.lit(TREES if trees else MODEL),
    )
    worth = pl.Series(_worth(values, customers)).fill_nan(None)
    found = found.with_columns(expected_value=pl.col("expected_purchases") * worth).select(FORECAST_COLUMNS)
    order = ["expected_value", "expected_purchases"]
    ordered = found.sort(*order, descending=True, nulls_last=True, maintain_order=True)
    backtest = _backtest(log, seen, _forecast(seen, trees, left), left) if left > 0 else None
    return Forecast(ordered, seen.model, values, choice, backtest)


def _chosen(log: _Log, end: date, days: int) -> tuple[Choice | None, PurchaseTrees | None]:
    """How the models did in the last days, and the trees where they did better; None where days are few."""
    first: date = log.bought["day"].min()  # type: ignore[assignment]
    horizon = min(days, ((end - first).days + 1) // 3)
    before, middle = end - timedelta(days=2 * horizon), end - timedelta(days=horizon)
    known = log.bought.filter(pl.col("day") <= before)
    if horizon < SHORTEST or known["user_id"].n_unique() < FEWEST_FOR_TREES:
        return None, None
    if known.height == known["user_id"].n_unique():
        return None, None
    earlier, later = (_fitted(_customers(log, day), day) for day in (before, middle))
    came = _came(log, later, horizon)
    tried = {MODEL: later.expected(horizon), TREES: _forecast(later, _trees(log, earlier, horizon), horizon)}
    deviance = {name: poisson_deviance(expected, came) for name, expected in tried.items()}
    better = min(deviance, key=deviance.__getitem__)
    choice = Choice(horizon, deviance, _calibration(tried[better], came))
    return choice, _trees(log, later, horizon) if better == TREES else None


def _fitted(customers: pl.DataFrame, end: date) -> _Seen:
    history = History(*(customers[name].to_numpy() for name in History._fields))
    return _Seen(customers, history, fit_bg_nbd(history), end)


def _trees(log: _Log, seen: _Seen, days: int) -> PurchaseTrees:
    """Fitted to what came in the days after those seen."""
    return PurchaseTrees(seen.customers.select(TREE_FEATURES), seen.expected(days), _came(log, seen, days))


def _forecast(seen: _Seen, trees: PurchaseTrees | None, days: int) -> Floats:
    expected = seen.expected(days)
    return trees.expected_purchases(seen.customers.select(TREE_FEATURES), expected) if trees else expected


def _event_days(sales: pl.DataFrame) -> pl.DataFrame:
    """What features are made of, as of days; without numbers of orders, so that those of a day are one."""
    sold = [SOLD] if SOLD in sales.columns else []
    day = pl.col("event_time").dt.truncate("1d")
    return sales.select("user_id", day, pl.col("event_type").cast(pl.String), *sold).drop_nulls("user_id")


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


def _customers(log: _Log, end: date) -> pl.DataFrame:
    """One row per customer as known at the end of a day; `repeats recency age mean_value` are in weeks."""
    found = features(log.events, "user_id", at=datetime.combine(end, time(), UTC) + timedelta(days=1))
    last, first = pl.col("days_since_purchase"), pl.col("customer_days")
    again = log.bought.filter(pl.col("day") <= end, pl.col("day") > pl.col("day").min().over("user_id"))
    return (
        found.filter(pl.col("purchases") > 0)
        .join(
            again.group_by("user_id", maintain_order=True).agg(mean_value=pl.col("value").mean()),
            on="user_id",
            how="left",
            maintain_order="left",
        )
        .with_columns(
            repeats=(pl.col("purchases") - 1).cast(pl.Float64),
            recency=(first - last) / 7,
            age=(first - 1) / 7,
        )
        .with_columns(quiet=pl.col("age") - pl.col("recency"))
        .with_columns(relative_quiet=pl.col("quiet") * pl.col("repeats") / (pl.col("recency") + 1))
    )


def _value_model(customers: pl.DataFrame) -> GammaGamma | None:
    """Of customers whose repeated purchases were worth something; None where they are too few."""
    known = customers.filter(pl.col("mean_value") > 0)
    if known.height < FEWEST_CUSTOMERS:
        return None
    return fit_gamma_gamma(known["repeats"].to_numpy(), known["mean_value"].to_numpy())


def _worth(values: GammaGamma | None, customers: pl.DataFrame) -> Floats:
    """What a purchase of each customer is expected to be worth; NaN without a model."""
    if values is None:
        return np.full(customers.height, np.nan)
    mean = customers["mean_value"].fill_null(0.0).to_numpy()
    repeats = np.where(mean > 0, customers["repeats"].to_numpy(), 0.0)
    return values.expected_value(repeats, mean)


def _came(log: _Log, seen: _Seen, days: int) -> Floats:
    """The purchases of the customers known, in the days after those seen."""
    in_time = (pl.col("day") > seen.end) & (pl.col("day") <= seen.end + timedelta(days=days))
    came = log.bought.filter(in_time).group_by("user_id").len("came")
    joined = seen.customers.join(came, on="user_id", how="left", maintain_order="left")
    return joined["came"].fill_null(0).to_numpy().astype(np.float64)


def _backtest(log: _Log, seen: _Seen, expected: Floats, days: int) -> Backtest:
    observed = _came(log, seen, days)
    own_rate = seen.history.repeats / np.maximum(seen.history.age, 1 / 7) * days / 7
    forecasts = {
        "forecast": expected,
        MODEL: seen.expected(days),
        "own rate": own_rate,
        "same for all": np.full(observed.size, own_rate.mean()),
    }
    errors = {name: float(np.abs(one - observed).mean()) for name, one in forecasts.items()}
    return Backtest(
        days, float(expected.sum()), int(observed.sum()), errors, _calibration(expected, observed)
    )


def _calibration(expected: Floats, observed: Floats) -> list[dict[str, float]]:
    """Tenths of the customers, the lowest forecasts first."""
    parts = np.array_split(np.argsort(expected, kind="stable"), TENTHS)
    return [
        {
            "customers": part.size,
            "expected": float(expected[part].mean()),
            "observed": float(observed[part].mean()),
        }
        for part in parts
    ]
