"""`adcli evaluate model`."""

from __future__ import annotations

from typing import Annotated

import typer

from adcli.cli.command import command
from adcli.cli.options import Inputs, Reporting
from adcli.cli.reporting import publish
from adcli.cli.run import Run

PREDICTIONS = ("auctions", "impressions", "contexts")


@command
def model(
    run: Run,
    reporting: Reporting,
    inputs: Inputs = None,
    score: Annotated[str, typer.Option(help="Column of the predicted probability.")] = "pctr",
    label: Annotated[str, typer.Option(help="Column of what happened, 0 or 1.")] = "click",
    by: Annotated[list[str], typer.Option(help="Column whose values make groups; repeat for more.")] = [],  # noqa: B006
    bins: Annotated[int, typer.Option(min=2, max=100, help="Of the reliability.")] = 10,
    reference: Annotated[
        str | None,
        typer.Option(help="Earlier rows: how far each column has drifted since, in place of the scores."),
    ] = None,
    min_users: Annotated[int, typer.Option(min=0, help="Hide groups of fewer users.")] = 50,
    confidence: Annotated[float, typer.Option(min=0.5, max=0.999, help="Of the intervals.")] = 0.95,
) -> None:
    """How well predicted probabilities rank and how true they are; or how the data have drifted.

    \b
    Examples:
      adcli evaluate model auctions.parquet --score pctr --label click --report model.html
      adcli evaluate model today.parquet --reference last_month.parquet
    """
    from adcli.evaluate.model.drift import drift_table
    from adcli.evaluate.model.page import drift_page, model_page
    from adcli.evaluate.model.table import model_table

    frame = run.read(inputs, tables=PREDICTIONS)
    if reference is not None:
        earlier = run.read([reference], tables=PREDICTIONS)
        drift = drift_table(earlier, frame, bins=bins, confidence=confidence)
        run.write(drift)
        publish(run, drift_page(drift), reporting)
        return
    with run.step("score"):
        table = model_table(
            frame, score=score, label=label, by=by, bins=bins, min_users=min_users, confidence=confidence
        )
    run.write(table)
    publish(run, model_page(table, score=score, label=label), reporting)
