"""Auctions drawn from a known world, for tests of bidding."""

import numpy as np
import polars as pl

from adcli.bidding.auctions import read_auctions
from adcli.bidding.bidders import LoggedBid
from adcli.bidding.replay import replay


def auctions(n=4_000, episodes=40, seed=0, *, share=0.1, ctr=0.05):
    rng = np.random.default_rng(seed)
    pctr = rng.beta(2, 2 / ctr, n)
    return read_auctions(
        pl.DataFrame(
            {
                "market_price": rng.gamma(2, 30, n).round(),
                "click": (rng.random(n) < pctr).astype(int),
                "pctr": pctr,
                "episode": np.arange(n) * episodes // n,
            }
        ),
        budget_per_auction=share * 60,
    )


def replay_bids(bids, log):
    """What bids that are known beforehand win."""
    return replay(LoggedBid(), log._replace(bid=bids))
