"""The page of `evaluate bids`: what each bidder won, for how much, and how the budget went."""

from __future__ import annotations

import polars as pl

from adcli.report import Curve, Page, Passage, Table, Verdict, cumulative_plot, interval_plot

METHOD = (
    Passage(
        "Replay",
        "An auction is won by a bid of at least its market price and costs that price (second price). A bid "
        "is cut to what is left of the episode's budget. Outcomes of auctions are taken as they were logged.",
    ),
    Passage(
        "Bidders",
        "`mcpc` bids the predicted click times what a click has cost; `linear` bids in proportion to the "
        "predicted click, at the rate that earned most on the other half of the episodes. "
        "`clairvoyant` knows prices and outcomes: a bound that no bidder can beat.",
    ),
    Passage("Intervals", "Differences to the baseline are paired by episode (Student's t)."),
)


def bids_page(table: pl.DataFrame, curve: pl.DataFrame, *, baseline: str) -> Page:
    """The page for a table made by `bid_table` and its spend curve."""
    others = table.filter(~pl.col("bidder").is_in([baseline, "clairvoyant"]))
    return Page(
        title="Bidders on logged auctions",
        verdicts=[
            Verdict(row["verdict"], f"{row['bidder']} against {baseline}.", row["reason"])
            for row in others.to_dicts()
        ],
        tables=[
            Table("What each won", table.select(
                "bidder", "impressions", "clicks", "cost", "value", "win_rate", "ecpc", "ecpm", "spend_share"
            )),
            Table("Per episode", table.select(
                "bidder", "value_per_episode", "difference", "difference_low", "difference_high", "verdict"
            )),
        ],
        plots=[
            cumulative_plot(
                "spend",
                "Budget spent over an episode",
                [
                    Curve(str(name), part["progress"].to_list(), part["spend_share"].to_list())
                    for (name,), part in curve.group_by("bidder", maintain_order=True)
                ],
                x_axis="Part of the episode's auctions seen",
                y_axis="Part of the budget spent",
                kind="rate",
            ),
            interval_plot(
                "differences",
                f"Value per episode against {baseline}",
                others["bidder"].to_list(),
                others["difference"],
                others["difference_low"],
                others["difference_high"],
                axis="Difference per episode",
                reference=0.0,
                reference_label="no difference",
            ),
        ],
        method=METHOD,
    )  # fmt: skip
