"""The most that a budget could have bought for one who knows the future."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from adcli.bidding.auctions import Auctions
from adcli.bidding.replay import Replay


def clairvoyant(auctions: Auctions) -> Replay:
    """The most value that each episode's budget can buy for one who knows prices and outcomes: a bound.

    The auctions with the most value per price are bought first and the last one in part (the fractional
    knapsack, which no bidder can beat).

    Source: Dantzig (1957).
    """
    won = np.zeros(auctions.price.size)
    for number, (start, stop) in enumerate(pairwise(auctions.starts)):
        price, value = auctions.price[start:stop], auctions.value[start:stop]
        worth = np.flatnonzero(value > 0)
        order = worth[np.argsort(price[worth] / value[worth], kind="stable")]
        left = auctions.budget[number] - np.concatenate([[0.0], np.cumsum(price[order])[:-1]])
        share = np.where(price[order] > 0, left / np.maximum(price[order], 1e-300), 1.0)
        won[start + order] = np.clip(share, 0, 1)
    return Replay(won, np.where(won > 0, auctions.price, 0), won * auctions.price)
