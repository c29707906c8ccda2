"""Prices that a log does not state, drawn from what its bids, wins and losses say of them.

A won bid says that the price was at most the bid, a lost one that it was more (current-status data): the
chance to win is a logit or an isotonic curve of the bid, whichever predicts wins better out of sample. Where
the prices of won auctions are known, it is the product-limit estimate.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from adcli.arrays import Flags, Floats
from adcli.errors import DataError

POINTS = 1_024
LOGIT_TAILS = 7.0  # the win curve ends where the logit is that far from even
FLOOR = 1e-9


class WinCurve(NamedTuple):
    """The chance that a bid wins, as a rising function of log(bid) - slope x log(predicted click)."""

    kind: str
    grid: Floats
    chance: Floats
    slope: float

    def draw(self, bid: Floats, won: Flags, level: Floats, rng: np.random.Generator) -> Floats:
        """Prices given that bids won or lost; `level` is log(predicted click), shape (n,) each."""
        at = np.log(np.maximum(bid, FLOOR)) - self.slope * level
        below = np.interp(at, self.grid, self.chance)
        part = rng.random(bid.size)
        drawn = np.where(won, below * part, below + (1 - below) * part)
        price = np.exp(np.interp(drawn, self.chance, self.grid) + self.slope * level)
        return np.asarray(np.where(won, np.minimum(price, bid), np.maximum(price, np.nextafter(bid, np.inf))))


def current_status_curve(bid: Floats, won: Flags, level: Floats) -> WinCurve:
    """The win curve of bids of which only wins and losses are known.

    Source: isotonic regression is the maximum likelihood of current-status data (Ayer et al., 1955).

    Raises DataError if all bids won, or all lost.
    """
    if won.all() or not won.any():
        raise DataError(
            f"All logged bids {'won' if won.any() else 'lost'}, so they tell nothing of what others bid.",
            fix="Give auctions with their market_price or minimum_bid_to_win.",
        )
    bidden = bid > 0
    height, won, level = np.log(bid[bidden]), won[bidden], level[bidden]
    slopes = {0.0, _slope(height, won, level)}
    tried = [(slope, kind) for slope in sorted(slopes) for kind in ("logit", "isotonic")]
    slope, kind = min(tried, key=lambda one: _held_out_loss(height - one[0] * level, won, one[1]))
    at = height - slope * level
    return WinCurve(kind, *_curve(at, won, kind), slope)


def product_limit_curve(price: Floats, bid: Floats) -> WinCurve:
    """The win curve where the prices of won auctions are known (NaN: lost at the bid).

    Source: Kaplan and Meier (1958); the largest value counts as a price (Efron, 1967).
    """
    is_price = ~np.isnan(price)
    seen = np.maximum(np.where(is_price, price, bid), FLOOR)
    values, place = np.unique(seen, return_inverse=True)
    prices = np.bincount(place, is_price, minlength=values.size)
    at_risk = np.cumsum(np.bincount(place, minlength=values.size)[::-1])[::-1]
    chance = 1 - np.cumprod(1 - prices / at_risk, dtype=np.float64)
    chance[-1] = 1.0
    return WinCurve("product-limit", np.log(values), _rising(chance), 0.0)


def _logit(columns: Floats, won: Flags) -> tuple[Floats, float]:
    from sklearn.linear_model import LogisticRegression

    fitted = LogisticRegression(C=100.0).fit(columns, won)
    return np.asarray(fitted.coef_[0], dtype=np.float64), float(fitted.intercept_[0])


def _slope(height: Floats, won: Flags, level: Floats) -> float:
    """How the log of the price rises with that of the predicted click; 0 where bids do not tell."""
    if np.ptp(level) < FLOOR:
        return 0.0
    (of_bid, of_level), _ = _logit(np.stack([height, level], axis=1), won)
    return float(np.clip(-of_level / of_bid, -2, 2)) if of_bid > 0 else 0.0


def _held_out_loss(at: Floats, won: Flags, kind: str) -> float:
    """The log loss on each half of the bids of the curve of the other."""
    is_even = np.arange(at.size) % 2 == 0
    loss = 0.0
    for half in (is_even, ~is_even):
        if won[~half].all() or not won[~half].any():
            return np.inf if kind == "isotonic" else 0.0
        chance = np.clip(np.interp(at[half], *_curve(at[~half], won[~half], kind)), 1e-4, 1 - 1e-4)
        loss -= float(np.log(np.where(won[half], chance, 1 - chance)).sum())
    return loss


def _curve(at: Floats, won: Flags, kind: str) -> tuple[Floats, Floats]:
    """Grid and chances; beyond the bids that were tried, the isotonic curve goes on as the logit does."""
    from scipy.special import expit
    from sklearn.isotonic import IsotonicRegression

    (rise,), start = _logit(at[:, None], won)
    rise = max(float(rise), 0.1)
    low, high = float(at.min()), float(at.max())
    grid = np.linspace(
        min(low, (-LOGIT_TAILS - start) / rise), max(high, (LOGIT_TAILS - start) / rise), POINTS
    )
    logit = np.asarray(expit(start + rise * grid), dtype=np.float64)
    if kind == "logit":
        return grid, _rising(logit)
    isotonic = IsotonicRegression(y_min=0.5 / at.size, y_max=1 - 0.5 / at.size, out_of_bounds="clip")
    chance = np.asarray(isotonic.fit(at, won.astype(float)).predict(grid), dtype=np.float64)
    ends = expit(start + rise * np.array([low, high]))
    chance = np.where(grid < low, chance * logit / ends[0], chance)
    chance = np.where(grid > high, 1 - (1 - chance) * (1 - logit) / (1 - ends[1]), chance)
    return grid, _rising(chance)


def _rising(chance: Floats) -> Floats:
    """Strictly rising from 0 to 1, so that it can be turned round."""
    ramp = np.linspace(0, 1, chance.size)
    return np.asarray(np.maximum.accumulate(np.clip(chance, 0, 1)) * (1 - 1e-9) + ramp * 1e-9)
