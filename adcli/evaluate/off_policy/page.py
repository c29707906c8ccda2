"""The page of `evaluate policy`: the verdict, each estimate with its interval, and what it rests on."""

from __future__ import annotations

import polars as pl

from adcli.report import Page, Passage, Plot, Table, Verdict, interval_plot
from adcli.report.numbers import difference_kind, show_interval

METHOD = (
    Passage(
        "Off-policy evaluation",
        "The value of a policy that was not live, from the log of one that was: each logged reward "
        "is weighted by how much likelier the policy makes its action. `ips`: inverse propensity "
        "scoring (Horvitz and Thompson, 1952). `snips`: self-normalised (Swaminathan and Joachims, "
        "2015). `dm`: the reward model alone. `dr`: doubly robust (Dudík et al., 2011), with a "
        "reward model cross-fitted on other rows.",
    ),
    Passage(
        "Evidence",
        "Effective sample size is (Σw)² / Σw²; matched clicks are the rewards that carry weight. Below the "
        "gates of either, no verdict is given, however good the value looks.",
    ),
)
_EVIDENCE = pl.col("policy", "n", "matched_clicks", "effective_sample_size", "max_weight", "unsupported")


def policy_page(values: pl.DataFrame, *, reward: str) -> Page:
    """The page for a table made by `policy_value_table`."""
    headlines = values.filter(pl.col("headline"))
    kind = "rate" if reward in ("click", "conversion") else "number"
    kinds = {"value": kind, "std_error": kind, "difference": difference_kind(kind)}
    shown = ["policy", "estimator", "value", "ci_low", "ci_high", "std_error", "difference", "difference_low"]
    return Page(
        title=f"Value of policies in {reward}s per impression",
        verdicts=[_sentence(row, kind) for row in headlines.to_dicts()],
        tables=[
            Table("Estimates", values.select(*shown, "difference_high", "verdict"), kinds=kinds),
            Table("What they rest on", headlines.select(_EVIDENCE)),
        ],
        plots=_plots(values, kind),
        method=METHOD,
    )


def _sentence(row: dict[str, object], kind: str) -> Verdict:
    value = show_interval(row["value"], row["ci_low"], row["ci_high"], kind)  # type: ignore[arg-type]
    baseline = show_interval(row["baseline_value"], None, None, kind)  # type: ignore[arg-type]
    return Verdict(
        str(row["verdict"]),
        f"{row['policy']} earns {value} per impression ({row['estimator']}); the log earned {baseline}.",
        str(row["reason"]),
    )


def _plots(values: pl.DataFrame, kind: str) -> list[Plot]:
    rows = values.filter(pl.col("ci_low").is_not_null())
    if not rows.height:
        return []
    baseline = rows["baseline_value"][0]
    return [
        interval_plot(
            "values",
            "Value by estimator",
            [
                f"{policy}: {estimator}"
                for policy, estimator in rows.select("policy", "estimator").iter_rows()
            ],
            rows["value"],
            rows["ci_low"],
            rows["ci_high"],
            axis="Value per impression",
            kind=kind,
            reference=baseline,
            reference_label="what the log earned",
        )
    ]
