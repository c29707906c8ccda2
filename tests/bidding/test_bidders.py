"""Bidders, the bound they are held against, and the prices they start from."""

import numpy as np
import polars as pl
import pytest
from auction_world import auctions

from adcli.bidding.auctions import read_auctions
from adcli.bidding.bidders import best_rate, replay_bidders
from adcli.bidding.prices import prices_of, read_prices
from adcli.bidding.replay import clairvoyant
from adcli.errors import DataError, UsageError


def test_the_linear_bidder_learns_its_rate_on_other_episodes():
    log = auctions()
    half = np.arange(log.budget.size) % 2 == 0
    rows = half[log.episode]
    found = replay_bidders(log, ["linear"], prices_of(log))["linear"]
    expected = log.pctr[rows] * best_rate(log.take(~half))
    assert found.bid[rows] == pytest.approx(expected)


def test_the_clairvoyant_buys_clicks_only_cheapest_first():
    log = read_auctions(
        pl.DataFrame({"market_price": [10, 4, 6, 1], "click": [1, 1, 1, 0]}), budget_per_auction=2.5
    )
    assert clairvoyant(log).won.tolist() == [0, 1, 1, 0]


def test_a_bid_column_is_replayed_as_it_is():
    frame = pl.DataFrame({"market_price": [5, 5], "click": [1, 1], "bid": [6, 4]})
    log = read_auctions(frame, budget_per_auction=100)
    assert replay_bidders(log, ["bid"], prices_of(log))["bid"].won.tolist() == [1, 0]


def test_bidders_and_what_they_need():
    log = read_auctions(pl.DataFrame({"market_price": [1.0], "click": [1]}), budget_per_auction=1)
    with pytest.raises(DataError, match="no column 'pctr'"):
        replay_bidders(log, ["mcpc"], prices_of(log))
    with pytest.raises(DataError, match="no column 'bid'"):
        replay_bidders(log, ["bid"], prices_of(log))
    with pytest.raises(UsageError, match="Did you mean 'linear'"):
        replay_bidders(log, ["liner"], prices_of(log))
    with pytest.raises(DataError, match="cost_train, imp_train and clk_train"):
        read_prices({"cost_train": 5})
    without = log._replace(click=np.zeros(1))
    with pytest.raises(DataError, match="no clicks"):
        prices_of(without)
