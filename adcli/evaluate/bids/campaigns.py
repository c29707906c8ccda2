"""Bidders compared campaign by campaign, each with its own prices and budgets, and over all of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import polars as pl

from adcli.bidding.auctions import Auctions, read_auctions
from adcli.bidding.bidders import replay_bidders
from adcli.bidding.learned import LearnedBidder
from adcli.bidding.prices import Prices, prices_of
from adcli.bidding.replay import Bidder, Replay
from adcli.errors import DataError
from adcli.evaluate.bids.table import BOUND, bid_rows, calibration_table, judged, spend_curve
from adcli.progress import steps


class BidValues(NamedTuple):
    """What bidders would have bought.

    Attributes:
        table: One row per campaign and bidder.
        spend_curve: How the budget went over an episode (of all campaigns).
        calibration: Predicted and observed clicks; see `calibration_table`.
    """

    table: pl.DataFrame
    spend_curve: pl.DataFrame
    calibration: pl.DataFrame


def evaluate_bids(
    frame: pl.DataFrame,
    *,
    bidders: Sequence[str] = ("mcpc", "linear", BOUND),
    baseline: str | None = None,
    prices: Mapping[str, Prices] | None = None,
    budget_shares: Mapping[str, float] | float = 1 / 32,
    value: str = "click",
    episode: str | int = "episode",
    learned: Mapping[str, Mapping[str, LearnedBidder]] | None = None,
    first_price: bool = False,
    confidence: float = 0.95,
) -> BidValues:
    """What bidders would have bought in a table of auctions, campaign by campaign.

    The table has the columns of `bid_table`, then `campaign_id`; where there are several campaigns, the rows
    of `campaign_id` "all" come first.

    Args:
        frame: The auctions; see `read_auctions`.
        bidders: Names that `replay_bidders` knows, or of `learned`.
        baseline: The bidder that the others are compared with; the first unless named.
        prices: What impressions and clicks cost each campaign before; its own auctions say so unless given.
        budget_shares: The budget of an episode, as a share of what all its impressions would cost at the
            mean price; one for all, or one for each campaign.
        value: The column that says what winning is worth.
        episode: The column that numbers the episodes, or how many auctions make one.
        learned: Learned bidders by the names they go by among `bidders`, and by campaign; one that was
            learned without campaigns serves all.
        first_price: Whether a won auction costs the bid.
        confidence: Of the intervals.

    Raises:
        UsageError: If a bidder is not known.
        DataError: If there are no auctions, or a column is missing or holds anything but amounts.
    """
    if frame.is_empty():
        raise DataError("There are no auctions.")
    compared = baseline or bidders[0]
    named = "campaign_id" in frame.columns
    campaigns = (
        frame.partition_by("campaign_id", as_dict=True, maintain_order=True) if named else {("",): frame}
    )
    played = {
        str(name): _play(
            part,
            bidders,
            (prices or {}).get(str(name)),
            budget_shares if isinstance(budget_shares, float | int) else budget_shares[str(name)],
            value,
            episode,
            {own: _of_campaign(own, of, str(name)) for own, of in (learned or {}).items()},
            first_price,
        )
        for (name,), part in steps(campaigns.items(), [part.height for part in campaigns.values()])
    }
    together = _together(list(played.values()))
    parts = ({"all": together} if len(played) > 1 else {}) | played
    tables = [
        bid_rows(auctions, replays, baseline=compared, confidence=confidence).with_columns(
            campaign_id=pl.lit(name or "all", dtype=pl.String)
        )
        for name, (auctions, replays) in parts.items()
    ]
    table = judged(pl.concat(tables), compared, confidence)
    return BidValues(
        table.select(pl.exclude("campaign_id"), "campaign_id"),
        spend_curve(*together),
        calibration_table(together[0], confidence),
    )


def _of_campaign(name: str, learned: Mapping[str, LearnedBidder], campaign: str) -> Bidder:
    own = learned.get(campaign) or (next(iter(learned.values())) if list(learned) == [""] else None)
    if own is None:
        known = ", ".join(list(learned)[:12])
        raise DataError(
            f"The bidder {name} was not learned for the campaign '{campaign}', but for {known}.",
            fix="Learn it from a log of all campaigns, or take one with --campaign.",
        )
    return own.bidder()


def _play(
    part: pl.DataFrame,
    bidders: Sequence[str],
    prices: Prices | None,
    share: float,
    value: str,
    episode: str | int,
    learned: Mapping[str, Bidder],
    first_price: bool,
) -> tuple[Auctions, dict[str, Replay]]:
    known = prices or prices_of(read_auctions(part, budget_per_auction=1, value=value, episode=episode))
    auctions = read_auctions(
        part, budget_per_auction=known.per_impression * share, value=value, episode=episode
    )
    return auctions, replay_bidders(auctions, bidders, known, learned=learned, first_price=first_price)


def _together(
    played: Sequence[tuple[Auctions, Mapping[str, Replay]]],
) -> tuple[Auctions, dict[str, Replay]]:
    """Several campaigns' auctions and replays as one."""
    before = np.cumsum([0, *(auctions.budget.size for auctions, _ in played)])
    moved = [
        auctions._replace(episode=auctions.episode + start)
        for (auctions, _), start in zip(played, before[:-1], strict=True)
    ]
    joined = Auctions(*(np.concatenate(column) for column in zip(*moved, strict=True)))
    replays = {
        name: Replay(
            *(np.concatenate(column) for column in zip(*(own[name] for _, own in played), strict=True))
        )
        for name in played[0][1]
    }
    return joined, replays
