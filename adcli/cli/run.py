"""One run of a command: its inputs and outputs, its steps, its manifest and its closing line."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, Unpack

from adcli.cli.console import Console
from adcli.cli.inputs import RunInputs, Wanted
from adcli.cli.options import Common, Reading, Writing
from adcli.cli.outputs import RunOutputs
from adcli.errors import DataError, GateError
from adcli.files import manifest_path
from adcli.progress import telling
from adcli.stores import shown

if TYPE_CHECKING:
    import polars as pl

    from adcli.statistics.verdicts import Verdict
    from adcli.tables.left_out import LeaveOut
    from adcli.tables.read import TableStream
    from adcli.tables.records import InputRecord
    from adcli.tables.spool import Spool


class SupportsClose(Protocol):
    """What has to be closed."""

    def close(self) -> None:
        """Close it."""


class Run:
    """What a command reads with, writes with and speaks through.

    Nothing becomes visible under its final name before `finish`; `abandon` leaves no trace. `facts` goes into
    the manifests. `attachments` are further files that the command will write, `reads` what its options name.
    """

    def __init__(
        self,
        command: str,
        reading: Reading,
        writing: Writing,
        common: Common,
        *,
        attachments: Iterable[Path] = (),
        reads: Iterable[Path] = (),
    ) -> None:
        self.command = command
        self.seed = common.seed
        self.debug = common.debug
        self.console = Console(quiet=common.quiet, verbose=common.verbose)
        self.facts: dict[str, Any] = {}
        self._strict = reading.strict
        self._config = common.config
        self._memory = reading.memory
        self._started = time.time()
        self._steps: dict[str, float] = {}
        others = tuple(reads)
        self._outputs = RunOutputs(
            writing, reading.rejects, attachments, others, make_room=self.console.screen.hide
        )
        self._answer: Sequence[Verdict] = ()
        self._counted = 0, 0
        self._open = ExitStack()
        self._tidying: list[Callable[[], None]] = []
        self._inputs = RunInputs(reading, self.console, self._outputs.keep_rejects, is_alone=not others)
        self.note, self.warn = self.console.note, self.console.warn
        self.frames, self.column, self.reject = self._inputs.frames, self._inputs.column, self._inputs.reject
        self.directory, self.scratch = self._outputs.directory, self._outputs.scratch
        self.attach, self.attach_table = self._outputs.attach, self._outputs.attach_table
        self.attach_directory = self._outputs.attach_directory

    # ---- reading

    def stream(self, inputs: Sequence[str] | None, **what: Unpack[Wanted]) -> TableStream:
        """Open inputs as one standard table, read batch by batch with `frames`.

        `inputs`: paths, globs or `-`, none means standard input.
        """
        with self.console.progress("recognising the input") as progress, telling(progress.reach):
            stream = self._inputs.open(inputs, self.command, **what)
        self._outputs.keep_clear_of(self._inputs.paths)
        return stream

    def read(self, inputs: Sequence[str] | None, **what: Unpack[Wanted]) -> pl.DataFrame:
        """Inputs as one standard table, whole."""
        with self.step("read"):
            stream = self.stream(inputs, **what)
            return stream.whole(self.frames(stream))

    def spool(self, inputs: Sequence[str] | None, **what: Unpack[Wanted]) -> Spool:
        """Inputs as one standard table that may be larger than memory."""
        from adcli.tables.spool import Spool

        with self.step("read"):
            return Spool(self.frames(self.stream(inputs, **what)), self.scratch())

    def texts(self, inputs: Sequence[str] | None) -> list[tuple[str, str]]:
        """Inputs that are no tables: the name of each and its text."""
        with self.step("read"):
            read = list(self._inputs.texts(inputs, self.command))
            self._outputs.keep_clear_of(self._inputs.paths)
            return read

    def columns(self, names: Sequence[str]) -> list[str]:
        """The columns that an option names, as `column` does."""
        return [self.column(name) for name in names]

    def require_whole(self, columns: Sequence[str], why: str) -> None:
        """Make sure that no row was rejected for what it has in one of these columns.

        Raises DataError if one was; `why` says what leaving it out would do.
        """
        for column in columns:
            reasons = self._inputs.reasons.items()
            if count := sum(rows for reason, rows in reasons if reason.partition(":")[0] == column):
                raise DataError(
                    f"{count:,} rows were rejected for their {column}, and {why}.",
                    fix="`adcli clean` with --rejects lists them, and leaves them out.",
                )

    def learned(self, directory: Path) -> Path:
        """A directory that adcli wrote, checked against its manifest and counted among the inputs."""
        found = self._inputs.directory(directory)
        self._outputs.keep_clear_of([found])
        return found

    def withhold(self, redact: Callable[[str], str] = str) -> None:
        """From now on show no text of rejected rows, and messages as `redact` gives them."""
        self.console.redact = redact
        self._inputs.withholds_rows = True

    def leave_out(self, rows: LeaveOut) -> None:
        """Reject such rows of whatever is read from now on, and show no text of rejected rows."""
        self._inputs.leave_out = rows
        self._inputs.withholds_rows = True

    def count(self, read: int, rejected: int) -> None:
        """Count rows that the command read in a way of its own."""
        self._counted = read, rejected

    def rejected(self) -> list[tuple[str, int]]:
        """The reasons for which rows were rejected so far, the commonest first, and how many were."""
        return self._inputs.reasons.most_common()

    def input_records(self) -> list[InputRecord]:
        """The files and directories read so far."""
        return self._inputs.records

    # ---- writing

    def write(
        self, frames: pl.DataFrame | Iterable[pl.DataFrame], *, kinds: Mapping[str, str] | None = None
    ) -> None:
        """Write the result: to `-o`, or to standard output, or as a preview on a terminal.

        `frames`: the result; `kinds`: of a table of figures, how they are read (`adcli.numbers`), for the
        preview.
        """
        import polars as pl

        with self.step("write"):
            self._outputs.write([frames] if isinstance(frames, pl.DataFrame) else frames, kinds)
        if column := self._outputs.formula_column:
            self.note(
                f"Texts in '{column}' are formulas to a spreadsheet; --formula-safe makes them harmless."
            )

    @property
    def memory(self) -> int:
        """The bytes that a table may take, as `--memory` says."""
        from adcli.tables.memory import table_bytes

        return table_bytes(self._memory)

    @property
    def output(self) -> Path | None:
        """Where the result goes, if `-o` says so."""
        return self._outputs.path

    def until_end(self, resource: SupportsClose) -> None:
        """Close something when the run ends, however it ends."""
        self._open.callback(resource.close)

    def when_done(self, tidy: Callable[[], None]) -> None:
        """Do something once all outputs have their names."""
        self._tidying.append(tidy)

    # ---- messages

    def answer(self, verdicts: Sequence[Verdict]) -> None:
        """End the run with these sentences, just before the closing line."""
        self._answer = verdicts

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """Time a step of the run for the manifest, and show it while it lasts."""
        started = time.monotonic()
        try:
            with self.console.progress(name) as progress, telling(progress.reach):
                yield
        finally:
            self._steps[name] = round(self._steps.get(name, 0.0) + time.monotonic() - started, 3)

    def accounting(self) -> str:
        """`read = written + rejected` of the run so far, as a line."""
        rows = self._rows()
        kept = "written" if rows["written"] == rows["used"] else "used"
        line = f"{rows['read']:,} read = {rows['used']:,} {kept} + {rows['rejected']:,} rejected"
        why = self._inputs.why_rejected()
        return line + (f" ({why})" if why else "")

    # ---- ending

    def finish(self) -> None:
        """Give all outputs their names, write their manifests, say the accounting."""
        self._inputs.check_options()
        self._inputs.tell_notes()
        self._inputs.tell_unknown_types()
        self._inputs.tell_rejects()
        rejected = self._inputs.rejects_kept
        if self._strict and rejected:
            why = self._inputs.why_rejected() or "of the tables beside the others"
            count = "1 row was" if rejected == 1 else f"{rejected:,} rows were"
            raise GateError(f"{count} rejected ({why}) and --strict was given.")
        self._outputs.commit(rejected, self._manifest)
        self._open.close()
        for tidy in self._tidying:
            tidy()
        self._tell_details()
        self.console.answer(self._answer)
        self.console.note(self._closing_line())

    def abandon(self) -> None:
        """Leave no trace of outputs that were not finished."""
        self._outputs.abort()
        self._open.close()

    def _manifest(self, target: Path, size: int, rows: int, sha256: str) -> dict[str, Any]:
        from adcli.tables.manifest import versions

        return {
            "command": ["adcli", *map(shown, sys.argv[1:])],
            "versions": versions(),
            "seed": self.seed,
            "config": str(self._config) if self._config else None,
            **self.facts,
            "inputs": [record._asdict() for record in self._inputs.records],
            "output": {"path": str(target), "bytes": size, "rows": rows, "sha256": sha256},
            "rows": self._rows(),
            "rejected_because": dict(self._inputs.reasons.most_common()),
            "unknown_event_types": self._inputs.unknown_event_types,
            "seconds": self._steps,
            "started": datetime.fromtimestamp(self._started, UTC).isoformat(timespec="seconds"),
            "finished": datetime.now(UTC).isoformat(timespec="seconds"),
        }

    def _rows(self) -> dict[str, int]:
        read, rejected = self._counted
        read, rejected = read + self._inputs.rows_read, rejected + self._inputs.rows_rejected
        return {
            "read": read,
            "used": read - rejected,
            "written": self._outputs.rows_written,
            "rejected": rejected,
        }

    def _tell_details(self) -> None:
        """What only someone looking closely wants to know: all reasons, where time went, what was kept."""
        for reason, count in self._inputs.reasons.most_common():
            self.console.detail(f"rejected because: {reason}: {count:,}")
        for name, seconds in self._steps.items():
            self.console.detail(f"step {name}: {seconds:.2f} s")
        for name in self._outputs.written:
            if (manifest := manifest_path(Path(name))).exists():
                self.console.detail(f"manifest: {manifest}")

    def _closing_line(self) -> str:
        rows = self._rows()
        written = rows["written"]
        made = f": {written:,} row{'s'[: written > 1]}" if written not in (0, rows["used"]) else ""
        where = f" -> {', '.join(self._outputs.written)}" if self._outputs.written else ""
        return (
            f"adcli {self.command}{made}{where} in {time.time() - self._started:.1f} s: {self.accounting()}"
        )


class TablelessRun(Run):
    """A run that reads no table, and so has no options that say how one is read."""

    def __init__(self, command: str, writing: Writing, common: Common, **files: Iterable[Path]) -> None:
        super().__init__(command, Reading(), writing, common, **files)
