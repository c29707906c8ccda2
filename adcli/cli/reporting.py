"""`--report`, `--plots`, `--track`: a page, its plots and figures, with what the run knows about itself."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from adcli.cli.options import Reporting, Tracking
from adcli.cli.run import Run
from adcli.errors import UsageError
from adcli.stores import shown

if TYPE_CHECKING:
    import polars as pl

    from adcli.report import Page

# texts that name no figure
UNTRACKED = frozenset({"definition", "reason", "test", "control", "headline", "interval"})


class Answer(NamedTuple):
    """What an evaluation found: its table, and the page that says it in sentences."""

    table: pl.DataFrame  # the figures
    page: Page  # the page
    is_private: bool = False  # whether the page may say nothing exact of the input, as its size


def deliver(run: Run, answer: Answer, reporting: Reporting, record: Callable[[pl.DataFrame], None]) -> None:
    """Write the table, the page and its plots, log to the tracker, and end the run with the page's answer."""
    run.write(answer.table, kinds=answer.page.kinds)
    record(answer.table)
    publish(run, answer.page, reporting, is_private=answer.is_private)
    run.answer(answer.page.answer)


def publish(run: Run, page: Page, reporting: Reporting, *, is_private: bool = False) -> None:
    """Write the page to `--report` and each of its plots, as SVG and PNG, into `--plots`."""
    if reporting.report is not None:
        run.attach(reporting.report, _with_run(page, run, is_private).html().encode())
    if reporting.plots is not None:
        if reporting.plots.exists() and not reporting.plots.is_dir():
            raise UsageError(f"--plots {reporting.plots} is a file, not a folder.")
        reporting.plots.mkdir(exist_ok=True)
        for plot in page.plots:
            run.attach(reporting.plots / f"{plot.name}.svg", plot.svg_file())
            run.attach(reporting.plots / f"{plot.name}.png", plot.png())


def recorder(run: Run, tracking: Tracking) -> Callable[[pl.DataFrame], None]:
    """What logs the figures of a table to the tracker of `--track`; makes sure at once that it can.

    Raises UsageError if the tracker's package is not installed.
    """
    if tracking.track is None:
        return lambda table: None
    from adcli.core.tracking import check_tracker, tracked

    check_tracker(tracking.track)
    name = run.output.stem if run.output is not None else run.command.replace(" ", "-")

    def record(table: pl.DataFrame) -> None:
        settings = {"command": shlex.join(["adcli", *map(shown, sys.argv[1:])]), "seed": run.seed}
        with tracked(tracking.track, run=name, directory=tracking.track_dir, settings=settings) as log:
            log(_figures(table), None)

    return record


def _figures(table: pl.DataFrame) -> dict[str, float | str]:
    """Each number of a table, and each verdict, by the texts of its row and its column."""
    texts = [name for name, kind in table.schema.items() if not kind.is_numeric() and name not in UNTRACKED]
    labels = [name for name in texts if name != "verdict"]
    figures: dict[str, float | str] = {}
    for row in table.to_dicts():
        label = "/".join(str(row[name]) for name in labels if row[name] not in (None, ""))
        for name in table.columns:
            if row[name] not in (None, "") and (name == "verdict" or table.schema[name].is_numeric()):
                figures[f"{label}/{name}"] = row[name]
    return figures


def _with_run(page: Page, run: Run, is_private: bool) -> Page:
    from adcli.tables.manifest import versions

    return replace(
        page,
        command_line=shlex.join(["adcli", *map(shown, sys.argv[1:])]),
        inputs=[] if is_private else run.input_records(),
        data_notes=page.data_notes if is_private else [*page.data_notes, run.accounting()],
        versions=versions(),
        seed=run.seed,
    )
