"""The page of `evaluate bids`: what each bidder won, for how much, and how the budget went."""

from __future__ import annotations

from typing import Any

import polars as pl

from adcli.evaluate.bids.table import BidValues
from adcli.numbers import show
from adcli.report import Curve, Page, Passage, Plot, Table, cumulative_plot, interval_plot
from adcli.report.table import kinds_in, show_figure
from adcli.statistics.verdicts import Verdict

METHOD = (
    Passage(
        "Replay",
        "An auction is won by a bid of at least its market price and costs that price (second price), or "
        "with `--price first` the bid. A bid is cut to what is left of the episode's budget. Outcomes of "
        "auctions are taken as they were logged; a price that the log does not state is drawn from the "
        "win curve, and a lost auction is worth the value predicted for it.",
    ),
    Passage(
        "Bidders",
        "`mcpc` bids the predicted click times what a click has cost; `linear` bids in proportion to the "
        "predicted click, at the rate that won most predicted value on the other half of the episodes. "
        "`clairvoyant` knows prices and outcomes: a bound that no bidder can beat.",
    ),
    Passage(
        "Predicted value",
        "Predicted clicks, scaled so that over all of a campaign they add up to the value there "
        "was. Its share is that of the most which the budget could have bought by it (the row of "
        "`clairvoyant`).",
    ),
    Passage(
        "Intervals",
        "Differences to the baseline are paired by episode (Student's t); p-values are adjusted by Holm for "
        "all bidders and campaigns compared.",
    ),
)


_KINDS = {"share_of_bound": "rate", "predicted_value_share": "rate"}


def bids_page(found: BidValues, *, baseline: str, currency: str = "") -> Page:
    """The page for what `evaluate_bids` found: all campaigns first, then each."""
    table = found.table
    judged = table.filter(~pl.col("bidder").is_in([baseline, "clairvoyant"]))
    per_episode = table.select(
        "bidder", "campaign_id", "value_per_episode", "difference", "difference_low", "difference_high",
        "share_of_bound", "verdict",
    )  # fmt: skip
    won = table.select(
        "bidder", "campaign_id", "impressions", "clicks", "cost", "value", "win_rate", "ecpc", "ecpm",
        "spend_share",
    )  # fmt: skip
    predicted = table.select("bidder", "campaign_id", "predicted_value", "predicted_value_share")
    return Page(
        title="Bidders on logged auctions",
        verdicts=[_sentence(row, table, baseline) for row in judged.to_dicts()],
        tables=[
            Table("Per episode", per_episode, _KINDS, note=f"Differences are to {baseline}."),
            Table("What each won", won, kinds_in(currency)),
        ],
        details=[Table("Predicted value", predicted, _KINDS)],
        plots=[_spend_plot(found.spend_curve), *_difference_plots(judged, baseline)],
        method=METHOD,
    )


def _sentence(row: dict[str, Any], table: pl.DataFrame, baseline: str) -> Verdict:
    """What a bidder earns an episode, beside the baseline in the same campaign."""
    held = table.filter(pl.col("bidder") == baseline, pl.col("campaign_id") == row["campaign_id"])
    own, other = (show(value) for value in (row["value_per_episode"], held["value_per_episode"][0]))
    against = f"{row['bidder']} against {baseline}{_where(row, table)}"
    difference = show_figure(row, "difference", "difference")
    return Verdict(
        row["verdict"], row["reason"], f"{against}: {difference} an episode ({own} against {other})."
    )


def _where(row: dict[str, object], table: pl.DataFrame) -> str:
    """Which campaign a row is about, where there are several."""
    if table["campaign_id"].n_unique() == 1:
        return ""
    return " over all campaigns" if row["campaign_id"] == "all" else f", campaign {row['campaign_id']}"


def _spend_plot(curve: pl.DataFrame) -> Plot:
    return cumulative_plot(
        "spend",
        "Budget spent over an episode",
        [
            Curve(str(name), part["progress"].to_list(), part["spend_share"].to_list())
            for (name,), part in curve.group_by("bidder", maintain_order=True)
        ],
        x_axis="Part of the episode's auctions seen",
        y_axis="Part of the budget spent",
        kind="rate",
    )


def _difference_plots(table: pl.DataFrame, baseline: str) -> list[Plot]:
    """Of each bidder, over all campaigns; then by campaign, where there are several."""
    title = f"Value per episode against {baseline}"
    overall = table.filter(pl.col("campaign_id") == table["campaign_id"].first())
    each = table.filter(pl.col("campaign_id") != "all")
    plots = [("differences", title, overall, pl.col("bidder"))]
    if each["campaign_id"].n_unique() > 1:
        plots.append(
            ("campaigns", f"{title}, by campaign", each, pl.format("{}: {}", "bidder", "campaign_id"))
        )
    return [
        interval_plot(
            name,
            title,
            rows,
            "difference",
            label=label,
            axis="Difference per episode",
            reference=0.0,
            reference_label="no difference",
        )
        for name, title, rows, label in plots
    ]
