"""Boosted trees that correct the purchases that BG/NBD expects, by what else customers did."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from adcli.optimize.purchase_models import Numbers

if TYPE_CHECKING:
    import lightgbm

RECENT = (28, 91)  # days
ROUNDS = 80
SETTINGS = {
    "objective": "poisson",
    "learning_rate": 0.05,
    "num_leaves": 8,
    "lambda_l2": 10.0,
    "poisson_max_delta_step": 0.3,
    "deterministic": True,
    "force_row_wise": True,
    "num_threads": 1,
    "verbose": -1,
}


class PurchaseTrees:
    """Expected purchases: those of BG/NBD times what LightGBM makes of features, so for any number of days.

    Source: Ke et al. (2017), "LightGBM", with a Poisson loss.
    """

    def __init__(self, features: pl.DataFrame, expected: Numbers, came: Numbers, *, seed: int = 0) -> None:
        import lightgbm

        settings = SETTINGS | {"min_data_in_leaf": max(20, came.size // 50), "seed": seed}
        rows = lightgbm.Dataset(features.to_numpy(), came, init_score=np.log(_positive(expected)))
        self._booster: lightgbm.Booster = lightgbm.train(settings, rows, ROUNDS)

    def expected_purchases(self, features: pl.DataFrame, expected: Numbers) -> Numbers:
        """Of customers with these features, of whom BG/NBD expects so much; shape (n,)."""
        log_factor = np.asarray(self._booster.predict(features.to_numpy(), raw_score=True))
        return np.asarray(expected * np.exp(log_factor), dtype=np.float64)


def features_of(
    customers: pl.DataFrame, bought: pl.DataFrame, events: pl.DataFrame, end: date
) -> pl.DataFrame:
    """What was seen of customers up to a day: purchases lately, and events of each type, a row each.

    Args:
        customers: `user_id repeats recency age mean_value`, times in weeks.
        bought: `user_id day value`, one row per customer and day.
        events: `user_id day event_type`.
        end: The last day that is seen.
    """
    bought = bought.filter(pl.col("day") <= end)
    lately = bought.group_by("user_id").agg(*_recent("purchases", end), spent=pl.col("value").sum())
    found = customers.join(lately, on="user_id", how="left", maintain_order="left")
    seen = events.filter(pl.col("day") <= end)
    for kind in sorted(events["event_type"].unique().to_list()):
        of_kind = seen.filter(pl.col("event_type") == kind).group_by("user_id")
        counted = of_kind.agg(
            *_recent(kind, end),
            (pl.lit(end) - pl.col("day").max()).dt.total_days().alias(f"{kind}_last"),
        )
        found = found.join(counted, on="user_id", how="left", maintain_order="left")
    quiet = pl.col("age") - pl.col("recency")
    return found.with_columns(
        quiet=quiet, relative_quiet=quiet * pl.col("repeats") / (pl.col("recency") + 1)
    ).select(pl.exclude("user_id").cast(pl.Float64))


def _recent(name: str, end: date) -> list[pl.Expr]:
    """How many rows are of the last days."""
    return [
        (pl.col("day") > end - timedelta(days=days)).sum().alias(f"{name} in {days} days") for days in RECENT
    ]


def poisson_deviance(expected: Numbers, came: Numbers) -> float:
    """The mean over customers; the lower, the better the expectations."""
    from sklearn.metrics import mean_poisson_deviance

    return float(mean_poisson_deviance(came, _positive(expected)))


def _positive(expected: Numbers) -> Numbers:
    return np.maximum(expected, 1e-6)
