"""`adcli evaluate ab`."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from adcli.cli.command import command
from adcli.cli.engines import Engine, cluster_of, refuse
from adcli.cli.evaluate.ab_plan import Planning, plan_answer
from adcli.cli.inputs import numbers
from adcli.cli.option_rules import Excludes, Needs
from adcli.cli.options import Confidence, Inputs, Reporting, Tracking
from adcli.cli.reporting import Answer, deliver, recorder
from adcli.cli.run import Run
from adcli.errors import UsageError

if TYPE_CHECKING:
    import polars as pl

    from adcli.evaluate.ab.units import UnitBatches
    from adcli.tables.read import TableStream


@command
def ab(
    run: Run,
    reporting: Reporting,
    tracking: Tracking,
    planning: Annotated[Planning, Needs("plan")],
    inputs: Inputs = None,
    metric: list[str] = typer.Option(
        [], help="What is compared: COLUMN, A/B (a ratio), or p90(COLUMN); repeat for more."
    ),
    variant: Annotated[str | None, Excludes("plan")] = typer.Option(
        None, help="Column that names each unit's arm."
    ),
    control: Annotated[str | None, Excludes("plan")] = typer.Option(None, help="The arm to compare with."),
    unit: Annotated[str | None, Excludes("plan")] = typer.Option(
        None, help="Column that names each unit once."
    ),
    cluster: Annotated[str | None, Excludes("plan", "segment")] = typer.Option(
        None, help="Column of the groups that were randomised whole."
    ),
    covariate: Annotated[list[str], Excludes("plan")] = typer.Option(
        [], help="Column from before the test, to adjust for (CUPED); repeat for more."
    ),
    unit_count: Annotated[str | None, Excludes("plan", "segment")] = typer.Option(
        None, help="Column that counts units, where a row is a total such as that of a day."
    ),
    segment: Annotated[list[str], Excludes("plan")] = typer.Option(
        [], help="Column: the effect in each of its segments, shrunk as far as they agree; repeat for more."
    ),
    all_pairs: Annotated[bool, Excludes("plan", "segment")] = typer.Option(
        False, "--all-pairs", help="Compare every arm with every other."
    ),
    lower_is_better: Annotated[list[str], Excludes("plan")] = typer.Option(
        [], help="Metric where less is better."
    ),
    expected_share: Annotated[list[str], Excludes("plan")] = typer.Option(
        [], metavar="ARM=SHARE", help="Planned share of an arm; equal ones if not given."
    ),
    confidence: Confidence = 0.95,
    correction: Annotated[
        Literal["holm", "benjamini-hochberg", "none"], Excludes("plan", "segment")
    ] = typer.Option("holm", help="Correction of p-values for multiple comparisons."),
    smallest_effect: Annotated[float, Excludes("plan", "segment")] = typer.Option(
        0.05, min=0.0, help="Smallest relative effect of interest."
    ),
    look: Annotated[list[float], Excludes("plan", "planned_units", "segment")] = typer.Option(
        [], help="Share of the planned sample at each planned look so far, this one last; repeat."
    ),
    planned_units: Annotated[int | None, Excludes("plan", "segment")] = typer.Option(
        None, min=1, help="Units that the test was planned for, to read it at any time."
    ),
    engine: Annotated[Engine, Excludes("plan")] = "local",
) -> None:
    """Compare the arms of an A/B test, two or more, on any number of metrics.

    \b
    Examples:
      adcli evaluate ab cookie_cats.csv.gz --variant version --metric retention_7 --control gate_30
      adcli evaluate ab units.parquet --metric revenue --metric revenue/orders --covariate revenue_before
      adcli evaluate ab units.parquet --metric p90(spend) --segment device --report segments.html
      adcli evaluate ab --plan value.csv --daily-units 5000
      adcli evaluate ab --plan --baseline 0.02 --looks 5 --arms 3 --daily-units 5000
    """
    from adcli.evaluate.ab.page import ab_page, segments_page
    from adcli.evaluate.ab.segments import segment_table
    from adcli.evaluate.ab.table import ab_table, sum_units
    from adcli.tables.unify import concatenated

    record = recorder(run, tracking)
    if planning.plan:
        plan = plan_answer(run, inputs, planning, metrics=len(metric), confidence=confidence)
        deliver(run, plan, reporting, record)
        return
    refuse(engine, {"--segment": segment}, "segments are found in the units themselves")
    spark = cluster_of(run, engine)
    stream = run.stream(inputs, tables=["units"], columns={"variant": variant} if variant else {})
    unit, cluster, unit_count = (name and run.column(name) for name in (unit, cluster, unit_count))
    covariate, segment = run.columns(covariate), run.columns(segment)
    shares = numbers(expected_share, "--expected-share") or None
    if segment:
        units = concatenated(list(_read_units(run, stream, metric).batches))
        with run.step("segments"):
            effects = segment_table(
                units,
                by=segment,
                metrics=metric,
                control=control,
                unit=unit,
                covariates=covariate,
                lower_is_better=lower_is_better,
                expected_shares=shares,
                confidence=confidence,
            )
        _say_control(run, effects, control)
        page = segments_page(effects, by=" and ".join(segment), confidence=confidence)
        deliver(run, Answer(effects, page), reporting, record)
        return
    if spark is None:
        read = _read_units(run, stream, metric)
        with run.step("units"):
            experiment = sum_units(
                read,
                metrics=metric,
                unit=unit,
                cluster=cluster,
                unit_count=unit_count,
                covariates=covariate,
                lower_is_better=lower_is_better,
            )
    else:
        from adcli.evaluate.ab.distributed import Design, sum_units_on

        design = Design(unit, cluster, unit_count)
        with run.step("read"), run.console.progress("reading", share=stream.share) as advance:
            experiment = sum_units_on(
                spark,
                stream,
                design,
                metrics=metric,
                covariates=covariate,
                lower_is_better=lower_is_better,
                reject=run.reject,
                advance=advance,
            )
    with run.step("ab"):
        table = ab_table(
            experiment,
            control=control,
            expected_shares=shares,
            confidence=confidence,
            correction=correction,
            smallest_effect=smallest_effect,
            looks=look,
            planned_units=planned_units,
            all_pairs=all_pairs,
        )
    _say_control(run, table, control)
    deliver(run, Answer(table, ab_page(table, confidence=confidence)), reporting, record)


def _say_control(run: Run, table: pl.DataFrame, control: str | None) -> None:
    if control is None:
        run.note(f"The arm '{table['control'][0]}' is taken for the control (--control names another).")


def _read_units(run: Run, stream: TableStream, metrics: Sequence[str]) -> UnitBatches:
    """The units: up to `ROWS_AT_A_TIME` as one frame, and what comes after those piece by piece, unkept.

    Raises UsageError if there is no metric; lists the columns that could be one.
    """
    from adcli.evaluate.ab.units import ROWS_AT_A_TIME, UnitBatches, with_all
    from adcli.tables.unify import concatenated

    with run.step("read"):
        frames = run.frames(stream)
        first: list[pl.DataFrame] = []
        while sum(frame.height for frame in first) < ROWS_AT_A_TIME and (
            (frame := next(frames, None)) is not None
        ):
            first.append(frame)
        head = concatenated(first)
    if not metrics:
        raise UsageError("An A/B test needs a metric.", fix=_candidates(head))
    return UnitBatches(head.columns, chain([head], (with_all(frame, head.schema) for frame in frames)))


def _candidates(units: pl.DataFrame) -> str:
    """Which columns could be metrics: those of numbers, but the arm and the unit's name."""
    import polars as pl

    from adcli.evaluate.columns import read_numbers

    read = read_numbers(units.drop("variant", "unit_id", strict=False))
    names = [name for name, kind in read.schema.items() if kind.is_numeric() or kind == pl.Boolean]
    return f"Name one with --metric; these could be: {', '.join(names or units.columns)}."
