"""Options that learning to bid and replaying bids share: campaigns, their budgets, prices and episodes."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import typer

from adcli.cli.option_rules import option_group
from adcli.cli.run import Run
from adcli.errors import DataError, UsageError, require_known

if TYPE_CHECKING:
    import polars as pl

    from adcli.bidding.limits import Limits
    from adcli.bidding.prices import Prices

BUDGET_SHARE = 1 / 32  # the middle one of the published iPinYou protocol


@option_group()
class Bidding:
    """Which auctions there are, what they are worth, and what may be spent."""

    budget_share: list[str] = typer.Option(
        [],
        metavar="[CAMPAIGN=]SHARE",
        help="Budget of an episode, as a share of what winning all its auctions would cost; repeat.",
        show_default="1/32",
    )
    totals: list[str] = typer.Option(
        [],
        metavar="[CAMPAIGN=]FILE",
        help="JSON of an earlier period's cost_train, imp_train, clk_train, to take prices from; repeat.",
    )
    value: str = typer.Option("click", help="Column of the value of a won auction.")
    episode: str = typer.Option(
        "episode",
        metavar="COLUMN|N",
        help="Column of a campaign's budget period (episode), or how many auctions make one.",
    )
    campaign: str | None = typer.Option(None, help="Only this campaign.")
    price: Literal["first", "second"] = typer.Option(
        "second", help="What a won auction costs: the bid (first), or second."
    )
    prediction: str = typer.Option(
        "pctr",
        metavar="COLUMN[*COLUMN]",
        help="Column of the predicted value of a won auction, or columns to multiply: pctr*pcvr.",
    )
    shared_budget: bool = typer.Option(
        False, "--shared-budget", help="One budget and one bidder for all campaigns together."
    )


def asked_auctions(run: Run, frame: pl.DataFrame, bidding: Bidding) -> pl.DataFrame:
    """The auctions that the options ask for, as of one campaign if it has one budget, with their `pctr`."""
    import polars as pl

    if (bidding.campaign is not None or bidding.shared_budget) and "campaign_id" not in frame.columns:
        raise DataError("The auctions name no campaigns.", fix="Name the column with --map campaign_id=...")
    if bidding.campaign is not None:
        chosen = frame.filter(pl.col("campaign_id") == bidding.campaign)
        if not chosen.height:
            known = ", ".join(frame["campaign_id"].unique().sort().head(12).to_list())
            raise DataError(f"There is no campaign '{bidding.campaign}'; there are {known}.")
        frame = chosen
    if bidding.shared_budget:
        frame = frame.sort("event_time", maintain_order=True) if "event_time" in frame.columns else frame
        frame = frame.drop("campaign_id")
    return _with_prediction(run, frame, bidding.prediction)


def campaigns_of(frame: pl.DataFrame) -> list[str]:
    """The campaigns in the order they come; "" where none is named."""
    if "campaign_id" not in frame.columns:
        return [""]
    return [str(name) for name in frame["campaign_id"].unique(maintain_order=True)]


def by_campaign(texts: Sequence[str], option: str, campaigns: Sequence[str]) -> dict[str, str]:
    """The value of each campaign: its own `CAMPAIGN=VALUE`, else the one without a name."""
    found = dict.fromkeys(campaigns, "")
    for text in sorted(texts, key=lambda text: "=" in text):
        name, is_named, value = text.partition("=")
        if not is_named:
            found = dict.fromkeys(campaigns, text)
            continue
        fix = f"There are {', '.join(campaigns[:12])}."
        sentence = f"{option} {text}: there is no campaign '{name}'."
        require_known(name, campaigns, sentence, fix, error=UsageError)
        found[name] = value
    return {name: value for name, value in found.items() if value}


def budget_shares(texts: Sequence[str], campaigns: Sequence[str]) -> dict[str, float]:
    """The budget share of each campaign: 1/32 unless said."""
    shares = dict.fromkeys(campaigns, BUDGET_SHARE)
    for name, text in by_campaign(texts, "--budget-share", campaigns).items():
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


def earlier_prices(texts: Sequence[str], campaigns: Sequence[str]) -> dict[str, Prices]:
    """The prices of each campaign that `--totals` names a file for."""
    return {name: _prices(Path(path)) for name, path in by_campaign(texts, "--totals", campaigns).items()}


def episodes(run: Run, text: str) -> str | int:
    """The column that numbers the episodes, or how many auctions make one."""
    if text.isascii() and text.isdecimal():
        if int(text) < 1:
            raise UsageError(f"--episode {text}: an episode has at least one auction.")
        return int(text)
    return run.column(text)


def _with_prediction(run: Run, frame: pl.DataFrame, prediction: str) -> pl.DataFrame:
    """The auctions with the predicted value, which `--prediction` tells, as `pctr`."""
    import polars as pl

    if prediction == "pctr":
        return frame
    names = run.columns([name.strip() for name in prediction.split("*")])
    for name in names:
        sentence = f"--prediction {prediction}: the auctions have no column '{name}'."
        require_known(name, frame.columns, sentence, "Name it with --map.")
    product = pl.fold(
        pl.lit(1.0),
        lambda left, right: left * right,
        [pl.col(n).cast(pl.Float64, strict=False) for n in names],
    )
    return frame.with_columns(pctr=product)


def limits_of(max_bid: float | None, target_cpa: float | None, target_roas: float | None) -> Limits:
    """The limits that the options state."""
    from adcli.bidding.limits import Limits

    stated = {"--max-bid": max_bid, "--target-cpa": target_cpa, "--target-roas": target_roas}
    for option, limit in stated.items():
        if limit is not None and not 0 < limit < float("inf"):
            raise UsageError(f"{option} {limit:g}: expected a number above 0.")
    if target_cpa is not None and target_roas is not None:
        raise UsageError("--target-cpa and --target-roas both limit what a value may cost.", fix="Give one.")
    return Limits(max_bid, 1 / target_roas if target_roas is not None else target_cpa)


def say_what_is_estimated(run: Run, frame: pl.DataFrame, value: str) -> None:
    """What of the auctions was not logged, and what stands in its place."""
    from adcli.bidding.auctions import unstated_prices

    if drawn := unstated_prices(frame):
        run.warn(
            f"{drawn:,} of {frame.height:,} auctions state no market price: it is drawn from the win curve "
            "of the logged bids, so intervals do not tell how sure the prices are."
        )
    if value not in frame.columns:
        run.note("The auctions have no clicks: the value of an auction is its predicted click.")
    elif "won" in frame.columns:
        run.note("Lost auctions are worth the value predicted for them.")
