"""What a run writes: its table, learned directories, pages, rejects; whole or not at all."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from adcli.cli.options import Writing
from adcli.cli.preview import preview
from adcli.cli.targets import ReadPlaces, StreamOutput, is_stream
from adcli.errors import UsageError

if TYPE_CHECKING:
    import polars as pl

    from adcli.files import AtomicDirectory, AtomicFile
    from adcli.tables.sinks import Sink

_SPREADSHEET_TEXTS = ("csv", "tsv")
Describe = Callable[[Path, int, int, str], dict[str, Any]]


class RunOutputs:
    """The outputs of one run. None has its final name before `commit`; `abort` leaves no trace.

    What is no regular file is written as it comes, and keeps what it was sent.
    """

    def __init__(
        self,
        writing: Writing,
        rejects: Path | None,
        attachments: Iterable[Path] = (),
        reads: Iterable[Path] = (),
        *,
        make_room: Callable[[], None] = lambda: None,
    ) -> None:
        self._writing = writing
        self._make_room = make_room
        self._rejects = rejects
        self._attachments = list(attachments)
        self._read = ReadPlaces()
        for path in reads:
            self._read.add(path)
        self._rejects_sink: Sink | None = None
        self._is_guarded = False
        self._rejects_file: AtomicFile | StreamOutput | None = None
        self._outputs: dict[AtomicFile | AtomicDirectory, int] = {}
        self._streams: list[StreamOutput] = []
        self._forms: set[object] = set()
        self.rows_written = 0
        self.formula_column = ""  # the first column with a text in it that a spreadsheet would compute
        self.written: list[str] = []

    @property
    def path(self) -> Path | None:
        """What `-o` names."""
        return self._writing.output

    def keep_clear_of(self, reads: Iterable[Path]) -> None:
        """Make sure, before any work is done, that all outputs can be written and overwrite nothing read.

        Raises UsageError if one is read, or another output, or cannot be written.
        """
        for path in reads:
            self._read.add(path)
        outputs = [path for path in (self._writing.output, self._rejects, *self._attachments) if path]
        for place, output in enumerate(outputs):
            self._check(output)
            if any(_is_same(output, other) for other in outputs[:place]):
                raise UsageError(
                    f"{output} is named for two outputs.", fix="Name another file for one of them."
                )
        for output in outputs[self._writing.output is not None :]:
            if output.is_dir():
                raise UsageError(f"{output} is a folder, not a file.", fix="Name a file.")
        if self._writing.output is None and not sys.stdout.isatty():
            self._read.check_standard_output()

    def _check(self, output: Path) -> None:
        from adcli.files import MANIFEST_SUFFIX, check_target
        from adcli.stores import check_writable, url_of

        self._read.check(output)
        if output.name.endswith(MANIFEST_SUFFIX):
            raise UsageError(
                f"{output} is the name of a manifest, which no other output has.", fix="Name another file."
            )
        if url_of(output):
            check_writable(output)
        elif not is_stream(output):
            check_target(output)

    def write(self, parts: Iterable[pl.DataFrame], kinds: Mapping[str, str] | None = None) -> None:
        """Write the run's table: to `-o`, to standard output, or as a preview on a terminal.

        `kinds` say how its figures are read, as in `preview`.
        """
        parts = self._counted(parts)
        if self._writing.output is not None and self._writing.partition_by:
            self._write_partitions(parts)
        elif self._writing.output is not None:
            self._write_file(parts, self._writing.output)
        elif sys.stdout.isatty():
            self._preview(parts, kinds)
        else:
            self._write_stdout(parts)

    def _counted(self, parts: Iterable[pl.DataFrame]) -> Iterator[pl.DataFrame]:
        for part in parts:
            self.rows_written += part.height
            yield part

    def directory(self) -> Path:
        """A folder to put a learned thing's files into; it becomes `-o DIR` at the end of the run."""
        if self._writing.partition_by:
            raise UsageError("--partition-by has no effect: what is learned is a directory.")
        return self._directory("what is learned").temporary

    def _directory(self, what: str) -> AtomicDirectory:
        """The directory that `-o` becomes, of which options of files say nothing."""
        from adcli.files import AtomicDirectory
        from adcli.stores import url_of

        if self._writing.output is None:
            raise UsageError(f"{what.capitalize()} is a directory: name it with -o DIR.")
        if self._writing.to is not None:
            raise UsageError(f"--to has no effect: {what} is a directory.", fix="Leave --to out.")
        if self._writing.formula_safe:
            raise UsageError(f"--formula-safe has no effect: {what} is a directory.")
        if url_of(self._writing.output):
            raise UsageError(
                f"{self._writing.output}: {what} is a directory, which no store takes whole.",
                fix="Write it to a folder, and copy that.",
            )
        self._check(self._writing.output)
        target = AtomicDirectory(self._writing.output)
        self._outputs[target] = 0
        return target

    def _write_partitions(self, parts: Iterable[pl.DataFrame]) -> None:
        from adcli.tables.partitions import write_partitions

        target = self._directory("what --partition-by writes")
        write_partitions(parts, target.temporary, self._writing.partition_by)
        self._outputs[target] = self.rows_written

    def scratch(self) -> Path:
        """A private folder beside the output (or in the temporary folder) that is gone after the run."""
        from adcli.files import private_folder
        from adcli.stores import url_of

        output = self._writing.output
        if output is None or is_stream(output) or url_of(output) or not str(output.resolve()).isprintable():
            return private_folder()  # Polars takes no path that is not printable
        return private_folder(output)

    def attach(self, path: Path, content: bytes) -> None:
        """Write a further file beside the result, such as a report page."""
        self._opened(path).handle.write(content)

    def attach_table(self, path: Path, parts: Iterable[pl.DataFrame], *, is_form: bool = False) -> int:
        """Write a further table beside the result, and say how many rows it has.

        A form is for people to fill in, so no manifest says what it holds.
        """
        file, sink, _ = self._open_file(path, None)
        if is_form:
            self._forms.add(file)
        rows = 0
        for part in parts:
            sink.write(part)
            rows += part.height
        sink.close()
        self._count(file, rows)
        return rows

    def attach_directory(self, path: Path) -> Path:
        """A folder to put further files into; it becomes `path` at the end of the run."""
        from adcli.files import AtomicDirectory

        self._check(path)
        target = AtomicDirectory(path)
        self._outputs[target] = 0
        return target.temporary

    def keep_rejects(self, rejects: pl.DataFrame) -> None:
        """Append rejected rows to `--rejects`, if that is wanted."""
        if self._rejects is None:
            return
        if self._rejects_sink is None:
            self._rejects_file, self._rejects_sink, form = self._open_file(self._rejects, None)
            self._is_guarded = self._writing.formula_safe and form in _SPREADSHEET_TEXTS
        from adcli.tables.sinks import formula_safe

        self._rejects_sink.write(formula_safe(rejects) if self._is_guarded else rejects)

    def commit(self, rows_rejected: int, describe: Describe) -> None:
        """Give all outputs their names and write their manifests, of the result last.

        Each manifest has the hashes of all files of the run, which tell where some are another run's.

        `rows_rejected`: how many rows `--rejects` holds; `describe`: the manifest of an output from its path,
        size, rows and SHA-256.
        """
        from adcli.files import remove_unfinished
        from adcli.tables.manifest import write_manifest

        self.keep_rejects(_no_rejects())  # so that the file is there, and not one of an earlier run
        if self._rejects_sink is not None and self._rejects_file is not None:
            self._rejects_sink.close()
            self._count(self._rejects_file, rows_rejected)
        for stream in self._streams:
            stream.close()
            self.written.append(str(stream.target))
        sealed = [(output, rows, *output.seal()) for output, rows in self._outputs.items()]
        sealed.sort(key=lambda one: self._is_result(one[0].target))
        hashes = {str(output.target): sha256 for output, _, _, sha256 in sealed}
        for output, *_ in sealed:
            output.withdraw()
        for output, rows, size, sha256 in sealed:
            manifest = {**describe(output.target, size, rows, sha256), "files": hashes}
            if output in self._forms:
                output.commit()
            else:
                output.commit(partial(write_manifest, output.target, manifest))
            self.written.append(str(output.target))
        self._outputs.clear()
        remove_unfinished()

    def abort(self) -> None:
        """Leave no trace of what was not committed."""
        from adcli.files import remove_unfinished

        for opened in (*self._streams, *self._outputs):
            with suppress(OSError):
                opened.abort()
        self._outputs.clear()
        remove_unfinished()

    def _write_file(self, parts: Iterable[pl.DataFrame], path: Path) -> None:
        file, sink, form = self._open_file(path, self._writing.to)
        self._fill(sink, parts, form)
        self._count(file, self.rows_written)

    def _fill(self, sink: Sink, parts: Iterable[pl.DataFrame], form: str) -> None:
        for part in parts:
            sink.write(self._guarded(part, form))
        sink.close()

    def _open_file(self, path: Path, to: str | None) -> tuple[AtomicFile | StreamOutput, Sink, str]:
        """The output, what writes a table to it, and in which format."""
        from adcli.tables.sinks import format_of, open_sink

        form = format_of(path, to, is_stream=is_stream(path))
        file = self._opened(path)
        if file.handle.isatty():
            _refuse_binary(form)
        compression = path.suffix if path.suffix in (".gz", ".zst") else ""
        return file, open_sink(file.handle, form, compression), form

    def _opened(self, path: Path) -> AtomicFile | StreamOutput:
        from adcli.files import AtomicFile
        from adcli.stores import AtomicObject, url_of

        self._check(path)
        if is_stream(path):
            stream = StreamOutput(path)
            self._streams.append(stream)
            return stream
        file = AtomicObject(path) if url_of(path) else AtomicFile(path)
        self._outputs[file] = 0
        return file

    def _is_result(self, target: Path) -> bool:
        return self._writing.output is not None and target.resolve() == self._writing.output.resolve()

    def _count(self, file: AtomicFile | StreamOutput, rows: int) -> None:
        """How many rows a file holds, for its manifest; a stream has none."""
        if not isinstance(file, StreamOutput):
            self._outputs[file] = rows

    def _write_stdout(self, parts: Iterable[pl.DataFrame]) -> None:
        from adcli.tables.sinks import format_of, open_sink

        # a buffer of our own: with PYTHONUNBUFFERED the one of sys.stdout writes large parts incompletely.
        handle = open(sys.stdout.fileno(), "wb", closefd=False)  # noqa: SIM115 - closed with the sink
        form = format_of(Path("stdout.ndjson"), self._writing.to)
        self._fill(open_sink(handle, form), parts, form)

    def _guarded(self, part: pl.DataFrame, format_name: str) -> pl.DataFrame:
        """The rows as they are written: made safe if that is wanted, else what is not safe is noted."""
        import polars as pl

        from adcli.tables.sinks import formula_safe, formulas

        if format_name not in _SPREADSHEET_TEXTS:
            if self._writing.formula_safe:
                raise UsageError(
                    f"--formula-safe has no effect on {format_name}.", fix="Write CSV, or leave it out."
                )
            return part
        if self._writing.formula_safe:
            return formula_safe(part)
        unsafe = (text.name for text in part if text.dtype == pl.String and formulas(text).any())
        self.formula_column = self.formula_column or next(unsafe, "")
        return part

    def _preview(self, parts: Iterable[pl.DataFrame], kinds: Mapping[str, str] | None) -> None:
        import polars as pl

        _refuse_binary(self._writing.to)
        first: list[pl.DataFrame] = []
        for part in parts:
            missing = self._writing.rows - sum(frame.height for frame in first)
            first.append(part if self._writing.all else part.head(max(missing, 0)))
        if first:
            shown = pl.concat(first, how="diagonal_relaxed")
            self._make_room()
            preview(shown, self.rows_written, _how_to_keep(shown.height < self.rows_written), kinds)


def _how_to_keep(is_part: bool) -> str:
    return ("--all shows all, " if is_part else "") + "-o FILE.parquet keeps them."


def _refuse_binary(format_name: str | None) -> None:
    """Raises a UsageError where a terminal would show what is no text."""
    from adcli.tables.sinks import BINARY_FORMATS

    if format_name in BINARY_FORMATS:
        raise UsageError(f"{format_name} is binary and not for a terminal.", fix="Name a file with -o.")


def _is_same(one: Path, other: Path) -> bool:
    """Whether two outputs would be one file; devices such as /dev/null take any number."""
    return one.resolve() == other.resolve() and not one.is_char_device()


def _no_rejects() -> pl.DataFrame:
    import polars as pl

    from adcli.tables.formats.blocks import REJECTS_SCHEMA

    return pl.DataFrame(schema=REJECTS_SCHEMA)
