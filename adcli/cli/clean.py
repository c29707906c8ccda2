"""`adcli clean`: raw logs in, one standard table out."""

from __future__ import annotations

from typing import Annotated

import typer

from adcli.cli.command import command
from adcli.cli.options import Inputs
from adcli.cli.run import Run
from adcli.errors import UsageError, did_you_mean

CLEANED = ("auctions", "impressions", "events", "reviews", "products", "units", "queries")


@command
def clean(
    run: Run,
    inputs: Inputs = None,
    table: Annotated[
        str | None, typer.Option(help=f"What the input is, instead of looking: {', '.join(CLEANED)}.")
    ] = None,
) -> None:
    """Parse, recognise, check, order and deduplicate raw logs into a standard table.

    \b
    Examples:
      adcli clean logs/*.csv.gz -o events.parquet --rejects rejects.csv
      zcat access.log.gz | adcli clean - | head
    """
    from adcli.clean.pipeline import clean_stream

    if table is not None and table not in CLEANED:
        raise UsageError(f"--table {table}: there is no such table.", fix=did_you_mean(table, CLEANED))
    stream = run.stream(inputs, tables=[table] if table else CLEANED)
    with run.console.progress("cleaning") as advance:
        run.write(clean_stream(stream, spill=run.scratch(), reject=run.reject, advance=advance))
