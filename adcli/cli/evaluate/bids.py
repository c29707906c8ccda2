"""`adcli evaluate bids`."""

from __future__ import annotations

from pathlib import Path

import typer

from adcli.cli.bidding import (
    Bidding,
    asked_auctions,
    budget_shares,
    campaigns_of,
    earlier_prices,
    episodes,
    say_what_is_estimated,
)
from adcli.cli.command import command
from adcli.cli.options import Confidence, Inputs, Reporting, Tracking
from adcli.cli.reporting import Answer, deliver, recorder
from adcli.cli.run import Run
from adcli.errors import UsageError


@command
def bids(
    bidding: Bidding,
    run: Run,
    reporting: Reporting,
    tracking: Tracking,
    inputs: Inputs = None,
    bidder: list[str] = typer.Option(
        ["mcpc", "linear", "clairvoyant"],
        metavar="NAME|DIR",
        help="Bidder to replay; repeat for more: mcpc, linear, clairvoyant, bid (a column), or a "
        "directory written by `adcli optimize bids`.",
    ),
    baseline: str = typer.Option("mcpc", help="The bidder that the others are compared with."),
    confidence: Confidence = 0.95,
) -> None:
    """Replay bidders on logged auctions: what each would have won, and for how much.

    \b
    Examples:
      adcli evaluate bids auctions.parquet --bidder mcpc --bidder bid --report bids.html
      adcli evaluate bids auctions.csv.gz --campaign 2997 --totals 2997.info.json --budget-share 0.0625
      adcli evaluate bids auctions_later.parquet --bidder bidder --bidder clairvoyant --episode 1000
      adcli evaluate bids auctions.csv.gz --budget-share 0.03 --budget-share 2997=0.06 --baseline linear
    """
    from adcli.behaviour.currencies import one_currency
    from adcli.bidding.learned import load_bidders
    from adcli.evaluate.bids.page import bids_page
    from adcli.evaluate.bids.table import evaluate_bids

    record = recorder(run, tracking)
    learned = {name: load_bidders(run.learned(Path(name))) for name in bidder if Path(name).is_dir()}
    first_price = bidding.price == "first"
    for name, of in learned.items():
        if any(one.first_price != first_price for one in of.values()):
            run.warn(f"{name} was learned for auctions of another price than --price {bidding.price}.")
        if other := {one.prediction for one in of.values()} - {bidding.prediction}:
            raise UsageError(f"{name} bids on {other.pop()}.", fix="Say so with --prediction.")
    frame = asked_auctions(run, run.read(inputs, tables=["auctions"]), bidding)
    value_column = run.column(bidding.value)
    campaigns = campaigns_of(frame)
    prices = earlier_prices(bidding.totals, campaigns)
    with run.step("replay"):
        found = evaluate_bids(
            frame,
            bidders=list(dict.fromkeys([baseline, *bidder])),
            baseline=baseline,
            prices=prices,
            budget_shares=budget_shares(bidding.budget_share, campaigns),
            value=value_column,
            episode=episodes(run, bidding.episode),
            learned=learned,
            first_price=first_price,
            confidence=confidence,
        )
    if len(prices) < len(campaigns):
        run.note(
            "Prices are taken from the replayed auctions themselves; --totals takes an earlier period's."
        )
    say_what_is_estimated(run, frame, value_column)
    page = bids_page(found, baseline=baseline, currency=one_currency(frame))
    deliver(run, Answer(found.table, page), reporting, record)
