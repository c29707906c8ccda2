"""The page of `evaluate uplift`: whether the score finds those whom the treatment moves."""

from __future__ import annotations

import polars as pl

from adcli.report import Curve, Page, Passage, Plot, Table, Verdict, cumulative_plot, interval_plot
from adcli.report.numbers import show_interval
from adcli.report.table import heading


def uplift_page(table: pl.DataFrame, qini: pl.DataFrame, *, score: str, outcome: str) -> Page:
    """The page for a table made by `uplift_table`, and the points of `qini_points`."""
    judged = table.filter(pl.col("verdict").fill_null("") != "")
    return Page(
        title=f"Uplift of {outcome} by {score}",
        verdicts=[
            Verdict(
                row["verdict"],
                f"{heading(row['metric'])} {show_interval(row['value'], row['ci_low'], row['ci_high'])}.",
                row["reason"] or "",
            )
            for row in judged.to_dicts()
        ],
        tables=[Table("Figures", table.drop("definition", "reason"))],
        plots=[_qini_plot(qini, score, outcome), *_uplift_plot(table, outcome)],
        method=[
            Passage(str(metric), str(definition))
            for metric, definition in table.select("metric", "definition")
            .unique("metric", maintain_order=True)
            .iter_rows()
        ],
    )


def _qini_plot(qini: pl.DataFrame, score: str, outcome: str) -> Plot:
    share = qini["share"].to_list()
    return cumulative_plot(
        "qini",
        "Qini curve",
        [Curve(f"by {score}", share, qini["gained"].to_list())],
        x_axis="Share of the units treated, highest score first",
        y_axis=f"{outcome} gained among the treated",
        reference=Curve("in random order", share, qini["random"].to_list()),
    )


def _uplift_plot(table: pl.DataFrame, outcome: str) -> list[Plot]:
    effects = table.filter(pl.col("metric").is_in(["average_effect", "uplift_by_bin"]))
    if not effects.height:
        return []
    return [
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
