"""What a bidder would have won in logged auctions, step by step within the budget of each episode.

    replay(Linear(rate=800), auctions).won      # (n,) 1 where the auction was won

A bidder says what it bids on the next auctions and then hears what came of them, so that it may bid
otherwise in the next step.
"""

from __future__ import annotations

from itertools import pairwise
from typing import NamedTuple, Protocol

import numpy as np

from adcli.arrays import Flags, Floats
from adcli.bidding.auctions import Auctions
from adcli.progress import steps


class BidRequests(NamedTuple):
    """What is known of the auctions of a step before they are held, shape (n,) each."""

    pctr: Floats
    bid: Floats  # that the log states, NaN where it states none


class EpisodeState(NamedTuple):
    """Where an episode stands before a step."""

    episode: int  # its number, from 0
    seen: int  # auctions so far
    auctions: int  # auctions of the whole episode
    budget: float  # of the whole episode
    left: float  # of the budget


class Outcome(NamedTuple):
    """What came of the bids of a step, shape (n,) each; of a lost auction the price stays unknown."""

    bid: Floats
    won: Flags
    paid: Floats  # 0 where the auction was lost


class Bidder(Protocol):
    """What can be replayed."""

    @property
    def step(self) -> int | None:
        """How many auctions are bid on before the bidder hears of the outcome; None for a whole episode."""

    def bid(self, requests: BidRequests, state: EpisodeState) -> Floats:
        """The bids on the auctions of a step, shape (n,); an episode begins where `state.seen` is 0."""

    def observe(self, requests: BidRequests, outcome: Outcome) -> None:
        """What came of them."""


class Replay(NamedTuple):
    """The share of each auction won (0 or 1; a bound's last in part), bids and payments; shape (n,)."""

    won: Floats
    bid: Floats
    paid: Floats


def replay(bidder: Bidder, auctions: Auctions, *, first_price: bool = False) -> Replay:
    """What the bidder would have won: an auction is won by a bid of at least its price.

    It costs that price, or at first price the bid. A bid is cut to what is left of the episode's budget, so
    that no episode spends more than that.
    """
    won, bids, paid = (np.zeros(auctions.price.size) for _ in Replay._fields)
    for episode, (start, stop) in enumerate(steps(pairwise(auctions.starts.tolist()))):
        budget = left = float(auctions.budget[episode])
        for first in range(start, stop, bidder.step or stop - start):
            rows = slice(first, min(first + (bidder.step or stop), stop))
            requests = BidRequests(auctions.pctr[rows], auctions.bid[rows])
            bids[rows] = bidder.bid(
                requests, EpisodeState(episode, first - start, stop - start, budget, left)
            )
            outcome = _hold(bids[rows], auctions.price[rows], left, first_price)
            won[rows], paid[rows] = outcome.won, outcome.paid
            left = max(left - float(outcome.paid.sum()), 0.0)
            bidder.observe(requests, outcome)
    return Replay(won, bids, paid)


def _hold(bids: Floats, prices: Floats, left: float, first_price: bool) -> Outcome:
    """The auctions of a step, held in turn."""
    won, costs = bids >= prices, bids if first_price else prices
    won[won] = affordable(costs[won], left)
    return Outcome(bids, won, np.where(won, costs, 0.0))


def affordable(prices: Floats, budget: float) -> Flags:
    """Which of some purchases, offered in turn, a budget pays for; one too dear for the rest is passed."""
    bought = np.cumsum(prices) <= budget
    if bought.all():
        return bought
    first_refused = int(np.argmin(bought))
    left = budget - float(prices[:first_refused].sum())
    for number in range(first_refused, prices.size):
        bought[number] = prices[number] <= left
        left -= prices[number] * bought[number]
    return bought


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
