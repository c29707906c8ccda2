"""The page of `evaluate uplift`: whether the score finds those whom the treatment moves."""

from __future__ import annotations

import polars as pl

from adcli.report import Page, Passage, Table, Verdict, interval_plot


def uplift_page(table: pl.DataFrame, *, score: str, outcome: str) -> Page:
    """The page for a table made by `uplift_table`."""
    effects = table.filter(pl.col("metric").is_in(["average_effect", "uplift_by_bin"]))
    judged = table.filter(pl.col("verdict").fill_null("") != "")
    return Page(
        title=f"Uplift of {outcome} by {score}",
        verdicts=[
            Verdict(row["verdict"], f"{row['metric']}: {row['definition']}", row["reason"] or "")
            for row in judged.to_dicts()
        ],
        tables=[Table("Figures", table.drop("definition", "reason"))],
        plots=[
            interval_plot(
                "uplift",
                "Observed uplift by predicted uplift",
                effects["group"].to_list(),
                effects["value"],
                effects["ci_low"],
                effects["ci_high"],
                axis=f"Difference of {outcome}",
                reference=0.0,
                reference_label="no uplift",
            )
        ]
        if effects.height
        else [],
        method=[
            Passage(str(metric), str(definition))
            for metric, definition in table.select("metric", "definition")
            .unique("metric", maintain_order=True)
            .iter_rows()
        ],
    )
