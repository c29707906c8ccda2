"""Bids for a stream's decisions by a bidder of `adcli optimize bids`, which hears what came of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import is_dataclass
from typing import Any

import numpy as np

from adcli.arrays import Flags, Floats
from adcli.bidding.learned import LearnedBidder
from adcli.bidding.replay import BidRequests, EpisodeState, Outcome
from adcli.optimize.stream.spending import Spending

LEAST_PCTR = 1e-9
SOLVED_ANEW = ("_worth", "_unit", "_units")  # the dynamic program's table, of the state of the episode alone


class Bidding:
    """A bidder at work; its episode is the budget and the decisions that it is to last for."""

    def __init__(self, learned: LearnedBidder) -> None:
        self._bidder = learned.bidder()

    def bids(self, pctr: Floats, spending: Spending) -> Floats:
        """The bids on impressions one after another, shape (n,).

        All bids that are under way are never more than what is left of the budget.
        """
        left, decisions = spending.left, int(spending.decisions)
        bids, free = np.empty(pctr.size), max(left - spending.reserved, 0.0)
        for place, own in enumerate(np.maximum(pctr, LEAST_PCTR)):
            seen = min(int(spending.made) + place, decisions - 1)
            state = EpisodeState(0, seen, decisions, spending.budget, left)
            bid = self._bidder.bid(BidRequests(np.array([own]), np.array([np.nan])), state)[0]
            bids[place] = min(bid, free)
            free -= bids[place]
        return bids

    def observe(self, pctr: Floats, bids: Floats, won: Flags, paid: Floats) -> None:
        """What came of bids, shape (n,) each."""
        requests = BidRequests(np.maximum(pctr, LEAST_PCTR), np.full(pctr.size, np.nan))
        self._bidder.observe(requests, Outcome(bids, won, np.where(won, paid, 0.0)))

    def tensors(self) -> dict[str, Floats]:
        """Where the bidder stands, as plain arrays."""
        return {path: np.atleast_1d(np.asarray(value)) for path, _, _, value in _numbers(self._bidder)}

    def restore(self, tensors: Mapping[str, Floats]) -> None:
        """What `tensors` gave, into a bidder at the start of its work."""
        for path, owner, name, value in list(_numbers(self._bidder)):
            found = tensors[path]
            if isinstance(value, EpisodeState):
                setattr(owner, name, EpisodeState(*map(int, found[:3]), *map(float, found[3:])))
            else:
                setattr(owner, name, found.copy() if isinstance(value, np.ndarray) else found[0].item())


def _numbers(bidder: Any) -> Iterator[tuple[str, Any, str, Any]]:
    """The numbers that a bidder and its parts hold: a path, the part, the attribute and its value."""
    waiting, seen = [("bidder", bidder)], {id(bidder)}
    while waiting:
        path, part = waiting.pop()
        if is_dataclass(part):  # frozen: it stays as it was learned
            continue
        for name, value in vars(part).items():
            if name in SOLVED_ANEW or isinstance(value, bool):
                continue
            if isinstance(value, int | float | np.number | np.ndarray | EpisodeState):
                yield f"{path}.{name}", part, name, value
            elif hasattr(value, "__dict__") and id(value) not in seen:
                seen.add(id(value))
                waiting.append((f"{path}.{name}", value))
