"""What a log teaches of a market: what auctions of each predicted click have cost."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from adcli.arrays import Floats
from adcli.bidding.auctions import Auctions
from adcli.errors import DataError

AUCTIONS_KEPT = 16_384


class Market(NamedTuple):
    """Auctions of a log as they came, evenly thinned; shape (n,) each."""

    price: Floats  # market prices
    pctr: Floats  # predicted clicks, above 0
    value_per_pctr: float  # what a predicted click has been worth (calibration in the large)

    def multiplier(self, spend: float) -> float:
        """The multiplier m at which bids of m x predicted click spend `spend` per auction."""
        ratio = self.price / self.pctr
        order = np.argsort(ratio, kind="stable")
        spent = np.cumsum(self.price[order]) / self.price.size
        last = min(int(np.searchsorted(spent, spend)), ratio.size - 1)
        return float(max(ratio[order][last], 1e-12))


def market_of(auctions: Auctions) -> Market:
    """The market that a log shows.

    Raises DataError if the auctions have no predicted clicks, or none above 0.
    """
    if np.isnan(auctions.pctr).any():
        raise DataError("The auctions have no column 'pctr'.", fix="Name it with --map pctr=...")
    usable = np.flatnonzero(auctions.pctr > 0)
    if not usable.size:
        raise DataError("No auction has a predicted click above 0, so there is nothing to bid on.")
    kept = usable[np.linspace(0, usable.size - 1, min(usable.size, AUCTIONS_KEPT)).round().astype(int)]
    return Market(auctions.price[kept], auctions.pctr[kept], auctions.value.sum() / auctions.pctr.sum())
