"""How often customers come back, and what they spend: BG/NBD and Gamma-Gamma, by maximum likelihood."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import polars as pl

from adcli.arrays import Floats
from adcli.errors import DataError

if TYPE_CHECKING:
    import lightgbm

LARGEST_LOG = 12.0  # of a parameter: beyond that the likelihood is flat
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
    "seed": 0,
}


class History(NamedTuple):
    """What customers did, shape (n,) each; times in weeks."""

    repeats: Floats  # purchases after the first
    recency: Floats  # from the first purchase to the last
    age: Floats  # from the first purchase to the end of what was seen


class BgNbd(NamedTuple):
    """Purchases come at a customer's own rate, until after one of them the customer leaves for good.

    Rates are gamma(r, alpha) over customers, the chances to leave beta(a, b).

    Source: Fader, Hardie and Lee (2005).
    """

    r: float
    alpha: float
    a: float
    b: float

    def p_active(self, seen: History) -> Floats:
        """The probability that a customer has not left, shape (n,)."""
        return np.asarray(1 / (1 + self._odds_left(seen)), dtype=np.float64)

    def _odds_left(self, seen: History) -> Floats:
        x = seen.repeats
        log_odds = (
            np.log(self.a)
            - np.log(self.b + np.maximum(x, 1) - 1)
            + (self.r + x) * (np.log(self.alpha + seen.age) - np.log(self.alpha + seen.recency))
        )
        return np.where(x > 0, np.exp(np.minimum(log_odds, 700)), 0.0)

    def expected_purchases(self, seen: History, weeks: float) -> Floats:
        """The purchases to expect in the next weeks, shape (n,); eq. 10."""
        from scipy.special import hyp2f1

        a = self.a if abs(self.a - 1) > 1e-6 else 1 + 1e-6  # where the formula has a gap
        shape, b = self.r + seen.repeats, self.b + seen.repeats
        ends = self.alpha + seen.age + weeks
        left = ((self.alpha + seen.age) / ends) ** shape * hyp2f1(shape, b, a + b - 1, weeks / ends)
        return np.asarray((a + b - 1) / (a - 1) * (1 - left) / (1 + self._odds_left(seen)), dtype=np.float64)


class GammaGamma(NamedTuple):
    """What a customer's purchases are worth: gamma around a mean that is itself inverse gamma over customers.

    Source: Fader and Hardie (2013), "The Gamma-Gamma model of monetary value".
    """

    p: float
    q: float
    v: float

    def expected_value(self, repeats: Floats, mean_value: Floats) -> Floats:
        """The worth of a purchase to expect, shape (n,), given the mean worth of the repeated ones."""
        known = np.where(repeats > 0, repeats * mean_value, 0.0)
        return np.asarray(self.p * (self.v + known) / (self.p * repeats + self.q - 1), dtype=np.float64)


def fit_bg_nbd(seen: History) -> BgNbd:
    """The parameters under which what was seen is likeliest; eq. 7.

    Raises DataError if no customer ever came back.
    """
    from scipy.special import betaln, gammaln

    if not (seen.repeats > 0).any():
        raise DataError("No customer bought on a second day, so nothing tells who comes back.")
    x = seen.repeats

    def log_likelihood(r: float, alpha: float, a: float, b: float) -> Floats:
        stays = betaln(a, b + x) - (r + x) * np.log(alpha + seen.age)
        leaves = betaln(a + 1, b + np.maximum(x, 1) - 1) - (r + x) * np.log(alpha + seen.recency)
        either = np.where(x > 0, np.logaddexp(stays, leaves), stays)
        return np.asarray(
            gammaln(r + x) - gammaln(r) + r * np.log(alpha) + either - betaln(a, b), dtype=np.float64
        )

    return BgNbd(*_likeliest(log_likelihood, [1.0, float(np.median(seen.age)), 1.0, 1.0]))


def fit_gamma_gamma(repeats: Floats, mean_value: Floats) -> GammaGamma:
    """The parameters under which mean values are likeliest; of customers with repeated purchases, eq. 1a."""
    from scipy.special import gammaln

    x, m = repeats, mean_value

    def log_likelihood(p: float, above_one: float, v: float) -> Floats:
        q = 1 + above_one  # so that there is a mean
        return np.asarray(
            gammaln(p * x + q) - gammaln(p * x) - gammaln(q) + q * np.log(v)
            + (p * x - 1) * np.log(m) + p * x * np.log(x) - (p * x + q) * np.log(v + m * x),
            dtype=np.float64,
        )  # fmt: skip

    p, above_one, v = _likeliest(log_likelihood, [2.0, 2.0, float(m.mean())])
    return GammaGamma(p, 1 + above_one, v)


def _likeliest(log_likelihood: Callable[..., Floats], start: list[float]) -> list[float]:
    """Positive parameters of the greatest mean log-likelihood, by L-BFGS over their logarithms."""
    from scipy.optimize import minimize

    found = minimize(
        lambda logs: -float(log_likelihood(*np.exp(logs)).mean()),
        np.log(start),
        method="L-BFGS-B",
        jac="3-point",  # one-sided differences end early on the ridge where customers hardly differ
        bounds=[(-LARGEST_LOG, LARGEST_LOG)] * len(start),
        options={"ftol": 1e-13, "gtol": 1e-8, "maxiter": 2_000},
    )
    return [float(value) for value in np.exp(found.x)]


class PurchaseTrees:
    """Expected purchases: those of BG/NBD times what LightGBM makes of features, so for any number of days.

    Source: Ke et al. (2017), "LightGBM", with a Poisson loss.
    """

    def __init__(self, features: pl.DataFrame, expected: Floats, came: Floats) -> None:
        import lightgbm

        settings = SETTINGS | {"min_data_in_leaf": max(20, came.size // 50)}
        rows = lightgbm.Dataset(
            features.cast(pl.Float64).to_numpy(), came, init_score=np.log(_positive(expected))
        )
        self._booster: lightgbm.Booster = lightgbm.train(settings, rows, ROUNDS)

    def expected_purchases(self, features: pl.DataFrame, expected: Floats) -> Floats:
        """Of customers with these features, of whom BG/NBD expects so much; shape (n,)."""
        log_factor = np.asarray(self._booster.predict(features.cast(pl.Float64).to_numpy(), raw_score=True))
        return np.asarray(expected * np.exp(log_factor), dtype=np.float64)


def poisson_deviance(expected: Floats, came: Floats) -> float:
    """The mean over customers; the lower, the better the expectations."""
    from sklearn.metrics import mean_poisson_deviance

    return float(mean_poisson_deviance(came, _positive(expected)))


def _positive(expected: Floats) -> Floats:
    return np.maximum(expected, 1e-6)
