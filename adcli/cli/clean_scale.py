"""How `adcli clean` gets through large inputs: several processes, a run that goes on, Spark."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from adcli.cli.clean_duplicates import Duplicates, repeat_key
from adcli.cli.engines import Engine, cluster_of, refuse
from adcli.cli.option_rules import option_group
from adcli.cli.options import Reporting
from adcli.cli.run import Run
from adcli.cli.targets import is_stream
from adcli.errors import UsageError
from adcli.files import remove
from adcli.stores import url_of

if TYPE_CHECKING:
    import polars as pl

    from adcli.clean.parts import Reading
    from adcli.clean.pipeline import Step

_BYTES_OF_A_PROCESS = 512 << 20


@option_group("Scale")
class Scale:
    """How large inputs are read."""

    processes: int = typer.Option(
        1,
        min=1,
        envvar="ADCLI_PROCESSES",
        help="Processes that read inputs at once; fewer where --memory is too little for them.",
    )
    resume: bool = typer.Option(
        False,
        "--resume",
        help="Keep what is read beside the output until all is done: what an interrupted run with this "
        "option has read of the same inputs, in the same way, is not read again.",
    )
    engine: Engine = "local"


class Scaling:
    """The options' work in one run."""

    def __init__(self, run: Run, options: Scale, reporting: Reporting, *, is_erasing: bool) -> None:
        self._run = run
        self._options = options
        pages = {"--report": reporting.report, "--plots": reporting.plots}
        refuse(options.engine, pages, "it is made of rows as they are read")
        refuse(options.engine, {"--resume": options.resume}, "executors keep nothing")
        if any(pages.values()) and (options.processes > 1 or options.resume):
            raise UsageError(
                "--report and --plots look at all rows as one process reads them.",
                fix="Leave out --processes and --resume.",
            )
        if options.resume and is_erasing:
            raise UsageError(
                "--resume would keep rows that --erase leaves out.", fix="Leave one of them out."
            )
        self._cluster = cluster_of(run, options.engine)
        self._kept = self._folder() if options.resume else None

    def require(self, duplicates: Duplicates) -> None:
        """Make sure that what executors are to do needs rows of one user alone; else UsageError."""
        is_of_all = duplicates.repeat_window is not None and "user_id" not in repeat_key(duplicates)
        refuse(
            self._options.engine,
            {"--repeat-key without user_id": is_of_all},
            "they have the rows of some users each",
        )

    def began(self) -> datetime:
        """When the run began; one that goes on, when the first did."""
        now = datetime.now(UTC)
        if self._kept is None:
            return now
        file = self._kept / "began"
        if not file.exists():
            file.write_text(now.isoformat(), encoding="ascii")
        return datetime.fromisoformat(file.read_text(encoding="ascii"))

    def cleaned(
        self, reading: Reading, steps: Sequence[Step], advance: Callable[[int], None]
    ) -> Iterator[pl.DataFrame]:
        """The rows, by whoever is to clean them."""
        spill, reject = self._run.scratch(), self._run.reject
        if self._cluster is not None:
            from adcli.clean.distributed import clean_on

            return clean_on(self._cluster, reading, spill=spill, steps=steps, reject=reject, advance=advance)
        from adcli.clean.parallel import reader
        from adcli.clean.pipeline import clean_stream

        read = reader(self._processes(), self._kept)
        return clean_stream(
            reading.stream,
            spill=spill,
            routes=reading.routes,
            rules=reading.rules,
            reject=reject,
            advance=advance,
            read=read,
            steps=steps,
        )

    def _processes(self) -> int:
        asked = self._options.processes
        found = max(min(asked, self._run.memory // _BYTES_OF_A_PROCESS), 1)
        if found < asked:
            self._run.note(f"--processes {asked}: memory is enough for {found}; --memory allows more.")
        return found

    def _folder(self) -> Path:
        output = self._run.output
        if output is None or is_stream(output) or url_of(output):
            raise UsageError("--resume keeps what is read beside the output.", fix="Name a file with -o.")
        folder = output.with_name(f".{output.name}.adcli-resume")
        folder.mkdir(mode=0o700, exist_ok=True)
        self._run.when_done(partial(remove, folder))
        return folder
