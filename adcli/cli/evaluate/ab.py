"""`adcli evaluate ab`."""

from __future__ import annotations

from typing import Annotated, Literal

import typer

from adcli.cli.command import command
from adcli.cli.evaluate.ab_plan import write_plan
from adcli.cli.inputs import pairs
from adcli.cli.options import Inputs, Reporting
from adcli.cli.reporting import publish
from adcli.cli.run import Run
from adcli.errors import UsageError


@command
def ab(
    run: Run,
    reporting: Reporting,
    inputs: Inputs = None,
    metric: Annotated[
        list[str],
        typer.Option(help="What is compared: COLUMN, A/B (a ratio), or p90(COLUMN); repeat for more."),
    ] = [],  # noqa: B006
    variant: Annotated[str | None, typer.Option(help="Column that names each unit's arm.")] = None,
    control: Annotated[str | None, typer.Option(help="The arm to compare with.")] = None,
    unit: Annotated[str | None, typer.Option(help="Column that names each unit once.")] = None,
    cluster: Annotated[
        str | None, typer.Option(help="Column of the groups that were randomised whole.")
    ] = None,
    covariate: Annotated[
        list[str], typer.Option(help="Column from before the test, to adjust for (CUPED); repeat for more.")
    ] = [],  # noqa: B006
    segment: Annotated[
        str | None,
        typer.Option(help="Column: the effect in each of its segments, shrunk as far as they agree."),
    ] = None,
    lower_is_better: Annotated[list[str], typer.Option(help="Metric where less is better.")] = [],  # noqa: B006
    expected_share: Annotated[
        list[str], typer.Option(metavar="ARM=SHARE", help="Planned share of an arm; equal ones if not given.")
    ] = [],  # noqa: B006
    confidence: Annotated[float, typer.Option(min=0.5, max=0.999, help="Of the intervals.")] = 0.95,
    correction: Annotated[
        Literal["holm", "benjamini-hochberg", "none"], typer.Option(help="Of p-values for many comparisons.")
    ] = "holm",
    smallest_effect: Annotated[
        float, typer.Option(min=0.0, help="Relative difference worth knowing of.")
    ] = 0.05,
    look: Annotated[
        list[float],
        typer.Option(help="Share of the planned sample at each planned look so far, this one last; repeat."),
    ] = [],  # noqa: B006
    plan: Annotated[
        bool,
        typer.Option(
            "--plan",
            help="Plan a test instead: INPUT is what `adcli evaluate policy` wrote, or give --baseline.",
        ),
    ] = False,
    baseline: Annotated[float | None, typer.Option(help="With --plan: the control's figure.")] = None,
    std_dev: Annotated[
        float | None, typer.Option(help="With --plan: of one unit's value, where it is not 0 or 1.")
    ] = None,
    daily_units: Annotated[
        float | None, typer.Option(help="With --plan: new units a day, for the run time.")
    ] = None,
    power: Annotated[float, typer.Option(min=0.5, max=0.999, help="With --plan: of the test.")] = 0.8,
    planned_units: Annotated[
        int | None, typer.Option(min=1, help="Units that the test was planned for, to read it at any time.")
    ] = None,
) -> None:
    """Compare the arms of an A/B test, two or more, on any number of metrics.

    \b
    Examples:
      adcli evaluate ab cookie_cats.csv.gz --variant version --metric retention_7 --control gate_30
      adcli evaluate ab units.parquet --metric revenue --metric revenue/orders --covariate revenue_before
      adcli evaluate ab --plan value.csv --daily-units 5000
    """
    from adcli.evaluate.ab.page import ab_page
    from adcli.evaluate.ab.segments import segment_table
    from adcli.evaluate.ab.table import ab_table

    if plan:
        write_plan(
            run,
            inputs,
            baseline=baseline,
            std_dev=std_dev,
            daily_units=daily_units,
            power=power,
            confidence=confidence,
        )
        return
    if look and planned_units:
        raise UsageError("--look is for planned looks and --planned-units for any time: give one of them.")
    units = run.read(inputs, tables=["units"], columns={"variant": variant} if variant else {})
    if segment is not None:
        run.write(
            segment_table(
                units,
                by=segment,
                metrics=metric,
                control=control,
                unit=unit,
                covariates=covariate,
                lower_is_better=lower_is_better,
                confidence=confidence,
            )
        )
        return
    with run.step("ab"):
        table = ab_table(
            units,
            metrics=metric,
            control=control,
            unit=unit,
            cluster=cluster,
            covariates=covariate,
            lower_is_better=lower_is_better,
            expected_shares={arm: float(share) for arm, share in pairs(expected_share, "--expected-share")}
            or None,
            confidence=confidence,
            correction=correction,
            smallest_effect=smallest_effect,
            reading="planned" if look else "anytime" if planned_units else "fixed",
            looks=look,
            planned_units=planned_units,
        )
    run.write(table)
    publish(run, ab_page(table, confidence=confidence), reporting)
