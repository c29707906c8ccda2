"""`adcli clean`: raw logs in, one standard table out."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import chain, islice
from typing import TYPE_CHECKING, Annotated

import typer

from adcli.cli.command import command
from adcli.cli.options import Inputs
from adcli.cli.run import Run
from adcli.errors import UsageError, did_you_mean

if TYPE_CHECKING:
    import polars as pl

CLEANED = ("auctions", "impressions", "report", "events", "reviews", "products", "units", "queries", "users")


@command
def clean(
    run: Run,
    inputs: Inputs = None,
    table: Annotated[
        str | None,
        typer.Option(help=f"Table of the input: {', '.join(CLEANED)}.", show_default="recognised"),
    ] = None,
) -> None:
    """Turn raw logs into a standard table: parse, recognise, check, deduplicate, order by time.

    A row is rejected where it cannot be read (too few fields, a quote never closed), where a column that
    the table requires has no value, or where a recognised column holds what it cannot hold (a time that is
    none, a negative price, a propensity of 0). Prices of zero stay, and so do returns and cancelled orders,
    as events of type 'other'. An exact duplicate is dropped only where the row carries an identity (an order,
    a review, a time finer than a second): customers who are alike are not one. Columns that nobody knows are
    carried along.

    \b
    Examples:
      adcli clean logs/*.csv.gz -o events.parquet --rejects rejects.csv
      zcat access.log.gz | adcli clean - | head
    """
    from adcli.clean.pipeline import clean_stream

    if table is not None and table not in CLEANED:
        known = did_you_mean(table, CLEANED) or f"There are {', '.join(CLEANED)}."
        raise UsageError(f"--table {table}: there is no such table.", fix=known)
    stream = run.stream(inputs, tables=CLEANED, table=table)
    with run.step("read"), run.console.progress("reading", share=stream.share) as advance:
        cleaned = clean_stream(stream, spill=run.scratch(), reject=run.reject, advance=advance)
        first = list(islice(cleaned, 1))  # all is read before the first row is known to be the first
    accepted = stream.rows_read - stream.rows_rejected
    with run.console.progress("writing", accepted) as advance:
        run.write(_counted(chain(first, cleaned), advance))


def _counted(frames: Iterable[pl.DataFrame], advance: Callable[[int], None]) -> Iterator[pl.DataFrame]:
    for frame in frames:
        yield frame
        advance(frame.height)
