"""The page of `evaluate rates`: what was earned, per cell, with its intervals."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from adcli.report import Page, Passage, Plot, Table, Verdict, bar_plot
from adcli.report.numbers import show_interval
from adcli.report.table import METRIC_KINDS, heading

METHOD = (
    Passage(
        "Rates",
        "Each rate is the sum of what came divided by the sum of what it came from (R = ΣC / ΣP), "
        "never a mean of rates.",
    ),
    Passage(
        "Intervals",
        "Counts get Wilson's interval (Wilson, 1927); where users are known, on the effective number "
        "of trials after the design effect of clicks that come in users (Kish, 1965). Ratios of sums "
        "get the delta method, clustered by user (Deng et al., 2018).",
    ),
    Passage(
        "Small cells",
        "Cells of few users are not shown, and neither is any cell from which they could be worked out.",
    ),
)


def rates_page(rates: pl.DataFrame, *, by: Sequence[str]) -> Page:
    """The page for a table made by `rate_table`."""
    shown = rates.filter(pl.col("value").is_not_null())
    return Page(
        title="Rates" + (f" by {', '.join(by)}" if by else ""),
        summary=_summary(shown, by),
        tables=[Table("Rates with their intervals", rates.drop("definition"))],
        plots=[
            plot
            for metric in shown["metric"].unique(maintain_order=True)
            for plot in _plots(shown, metric, by)
        ],
        method=[*METHOD, Passage("Definitions", _definitions(rates))],
    )


def comparison_page(gaps: pl.DataFrame, *, by: Sequence[str]) -> Page:
    """The page for a table made by `fairness_table`: a sentence on each gap."""
    judged = gaps.filter(pl.col("verdict").fill_null("") != "")
    return Page(
        title=f"Rates by {', '.join(by)}, compared",
        verdicts=[Verdict(row["verdict"], str(row["reason"])) for row in judged.to_dicts()],
        tables=[Table("Groups and gaps", gaps.drop("definition", "reason"))],
        method=[*METHOD, Passage("Definitions", _definitions(gaps))],
    )


def funnel_page(steps: pl.DataFrame, *, by: Sequence[str]) -> Page:
    """The page for a table made by `funnel_table`."""
    return Page(
        title="Funnel" + (f" by {', '.join(by)}" if by else ""),
        tables=[Table("From step to step", steps.drop("definition"), kinds=dict.fromkeys(["value"], "rate"))],
        method=[Passage("Definitions", _definitions(steps))],
    )


def _definitions(rates: pl.DataFrame) -> str:
    pairs = rates.select("metric", "definition").unique(maintain_order=True)
    return "; ".join(f"{heading(metric)}: {definition}" for metric, definition in pairs.iter_rows()) + "."


def _summary(shown: pl.DataFrame, by: Sequence[str]) -> str:
    if by or not shown.height:
        return f"{shown.height} figures." if shown.height else "No cell is large enough to be shown."
    sentences = [
        f"{heading(row['metric'])} {show_interval(row['value'], row['ci_low'], row['ci_high'], kind)}"
        for row in shown.to_dicts()
        for kind in [METRIC_KINDS.get(row["metric"], "number")]
    ]
    return "; ".join(sentences) + "."


def _plots(shown: pl.DataFrame, metric: str, by: Sequence[str]) -> list[Plot]:
    rows = shown.filter(pl.col("metric") == metric)
    if not by or rows.height < 2:
        return []
    labels = rows.select(pl.concat_str(pl.col(list(by)).cast(pl.String).fill_null("none"), separator=" · "))
    return [
        bar_plot(
            metric,
            f"{heading(metric)} by {', '.join(by)}",
            labels.to_series().to_list(),
            rows["value"],
            rows["ci_low"],
            rows["ci_high"],
            axis=heading(metric),
            kind=METRIC_KINDS.get(metric, "number"),
        )
    ]
