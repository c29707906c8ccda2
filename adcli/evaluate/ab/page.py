"""The page of `evaluate ab`: the verdicts, the effects with their intervals, how they were tested."""

from __future__ import annotations

from typing import Any

import polars as pl

from adcli.numbers import show, show_interval
from adcli.report import Page, Passage, Plot, Table, interval_plot
from adcli.statistics.verdicts import BETTER, INVALID, NOT_ENOUGH, WORSE, Verdict

_EFFECTS = pl.col(
    "metric", "variant", "mean_variant", "mean_control", "difference", "difference_low", "difference_high",
    "relative", "relative_low", "relative_high", "p_adjusted", "verdict",
)  # fmt: skip
_TESTS = pl.col(
    "metric", "variant", "n_variant", "n_control", "statistic", "p_value", "probability_best", "test"
)
_RATIO = pl.col("variant", "control", "n_variant", "n_control", "statistic", "p_value", "verdict")
_MOST_NAMED = 3  # arms in a title


def ab_page(table: pl.DataFrame, *, confidence: float) -> Page:
    """The page for a table made by `ab_table`; a broken split is all that it then says first."""
    is_ratio = pl.col("metric") == "sample_ratio"
    effects, ratio = table.filter(~is_ratio), table.filter(is_ratio)
    control = str(ratio["control"][0])
    broken = str(ratio["verdict"][0]).startswith(INVALID)
    rates = effects.filter(pl.col("test").str.starts_with("two-proportion"))["metric"].to_list()
    return Page(
        title=f"A/B test: {_arms(effects)} against {control}",
        summary="" if broken else _counted(effects),
        verdicts=[_broken(ratio.row(0, named=True))] if broken else _sentences(effects, rates),
        tables=[
            Table(
                "Effects",
                effects.select(_EFFECTS),
                kinds=dict.fromkeys(rates, "rate"),
                note=f"Against {control}, with {confidence:.0%} intervals.",
            ),
            Table("Tests", effects.select(_TESTS)),
            Table("Sample ratio", ratio.select(_RATIO), note=f"{_upper(ratio['test'][0])}."),
        ],
        plots=_plots(effects, confidence),
        method=_method(confidence),
    )


def _arms(effects: pl.DataFrame) -> str:
    names = effects["variant"].unique(maintain_order=True).to_list()
    if len(names) > _MOST_NAMED:
        return f"{len(names)} arms"
    return " and ".join(filter(None, (", ".join(names[:-1]), str(names[-1]))))


def _counted(effects: pl.DataFrame) -> str:
    """How many comparisons ended how."""
    ended = effects["verdict"].value_counts(sort=True, name="times").iter_rows()
    parts = [f"{times} {verdict}" for verdict, times in sorted(ended, key=lambda pair: (-pair[1], pair[0]))]
    return f"{effects.height} comparison{'s' if effects.height > 1 else ''}: {', '.join(parts)}."


def _broken(ratio: dict[str, Any]) -> Verdict:
    sizes = f"{ratio['n_variant']:,} units against {ratio['n_control']:,} in {ratio['control']}"
    return Verdict(
        str(ratio["verdict"]),
        sentence=f"This test cannot be read: {sizes} is not the split that was planned.",
        reason=f"{_upper(ratio['reason'])}.",
    )


def _upper(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}"


def _sentences(effects: pl.DataFrame, rates: list[str]) -> list[Verdict]:
    """What stands first, then what does not."""
    stands = pl.col("verdict").is_in([BETTER, WORSE])
    ordered = pl.concat([effects.filter(stands), effects.filter(~stands)])
    return [_sentence(row, "rate" if row["metric"] in rates else "number") for row in ordered.to_dicts()]


def _sentence(row: dict[str, Any], kind: str) -> Verdict:
    new, old = show(row["mean_variant"], kind), show(row["mean_control"], kind)
    effect = show_interval(row["relative"], row["relative_low"], row["relative_high"], "relative")
    if row["verdict"] in (BETTER, WORSE):
        verb = "raises" if row["difference"] > 0 else "lowers"
        said = f"{row['variant']} {verb} {row['metric']} from {old} to {new}: {effect}."
    else:
        said = f"{row['metric']} is {new} with {row['variant']}, {old} with {row['control']}: {effect}."
    return Verdict(str(row["verdict"]), str(row["reason"]), said)


