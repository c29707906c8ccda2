"""`adcli evaluate bids`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from adcli.cli.command import command
from adcli.cli.options import Inputs, Reporting
from adcli.cli.reporting import publish
from adcli.cli.run import Run
from adcli.errors import DataError

if TYPE_CHECKING:
    import polars as pl

    from adcli.evaluate.bids.policies import Prices
    from adcli.evaluate.bids.replay import Auctions


@command
def bids(
    run: Run,
    reporting: Reporting,
    inputs: Inputs = None,
    bidder: Annotated[
        list[str],
        typer.Option(help="Bidder to replay; repeat for more: mcpc, linear, clairvoyant, or bid (a column)."),
    ] = ["mcpc", "linear", "clairvoyant"],  # noqa: B006
    baseline: Annotated[str, typer.Option(help="The bidder that the others are compared with.")] = "mcpc",
    budget_share: Annotated[
        float,
        typer.Option(min=1e-6, max=1.0, help="Budget, as a share of what winning every auction would cost."),
    ] = 1 / 32,
    totals: Annotated[
        Path | None,
        typer.Option(
            help="JSON of an earlier period's cost_train, imp_train, clk_train, to take prices from."
        ),
    ] = None,
    value: Annotated[str, typer.Option(help="Column that says what winning is worth.")] = "click",
    episode: Annotated[
        str, typer.Option(help="Column that numbers a campaign's budget periods.")
    ] = "episode",
    campaign: Annotated[str | None, typer.Option(help="Only the auctions of this campaign.")] = None,
    confidence: Annotated[float, typer.Option(min=0.5, max=0.999, help="Of the intervals.")] = 0.95,
) -> None:
    """Replay bidders on logged second-price auctions: what each would have won, and for how much.

    \b
    Examples:
      adcli evaluate bids auctions.parquet --bidder mcpc --bidder bid --report bids.html
      adcli evaluate bids auctions.csv.gz --campaign 2997 --totals 2997.info.json --budget-share 0.03125
    """
    from adcli.evaluate.bids.page import bids_page
    from adcli.evaluate.bids.policies import replay_bidders
    from adcli.evaluate.bids.replay import read_auctions
    from adcli.evaluate.bids.table import bid_table, spend_curve

    frame = _only(run.read(inputs, tables=["auctions"]), campaign)
    with run.step("replay"):
        whole = read_auctions(frame, budget_per_auction=1.0, value=value, episode=episode)
        prices = _prices(run, whole, totals)
        budget = budget_share * prices.per_impression
        auctions = read_auctions(frame, budget_per_auction=budget, value=value, episode=episode)
        replays = replay_bidders(auctions, list(dict.fromkeys([baseline, *bidder])), prices)
        table = bid_table(auctions, replays, baseline=baseline, confidence=confidence)
    run.write(table)
    publish(run, bids_page(table, spend_curve(auctions, replays), baseline=baseline), reporting)


def _only(frame: pl.DataFrame, campaign: str | None) -> pl.DataFrame:
    import polars as pl

    if campaign is None:
        return frame
    if "campaign_id" not in frame.columns:
        raise DataError("The auctions name no campaigns.", fix="Name the column with --map campaign_id=...")
    chosen = frame.filter(pl.col("campaign_id") == campaign)
    if not chosen.height:
        known = ", ".join(frame["campaign_id"].unique().sort().head(12).to_list())
        raise DataError(f"There is no campaign '{campaign}'; there are {known}.")
    return chosen


def _prices(run: Run, auctions: Auctions, totals: Path | None) -> Prices:
    from adcli.evaluate.bids.policies import prices_of, read_prices

    if totals is None:
        run.note(
            "Prices are taken from the replayed auctions themselves; --totals takes an earlier period's."
        )
        return prices_of(auctions)
    try:
        return read_prices(json.loads(totals.read_text(encoding="utf-8")))
    except (OSError, ValueError, AttributeError) as error:
        raise DataError(f"{totals} cannot be read as JSON ({error}).") from None
