"""Ways to bid: by a fixed price of a click, in proportion to the predicted click, or as the log did."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from adcli.arrays import Floats
from adcli.bidding.auctions import Auctions
from adcli.bidding.prices import Prices
from adcli.bidding.replay import Bidder, BidRequests, EpisodeState, Outcome, Replay, clairvoyant, replay
from adcli.errors import DataError, UsageError, require_known
from adcli.progress import part, steps

RATES_TRIED = 60
COSTS = {"mcpc": 1, "bid": 1, "clairvoyant": 5, "linear": 20}  # of a replay, roughly; of a learned one 10


class _Unpaced:
    """A bidder that the budget does not concern: it never bids otherwise for what came of its bids."""

    step: int | None = None

    def observe(self, requests: BidRequests, outcome: Outcome) -> None:
        """Nothing is learned."""


@dataclass(frozen=True)
class Linear(_Unpaced):
    """Bids in proportion to the predicted click.

    Source: Perlich et al. (2012); "Lin" in Zhang, Yuan and Wang (2014).
    """

    rate: float

    def bid(self, requests: BidRequests, state: EpisodeState) -> Floats:
        """Rate x predicted click."""
        return requests.pctr * self.rate


class LoggedBid(_Unpaced):
    """The bids that the auctions themselves state, as a column."""

    def bid(self, requests: BidRequests, state: EpisodeState) -> Floats:
        """As logged."""
        return requests.bid


def replay_bidders(
    auctions: Auctions,
    bidders: Sequence[str],
    prices: Prices,
    *,
    learned: Mapping[str, Bidder] | None = None,
    first_price: bool = False,
) -> dict[str, Replay]:
    """What each of the named bidders would have won; `learned` are further ones by their names.

    Raises UsageError if a bidder is not known; DataError if the auctions lack what a bidder bids on.
    """
    known = {
        "mcpc": lambda: mcpc(auctions, prices, first_price=first_price),
        "linear": lambda: linear(auctions, first_price=first_price),
        "clairvoyant": lambda: clairvoyant(auctions),
        "bid": lambda: logged_bid(auctions, first_price=first_price),
    } | {
        name: lambda bidder=bidder: _learned(bidder, auctions, first_price)
        for name, bidder in (learned or {}).items()
    }
    for name in bidders:
        require_known(name, known, f"'{name}' is none of {', '.join(known)}.", error=UsageError)
    return {name: known[name]() for name in steps(bidders, [COSTS.get(name, 10) for name in bidders])}


def _learned(bidder: Bidder, auctions: Auctions, first_price: bool) -> Replay:
    _check_pctr(auctions, "learned")
    return replay(bidder, auctions, first_price=first_price)


def logged_bid(auctions: Auctions, *, first_price: bool = False) -> Replay:
    """The bids of the column `bid`."""
    if np.isnan(auctions.bid).any():
        raise DataError("The auctions have no column 'bid'.", fix="Name it with --map bid=...")
    return replay(LoggedBid(), auctions, first_price=first_price)


def mcpc(auctions: Auctions, prices: Prices, *, first_price: bool = False) -> Replay:
    """Bids of the predicted click times what a click has cost, whatever is left of the budget.

    Source: Chen et al. (2011); "Mcpc" in Zhang, Yuan and Wang (2014) and Cai et al. (2017).
    """
    _check_pctr(auctions, "mcpc")
    return replay(Linear(prices.per_click), auctions, first_price=first_price)


def linear(auctions: Auctions, *, first_price: bool = False) -> Replay:
    """Bids in proportion to the predicted click, at the rate that won most predicted value on half of them.

    Each half is bid on at the rate of the other.
    """
    _check_pctr(auctions, "linear")
    is_even = np.arange(auctions.budget.size) % 2 == 0
    found = Replay(*(np.zeros(auctions.price.size) for _ in Replay._fields))
    for half in steps((is_even, ~is_even)):
        if half.any():
            others = auctions.take(~half) if (~half).any() else auctions
            with part(0, 0.9):
                rate = best_rate(others, first_price=first_price)
            with part(0.9, 1):
                played = replay(Linear(rate), auctions.take(half), first_price=first_price)
            for column, own in zip(found, played, strict=True):
                column[half[auctions.episode]] = own
    return found


def best_rate(auctions: Auctions, *, first_price: bool = False) -> float:
    """The rate at which bids of rate x predicted click win most predicted value within the budgets.

    Clicks are too few to tell rates apart.
    """
    shown = auctions.pctr > 0
    if not shown.any():
        return 0.0
    worth = auctions.price[shown] / auctions.pctr[shown]
    rates = np.unique(np.quantile(worth, np.linspace(0.001, 1, RATES_TRIED)))
    values = [
        float(replay(Linear(rate), auctions, first_price=first_price).won @ auctions.pctr)
        for rate in steps(rates)
    ]
    return float(rates[int(np.argmax(values))])


def _check_pctr(auctions: Auctions, name: str) -> None:
    if np.isnan(auctions.pctr).any():
        raise DataError(
            f"The bidder '{name}' bids on the predicted click, and the auctions have no column 'pctr'.",
            fix="Name it with --map pctr=...",
        )
