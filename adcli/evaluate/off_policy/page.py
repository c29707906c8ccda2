"""The page of `evaluate policy`: the verdict, each estimate with its interval, and what it rests on."""

from __future__ import annotations

from typing import Any

import polars as pl

from adcli.evaluate.off_policy.table import PolicyValues
from adcli.numbers import difference_kind, in_currency, show
from adcli.report import Page, Passage, Plot, Table, interval_plot
from adcli.report.table import heading, show_figure
from adcli.statistics.verdicts import Verdict

METHOD = (
    Passage(
        "Off-policy evaluation",
        "The value of a policy that was not live, from the log of one that was: each logged reward "
        "is weighted by how much likelier the policy makes its action. IPS: Horvitz and Thompson "
        "(1952). SNIPS: Swaminathan and Joachims (2015). DM is the reward model alone. DR: Dudík et al. "
        "(2011), with a reward model cross-fitted on other rows.",
    ),
    Passage(
        "Evidence",
        "Effective sample size is (Σw)² / Σw²; matched clicks are the rewards that carry weight. Below the "
        "gates of either, no verdict is given, however good the value looks.",
    ),
)
SHORTLIST = Passage(
    "Risk of a shortlist",
    "Which of the best k policies to try is itself chosen by an estimate. Policies are ranked on one half of "
    "the log and valued on the other, and the other way round. `worst low` is the lower end of the interval "
    "of the worst one tried; SharpeRatio@k is (best - what the log earned) / their spread (Kiyohara et al., "
    "2024).",
)
GROUPS = Passage(
    "Groups",
    "Value by group is self-normalised (SNIPS) and compared with what the log earned in the same group; "
    "exposure is how likely the policy shows one of a group of items, compared with how often the log did. "
    "p-values are adjusted for the number of groups (Holm, 1979). Small groups are put together.",
)
MANY_ACTIONS = Passage(
    "Groups of actions",
    "MIPS and OffCEM weigh groups of actions in place of single ones (Saito and Joachims, 2022; Saito, "
    "Ren and Joachims, 2023). `group error`: by how many standard errors the worst group's weight misses the "
    "policy's probability of it. `group p value`: of equal rewards within the groups, which MIPS takes for "
    "granted.",
)
SLATES = Passage(
    "Slates",
    "The value is of a whole slate. `iips`: each position by its own weight (Li et al., 2018). `rips`: by "
    "its own and those above it (McInerney et al., 2020). `cascade-dr`: the same, doubly robust (Kiyohara et "
    "al., 2022). `sips`: by the weight of the whole slate (Swaminathan et al., 2017).",
)
ESTIMATED_SUMMARY = (
    "The log states no propensities. They were estimated from its context, which cannot know every reason "
    "for showing an ad: no verdict is spoken."
)
_EVIDENCE = ["policy", "n", "matched_clicks", "effective_sample_size", "max_weight", "unsupported"]
_RISK = ["rank", "policy", "best", "worst", "worst_low", "spread", "sharpe_ratio", "baseline_value"]
_GROUP_COLUMNS = [
    "policy", "group", "value", "ci_low", "ci_high", "baseline_value", "difference", "difference_low",
    "difference_high", "p_adjusted", "n", "verdict",
]  # fmt: skip


def policy_page(found: PolicyValues, groups: pl.DataFrame | None, *, currency: str) -> Page:
    """The page for what `policy_value_table` or `slate_value_table` found, and its breakdown if any."""
    log, unit, values = found.valuation.log, found.unit, found.table
    reward = log.question.reward
    kind = log.logged.value_kind if unit == "impression" else "number"
    if reward == "revenue":
        kind = in_currency("money", currency)
    headlines = values.filter(pl.col("headline"))
    return Page(
        title=f"Value of policies in {reward}s per {unit}",
        summary=ESTIMATED_SUMMARY if log.estimated else "",
        verdicts=[
            *(_sentence(row, kind, unit) for row in headlines.to_dicts()),
            *([] if groups is None else _gap_sentences(groups)),
        ],
        tables=[
            *_tables(values, headlines, kind, currency),
            *([] if groups is None else _group_tables(groups, kind)),
        ],
        plots=[_value_plot(values, kind, unit), *([] if groups is None else _group_plots(groups, kind))],
        method=_method(values, groups, of_slates=unit == "slate"),
    )


def _method(values: pl.DataFrame, groups: pl.DataFrame | None, *, of_slates: bool) -> list[Passage]:
    definitions = values.select("estimator", "definition").unique(maintain_order=True)
    said = "; ".join(f"{heading(name)}: {definition}" for name, definition in definitions.iter_rows())
    intervals = ", ".join(values["interval"].unique(maintain_order=True))
    optional = {
        SLATES: of_slates,
        SHORTLIST: "rank" in values.columns,
        GROUPS: groups is not None,
        MANY_ACTIONS: "groups" in values.columns,
    }
    return [
        *METHOD,
        *(passage for passage, wanted in optional.items() if wanted),
        Passage("Definitions", f"{said}."),
        Passage(
            "Intervals", f"By the method of {intervals}. A conservative one is wider than it needs to be."
        ),
    ]


