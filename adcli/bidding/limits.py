"""What bids must keep to beside the budget: a highest bid, and a target cost of what they win."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from adcli.arrays import Floats
from adcli.bidding.market import Market
from adcli.bidding.pacer import SpendCurve, prior_of
from adcli.bidding.replay import Bidder, BidRequests, EpisodeState, Outcome

STEP = 25
MEMORY = 0.1  # half-life of what auctions cost, in episodes


class Limits(NamedTuple):
    """Limits of a bidder."""

    max_bid: float | None = None  # the highest bid; None for no limit
    # what a unit of calibrated predicted value may cost on average over an episode: the target cost per
    # action, or 1 / the target return on ad spend; None for no limit
    target_cost: float | None = None


class Limited:
    """A bidder whose bids are cut to its limits.

    Bids above what an auction is worth at the target cost are paid from what earlier auctions of the episode
    cost less than that, so that at no time more has been spent than the target allows. At second price the
    highest multiplier that keeps the rest of the episode to the target is solved for anew each step.
    """

    def __init__(self, bidder: Bidder, limits: Limits, market: Market, *, first_price: bool) -> None:
        self._bidder = bidder
        self.step = bidder.step or STEP
        self._max_bid = np.inf if limits.max_bid is None else limits.max_bid
        cost = np.inf if limits.target_cost is None else limits.target_cost
        self._worth_per_pctr = cost * market.value_per_pctr
        is_averaged = limits.target_cost is not None and not first_price
        self._curve = SpendCurve(market) if is_averaged else None
        self._state = EpisodeState(0, 0, 1, 0.0, 0.0)
        self._saved = 0.0

    def bid(self, requests: BidRequests, state: EpisodeState) -> Floats:
        """The bidder's own bids, or the limit."""
        self._state = state
        if state.seen == 0:
            self._saved = 0.0
        bids = np.minimum(self._bidder.bid(requests, state), self._max_bid)
        if np.isinf(self._worth_per_pctr):
            return np.asarray(bids)
        worth = requests.pctr * self._worth_per_pctr + self._saved / requests.pctr.size
        return np.asarray(np.minimum(bids, np.minimum(worth, self._dearest() * requests.pctr)))

    def _dearest(self) -> float:
        """The highest multiplier at which the rest costs no more than it is worth and what was saved."""
        if self._curve is None:
            return np.inf
        state = self._state
        ratio = np.exp((self._curve.grid[1:] + self._curve.grid[:-1]) / 2)
        spent = np.diff(self._curve.spend(prior_of(state.auctions)))
        overspent = np.cumsum(spent * (1 - self._worth_per_pctr / ratio)) * (state.auctions - state.seen)
        within = np.flatnonzero(overspent <= self._saved)
        last = within[-1] if within.size else 0
        return max(float(ratio[last]), self._worth_per_pctr)

    def observe(self, requests: BidRequests, outcome: Outcome) -> None:
        """What was saved or spent of the target cost."""
        if np.isfinite(self._worth_per_pctr):
            worth = float(requests.pctr[outcome.won].sum()) * self._worth_per_pctr
            self._saved = max(self._saved + worth - float(outcome.paid.sum()), 0.0)
        if self._curve is not None:
            self._curve.observe(requests.pctr, outcome, self._state.auctions * MEMORY)
        self._bidder.observe(requests, outcome)
