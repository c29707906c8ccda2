"""Ways to bid: by a fixed price of a click, in proportion to the predicted click, or knowing the future."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from adcli.bidding.replay import Auctions, Replay, replay
from adcli.errors import DataError, UsageError, did_you_mean

BIDDERS = ("mcpc", "linear", "clairvoyant", "bid")
TRIED = 60


class Prices(NamedTuple):
    """What impressions and clicks cost before the auctions that are replayed."""

    cost: float
    impressions: int
    clicks: int

    @property
    def per_impression(self) -> float:
        """The mean price of an impression."""
        return self.cost / self.impressions

    @property
    def per_click(self) -> float:
        """The mean price of a click."""
        return self.cost / self.clicks


def prices_of(auctions: Auctions) -> Prices:
    """The prices of a log in which every auction was won.

    Raises:
        DataError: If the auctions have no clicks.
    """
    clicks = float(np.nansum(auctions.click))
    if not clicks:
        raise DataError(
            "The auctions have no clicks, so a click has no price.", fix="Give other auctions for it."
        )
    return Prices(float(auctions.price.sum()), auctions.price.size, int(clicks))


def read_prices(totals: Mapping[str, Any]) -> Prices:
    """The prices that a file of training totals states as `cost_train`, `imp_train` and `clk_train`.

    Raises:
        DataError: If one of them is missing or not above 0.
    """
    numbers = [totals.get(name) for name in ("cost_train", "imp_train", "clk_train")]
    if not all(isinstance(number, int | float) and number > 0 for number in numbers):
        raise DataError("The training totals need cost_train, imp_train and clk_train, each above 0.")
    cost, impressions, clicks = (float(number) for number in numbers if number is not None)
    return Prices(cost, int(impressions), int(clicks))


def replay_bidders(auctions: Auctions, bidders: Sequence[str], prices: Prices) -> dict[str, Replay]:
    """What each of the named bidders would have won.

    Raises:
        UsageError: If a bidder is not known.
        DataError: If the auctions lack what a bidder bids on.
    """
    known = {
        "mcpc": lambda: mcpc(auctions, prices),
        "linear": lambda: linear(auctions),
        "clairvoyant": lambda: clairvoyant(auctions),
        "bid": lambda: logged_bid(auctions),
    }
    for name in bidders:
        if name not in known:
            raise UsageError(f"'{name}' is none of {', '.join(known)}.", fix=did_you_mean(name, known))
    return {name: known[name]() for name in bidders}


def logged_bid(auctions: Auctions) -> Replay:
    """The bids that the auctions themselves state, as a column."""
    if np.isnan(auctions.bid).any():
        raise DataError("The auctions have no column 'bid'.", fix="Name it with --map bid=...")
    return replay(auctions.bid, auctions)


def mcpc(auctions: Auctions, prices: Prices) -> Replay:
    """Bids of the predicted click times what a click has cost, whatever is left of the budget.

    Source: Chen et al. (2011); "Mcpc" in Zhang, Yuan and Wang (2014) and Cai et al. (2017).
    """
    _needs_pctr(auctions, "mcpc")
    return replay(auctions.pctr * prices.per_click, auctions)


def linear(auctions: Auctions) -> Replay:
    """Bids in proportion to the predicted click, at the rate that earned most on the other episodes' half.

    Source: Perlich et al. (2012); "Lin" in Zhang, Yuan and Wang (2014).
    """
    _needs_pctr(auctions, "linear")
    half = np.arange(auctions.budget.size) % 2 == 0
    bids = np.empty(auctions.price.size)
    for own in (half, ~half):
        rows = own[auctions.episode]
        bids[rows] = auctions.pctr[rows] * best_rate(auctions.take(~own) if (~own).any() else auctions)
    return replay(bids, auctions)


def best_rate(auctions: Auctions) -> float:
    """The rate at which bids of rate x predicted click earn most value within the budgets."""
    shown = auctions.pctr > 0
    worth = auctions.price[shown] / auctions.pctr[shown]
    if not worth.size:
        return 0.0
    rates = np.unique(np.quantile(worth, np.linspace(0.001, 1, TRIED)))
    values = [float(replay(auctions.pctr * rate, auctions).won @ auctions.value) for rate in rates]
    return float(rates[int(np.argmax(values))])


def clairvoyant(auctions: Auctions) -> Replay:
    """The most value that each episode's budget can buy for one who knows prices and outcomes: a bound.

    The auctions with the most value per price are bought first and the last one in part (the fractional
    knapsack, which no bidder can beat).

    Source: Dantzig (1957).
    """
    won = np.zeros(auctions.price.size)
    for number, (start, stop) in enumerate(zip(auctions.starts[:-1], auctions.starts[1:], strict=True)):
        price, value = auctions.price[start:stop], auctions.value[start:stop]
        worth = np.flatnonzero(value > 0)
        order = worth[np.argsort(price[worth] / value[worth], kind="stable")]
        left = auctions.budget[number] - np.concatenate([[0.0], np.cumsum(price[order])[:-1]])
        share = np.where(price[order] > 0, left / np.maximum(price[order], 1e-300), 1.0)
        won[start + order] = np.clip(share, 0, 1)
    return Replay(won, np.where(won > 0, auctions.price, 0))


def _needs_pctr(auctions: Auctions, name: str) -> None:
    if np.isnan(auctions.pctr).any():
        raise DataError(
            f"The bidder '{name}' bids on the predicted click, and the auctions have no column 'pctr'.",
            fix="Name it with --map pctr=...",
        )
