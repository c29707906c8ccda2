"""The page of `optimize budget`: what the plan gains, which campaign gets how much, and how each responds."""

from __future__ import annotations

from typing import Any

import polars as pl

from adcli.numbers import show, show_interval
from adcli.optimize.budget.plan import Plan
from adcli.report import Curve, Page, Passage, Plot, Table, cumulative_plot
from adcli.statistics.intervals import Interval
from adcli.statistics.verdicts import NOT_ENOUGH, Verdict, decide

_CURVE = ("spend", "value", "value_low", "value_high")
_MONEY = ("spend_now", "spend_planned")
CAUTION = (
    "The response is read off days whose spend somebody chose. Where spend followed demand that weekday, "
    "season and trend do not show, it is overstated; a lift test (evaluate ab, then --lift) tells."
)


def budget_page(plan: Plan, *, objective: str, confidence: float) -> Page:
    """The page for a plan."""
    kind = "money" if objective == "revenue" else "number"
    kinds = {
        **dict.fromkeys(_MONEY, "money"),
        **dict.fromkeys(("value_now", "value_planned"), kind),
        "gain": "money_difference" if objective == "revenue" else "difference",
    }
    return Page(
        title=f"A budget for {plan.days} days",
        verdicts=[_whole(plan, objective, confidence), *_moves(plan.table, objective)],
        tables=[
            Table(
                "Plan",
                plan.table,
                kinds=kinds,
                note=f"Of {plan.days} days; value is {objective}, {confidence:.0%} intervals.",
            )
        ],
        plots=_plots(plan, objective, confidence),
        method=_method(confidence),
    )


def _whole(plan: Plan, objective: str, confidence: float) -> Verdict:
    """What the plan gains."""
    gain, table = plan.gain, plan.table
    now, planned = (float(table[name].sum()) for name in ("spend_now", "spend_planned"))
    share = gain.value / float(table["value_now"].sum())
    more = _difference(gain.value, gain.interval, objective)
    moved = float((table["spend_planned"] - table["spend_now"]).clip(lower_bound=0.0).sum())
    if abs(planned / now - 1) < 0.02:
        said = (
            f"Moving {show(moved, 'money')} of {show(now, 'money')} between campaigns changes {objective} in "
            f"{plan.days} days by {more}, {show(share, 'relative')}."
        )
    else:
        said = (
            f"Spending {show(planned, 'money')} in {plan.days} days instead of {show(now, 'money')}, placed "
            f"as planned, changes {objective} by {more}, {show(share, 'relative')}; with the shares that "
            f"campaigns have now it would be {show(gain.unmoved, _kind(objective))}."
        )
    return decide(gain.value, gain.interval, confidence=confidence)._replace(reason=CAUTION, sentence=said)


def _moves(table: pl.DataFrame, objective: str) -> list[Verdict]:
    """Campaigns that get more, those that give it, and those of which too little is known."""
    unknown = pl.col("verdict") == NOT_ENOUGH
    change = pl.col("spend_planned") - pl.col("spend_now")
    parts = [
        ("Gets more", table.filter(change > 0, ~unknown).sort(change, descending=True)),
        ("Gets less", table.filter(change < 0, ~unknown).sort(change)),
    ]
    found = []
    for words, part in parts:
        moves = "; ".join(_move(row, objective) for row in part.head(6).to_dicts())
        if moves:
            further = f"; and {part.height - 6} more" if part.height > 6 else ""
            found.append(Verdict("", sentence=f"{words}: {moves}{further}."))
    held = table.filter(unknown)
    return found + [
        Verdict(NOT_ENOUGH, f"{row['reason']}.", f"{row['campaign_id']}: its response to spend is not known.")
        for row in held.head(6).to_dicts()
    ]


def _move(row: dict[str, Any], objective: str) -> str:
    spends = (
        f"{row['campaign_id']} {show(row['spend_now'], 'money')} to {show(row['spend_planned'], 'money')}"
    )
    if row["gain"] is None:
        return spends
    gain = _difference(row["gain"], Interval(row["gain_low"], row["gain_high"]), objective)
    return f"{spends} ({gain} {objective})"


def _kind(objective: str) -> str:
    return "money_difference" if objective == "revenue" else "difference"


def _difference(value: float, interval: Interval, objective: str) -> str:
    return show_interval(value, *interval, _kind(objective))


def _plots(plan: Plan, objective: str, confidence: float) -> list[Plot]:
    """The response of each campaign, with the way from what is spent now to what is planned."""
    rows = {row["campaign_id"]: row for row in plan.table.to_dicts()}
    return [
        cumulative_plot(
            f"response_{number}",
            f"Response of {name} to its spend in {plan.days} days",
            [
                Curve(
                    f"expected, {confidence:.0%} interval",
                    *part.select(_CURVE).to_dict(as_series=False).values(),
                )
            ],
            x_axis=f"Spend in {plan.days} days",
            y_axis=objective.capitalize(),
            x_kind="money",
            kind="money" if objective == "revenue" else "number",
            reference=Curve(
                "from now to planned",
                [rows[name]["spend_now"], rows[name]["spend_planned"]],
                [rows[name]["value_now"], rows[name]["value_planned"]],
            ),
        )
        for number, ((name,), part) in enumerate(
            plan.curves.group_by("campaign_id", maintain_order=True), start=1
        )
    ]


def _method(confidence: float) -> list[Passage]:
    return [
        Passage(
            "Response",
            "The value of a day is demand (weekday, season and trend, log-linear) times what is there "
            "without spend and what spend brings: a Hill curve of spend that is carried over from day "
            "to day (geometric adstock; Jin et al., 2017). All curves that the days leave open are "
            "kept, each by its posterior probability.",
        ),
        Passage(
            "Plan",
            "The plan has the greatest expected value over all those curves, by dynamic programming, "
            "and obeys bounds and, in expectation, targets. It begins with what earlier spend carries "
            "over, and counts what it carries over itself beyond its days. What is spent and what "
            "demand is now are those of the last 28 days, or of as many as the plan has. Where no max "
            "says otherwise, no campaign gets more a day than it ever had.",
        ),
        Passage(
            "Gain",
            f"Of expected value, against going on as now; the {confidence:.0%} interval is that of the "
            "curves left open, without the chance of single days.",
        ),
        Passage("What days cannot tell", CAUTION),
    ]
