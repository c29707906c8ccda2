"""`adcli evaluate uplift`."""

from __future__ import annotations

from typing import Annotated

import typer

from adcli.cli.command import command
from adcli.cli.options import Confidence, Inputs, Reporting, Tracking
from adcli.cli.reporting import Answer, deliver, recorder
from adcli.cli.run import Run


@command
def uplift(
    run: Run,
    reporting: Reporting,
    tracking: Tracking,
    inputs: Inputs = None,
    score: Annotated[str, typer.Option(help="Column of the predicted uplift.")] = "score",
    outcome: Annotated[str, typer.Option(help="Outcome column.")] = "conversion",
    variant: Annotated[str | None, typer.Option(help="Column that names each unit's arm.")] = None,
    control: Annotated[str | None, typer.Option(help="The arm without the treatment.")] = None,
    treated: Annotated[str | None, typer.Option(help="The treated arm, where there are several.")] = None,
    at: Annotated[
        tuple[float, float, float], typer.Option(help="Top shares of the units, for uplift at k.")
    ] = (0.1, 0.2, 0.3),
    bins: Annotated[
        int, typer.Option(min=2, max=100, help="Bins of equally many units, for calibration.")
    ] = 10,
    samples: Annotated[int, typer.Option(min=20, help="Bootstrap samples.")] = 200,
    confidence: Confidence = 0.95,
) -> None:
    """Whether a score ranks units by uplift: Qini and AUUC in both definitions, uplift at k, calibration.

    \b
    Examples:
      adcli evaluate uplift scored.parquet --score uplift --outcome visit --report uplift.html
      adcli evaluate uplift units.csv --score history --outcome visit --treated mens --control none
    """
    from adcli.evaluate.uplift.curve_points import qini_points
    from adcli.evaluate.uplift.page import uplift_page
    from adcli.evaluate.uplift.table import uplift_table

    record = recorder(run, tracking)
    units = run.read(inputs, tables=["units"], columns={"variant": variant} if variant else {})
    score, outcome = run.column(score), run.column(outcome)
    with run.step("uplift"):
        table = uplift_table(
            units,
            score=score,
            outcome=outcome,
            control=control,
            treated=treated,
            at=at,
            bins=bins,
            samples=samples,
            confidence=confidence,
            seed=run.seed,
        )
    qini = qini_points(units, score=score, outcome=outcome, control=control, treated=treated)
    deliver(run, Answer(table, uplift_page(table, qini, score=score, outcome=outcome)), reporting, record)
