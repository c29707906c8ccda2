"""The pages of `evaluate model`: how true predictions are, and how the data have drifted."""

from __future__ import annotations

from typing import Any

import polars as pl

from adcli.evaluate.model.table import CHANCE
from adcli.report import Page, Plot, Table, bar_plot, definitions, interval_plot, reliability_plot
from adcli.report.table import heading, show_figure
from adcli.statistics.verdicts import BETTER, WORSE, Verdict

MOST_ROWS = 40
_KINDS = {"predicted": "rate", "reliability": "rate"}


def model_page(table: pl.DataFrame, moved: pl.DataFrame, *, score: str, label: str) -> Page:
    """The page for a table made by `model_table`, and one by `robustness_table`, which may be empty."""
    is_bin = pl.col("metric") == "reliability"
    figures = table.filter(~is_bin).drop("definition", "reason")
    groups = figures.filter(pl.col("group") != "all")
    is_judged = pl.col("verdict").fill_null("") != ""
    judged = table.filter(is_judged, (pl.col("group") == "all") | (pl.col("verdict") == WORSE))
    return Page(
        title=f"Predictions of {label} by {score}",
        summary="\n".join(filter(None, (_calibrated(table), _by_group(table.filter(is_judged))))),
        verdicts=[Verdict(row["verdict"], row["reason"] or "", _sentence(row)) for row in judged.to_dicts()],
        tables=[
            Table("Ranking and calibration", figures.filter(pl.col("group") == "all").drop("group"), _KINDS),
            Table("Robustness", moved.drop("definition", strict=False)),
        ],
        details=[
            Table("By group", groups, _KINDS),
            Table("Reliability", table.filter(is_bin).drop("definition", "reason", "verdict"), _KINDS),
        ],
        plots=[
            reliability_plot("reliability", "Observed against predicted rates", table.filter(is_bin)),
            *_groups(table),
        ],
        method=[*definitions(table), *(definitions(moved) if moved.height else [])],
    )


def _calibrated(table: pl.DataFrame) -> str:
    """Whether predictions are too high or too low on the whole: a bid built on them is off by as much."""
    row = table.filter(pl.col("metric") == "calibration_ratio", pl.col("group") == "all").row(0, named=True)
    if row["value"] is None or row["ci_low"] is None:
        return ""
    times = show_figure(row)
    if row["ci_low"] <= 1 <= row["ci_high"]:
        return (
            f"What happened is {times} times what was predicted: on the whole the predictions may be right."
        )
    way = "low" if row["value"] > 1 else "high"
    return f"What happened is {times} times what was predicted: on the whole the predictions are too {way}."


def _by_group(judged: pl.DataFrame) -> str:
    """In how many groups a figure beats a model that knows nothing."""
    groups = judged.filter(pl.col("group") != "all", pl.col("value").is_not_null())
    return " ".join(
        f"{heading(str(metric))} beats a model that knows nothing in "
        f"{part.filter(pl.col('verdict') == BETTER).height} of {part.height} groups."
        for (metric,), part in groups.group_by("metric", maintain_order=True)
    )


def drift_page(table: pl.DataFrame) -> Page:
    """The page for a table made by `drift_table`."""
    stability = table.filter(pl.col("metric") == "psi", pl.col("value").is_not_null()).sort(
        "value", descending=True
    )
    drifted = table.filter(pl.col("verdict") == WORSE)
    steady = stability["group"].n_unique() - drifted["group"].n_unique()
    return Page(
        title="Drift between two files",
        summary=f"{steady:,} of {stability['group'].n_unique():,} columns show no drift of a size to mind.",
        verdicts=[Verdict(row["verdict"], row["reason"], _sentence(row)) for row in drifted.to_dicts()],
        tables=[
            Table(
                "Drift by column, the greatest first",
                table.drop("definition", "reason")
                .rename({"group": "column"})
                .sort("value", descending=True, nulls_last=True),
                limit=MOST_ROWS,
            )
        ],
        plots=[
            bar_plot(
                "psi",
                "Population stability index",
                stability,
                label="group",
                axis="Population stability index",
            )
        ],
        method=definitions(table),
    )


def _sentence(row: dict[str, Any]) -> str:
    value = show_figure(row)
    where = "" if row["group"] == "all" else f" of {row['group']}"
    chance = CHANCE.get(row["metric"])
    known = f"; a model that knows nothing has {chance[0]:g}" if chance else ""
    return f"{heading(row['metric'])}{where} {value}{known}."


def _groups(table: pl.DataFrame) -> list[Plot]:
    """How well each group is ranked, where there are groups."""
    ranked = table.filter(pl.col("metric") == "auc", pl.col("ci_low").is_not_null())
    plot = interval_plot(
        "auc_by_group",
        "AUC by group",
        ranked,
        label="group",
        axis="Area under the ROC curve",
        reference=0.5,
        reference_label="no better than chance",
    )
    return [plot] if ranked.height > 1 else []
