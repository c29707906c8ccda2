"""What a run writes: its table, learned directories, pages, rejects; whole or not at all."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from adcli.cli.options import Writing
from adcli.cli.preview import preview
from adcli.errors import UsageError

if TYPE_CHECKING:
    import polars as pl

    from adcli.files import AtomicDirectory, AtomicFile
    from adcli.tables.sinks import Sink

Describe = Callable[[Path, int, int, str], dict[str, Any]]


class RunOutputs:
    """The outputs of one run. None has its final name before `commit`; `abort` leaves no trace."""

    def __init__(self, writing: Writing, rejects: Path | None, attachments: Iterable[Path] = ()) -> None:
        self._writing = writing
        self._rejects = rejects
        self._attachments = list(attachments)
        self._rejects_sink: Sink | None = None
        self._rejects_file: AtomicFile | None = None
        self._outputs: dict[AtomicFile | AtomicDirectory, int] = {}
        self._scratch: list[Path] = []
        self.rows_written = 0
        self.written: list[str] = []

    @property
    def path(self) -> Path | None:
        """What `-o` names."""
        return self._writing.output

    def check(self, inputs: Iterable[str]) -> None:
        """Make sure, before any work is done, that all outputs can be written and overwrite nothing needed.

        Raises:
            UsageError: If one is an input, or another output, or in a folder that cannot be written.
        """
        from adcli.files import check_target

        taken = {Path(path).resolve() for path in inputs if path != "-"}
        for output in (self._writing.output, self._rejects, *self._attachments):
            if output is None:
                continue
            if output.resolve() in taken:
                raise UsageError(
                    f"{output} is an input; an output never overwrites one.", fix="Name another file."
                )
            check_target(output)
        names = [
            output.resolve() for output in (self._writing.output, self._rejects, *self._attachments) if output
        ]
        twice = next((name for place, name in enumerate(names) if name in names[:place]), None)
        if twice is not None:
            raise UsageError(f"{twice} is named for two outputs.", fix="Name another file for one of them.")

    def write(self, parts: Iterable[pl.DataFrame], kinds: Mapping[str, str] | None = None) -> None:
        """Write the run's table: to `-o`, to standard output, or as a preview on a terminal.

        `kinds` say how its figures are read, as in `preview`.
        """
        if self._writing.output is not None:
            self._write_file(parts, self._writing.output)
        elif sys.stdout.isatty():
            self._preview(parts, kinds)
        else:
            self._write_stdout(parts)

    def directory(self) -> Path:
        """A folder to put a learned thing's files into; it becomes `-o DIR` at the end of the run."""
        from adcli.files import AtomicDirectory

        if self._writing.output is None:
            raise UsageError("What is learned is a directory: name it with -o DIR.")
        target = AtomicDirectory(self._writing.output)
        self._outputs[target] = 0
        return target.temporary

    def scratch(self) -> Path:
        """A private folder beside the output (or in the temporary folder) that is gone after the run."""
        import tempfile

        from adcli.files import check_target, sweep_stale, temporary_beside

        output = self._writing.output or Path(tempfile.gettempdir()) / "adcli"
        check_target(output)
        sweep_stale(output.parent)
        folder = temporary_beside(output)
        folder.mkdir()
        self._scratch.append(folder)
        return folder

    def attach(self, path: Path, content: bytes) -> None:
        """Write a further file beside the result, such as a report page."""
        from adcli.files import AtomicFile

        file = AtomicFile(path)
        self._outputs[file] = 0
        file.handle.write(content)

    def keep_rejects(self, rejects: pl.DataFrame) -> None:
        """Append rejected rows to `--rejects`, if that is wanted."""
        if self._rejects is None:
            return
        if self._rejects_sink is None:
            self._rejects_file, self._rejects_sink = self._open_file(self._rejects, None)
        self._rejects_sink.write(rejects)

    def commit(self, rows_rejected: int, describe: Describe) -> None:
        """Give all outputs their names and write their manifests.

        Args:
            rows_rejected: How many rows `--rejects` holds.
            describe: The manifest of an output from its path, size, rows and SHA-256.
        """
        from adcli.tables.manifest import write_manifest

        self.keep_rejects(_no_rejects())  # so that the file is there, and not one of an earlier run
        if self._rejects_sink is not None and self._rejects_file is not None:
            self._rejects_sink.close()
            self._outputs[self._rejects_file] = rows_rejected
        sealed = [(output, rows, *output.seal()) for output, rows in self._outputs.items()]
        for output, rows, size, sha256 in sealed:
            manifest = describe(output.target, size, rows, sha256)
            output.commit(partial(write_manifest, output.target, manifest))
            self.written.append(str(output.target))
        self._outputs.clear()
        self._remove_scratch()

    def abort(self) -> None:
        """Leave no trace of what was not committed."""
        for output in self._outputs:
            output.abort()
        self._outputs.clear()
        self._remove_scratch()

    def _write_file(self, parts: Iterable[pl.DataFrame], path: Path) -> None:
        file, sink = self._open_file(path, self._writing.to)
        for part in parts:
            sink.write(part)
            self.rows_written += part.height
        sink.close()
        self._outputs[file] = self.rows_written

    def _open_file(self, path: Path, to: str | None) -> tuple[AtomicFile, Sink]:
        from adcli.files import AtomicFile
        from adcli.tables.sinks import format_of, open_sink

        format_name = format_of(path, to)
        file = AtomicFile(path)
        self._outputs[file] = 0
        compression = path.suffix if path.suffix in (".gz", ".zst") else ""
        return file, open_sink(file.handle, format_name, compression)

    def _write_stdout(self, parts: Iterable[pl.DataFrame]) -> None:
        from adcli.tables.sinks import format_of, open_sink

        # A buffer of our own: with PYTHONUNBUFFERED the one of sys.stdout writes large parts incompletely.
        handle = open(sys.stdout.fileno(), "wb", closefd=False)  # noqa: SIM115 - closed with the sink
        sink = open_sink(handle, format_of(Path("stdout.ndjson"), self._writing.to))
        for part in parts:
            sink.write(part)
            self.rows_written += part.height
        sink.close()

    def _preview(self, parts: Iterable[pl.DataFrame], kinds: Mapping[str, str] | None) -> None:
        import polars as pl

        from adcli.tables.sinks import BINARY_FORMATS

        if self._writing.to in BINARY_FORMATS:
            raise UsageError(
                f"--to {self._writing.to} is binary and not for a terminal.", fix="Name a file with -o."
            )
        first: list[pl.DataFrame] = []
        for part in parts:
            missing = self._writing.rows - sum(frame.height for frame in first)
            first.append(part if self._writing.all else part.head(max(missing, 0)))
            self.rows_written += part.height
        if first:
            shown = pl.concat(first, how="diagonal_relaxed")
            preview(shown, self.rows_written, _how_to_keep(shown.height < self.rows_written), kinds)

    def _remove_scratch(self) -> None:
        from adcli.files import remove

        for folder in self._scratch:
            remove(folder)
        self._scratch.clear()


def _how_to_keep(is_part: bool) -> str:
    return ("--all shows all, " if is_part else "") + "-o FILE.parquet keeps them."


def _no_rejects() -> pl.DataFrame:
    import polars as pl

    from adcli.tables.formats.blocks import REJECTS_SCHEMA

    return pl.DataFrame(schema=REJECTS_SCHEMA)
