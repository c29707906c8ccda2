"""`adcli evaluate uplift`."""

from __future__ import annotations

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
    score: str = typer.Option("score", help="Column of the predicted uplift."),
    outcome: str = typer.Option("conversion", help="Outcome column."),
    variant: str | None = typer.Option(None, help="Column that names each unit's arm."),
    control: str | None = typer.Option(None, help="The arm without the treatment."),
    treated: str | None = typer.Option(None, help="The treated arm, where there are several."),
    at: tuple[float, float, float] = typer.Option(
        (0.1, 0.2, 0.3), help="Top shares of the units, for uplift at k."
    ),
    bins: int = typer.Option(10, min=2, max=100, help="Bins of equally many units, for calibration."),
    samples: int = typer.Option(200, min=20, help="Bootstrap samples."),
    confidence: Confidence = 0.95,
) -> None:
    """Whether a score ranks units by uplift: Qini and AUUC in both definitions, uplift at k, calibration.

    \b
    Examples:
      adcli evaluate uplift scored.parquet --score uplift --outcome visit --report uplift.html
      adcli evaluate uplift units.csv --score history --outcome visit --treated mens --control none
    """
    from adcli.evaluate.uplift.curves import qini_points
    from adcli.evaluate.uplift.page import uplift_page
    from adcli.evaluate.uplift.table import uplift_table
    from adcli.evaluate.uplift.units import scored_units

    record = recorder(run, tracking)
    rows = run.read(inputs, tables=["units"], columns={"variant": variant} if variant else {})
    score, outcome = run.column(score), run.column(outcome)
    units = scored_units(rows, score=score, outcome=outcome, control=control, treated=treated)
    with run.step("uplift"):
        table = uplift_table(units, at=at, bins=bins, samples=samples, confidence=confidence, seed=run.seed)
    page = uplift_page(table, qini_points(units), score=score, outcome=outcome)
    deliver(run, Answer(table, page), reporting, record)
