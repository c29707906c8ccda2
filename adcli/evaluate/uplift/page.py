"""The page of `evaluate uplift`: whether the score finds those whom the treatment moves."""

from __future__ import annotations

from typing import Any

import polars as pl

from adcli.report import Curve, Page, Plot, Table, cumulative_plot, definitions, interval_plot
from adcli.report.table import show_figure
from adcli.statistics.verdicts import Verdict, what_it_takes


def uplift_page(table: pl.DataFrame, qini: pl.DataFrame, *, score: str, outcome: str) -> Page:
    """The page for a table made by `uplift_table`, and the points of `qini_points`."""
    kind = "points" if "two-proportion" in table["definition"][0] else "difference"
    return Page(
        title=f"Uplift of {outcome} by {score}",
        verdicts=_verdicts(table, outcome, kind),
        tables=[
            Table(
                "Uplift",
                table.drop("definition", "reason"),
                kinds=dict.fromkeys(("average_effect", "uplift_at_k", "uplift_by_bin"), kind),
            )
        ],
        plots=[_qini_plot(qini, score, outcome), _uplift_plot(table, outcome, kind)],
        method=definitions(table),
    )


def _verdicts(table: pl.DataFrame, outcome: str, kind: str) -> list[Verdict]:
    """What treating by score brings, in the words of who pays for it; the areas say how sure that is."""
    rows = table.to_dicts()
    judged = [row for row in rows if row["metric"].startswith("qini") and row["value"] is not None]
    first = next(row for row in rows if row["metric"] == "uplift_at_k")
    whole = next(row for row in rows if row["metric"] == "average_effect")
    best, all_of_them = (show_figure(row, kind=kind) for row in (first, whole))
    gains = (
        f"Among the {first['group']} of units with the highest scores the treatment changes {outcome} by "
        f"{best}, among all by {all_of_them}."
    )
    if not judged:
        return [
            Verdict(row["verdict"], row["reason"], gains) for row in rows if row["metric"] == "qini_causalml"
        ]
    return [
        _verdict(verdict, gains, [row for row in judged if row["verdict"] == verdict])
        for verdict in dict.fromkeys(row["verdict"] for row in judged)
    ]


def _verdict(verdict: str, gains: str, alike: list[dict[str, Any]]) -> Verdict:
    areas = "; ".join(_area(row) for row in alike)
    reasons = filter(None, (what_it_takes(verdict, row["reason"]) for row in alike))
    return Verdict(verdict, "; ".join(reasons), f"{gains} {areas}; a random ranking has 0.")


def _area(row: dict[str, Any]) -> str:
    library = str(row["metric"]).removeprefix("qini_").replace("_", "-")
    return f"Qini {show_figure(row)} as {library} defines it"


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


def _uplift_plot(table: pl.DataFrame, outcome: str, kind: str) -> Plot:
    return interval_plot(
        "uplift",
        "Observed uplift by predicted uplift",
        table.filter(pl.col("metric").is_in(["average_effect", "uplift_by_bin"])),
        label="group",
        axis=f"Difference of {outcome}",
        kind=kind,
        reference=0.0,
        reference_label="no uplift",
    )
