"""The page of `evaluate ab`: the verdicts, the effects with their intervals, how they were tested."""

from __future__ import annotations

from typing import Any

import polars as pl

from adcli.evaluate.ab.segments import SEGMENTS_DIFFER
from adcli.numbers import counted, difference_kind, show
from adcli.report import Page, Passage, Plot, Table, interval_plot
from adcli.report.table import show_figure
from adcli.statistics.verdicts import BETTER, INVALID, NOT_ENOUGH, WORSE, Verdict, what_it_takes

_EFFECTS = (
    "mean_variant", "mean_control", "difference", "difference_low", "difference_high", "relative",
    "relative_low", "relative_high", "p_adjusted", "verdict",
)  # fmt: skip
_TESTS = pl.col("metric", "variant", "n_variant", "n_control", "statistic", "p_value", "probability_best")
_MOST_NAMED = 3  # arms in a title, segments in a sentence


def ab_page(table: pl.DataFrame, *, confidence: float) -> Page:
    """The page for a table made by `ab_table`; a broken split is all that it then says first."""
    is_ratio = pl.col("metric") == "sample_ratio"
    effects, ratio = table.filter(~is_ratio), table.filter(is_ratio)
    control = str(ratio["control"][0])
    broken = str(ratio["verdict"][0]).startswith(INVALID)
    rates = _proportions(effects, "test")
    against = effects["control"].n_unique() > 1
    return Page(
        title=f"A/B test: {_arms(effects)} against {'each other' if against else control}",
        summary=""
        if broken
        else "\n".join(
            [f"{_counted(effects)} {_upper(ratio['reason'][0])}.", *(_best_arms(effects) if against else [])]
        ),
        verdicts=[_broken(ratio.row(0, named=True))] if broken else _sentences(effects, rates),
        tables=[
            Table(
                "Effects",
                effects.select("metric", "variant", *(["control"] if against else []), *_EFFECTS),
                kinds=dict.fromkeys(rates, "rate"),
                note=f"With {confidence:.0%} intervals" + ("." if against else f", against {control}."),
            )
        ],
        details=[Table("Tests", effects.select(_TESTS), note=_tests(effects)), _split(ratio)],
        plots=[_effects_plot(effects, confidence)],
        method=_method(effects, confidence),
    )


def _proportions(effects: pl.DataFrame, said_in: str) -> list[str]:
    """The metrics that are shares of the units, and read in per cent."""
    return effects.filter(pl.col(said_in).str.starts_with("two-proportion"))["metric"].unique().to_list()


def _tests(effects: pl.DataFrame) -> str:
    """By which test each metric was compared."""
    by_test = effects.group_by("test", maintain_order=True).agg(pl.col("metric").unique(maintain_order=True))
    return "; ".join(f"{', '.join(metrics)}: {test}" for test, metrics in by_test.iter_rows()) + "."


def _split(ratio: pl.DataFrame) -> Table:
    shown = ratio.select("variant", "n_variant", "n_control", "statistic", "p_value", "verdict")
    return Table("Sample ratio", shown, note=f"{_upper(ratio['test'][0])}.")


def _best_arms(effects: pl.DataFrame) -> list[str]:
    """Of all pairs, the arm that beats every other, a sentence a metric."""
    sentences = []
    for (metric,), pairs in effects.group_by("metric", maintain_order=True):
        won, lost = (pairs.filter(pl.col("verdict") == word) for word in (BETTER, WORSE))
        beaten = pl.concat([won["variant"], lost["control"]]).value_counts(sort=True, name="wins")
        others = pl.concat([pairs["variant"], pairs["control"]]).n_unique() - 1
        best = beaten.filter(pl.col("wins") == others)["variant"].to_list()
        sentences.append(
            f"Best arm for {metric}: {best[0]}, better than every other."
            if best
            else f"Best arm for {metric}: not known, none is better than every other."
        )
    return sentences


def _arms(effects: pl.DataFrame) -> str:
    several = effects["control"].n_unique() > 1
    named = pl.concat([effects["control"], effects["variant"]]) if several else effects["variant"]
    names = named.unique(maintain_order=True).to_list()
    if len(names) > _MOST_NAMED:
        return f"{len(names)} arms"
    return " and ".join(filter(None, (", ".join(names[:-1]), str(names[-1]))))


