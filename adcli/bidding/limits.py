"""What bids must keep to beside the budget: a highest bid, and a target cost of what they win."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from adcli.bidding.auctions import Numbers
from adcli.bidding.market import Market
from adcli.bidding.replay import Bidder, BidRequests, EpisodeState, Outcome

STEP = 25


class Limits(NamedTuple):
    """Limits of a bidder.

    Attributes:
        max_bid: The highest bid; None for no limit.
        target_cost: What a unit of calibrated predicted value may cost on average over an episode: the target
            cost per action, or 1 / the target return on ad spend; None for no limit.
    """

    max_bid: float | None = None
    target_cost: float | None = None


class Limited:
    """A bidder whose bids are cut to its limits.

    Bids above what an auction is worth at the target cost are paid from what earlier auctions of the episode
    cost less than that, so that at no time more has been spent than the target allows.
    """

    def __init__(self, bidder: Bidder, limits: Limits, market: Market, *, first_price: bool) -> None:
        self._bidder = bidder
        self.step = bidder.step or STEP
        self._max_bid = np.inf if limits.max_bid is None else limits.max_bid
        cost = np.inf if limits.target_cost is None else limits.target_cost
        self._worth_per_pctr = cost * market.value_per_pctr
        is_averaged = limits.target_cost is not None and not first_price
        self._dearest = _averaging(market, self._worth_per_pctr) if is_averaged else np.inf
        self._saved = 0.0

    def bid(self, requests: BidRequests, state: EpisodeState) -> Numbers:
        """The bidder's own bids, or the limit."""
        if state.seen == 0:
            self._saved = 0.0
        bids = np.minimum(self._bidder.bid(requests, state), self._max_bid)
        if np.isinf(self._worth_per_pctr):
            return np.asarray(bids)
        worth = requests.pctr * self._worth_per_pctr + self._saved / requests.pctr.size
        return np.asarray(np.minimum(bids, np.minimum(worth, self._dearest * requests.pctr)))

    def observe(self, requests: BidRequests, outcome: Outcome) -> None:
        """What was saved or spent of the target cost."""
        if np.isfinite(self._worth_per_pctr):
            worth = float(requests.pctr[outcome.won].sum()) * self._worth_per_pctr
            self._saved = max(self._saved + worth - float(outcome.paid.sum()), 0.0)
        self._bidder.observe(requests, outcome)


def _averaging(market: Market, cost_per_pctr: float) -> float:
    """The multiplier of the predicted click at which second prices cost that much per click on average."""
    ratio = market.price / market.pctr
    order = np.argsort(ratio, kind="stable")
    average = np.cumsum(market.price[order]) / np.cumsum(market.pctr[order])
    last = max(int(np.searchsorted(average, cost_per_pctr, side="right")) - 1, 0)
    return max(float(ratio[order][last]), cost_per_pctr)
