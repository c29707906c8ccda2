"""The page of `evaluate ads`: the measures, and some of the ads for the eye."""

from __future__ import annotations

import polars as pl

from adcli.report import Page, Plot, Table, definitions, interval_plot
from adcli.report.table import show_figure

SHOWN = 40
FAULTS = (
    "unsupported_claim_rate",
    "banned_term_rate",
    "personal_data_rate",
    "toxicity_rate",
    "duplicate_rate",
)
SHARES = ("format_fit_rate", *FAULTS, "fact_coverage")
LIKENESS = ("rouge_1", "rouge_2", "rouge_l", "bert_score")


def ads_page(table: pl.DataFrame, ads: pl.DataFrame) -> Page:
    """The page for a table made by `ad_table`, and the ads that it is about."""
    columns: list[str] = [
        name for name in ("item_id", "channel", "headline", "description") if name in ads.columns
    ]
    columns += [] if {"headline", "description"} & set(columns) else ["text"]
    is_rate = table["metric"].str.ends_with("_rate")
    kinds = dict.fromkeys([*table.filter(is_rate)["metric"].unique(), "fact_coverage"], "rate")
    return Page(
        title=f"{ads.height:,} ads",
        summary=_summary(table),
        tables=[
            Table("Measures", table.drop("definition"), kinds=kinds),
            Table("Ads", ads.select(columns), limit=SHOWN),
        ],
        plots=[
            _plot(table, "shares", "Shares of the ads", SHARES, "Share of ads", "rate"),
            _plot(table, "likeness", "Likeness to references", LIKENESS, "Likeness", "number"),
        ],
        method=definitions(table),
    )


def _summary(table: pl.DataFrame) -> str:
    """What is wrong with the ads, and whether they fit."""
    overall = {row["metric"]: row for row in table.filter(pl.col("group") == "all").to_dicts()}
    said = [
        f"{metric.removesuffix('_rate').replace('_', ' ').capitalize()}: "
        f"{show_figure(row, kind='rate')} of the ads."
        for metric in ("format_fit_rate", *FAULTS)
        if (row := overall.get(metric)) is not None
    ]
    return "\n".join(said)


def _plot(table: pl.DataFrame, name: str, title: str, metrics: tuple[str, ...], axis: str, kind: str) -> Plot:
    rows = table.filter(pl.col("metric").is_in(metrics))
    label = pl.col("metric") if rows["group"].n_unique() == 1 else pl.format("{}: {}", "metric", "group")
    return interval_plot(name, title, rows, label=label.str.replace_all("_", " "), axis=axis, kind=kind)
