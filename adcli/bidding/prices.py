"""What impressions and clicks have cost before the auctions that a bidder is replayed on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from adcli.bidding.auctions import Auctions
from adcli.errors import DataError

TOTALS = ("cost_train", "imp_train", "clk_train")  # as the published iPinYou files call them


class Prices(NamedTuple):
    """Totals of an earlier period."""

    cost: float
    impressions: int
    clicks: float

    @property
    def per_impression(self) -> float:
        """The mean price of an impression."""
        return self.cost / self.impressions

    @property
    def per_click(self) -> float:
        """The mean price of a click."""
        return self.cost / self.clicks


def prices_of(auctions: Auctions) -> Prices:
    """The prices of a log, had every auction been won; clicks that were not seen are the predicted ones.

    Raises DataError if the auctions have neither clicks nor predicted clicks.
    """
    seen = ~np.isnan(auctions.click)
    scale = 1.0
    if seen.any():
        scale = float(auctions.click[seen].sum()) / max(float(auctions.pctr[seen].sum()), 1e-300)
    clicks = float(np.where(seen, auctions.click, auctions.pctr * scale).sum())
    if not clicks > 0:
        raise DataError(
            "The auctions have no clicks, so a click has no price.", fix="Give other auctions for it."
        )
    return Prices(float(auctions.price.sum()), auctions.price.size, clicks)


def read_prices(totals: Mapping[str, Any]) -> Prices:
    """The prices that a file of training totals states as `cost_train`, `imp_train` and `clk_train`.

    Raises DataError if one of them is missing or not above 0.
    """
    numbers = [totals.get(name) for name in TOTALS]
    if not all(isinstance(number, int | float) and number > 0 for number in numbers):
        raise DataError("The training totals need cost_train, imp_train and clk_train, each above 0.")
    cost, impressions, clicks = (float(number) for number in numbers if number is not None)
    return Prices(cost, int(impressions), clicks)