def _counted(effects: pl.DataFrame) -> str:
    """How many comparisons ended how."""
    ended = effects["verdict"].value_counts(sort=True, name="times").iter_rows()
    parts = [f"{times} {verdict}" for verdict, times in sorted(ended, key=lambda pair: (-pair[1], pair[0]))]
    return f"{counted(effects.height, 'comparison')}: {', '.join(parts)}."


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
    several = effects["control"].n_unique() > 1
    return [
        _sentence(row, "rate" if row["metric"] in rates else "number", several) for row in ordered.to_dicts()
    ]


def _sentence(row: dict[str, Any], kind: str, several: bool) -> Verdict:
    new, old = show(row["mean_variant"], kind), show(row["mean_control"], kind)
    effect = show_figure(row, "relative", "relative")
    whose = f" ({row['control']})" if several else ""
    if row["verdict"] in (BETTER, WORSE):
        verb = "raises" if row["difference"] > 0 else "lowers"
        said = f"{verb} {row['metric']} from {old}{whose} to {new}: {effect}"
    else:
        said = f"has {row['metric']} {new} against {old} in {row['control']}: {effect}"
    subject, verdict = str(row["variant"]), str(row["verdict"])
    needed = what_it_takes(verdict, str(row["reason"]))
    return Verdict(verdict, f"{row['metric']}: {needed}" if needed else "", f"{subject} {said}.", subject)


def segments_page(table: pl.DataFrame, *, by: str, confidence: float) -> Page:
    """The page for a table made by `segment_table`."""
    unjudged = table.filter(pl.col("verdict") == NOT_ENOUGH).height
    named = pl.concat_str("by", "segment", separator=" ")
    table = table.with_columns(segment=named) if table["by"].n_unique() > 1 else table
    kinds = dict.fromkeys(_proportions(table, "definition"), "rate")
    effects = [
        "metric", "variant", "segment", "difference", "difference_low", "difference_high", "shrunken",
        "shrunken_low", "shrunken_high", "verdict",
    ]  # fmt: skip
    arms = ["metric", "variant", "segment", "n_variant", "n_control", "mean_variant", "mean_control"]
    return Page(
        title=f"Effects by {by}",
        summary=f"In {unjudged:,} of {table.height:,} rows there is not enough evidence of an effect."
        if unjudged
        else "",
        verdicts=[
            _segments_sentence(part, str(metric), str(variant), kinds)
            for (metric, variant, verdict), part in table.group_by(
                "metric", "variant", "verdict", maintain_order=True
            )
            if verdict != NOT_ENOUGH
        ],
        tables=[
            Table(
                "Effects",
                table.select(effects),
                kinds=kinds,
                note=f"Against {table['control'][0]}; shrunken effects are drawn towards the common one.",
            )
        ],
        details=[Table("Arms", table.select(arms), kinds=kinds)],
        plots=[
            _segments_plot(number, str(metric), str(variant), part, kinds, confidence)
            for number, ((metric, variant), part) in enumerate(
                table.filter(pl.col("shrunken_low").is_not_null()).group_by(
                    "metric", "variant", maintain_order=True
                ),
                start=1,
            )
        ],
        method=[
            Passage(
                "Shrinkage",
                "Of many segments one always looks special. A normal hierarchy (Gelman et al., 2013, section "
                "5.4) draws each effect towards the common one as far as the segments agree; its interval is "
                "the one to act on, on the safe side where segments are alike. Whether they really differ "
                "is tested by Cochran's Q.",
            ),
            *(
                Passage(f"{variant}: {metric} by {column}", f"{definition}.")
                for variant, metric, column, definition in table.select(
                    "variant", "metric", "by", "definition"
                ).unique(maintain_order=True).iter_rows()
            ),
        ],
    )  # fmt: skip


def _segments_plot(
    number: int, metric: str, variant: str, part: pl.DataFrame, kinds: dict[str, str], confidence: float
) -> Plot:
    return interval_plot(
        f"segments_{number}",
        f"{metric}: {variant}, shrunken differences, {show(confidence, 'rate')} intervals",
        part,
        "shrunken",
        label="segment",
        axis="Difference to the control",
        kind=difference_kind(kinds.get(metric, "number")),
        reference=0.0,
        reference_label="no difference",
    )