def segments_page(table: pl.DataFrame, *, by: str, confidence: float) -> Page:
    """The page for a table made by `segment_table`."""
    unjudged = table.filter(pl.col("verdict") == NOT_ENOUGH).height
    shown = table.select(
        "metric", "variant", "segment", "difference", "difference_low", "difference_high", "shrunken",
        "shrunken_low", "shrunken_high", "verdict",
    )  # fmt: skip
    return Page(
        title=f"Effects by {by}",
        summary=f"In {unjudged:,} of {table.height:,} rows there is not enough evidence of an effect."
        if unjudged
        else "",
        verdicts=[
            _segments_sentence(str(verdict), str(metric), str(variant), part, by)
            for (metric, variant, verdict), part in table.group_by(
                "metric", "variant", "verdict", maintain_order=True
            )
            if verdict != NOT_ENOUGH
        ],
        tables=[
            Table(
                "Effects",
                shown,
                kinds={"shrunken": "difference"},
                note=f"Against {table['control'][0]}; shrunken effects are drawn towards the common one.",
            ),
            Table(
                "Arms",
                table.select(
                    "metric",
                    "variant",
                    "segment",
                    "n_variant",
                    "n_control",
                    "mean_variant",
                    "mean_control",
                    "heterogeneity_p",
                ),
                kinds={"heterogeneity_p": "p_value"},
            ),
        ],
        plots=[
            interval_plot(
                f"segments_{number}",
                f"{metric}: {variant}, shrunk differences, {confidence:.0%} intervals",
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


def _segments_sentence(verdict: str, metric: str, variant: str, part: pl.DataFrame, by: str) -> Verdict:
    """One arm on one metric, in all the segments that ended alike."""
    if verdict.startswith(INVALID):
        return Verdict(verdict, part["reason"][0], f"{metric}: {variant} cannot be read in any {by}.")
    drawn = part.select("shrunken", "shrunken_low", "shrunken_high").iter_rows()
    effects = [
        f"{segment} {show_interval(value, low, high, 'difference')}"
        for segment, (value, low, high) in zip(part["segment"], drawn, strict=True)
    ]
    return Verdict(
        verdict,
        sentence=f"{metric}: {variant} against {part['control'][0]} by {by}: {'; '.join(effects)}.",
        reason=part["reason"][0],
    )


def plan_page(table: pl.DataFrame) -> Page:
    """The page for a table made by `plan_table` or `plan_from_policy_value`."""
    first = table.row(0, named=True)
    shown = table.drop("definition", "baseline", "power", "difference", "units_variant")
    has_assurance = table["assurance"].null_count() < table.height
    return Page(
        title="Plan of an A/B test",
        summary=f"From a baseline of {first['baseline']:.4g}, with power {first['power']:.0%}. "
        + " ".join(_planned(row) for row in table.to_dicts()),
        tables=[
            Table(
                "Plan",
                shown[[one.name for one in shown if one.null_count() < one.len()]],
                kinds={"assurance": "rate", "days": "count", "units_control": "count"},
            )
        ],
        method=[
            *(Passage("Design", f"{text}.") for text in table["definition"].unique(maintain_order=True)),
            *([_ASSURANCE] if has_assurance else []),
        ],
    )


_ASSURANCE = Passage(
    "Assurance",
    "The probability that the test ends significant, the uncertainty of the estimate that it "
    "starts from counted in (O'Hagan, Stevens and Campbell, 2005).",
)


def _planned(row: dict[str, object]) -> str:
    days = f", {row['days']:,} days" if row["days"] is not None else ""
    return f"{_upper(str(row['scenario']))} (to {row['target']:.4g}): {row['units']:,} units{days}."


def _definitions(table: pl.DataFrame) -> list[Passage]:
    named = table.select("metric", "definition").unique("metric", maintain_order=True)
    return [Passage(str(metric), f"{definition}.") for metric, definition in named.iter_rows()]


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
            "Welch's t test (Welch, 1947). Ratios of sums: delta method (Deng et al., 2018), or where units "
            "differ much the jackknife (Efron and Tibshirani, 1993). The test of each row stands beside it.",
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
