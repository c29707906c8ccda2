"""`adcli evaluate model`."""

from __future__ import annotations

from typing import Annotated

import typer

from adcli.cli.command import command
from adcli.cli.options import Confidence, Inputs, Reporting, Tracking
from adcli.cli.reporting import publish, recorder
from adcli.cli.run import Run
from adcli.errors import UsageError

PREDICTIONS = ("auctions", "impressions", "contexts")


@command
def model(
    run: Run,
    reporting: Reporting,
    tracking: Tracking,
    inputs: Inputs = None,
    score: Annotated[str, typer.Option(help="Column of the predicted probability.")] = "pctr",
    label: Annotated[str, typer.Option(help="Column of what happened, 0 or 1.")] = "click",
    by: Annotated[list[str], typer.Option(help="Column whose values make groups; repeat for more.")] = [],  # noqa: B006
    bins: Annotated[int, typer.Option(min=2, max=100, help="Of the reliability.")] = 10,
    reference: Annotated[
        str | None,
        typer.Option(help="Earlier rows: how far each column has drifted since, in place of the scores."),
    ] = None,
    perturb_text: Annotated[
        list[str],
        typer.Option(help="Write the rows with this column mistyped instead, to be scored again; repeat."),
    ] = [],  # noqa: B006
    perturb_number: Annotated[
        list[str],
        typer.Option(help="Write the rows with this number a little off instead; repeat for more."),
    ] = [],  # noqa: B006
    noise: Annotated[
        float, typer.Option(min=0.0, max=1.0, help="Relative error of --perturb-number.")
    ] = 0.05,
    min_users: Annotated[int, typer.Option(min=0, help="Hide groups of fewer users.")] = 50,
    confidence: Confidence = 0.95,
) -> None:
    """How well predicted probabilities rank and how true they are; or how the data have drifted.

    Robustness takes two runs: one writes the rows mistyped, with a column `perturbation`; once your model has
    scored that file, the other run sees the column and says how far the scores moved.

    \b
    Examples:
      adcli evaluate model auctions.parquet --score pctr --label click --report model.html
      adcli evaluate model today.parquet --reference last_month.parquet
      adcli evaluate model rows.parquet --perturb-text title --perturb-number price -o to_score.parquet
      adcli evaluate model scored.parquet --score ctr --report robustness.html
    """
    import polars as pl

    from adcli.evaluate.model.drift import drift_table
    from adcli.evaluate.model.page import drift_page, model_page
    from adcli.evaluate.model.perturbations import PERTURBATION, UNCHANGED, perturbed_rows
    from adcli.evaluate.model.robustness import robustness_table
    from adcli.evaluate.model.table import model_table

    record = recorder(run, tracking)
    if reference is not None and (perturb_text or perturb_number):
        raise UsageError("--reference and --perturb-... are different questions: ask one at a time.")
    frame = run.read(inputs, tables=PREDICTIONS)
    if perturb_text or perturb_number:
        texts, numbers = run.columns(perturb_text), run.columns(perturb_number)
        run.write(perturbed_rows(frame, texts=texts, numbers=numbers, noise=noise, seed=run.seed))
        return
    if reference is not None:
        earlier = run.read([reference], tables=PREDICTIONS, beside=True)
        table = drift_table(earlier, frame, bins=bins, confidence=confidence)
        page = drift_page(table)
    else:
        score, label, by = run.column(score), run.column(label), run.columns(by)
        with run.step("score"):
            moved = pl.DataFrame()
            if PERTURBATION in frame.columns:
                moved = robustness_table(frame, score=score, label=label, confidence=confidence)
                frame = frame.filter(pl.col(PERTURBATION) == UNCHANGED)
            table = model_table(
                frame,
                score=score,
                label=label,
                by=by,
                bins=bins,
                min_users=min_users,
                confidence=confidence,
            )
        page = model_page(table, moved, score=score, label=label)
        table = pl.concat([table, moved], how="diagonal_relaxed")
    run.write(table)
    record(table)
    publish(run, page, reporting)