def _segments_sentence(part: pl.DataFrame, metric: str, variant: str, kinds: dict[str, str]) -> Verdict:
    """One arm on one metric, in all the segments that ended alike: each of a few, else the ends."""
    verdict, by = str(part["verdict"][0]), " and ".join(part["by"].unique(maintain_order=True))
    if verdict.startswith(INVALID):
        said = f"{variant} cannot be read in any {by}: {metric}."
        return Verdict(verdict, f"{_upper(part['reason'][0])}.", said, variant)
    ordered = part.sort("shrunken") if part.height > _MOST_NAMED else part
    kind = difference_kind(kinds.get(metric, "number"))
    effects = [f"{show_figure(row, 'shrunken', kind)} ({row['segment']})" for row in ordered.to_dicts()]
    where = "; ".join(effects)
    if part.height > _MOST_NAMED:
        where = f"in {part.height} segments, from {effects[0]} to {effects[-1]}"
    said = f"{variant} on {metric} against {part['control'][0]} by {by}: {where}; {_alike(part)}."
    return Verdict(verdict, sentence=said, subject=variant)


def _alike(part: pl.DataFrame) -> str:
    """Which columns' segments differ by more than chance."""
    differ = part.filter(pl.col("heterogeneity_p") < SEGMENTS_DIFFER).unique("by", maintain_order=True)
    if not differ.height:
        return "the segments may well be alike"
    found = (
        f"{by} (p {show(p_value, 'p_value')})"
        for by, p_value in differ.select("by", "heterogeneity_p").iter_rows()
    )
    return f"the effect differs by {' and '.join(found)}"


def plan_page(table: pl.DataFrame, *, is_rate: bool = True) -> Page:
    """The page for a table made by `plan_table` or `plan_from_policy_value`, of a rate or else of a mean."""
    kind = "rate" if is_rate else "number"
    first = table.row(0, named=True)
    planned = table.select("scenario", "target", "relative", "units_control", "units", "days")
    lines = [f"The control has {show(first['baseline'], kind)}; the power is {show(first['power'], 'rate')}."]
    return Page(
        title="Plan of an A/B test",
        summary="\n".join([*lines, *(_planned(row, kind) for row in table.to_dicts())]),
        tables=[
            Table(
                "Plan",
                planned[[one.name for one in planned if one.null_count() < one.len()]],
                kinds={"days": "count", "units_control": "count", "target": kind},
            )
        ],
        method=[Passage("Design", f"{text}.") for text in table["definition"].unique(maintain_order=True)],
    )


def _planned(row: dict[str, Any], kind: str) -> str:
    days = f", {row['days']:,} days" if row["days"] is not None else ""
    return f"{_upper(row['scenario'])} (to {show(row['target'], kind)}): {row['units']:,} units{days}."


def _effects_plot(effects: pl.DataFrame, confidence: float) -> Plot:
    one_control = effects["control"].n_unique() == 1
    label = "{}: {}" if one_control else "{}: {} against {}"
    return interval_plot(
        "effects",
        f"Relative effects, {show(confidence, 'rate')} intervals",
        effects,
        "relative",
        label=pl.format(label, *("metric", "variant", "control")[: label.count("{}")]),
        axis="Relative difference to the control",
        kind="relative",
        reference=0.0,
        reference_label="no difference",
    )


def _method(effects: pl.DataFrame, confidence: float) -> list[Passage]:
    adjusted = effects["variance_reduction"].count() > 0
    return [
        Passage(
            "Differences",
            "Proportions: pooled z test, Newcombe's interval of the difference (Newcombe, 1998). Means: "
            "Welch's t test (Welch, 1947). Ratios of sums: delta method (Deng et al., 2018), or where units "
            "differ much the jackknife (Efron and Tibshirani, 1993). p-values are of the absolute "
            "difference; the relative one has an interval of its own, and the two can disagree near the "
            "border.",
        ),
        *([Passage("Covariates", "CUPED by linear regression (Deng et al., 2013).")] if adjusted else []),
        Passage(
            "Sample ratio",
            "A chi-square test of the arms' sizes against the planned shares (Fabijan et al., 2019). "
            "Where it fails, the split itself is broken and no verdict is given.",
        ),
        Passage(
            "Verdicts",
            f"`better` and `worse` need an adjusted p-value of at most {1 - confidence:.2f}. Without one, "
            "`no difference found` is said only where the interval leaves out every difference worth knowing "
            "of; else there is not enough evidence.",
        ),
    ]
