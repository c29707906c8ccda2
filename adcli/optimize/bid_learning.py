"""Learning what to bid: each kind of bidder is made from a log of auctions and replayed on it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import polars as pl

from adcli.bidding.auctions import Auctions, read_auctions
from adcli.bidding.bidders import best_rate
from adcli.bidding.learned import KINDS, LearnedBidder
from adcli.bidding.limits import Limits
from adcli.bidding.market import market_of
from adcli.bidding.prices import Prices, prices_of
from adcli.bidding.replay import clairvoyant, replay
from adcli.errors import DataError, UsageError, require_known
from adcli.progress import part, steps

AUTO = "auto"
SHORT_EPISODE = 2_500  # auctions, in which the dynamic program is solved within seconds
COSTS = {"pacer": 6, "dp": 20, "linear": 1, "mcpc": 1, "dual": 4, "pid": 4}  # of a replay, roughly
CHOSEN_AMONG = ("pacer", "dp")  # the others are baselines


class LearnedBids(NamedTuple):
    """A campaign's bidder; the share of the clairvoyant's predicted value that each kind won."""

    chosen: LearnedBidder
    shares: dict[str, float]


def learn_bidders(
    frame: pl.DataFrame,
    *,
    bidder: str = AUTO,
    prices: Mapping[str, Prices] | None = None,
    budget_shares: Mapping[str, float],
    value: str = "click",
    episode: str | int = "episode",
    first_price: bool = False,
    limits: Limits = Limits(),  # noqa: B008 - never changed
) -> dict[str, LearnedBids]:
    """The bidder of each campaign of a table of auctions, by its id ("" where it names none).

    Args:
        frame: The auctions; see `read_auctions`.
        bidder: One of `KINDS`, or "auto".
        prices: What impressions and clicks cost each campaign before; its own auctions say so unless given.
        budget_shares: The budget of a campaign's episode, as a share of what all its impressions would cost.
        value: The column that says what winning is worth.
        episode: The column that numbers the episodes, or how many auctions make one.
        first_price: Whether a won auction costs the bid.
        limits: What the bids keep to beside the budget.

    Raises:
        UsageError: If the kind of bidder is not known, or is `dp` at first price.
        DataError: If there are no auctions, or a column is missing or holds anything but amounts.
    """
    known = (AUTO, *KINDS)
    require_known(bidder, known, f"'{bidder}' is none of {', '.join(known)}.", error=UsageError)
    if first_price and bidder == "dp":
        raise UsageError("The dynamic program bids at second price only.", fix="Take --bidder pacer.")
    if frame.is_empty():
        raise DataError("There are no auctions.")
    named = "campaign_id" in frame.columns
    parts = frame.partition_by("campaign_id", as_dict=True, maintain_order=True) if named else {("",): frame}
    learned = {}
    for (name,), own in steps(parts.items(), [own.height for own in parts.values()]):
        all_of_it = read_auctions(own, budget_per_auction=1, value=value, episode=episode)
        known_prices = (prices or {}).get(str(name)) or prices_of(all_of_it)
        spend = known_prices.per_impression * budget_shares[str(name)]
        auctions = read_auctions(own, budget_per_auction=spend, value=value, episode=episode)
        learned[str(name)] = learn_bidder(
            auctions, known_prices, bidder=bidder, first_price=first_price, limits=limits
        )
    return learned


def learn_bidder(
    auctions: Auctions,
    prices: Prices,
    *,
    bidder: str = AUTO,
    first_price: bool = False,
    limits: Limits = Limits(),  # noqa: B008 - never changed
) -> LearnedBids:
    """The bidder of a campaign.

    Args:
        auctions: Its log, with what may be spent in each episode.
        prices: What a click has cost, for `mcpc`.
        bidder: One of `KINDS`, or "auto": the one of the pacer and, where episodes are short, the dynamic
            program that wins more predicted value in a replay of the log.
        first_price: Whether a won auction costs the bid.
        limits: What the bids keep to beside the budget.

    Raises:
        DataError: If the auctions have no predicted clicks, or no value at all.
    """
    if not auctions.value.any():
        raise DataError("None of the auctions has a value, so predicted clicks cannot be calibrated.")
    if auctions.budget.max() < auctions.price.min():
        raise DataError(
            f"An episode's budget of {auctions.budget.max():.4g} is below the price of the cheapest auction, "
            f"{auctions.price.min():.4g}.",
            fix="Give a larger --budget-share, or longer episodes by --episode.",
        )
    if limits.max_bid is not None and limits.max_bid < auctions.price.min():
        raise DataError(
            f"A highest bid of {limits.max_bid:.4g} is below the price of the cheapest auction, "
            f"{auctions.price.min():.4g}.",
            fix="Give a higher --max-bid.",
        )
    market = market_of(auctions)
    is_short = int(np.diff(auctions.starts).max()) <= SHORT_EPISODE and not first_price
    kinds = [kind for kind in KINDS if kind == bidder or kind != "dp" or is_short]
    with part(0, 0.2):
        rates = {"linear": best_rate(auctions, first_price=first_price), "mcpc": prices.per_click}
    made = {kind: LearnedBidder(kind, market, rates.get(kind, 0.0), first_price, limits) for kind in kinds}
    perfect = auctions._replace(value=auctions.predicted_value)
    bound = float(clairvoyant(perfect).won @ perfect.value)
    with part(0.2, 1):
        shares = {
            kind: float(replay(one.bidder(), auctions, first_price=first_price).won @ perfect.value) / bound
            for kind, one in steps(made.items(), [COSTS[kind] for kind in made])
        }
    candidates = [kind for kind in CHOSEN_AMONG if kind in made]
    return LearnedBids(made[max(candidates, key=shares.__getitem__) if bidder == AUTO else bidder], shares)
