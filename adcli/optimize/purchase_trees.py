"""Boosted trees that correct the purchases that BG/NBD expects, by what else customers did."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from adcli.optimize.purchase_models import Numbers

if TYPE_CHECKING:
    import lightgbm

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
        rows = lightgbm.Dataset(
            features.cast(pl.Float64).to_numpy(), came, init_score=np.log(_positive(expected))
        )
        self._booster: lightgbm.Booster = lightgbm.train(settings, rows, ROUNDS)

    def expected_purchases(self, features: pl.DataFrame, expected: Numbers) -> Numbers:
        """Of customers with these features, of whom BG/NBD expects so much; shape (n,)."""
        log_factor = np.asarray(self._booster.predict(features.cast(pl.Float64).to_numpy(), raw_score=True))
        return np.asarray(expected * np.exp(log_factor), dtype=np.float64)


def poisson_deviance(expected: Numbers, came: Numbers) -> float:
    """The mean over customers; the lower, the better the expectations."""
    from sklearn.metrics import mean_poisson_deviance

    return float(mean_poisson_deviance(came, _positive(expected)))


def _positive(expected: Numbers) -> Numbers:
    return np.maximum(expected, 1e-6)
