"""`adcli evaluate model`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from adcli.cli.command import command
from adcli.cli.option_rules import Excludes, Needs
from adcli.cli.options import Confidence, Inputs, MinUsers, Reporting, Tracking
from adcli.cli.reporting import Answer, deliver, recorder
from adcli.cli.run import Run

if TYPE_CHECKING:
    import polars as pl

PREDICTIONS = ("auctions", "impressions", "rows")


OTHER_QUESTIONS = ("reference", "perturb_text", "perturb_number")


@command
def model(
    run: Run,
    reporting: Annotated[Reporting, Excludes("perturb_text", "perturb_number")],
    tracking: Annotated[Tracking, Excludes("perturb_text", "perturb_number")],
    inputs: Inputs = None,
    score: Annotated[str, Excludes(*OTHER_QUESTIONS)] = typer.Option(
        "pctr", help="Column of the predicted probability."
    ),
    label: Annotated[str, Excludes(*OTHER_QUESTIONS)] = typer.Option("click", help="Label column: 0 or 1."),
    by: Annotated[list[str], Excludes(*OTHER_QUESTIONS)] = typer.Option(
        [], help="Break down by this column; repeat for more."
    ),
    bins: Annotated[int, Excludes("perturb_text", "perturb_number")] = typer.Option(
        10, min=2, max=100, help="Bins of the reliability diagram, and of each column for drift."
    ),
    reference: Annotated[str | None, Excludes("perturb_text", "perturb_number")] = typer.Option(
        None, help="Reference rows, such as those trained on: how far each column has drifted since."
    ),
    perturb_text: list[str] = typer.Option(
        [], help="Text column to perturb: write the rows, to be scored again; repeat for more."
    ),
    perturb_number: list[str] = typer.Option(
        [], help="Number column to perturb: write the rows, to be scored again; repeat for more."
    ),
    noise: Annotated[float, Needs("perturb_number")] = typer.Option(
        0.05, min=0.0, max=1.0, help="Relative standard deviation of --perturb-number."
    ),
    min_users: Annotated[MinUsers, Excludes(*OTHER_QUESTIONS)] = 50,
    confidence: Annotated[Confidence, Excludes("perturb_text", "perturb_number")] = 0.95,
) -> None:
    """Ranking and calibration of predicted probabilities, drift of the data, robustness to perturbations.

    Robustness takes two runs: one writes the perturbed rows, with a column `perturbation`; once your model
    has scored that file, the other run sees the column and says how far the scores moved.

    \b
    Examples:
      adcli evaluate model auctions.parquet --score pctr --label click --report model.html
      adcli evaluate model today.parquet --reference last_month.parquet
      adcli evaluate model rows.parquet --perturb-text title --perturb-number price -o to_score.parquet
      adcli evaluate model scored.parquet --score ctr --report robustness.html
    """
    record = recorder(run, tracking)
    rows = run.read(inputs, tables=PREDICTIONS)
    if perturb_text or perturb_number:
        _perturb(run, rows, perturb_text, perturb_number, noise)
        return
    with run.step("evaluate"):
        if reference is not None:
            answer = _drift(run, reference, rows, bins=bins, confidence=confidence)
        else:
            answer = _quality(
                run, rows, score, label, by, bins=bins, min_users=min_users, confidence=confidence
            )
    deliver(run, answer, reporting, record)


def _perturb(
    run: Run, rows: pl.DataFrame, texts: Sequence[str], numbers: Sequence[str], noise: float
) -> None:
    """Write the rows as they are and perturbed, for a model to score."""
    from adcli.evaluate.model.robustness import perturbed_rows

    run.write(
        perturbed_rows(
            rows, texts=run.columns(texts), numbers=run.columns(numbers), noise=noise, seed=run.seed
        )
    )


def _drift(run: Run, reference: str, rows: pl.DataFrame, *, bins: int, confidence: float) -> Answer:
    """How far each column has drifted since the reference."""
    from adcli.evaluate.model.drift import drift_table, identifiers
    from adcli.evaluate.model.page import drift_page

    earlier = run.read([reference], tables=PREDICTIONS, secondary=True)
    table = drift_table(earlier, rows, bins=bins, confidence=confidence)
    if names := identifiers(earlier, rows):
        run.note(f"Identifiers are not compared: {', '.join(names)}.")
    return Answer(table, drift_page(table))


def _quality(
    run: Run,
    rows: pl.DataFrame,
    score: str,
    label: str,
    by: Sequence[str],
    *,
    bins: int,
    min_users: int,
    confidence: float,
) -> Answer:
    """How true the scores are; where the rows were perturbed, how far that moved them too."""
    import polars as pl

    from adcli.evaluate.model.page import model_page
    from adcli.evaluate.model.robustness import PERTURBATION, UNCHANGED, robustness_table
    from adcli.evaluate.model.table import model_table

    score, label, by = run.column(score), run.column(label), run.columns(by)
    moved = pl.DataFrame()
    if PERTURBATION in rows.columns:
        moved = robustness_table(rows, score=score, label=label, confidence=confidence)
        rows = rows.filter(pl.col(PERTURBATION) == UNCHANGED)
    table = model_table(
        rows, score=score, label=label, by=by, bins=bins, min_users=min_users, confidence=confidence
    )
    page = model_page(table, moved, score=score, label=label)
    return Answer(pl.concat([table, moved], how="diagonal_relaxed"), page)
