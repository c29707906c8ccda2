"""`adcli evaluate rates`."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated

import typer

from adcli.cli.command import command
from adcli.cli.options import Inputs, Reporting
from adcli.cli.reporting import publish
from adcli.cli.run import Run
from adcli.errors import UsageError


@command
def rates(
    run: Run,
    reporting: Reporting,
    inputs: Inputs = None,
    by: Annotated[list[str], typer.Option(help="Break down by this column; repeat for more.")] = [],  # noqa: B006
    compare: Annotated[
        bool, typer.Option("--compare", help="Compare the groups of --by: each gap, with a plain sentence.")
    ] = False,
    funnel: Annotated[
        bool, typer.Option("--funnel", help="Of an event log: how many of each step led on to the next.")
    ] = False,
    window_days: Annotated[
        float, typer.Option(min=0.0, help="With --funnel: from one step to the next.")
    ] = 7.0,
    min_users: Annotated[int, typer.Option(min=0, help="Hide cells of fewer users.")] = 50,
    confidence: Annotated[float, typer.Option(min=0.5, max=0.999, help="Of the intervals.")] = 0.95,
) -> None:
    """CTR, CVR, CPC, CPA, CPM, RPM, ROAS and revenue, with intervals; by any column, hour or weekday.

    \b
    Examples:
      adcli evaluate rates impressions.parquet --by placement --report rates.html
      adcli evaluate rates impressions.parquet --by device --compare
      adcli evaluate rates events.parquet --funnel --window-days 1
      zcat log.csv.gz | adcli clean - | adcli evaluate rates -
    """
    from adcli.evaluate.rates.fairness import fairness_table
    from adcli.evaluate.rates.funnel import funnel_table
    from adcli.evaluate.rates.page import comparison_page, funnel_page, rates_page
    from adcli.evaluate.rates.table import rate_table

    if funnel:
        log = run.read(inputs, tables=["events"])
        window = timedelta(days=window_days)
        table = funnel_table(log, window=window, by=by, min_users=min_users, confidence=confidence)
        page = funnel_page(table, by=by)
    elif compare:
        if not by:
            raise UsageError("--compare compares the groups of a column.", fix="Name it with --by.")
        log = run.read(inputs, tables=["impressions", "events"])
        table = fairness_table(log, by=by, min_users=min_users, confidence=confidence, seed=run.seed)
        page = comparison_page(table, by=by)
    else:
        log = run.read(inputs, tables=["impressions", "events"])
        table = rate_table(log, by=by, min_users=min_users, confidence=confidence)
        page = rates_page(table, by=by)
    run.write(table)
    publish(run, page, reporting)
