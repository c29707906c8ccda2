"""The page of `evaluate ab`: the verdicts, the effects with their intervals, how they were tested."""

from __future__ import annotations

from typing import Any

import polars as pl

from adcli.evaluate.verdicts import NOT_ENOUGH
from adcli.report import Page, Passage, Plot, Table, Verdict, interval_plot
from adcli.report.numbers import show_interval

_EFFECTS = pl.col(
    "metric", "variant", "control", "n_variant", "n_control", "mean_variant", "mean_control",
    "difference", "difference_low", "difference_high", "relative", "relative_low", "relative_high",
    "p_value", "p_adjusted", "probability_best", "verdict",
)  # fmt: skip
_RATIO = pl.col("variant", "control", "n_variant", "n_control", "statistic", "p_value", "verdict", "reason")
_TESTS = pl.col("metric", "variant", "statistic", "test", "reason")


def ab_page(table: pl.DataFrame, *, confidence: float) -> Page:
    """The page for a table made by `ab_table`."""
    is_ratio = pl.col("metric") == "sample_ratio"
    effects = table.filter(~is_ratio)
    return Page(
        title="A/B test",
        verdicts=[_sentence(row) for row in effects.to_dicts()],
        tables=[
            Table("Effects", effects.select(_EFFECTS)),
            Table("Sample ratio", table.filter(is_ratio).select(_RATIO)),
            Table("Tests", effects.select(_TESTS)),
        ],
        plots=_plots(effects, confidence),
        method=_method(confidence),
    )


def segments_page(table: pl.DataFrame, *, by: str, confidence: float) -> Page:
    """The page for a table made by `segment_table`."""
    judged = table.filter(pl.col("verdict") != NOT_ENOUGH)
    unjudged = table.height - judged.height
    return Page(
        title=f"Effects by {by}",
        summary=f"In {unjudged:,} of {table.height:,} rows there is not enough evidence of an effect."
        if unjudged
        else "",
        verdicts=[
            Verdict(row["verdict"], _segment_sentence(row, by), row["reason"]) for row in judged.to_dicts()
        ],
        tables=[Table("Effects", table.drop("definition", "reason"))],
        plots=[
            interval_plot(
                f"segments_{number}",
                f"{metric}: {variant}, drawn-together differences, {confidence:.0%} intervals",
                part["segment"].to_list(),
                part["shrunken"],
                part["shrunken_low"],
                part["shrunken_high"],
                axis="Difference to the control",
                reference=0.0,
                reference_label="no difference",
            )
            for number, ((metric, variant), part) in enumerate(
                table.filter(pl.col("shrunken_low").is_not_null()).group_by(
                    "metric", "variant", maintain_order=True
                ),
                start=1,
            )
        ],
        method=[
            Passage(
                "Drawing together",
                "Of many segments one always looks special. A normal hierarchy (Gelman et al., 2013, section "
                "5.4) draws each effect towards the common one as far as the segments agree; its interval is "
                "the one to act on, on the safe side where segments are alike. Heterogeneity p is Cochran's "
                "Q: small where segments really differ.",
            ),
            *_definitions(table),
        ],
    )


def _segment_sentence(row: dict[str, Any], by: str) -> str:
    effect = show_interval(row["shrunken"], row["shrunken_low"], row["shrunken_high"], "difference")
    return f"{row['metric']}: {row['variant']} against {row['control']} in {by} {row['segment']} {effect}."


def plan_page(table: pl.DataFrame) -> Page:
    """The page for a table made by `plan_table` or `plan_from_policy_value`."""
    return Page(
        title="Plan of an A/B test",
        summary=" ".join(_planned(row) for row in table.to_dicts()),
        tables=[Table("Plan", table.drop("definition"))],
        method=[
            *(Passage("Design", f"{text}.") for text in table["definition"].unique(maintain_order=True)),
            Passage(
                "Assurance",
                "The probability that the test ends significant, the uncertainty of the estimate that it "
                "starts from counted in (O'Hagan, Stevens and Campbell, 2005).",
            ),
        ],
    )


def _planned(row: dict[str, object]) -> str:
    days = f", {row['days']:,} days" if row["days"] is not None else ""
    return (
        f"{str(row['scenario']).capitalize()} ({row['target']:.4g} against {row['baseline']:.4g}): "
        f"{row['units']:,} units{days}."
    )


def _definitions(table: pl.DataFrame) -> list[Passage]:
    named = table.select("metric", "definition").unique("metric", maintain_order=True)
    return [Passage(str(metric), f"{definition}.") for metric, definition in named.iter_rows()]


def _sentence(row: dict[str, object]) -> Verdict:
    effect = show_interval(row["relative"], row["relative_low"], row["relative_high"], "relative")  # type: ignore[arg-type]
    return Verdict(
        str(row["verdict"]),
        f"{row['metric']}: {row['variant']} against {row['control']} {effect} relative.",
        str(row["reason"]),
    )


def _plots(effects: pl.DataFrame, confidence: float) -> list[Plot]:
    rows = effects.filter(pl.col("relative_low").is_not_null())
    if not rows.height:
        return []
    return [
        interval_plot(
            "effects",
            f"Relative effects, {confidence:.0%} intervals",
            [f"{metric}: {variant}" for metric, variant in rows.select("metric", "variant").iter_rows()],
            rows["relative"],
            rows["relative_low"],
            rows["relative_high"],
            axis="Relative difference to the control",
            kind="relative",
            reference=0.0,
            reference_label="no difference",
        )
    ]


def _method(confidence: float) -> list[Passage]:
    return [
        Passage(
            "Differences",
            "Proportions: pooled z test, Newcombe's interval of the difference (Newcombe, 1998). Means: "
            "Welch's t test (Welch, 1947). Ratios of sums: delta method (Deng et al., 2018). The "
            "test of each row stands beside it.",
        ),
        Passage(
            "Absolute and relative",
            "p-values are of the absolute difference; the relative difference has an interval of its "
            "own, and the two can disagree near the border.",
        ),
        Passage(
            "Sample ratio",
            "A chi-square test of the arms' sizes against the planned shares (Fabijan et al., 2019). "
            "Where it fails, the split itself is broken and no verdict is given.",
        ),
        Passage(
            "Verdicts",
            f"`better` and `worse` need an adjusted p-value below {1 - confidence:.2f}. Without one, "
            "`no difference found` is said only where the interval leaves out every difference worth knowing "
            "of; else there is not enough evidence.",
        ),
    ]
