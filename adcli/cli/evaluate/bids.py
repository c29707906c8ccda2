"""`adcli evaluate bids`."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from adcli.cli.command import command
from adcli.cli.options import Confidence, Inputs, Reporting, Tracking
from adcli.cli.reporting import Answer, deliver, recorder
from adcli.cli.run import Run
from adcli.errors import DataError, UsageError, did_you_mean

if TYPE_CHECKING:
    import polars as pl

    from adcli.bidding.prices import Prices

BUDGET_SHARE = 1 / 32  # the middle one of the published iPinYou protocol


@command
def bids(
    run: Run,
    reporting: Reporting,
    tracking: Tracking,
    inputs: Inputs = None,
    bidder: Annotated[
        list[str],
        typer.Option(help="Bidder to replay; repeat for more: mcpc, linear, clairvoyant, or bid (a column)."),
    ] = ["mcpc", "linear", "clairvoyant"],  # noqa: B006
    baseline: Annotated[str, typer.Option(help="The bidder that the others are compared with.")] = "mcpc",
    budget_share: Annotated[
        list[str],
        typer.Option(
            metavar="[CAMPAIGN=]SHARE",
            help="Budget of an episode, as a share of what winning all its auctions would cost; repeat.",
            show_default="1/32",
        ),
    ] = [],  # noqa: B006
    totals: Annotated[
        list[str],
        typer.Option(
            metavar="[CAMPAIGN=]FILE",
            help="JSON of an earlier period's cost_train, imp_train, clk_train, to take prices from; repeat.",
        ),
    ] = [],  # noqa: B006
    value: Annotated[str, typer.Option(help="Column of the value of a won auction.")] = "click",
    episode: Annotated[str, typer.Option(help="Column of a campaign's budget period (episode).")] = "episode",
    campaign: Annotated[str | None, typer.Option(help="Only this campaign.")] = None,
    confidence: Confidence = 0.95,
) -> None:
    """Replay bidders on logged second-price auctions: what each would have won, and for how much.

    \b
    Examples:
      adcli evaluate bids auctions.parquet --bidder mcpc --bidder bid --report bids.html
      adcli evaluate bids auctions.csv.gz --campaign 2997 --totals 2997.info.json --budget-share 0.0625
      adcli evaluate bids auctions.csv.gz --budget-share 0.03 --budget-share 2997=0.06 --baseline linear
    """
    from adcli.evaluate.bids.campaigns import evaluate_bids
    from adcli.evaluate.bids.page import bids_page

    record = recorder(run, tracking)
    frame = _only(run.read(inputs, tables=["auctions"]), campaign)
    value, episode = run.column(value), run.column(episode)
    campaigns = _campaigns(frame)
    prices = {name: _prices(Path(path)) for name, path in _by_campaign(totals, "--totals", campaigns).items()}
    if len(prices) < len(campaigns):
        run.note(
            "Prices are taken from the replayed auctions themselves; --totals takes an earlier period's."
        )
    with run.step("replay"):
        found = evaluate_bids(
            frame,
            bidders=list(dict.fromkeys([baseline, *bidder])),
            baseline=baseline,
            prices=prices,
            budget_shares=dict.fromkeys(campaigns, BUDGET_SHARE) | _shares(budget_share, campaigns),
            value=value,
            episode=episode,
            confidence=confidence,
        )
    page = bids_page(found.table, found.spend_curve, baseline=baseline)
    deliver(run, Answer(found.table, page), reporting, record)


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


def _campaigns(frame: pl.DataFrame) -> list[str]:
    if "campaign_id" not in frame.columns:
        return [""]
    return [str(name) for name in frame["campaign_id"].unique(maintain_order=True)]


def _by_campaign(texts: Sequence[str], option: str, campaigns: Sequence[str]) -> dict[str, str]:
    """The value of each campaign: its own `CAMPAIGN=VALUE`, else the one without a name."""
    found = dict.fromkeys(campaigns, "")
    for text in sorted(texts, key=lambda text: "=" in text):
        name, is_named, value = text.partition("=")
        if not is_named:
            found = dict.fromkeys(campaigns, text)
        elif name in found:
            found[name] = value
        else:
            known = did_you_mean(name, campaigns) or f"There are {', '.join(campaigns[:12])}."
            raise UsageError(f"{option} {text}: there is no campaign '{name}'.", fix=known)
    return {name: value for name, value in found.items() if value}


def _shares(texts: Sequence[str], campaigns: Sequence[str]) -> dict[str, float]:
    shares = {}
    for name, text in _by_campaign(texts, "--budget-share", campaigns).items():
        try:
            shares[name] = float(text)
        except ValueError:
            shares[name] = 0.0
        if not 0 < shares[name] <= 1:
            raise UsageError(f"--budget-share {text}: expected a share above 0 and at most 1.")
    return shares


def _prices(totals: Path) -> Prices:
    from adcli.bidding.prices import read_prices

    try:
        return read_prices(json.loads(totals.read_text(encoding="utf-8")))
    except (OSError, ValueError, AttributeError) as error:
        raise DataError(f"{totals} cannot be read as JSON ({error}).") from None