def _tables(values: pl.DataFrame, headlines: pl.DataFrame, kind: str, currency: str) -> list[Table]:
    kinds = {
        **dict.fromkeys(
            ("value", "std_error", "best", "worst", "worst_low", "spread", "baseline_value"), kind
        ),
        "unsupported": "rate",
        "difference": difference_kind(kind),
    }
    shown = ["policy", "estimator", "value", "ci_low", "ci_high", "std_error", "difference", "difference_low"]
    tables = [
        Table("Estimates", values.select(*shown, "difference_high", "verdict"), kinds=kinds),
        Table("What they rest on", headlines.select(_EVIDENCE), kinds=kinds),
    ]
    if "spend" in values.columns:
        spend = ["policy", "spend", "spend_low", "spend_high", "value_per_spend"]
        tables.append(
            Table(
                "Spend per impression",
                headlines.select(spend),
                kinds={"spend": in_currency("money", currency)},
            )
        )
    if "rank" in values.columns:
        risk = headlines.filter(pl.col("rank").is_not_null()).sort("rank").select(_RISK)
        note = "Each row is the risk of trying this policy and those above it."
        tables.append(Table("Risk of a shortlist", risk, kinds=kinds, note=note))
    if "groups" in values.columns:
        weighed = values.filter(pl.col("groups").is_not_null())
        columns = ["policy", "estimator", "groups", "group_error", "group_p_value", "max_weight", "verdict"]
        found = weighed.select(columns)
        tables.append(Table("Weights of groups of actions", found, kinds={"group_p_value": "p_value"}))
    return tables


def _group_tables(groups: pl.DataFrame, kind: str) -> list[Table]:
    tables = []
    for (metric, by), rows in groups.group_by("metric", "by", maintain_order=True):
        named = "Exposure" if metric == "exposure" else "Value"
        shown = [name for name in _GROUP_COLUMNS if name in rows.columns and not rows[name].is_null().all()]
        tables.append(Table(f"{named} by {by}", rows.select(shown), kinds=_group_kinds(str(metric), kind)))
        standing = rows.filter("stands").sort(pl.col("difference").abs(), descending=True)
        if metric == "exposure" and standing.height:
            sentences = standing.select("policy", gap="reason")
            tables.append(Table(f"Gaps of exposure by {by} that stand, the widest first", sentences))
    return tables


def _group_kinds(metric: str, kind: str) -> dict[str, str]:
    own = "rate" if metric == "exposure" else kind
    return {"value": own, "baseline_value": own, "difference": difference_kind(own)}


def _gap_sentences(groups: pl.DataFrame) -> list[Verdict]:
    """A sentence on each gap of value that stands; gaps of exposure are neither better nor worse."""
    return [
        Verdict(
            row["verdict"], sentence=f"{row['policy']} by {row['by']}: {row['reason']}", subject=row["policy"]
        )
        for row in groups.filter(pl.col("stands") & (pl.col("metric") == "value")).to_dicts()
    ]


def _group_plots(groups: pl.DataFrame, kind: str) -> list[Plot]:
    return [
        interval_plot(
            f"{metric}_by_{by}",
            f"{'Exposure' if metric == 'exposure' else 'Value'} by {by}: difference to the log",
            rows,
            "difference",
            label=pl.format("{}: {}", "policy", "group"),
            axis="Difference to the log",
            kind=_group_kinds(str(metric), kind)["difference"],
            reference=0.0,
            reference_label="as in the log",
        )
        for (metric, by), rows in groups.group_by("metric", "by", maintain_order=True)
    ]


def _sentence(row: dict[str, Any], kind: str, unit: str) -> Verdict:
    value, baseline = show_figure(row, kind=kind), show(row["baseline_value"], kind)
    difference = show_figure(row, "difference", difference_kind(kind))
    return Verdict(
        row["verdict"],
        sentence=f"{row['policy']} earns {value} per {unit} ({heading(row['estimator'])}); the log earned "
        f"{baseline}: a difference of {difference}.",
        reason=row["reason"],
        subject=row["policy"],
    )


def _value_plot(values: pl.DataFrame, kind: str, unit: str) -> Plot:
    estimator = pl.col("estimator").map_elements(heading, pl.String)
    return interval_plot(
        "values",
        "Value by estimator",
        values,
        label=pl.format("{}: {}", "policy", estimator),
        axis=f"Value per {unit}",
        kind=kind,
        reference=values["baseline_value"][0],
        reference_label="what the log earned",
    )
