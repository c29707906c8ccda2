"""Bids replayed on auctions: budgets kept, bounds never beaten, outcomes heard step by step."""

import numpy as np
import polars as pl
import pytest
from auction_world import auctions, replay_bids
from hypothesis import given, settings
from hypothesis import strategies as st

from adcli.bidding.auctions import read_auctions
from adcli.bidding.replay import affordable, clairvoyant, replay


@settings(max_examples=500)
@given(st.lists(st.integers(0, 50), max_size=40), st.integers(0, 300))
def test_purchases_are_those_of_going_through_them_one_by_one(prices, budget):
    left, bought = budget, []
    for price in prices:
        bought.append(price <= left)
        left -= price * bought[-1]
    assert affordable(np.array(prices, dtype=float), float(budget)).tolist() == bought


@settings(max_examples=200)
@given(st.integers(0, 2**31), st.floats(0.01, 1), st.floats(1, 2_000))
def test_no_episode_spends_more_than_its_budget_and_no_bidder_beats_the_bound(seed, share, rate):
    log = auctions(300, 5, seed, share=share)
    won = replay_bids(log.pctr * rate, log).won
    spent = np.bincount(log.episode, won * log.price, minlength=5)
    assert (spent <= log.budget + 1e-9).all()
    bound = np.bincount(log.episode, clairvoyant(log).won * log.value, minlength=5)
    value = np.bincount(log.episode, won * log.value, minlength=5)
    assert (value <= bound + 1e-9).all()
    assert (np.bincount(log.episode, clairvoyant(log).won * log.price) <= log.budget + 1e-6).all()


def test_a_bid_wins_at_its_price_and_pays_the_market_price():
    log = read_auctions(
        pl.DataFrame({"market_price": [10, 10, 10], "click": [1, 0, 1]}), budget_per_auction=100
    )
    assert replay_bids(np.array([10.0, 9.99, 50.0]), log).won.tolist() == [1, 0, 1]


class Halving:
    """Bids half as much after each step in which it won, and notes what it was told."""

    step = 10

    def bid(self, requests, state):
        if state.seen == 0:
            self.rate, self.states, self.paid = 1_000.0, [], []
        self.states.append(state)
        return requests.pctr * self.rate

    def observe(self, requests, outcome):
        self.paid.append(outcome.paid)
        assert ((outcome.paid > 0) == outcome.won).all()
        if outcome.won.any():
            self.rate /= 2


def test_a_bidder_hears_of_each_step_and_may_bid_otherwise_in_the_next():
    log = auctions(95, 1, share=1)
    bidder = Halving()
    found = replay(bidder, log)
    assert [state.seen for state in bidder.states] == list(range(0, 95, 10))
    assert {(state.episode, state.auctions, state.budget) for state in bidder.states} == {
        (0, 95, log.budget[0])
    }
    spent = np.cumsum([0.0, *(paid.sum() for paid in bidder.paid)])[:-1]
    assert [state.budget - state.left for state in bidder.states] == pytest.approx(spent)
    rates = found.bid / log.pctr
    assert np.unique(rates.round(6)).size > 3
    assert np.concatenate(bidder.paid) == pytest.approx(found.won * log.price)
    assert replay_bids(found.bid, log).won.tolist() == found.won.tolist()
