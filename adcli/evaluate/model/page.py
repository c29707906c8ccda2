"""The pages of `evaluate model`: how true predictions are, and how the data have drifted."""

from __future__ import annotations

import polars as pl

from adcli.report import Page, Passage, Plot, Table, Verdict, bar_plot, reliability_plot


def model_page(table: pl.DataFrame, *, score: str, label: str) -> Page:
    """The page for a table made by `model_table`."""
    is_bin = pl.col("metric") == "reliability"
    judged = table.filter(pl.col("verdict").fill_null("") != "")
    return Page(
        title=f"Predictions of {label} by {score}",
        verdicts=[
            Verdict(row["verdict"], f"{row['metric']}, {row['group']}", row["reason"] or "")
            for row in judged.to_dicts()
        ],
        tables=[
            Table("Figures", table.filter(~is_bin).drop("definition", "reason")),
            Table("Reliability", table.filter(is_bin).drop("definition", "reason", "verdict")),
        ],
        plots=_reliability(table.filter(is_bin)),
        method=_definitions(table),
    )


def drift_page(table: pl.DataFrame) -> Page:
    """The page for a table made by `drift_table`."""
    stability = table.filter(pl.col("metric") == "psi")
    return Page(
        title="Drift between two files",
        tables=[Table("Drift by column", table.drop("definition"))],
        plots=[
            bar_plot(
                "psi",
                "Population stability index",
                stability["group"].to_list(),
                stability["value"],
                stability["ci_low"],
                stability["ci_high"],
                axis="Population stability index",
            )
        ]
        if stability.height
        else [],
        method=_definitions(table),
    )


def _reliability(bins: pl.DataFrame) -> list[Plot]:
    if not bins.height:
        return []
    return [
        reliability_plot(
            "reliability",
            "Observed against predicted rates",
            bins["predicted"],
            bins["value"],
            bins["ci_low"],
            bins["ci_high"],
            bins["rows"],
        )
    ]


def _definitions(table: pl.DataFrame) -> list[Passage]:
    named = table.select("metric", "definition").unique("metric", maintain_order=True)
    return [Passage(str(metric), str(definition)) for metric, definition in named.iter_rows()]
