"""`adcli optimize budget`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import typer

from adcli.cli.command import command
from adcli.cli.options import Confidence, Inputs, Reporting
from adcli.cli.reporting import publish
from adcli.cli.run import Run
from adcli.errors import UsageError

if TYPE_CHECKING:
    from adcli.optimize.budget.constraints import Constraints
    from adcli.optimize.budget.posterior import Lift


@command
def budget(
    run: Run,
    reporting: Reporting,
    total: float = typer.Option(help="What may be spent on all campaigns together."),
    inputs: Inputs = None,
    days: int | None = typer.Option(
        None, min=1, help="How many days the total is for.", show_default="whose present spend is near it"
    ),
    objective: Literal["conversions", "revenue"] = typer.Option(
        "conversions", help="What there should be more of."
    ),
    constraints: Path | None = typer.Option(
        None, help="TOML: target_cpa or target_roas; tables [campaigns.ID] with fixed, min, max or a target."
    ),
    lift: list[str] = typer.Option(
        [],
        metavar="[CAMPAIGN=]FILE",
        help="Table of evaluate ab: a campaign's ads against none; repeat. Arms named as campaigns need "
        "no CAMPAIGN.",
    ),
    confidence: Confidence = 0.95,
) -> None:
    """Move spend between campaigns to where it brings most, as far as a report of days or weeks can tell.

    \b
    Examples:
      adcli optimize budget report.parquet --total 10000 -o plan.csv --report budget.html
      adcli optimize budget report.csv --total 10000 --days 28 --objective revenue --constraints rules.toml
      adcli optimize budget report.csv --total 10000 --lift brand=holdout.parquet -o plan.parquet
    """
    from adcli.optimize.budget.page import budget_page
    from adcli.optimize.budget.plan import plan_budget

    report = run.read(inputs, tables=["report", "spend"], needs=["date", "campaign_id", "cost", objective])
    campaigns = report["campaign_id"].drop_nulls().unique().sort().to_list()
    rules = _constraints(constraints, campaigns, objective)
    lifts = _lifts(run, lift, campaigns, objective)
    with run.step("plan"):
        plan = plan_budget(
            report,
            total=total,
            days=days,
            objective=objective,
            constraints=rules,
            lifts=lifts,
            confidence=confidence,
            seed=run.seed,
        )
    for clause in plan.said:
        run.note(f"{clause}.")
    run.facts["budget"] = {
        "days": plan.days,
        "gain": plan.gain.value,
        "gain_interval": list(plan.gain.interval),
        "lifts": {name: one._asdict() for name, one in lifts.items()},
        "said": plan.said,
    }
    page = budget_page(plan, objective=objective, confidence=confidence)
    run.write(plan.table, kinds=page.kinds)
    publish(run, page, reporting)
    run.answer(page.answer)


def _constraints(path: Path | None, campaigns: Sequence[str], objective: str) -> Constraints | None:
    from adcli.optimize.budget.constraints import read_constraints

    if path is None:
        return None
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, ValueError) as error:
        raise UsageError(f"--constraints {path} cannot be read ({error}).") from None
    return read_constraints(text, str(path), campaigns=campaigns, objective=objective)


def _lifts(run: Run, texts: Sequence[str], campaigns: Sequence[str], objective: str) -> dict[str, Lift]:
    from adcli.optimize.budget.lift import lifts_of

    found: dict[str, Lift] = {}
    for text in texts:
        campaign, _, path = text.rpartition("=")
        if campaign and campaign not in campaigns:
            raise UsageError(f"--lift {text}: the report has no campaign '{campaign}'.")
        found |= lifts_of(
            run.read([path], tables=["effects"], secondary=True),
            campaign=campaign or None,
            campaigns=campaigns,
            objective=objective,
            name=path,
        )
    return found
