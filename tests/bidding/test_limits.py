"""Limits of a bidder are kept to the cent, whatever the bidder, the price and the market do."""

import numpy as np
import pytest
from auction_world import auctions
from pacing_worlds import pacing_world

from adcli.bidding.learned import KINDS, LearnedBidder
from adcli.bidding.limits import Limits
from adcli.bidding.market import market_of
from adcli.bidding.replay import replay


@pytest.mark.parametrize("first_price", [False, True])
@pytest.mark.parametrize("kind", KINDS)
def test_the_highest_bid_and_the_target_cost_are_kept_in_each_episode(kind, first_price):
    log = auctions(share=0.6)
    market = market_of(log)
    limits = Limits(max_bid=45.0, target_cost=400.0)
    made = LearnedBidder(kind, market, 3_000.0, first_price, limits).bidder()
    dearer = log._replace(price=log.price * np.linspace(0.3, 3, log.price.size))
    played = replay(made, dearer, first_price=first_price)
    assert played.won.any()
    assert (played.bid <= 45).all()
    worth = np.bincount(log.episode, played.won * log.pctr * market.value_per_pctr * 400)
    cost = np.bincount(log.episode, played.paid)
    assert (cost <= worth + 1e-6).all()
    assert (cost <= log.budget + 1e-9).all()


@pytest.mark.parametrize(
    ("kind", "goal"),
    [("stationary", 0.98), ("daily cycle", 0.95), ("price doubling", 0.94), ("value drift", 0.95)],
)
def test_under_a_target_cost_much_of_what_hindsight_wins_is_won(kind, goal):
    market = market_of(pacing_world("stationary", 1_000))
    log = pacing_world(kind, 0)
    log = log._replace(budget=np.array([log.price.sum()]))
    target = 0.4
    ratio = log.price / log.value
    order = np.argsort(ratio)
    within = np.cumsum(log.price[order]) <= target * np.cumsum(log.value[order])
    hindsight = log.value[order][within].sum()
    played = replay(LearnedBidder("pacer", market, limits=Limits(target_cost=target)).bidder(), log)
    assert played.paid.sum() <= target * (played.won @ log.value) + 1e-6
    assert played.won @ log.value >= goal * hindsight
