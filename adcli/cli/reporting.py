"""`--report` and `--plots`: a page and its plots, written with what the run knows about itself."""

from __future__ import annotations

import shlex
import sys
from dataclasses import replace
from typing import TYPE_CHECKING

from adcli.cli.options import Reporting
from adcli.cli.run import Run
from adcli.errors import UsageError

if TYPE_CHECKING:
    from adcli.report import Page


def publish(run: Run, page: Page, reporting: Reporting) -> None:
    """Write the page to `--report` and each of its plots, as SVG and PNG, into `--plots`."""
    if reporting.report is not None:
        run.attach(reporting.report, _with_run(page, run).html().encode())
    if reporting.plots is not None:
        if reporting.plots.exists() and not reporting.plots.is_dir():
            raise UsageError(f"--plots {reporting.plots} is a file, not a folder.")
        reporting.plots.mkdir(exist_ok=True)
        for plot in page.plots:
            run.attach(reporting.plots / f"{plot.name}.svg", plot.svg_file())
            run.attach(reporting.plots / f"{plot.name}.png", plot.png())


def _with_run(page: Page, run: Run) -> Page:
    from adcli.tables.manifest import versions

    return replace(
        page,
        command_line=shlex.join(["adcli", *sys.argv[1:]]),
        inputs=run.input_records(),
        data_notes=[*page.data_notes, run.accounting()],
        versions=versions(),
        seed=run.seed,
    )
