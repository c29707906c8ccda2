"""`adcli evaluate ab --plan`: how large a test must be, from a figure or from what a policy promises."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import typer

from adcli.cli.option_rules import option_group
from adcli.cli.reporting import Answer
from adcli.cli.run import Run
from adcli.errors import DataError, UsageError

if TYPE_CHECKING:
    import polars as pl

    from adcli.evaluate.ab.power import Design

PANEL = "With --plan"


@option_group(PANEL)
class Planning:
    """What a test is planned for."""

    plan: bool = typer.Option(
        False,
        "--plan",
        help="Plan a test instead: INPUT is what `adcli evaluate policy` wrote, or give --baseline.",
    )
    baseline: float | None = typer.Option(None, help="The control's mean or proportion.")
    std_dev: float | None = typer.Option(
        None, help="Standard deviation of a unit's value, where it is not 0 or 1."
    )
    relative_effect: list[float] = typer.Option(
        [], help="Relative effect to detect, .05 for 5 %; repeat.", show_default="0.01 0.02 0.05 0.1 0.2"
    )
    units: int | None = typer.Option(
        None, min=4, help="Total sample size: find the minimum detectable effect."
    )
    daily_units: float | None = typer.Option(None, min=0.001, help="New units a day, for the duration.")
    power: float = typer.Option(0.8, min=0.5, max=0.999, help="Statistical power.")
    arms: int = typer.Option(2, min=2, max=50, help="Number of arms, with the control.")
    control_share: float | None = typer.Option(
        None, min=0.01, max=0.99, help="Share of units in the control.", show_default="as each other arm"
    )
    looks: int = typer.Option(1, min=1, max=100, help="Equally spaced interim looks (group-sequential).")
    comparisons: int | None = typer.Option(
        None, min=1, help="Comparisons that share the error rate.", show_default="arms but one x metrics"
    )


def plan_answer(
    run: Run, inputs: Sequence[str] | None, planning: Planning, *, metrics: int, confidence: float
) -> Answer:
    """The plan of a test of so many metrics: from `--baseline`, else from what `evaluate policy` found."""
    from adcli.evaluate.ab.page import plan_page
    from adcli.evaluate.ab.plan import RELATIVE_EFFECTS, plan_table
    from adcli.evaluate.ab.power import Design

    design = Design(
        power=planning.power,
        confidence=confidence,
        arms=planning.arms,
        control_share=planning.control_share,
        looks=planning.looks,
        comparisons=planning.comparisons or (planning.arms - 1) * max(metrics, 1),
    )
    if planning.baseline is None:
        table = _plan_from_policy(run, inputs, planning, design)
    else:
        if inputs:
            raise UsageError("A plan starts from --baseline or from a file of values: give one of them.")
        table = plan_table(
            baseline=planning.baseline,
            std_dev=planning.std_dev,
            relative_effects=planning.relative_effect or RELATIVE_EFFECTS,
            units=planning.units,
            daily_units=planning.daily_units,
            design=design,
        )
    return Answer(table, plan_page(table, is_rate=planning.std_dev is None))


def _plan_from_policy(
    run: Run, inputs: Sequence[str] | None, planning: Planning, design: Design
) -> pl.DataFrame:
    import polars as pl

    from adcli.evaluate.ab.plan import plan_from_policy_value

    if planning.units is not None or planning.relative_effect:
        raise UsageError(
            "--units and --relative-effect plan from a figure; a policy's estimate says its effect itself.",
            fix="Give --baseline, or leave them away.",
        )
    values = run.read(inputs, tables=["policy_values"])
    headline = values.filter(pl.col("headline").cast(pl.String) == "true") if "headline" in values else values
    row = (headline if headline.height else values).row(0, named=True)
    try:
        value, std_error, logged = (float(row[name]) for name in ("value", "std_error", "baseline_value"))
    except (TypeError, ValueError):
        raise DataError("The estimate has no value, std_error or baseline_value to plan from.") from None
    run.note(f"Planned to confirm '{row['policy']}' as estimated by {row['estimator']}.")
    return plan_from_policy_value(
        value=value,
        std_error=std_error,
        baseline=logged,
        std_dev=planning.std_dev,
        daily_units=planning.daily_units,
        design=design,
    )
