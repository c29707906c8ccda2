"""Pacing rules that others use, as baselines: dual descent and PID control of one multiplier."""

from __future__ import annotations

import numpy as np

from adcli.arrays import Floats
from adcli.bidding.market import Market
from adcli.bidding.replay import BidRequests, EpisodeState, Outcome

STEP = 10
PERIODS = 48  # of an episode, in which PID may act


class _Multiplier:
    """Bids a multiplier of the predicted click, which starts where the log's budget would have lasted."""

    step: int | None = STEP

    def __init__(self, market: Market) -> None:
        self._market = market
        self._multiplier = 0.0
        self._state = EpisodeState(0, 0, 1, 0.0, 0.0)

    def bid(self, requests: BidRequests, state: EpisodeState) -> Floats:
        """Multiplier x predicted click."""
        if state.seen == 0:
            self._multiplier = self._market.multiplier(state.budget / state.auctions)
        self._state = state
        return requests.pctr * self._multiplier


class DualDescent(_Multiplier):
    """Multiplicative dual descent on the budget constraint.

    Source: Balseiro, Lu and Mirrokni (2020), algorithm 1 with the negative entropy.
    """

    rate = 0.01

    def observe(self, requests: BidRequests, outcome: Outcome) -> None:
        """Less is bid after spending above the mean, more after spending below."""
        target = self._state.budget / self._state.auctions
        surplus = target * outcome.paid.size - float(outcome.paid.sum())
        self._multiplier *= np.exp(np.clip(self.rate * surplus / target, -1, 1))


class Pid(_Multiplier):
    """Raises or lowers the multiplier by the share of the rest of the budget that a period spent.

    Source: the PID bidder of AuctionNet (2024).
    """

    def __init__(self, market: Market) -> None:
        super().__init__(market)
        self._left_before = 0.0

    def observe(self, requests: BidRequests, outcome: Outcome) -> None:
        """At the end of each period of the episode."""
        state, seen = self._state, self._state.seen + outcome.paid.size
        left = state.left - float(outcome.paid.sum())
        if state.seen == 0:
            self._left_before = state.budget
        period = seen * PERIODS // state.auctions
        if period == state.seen * PERIODS // state.auctions:
            return
        pace = (self._left_before - left) * max(PERIODS - period, 1) / max(left, 1e-12)
        self._left_before = left
        if pace < 0.7:
            self._multiplier *= 1.2
        elif pace > 1.1:
            self._multiplier *= 0.7
