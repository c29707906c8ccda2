"""What a run reads: tables from files and pipes, learned directories, and the rows that were rejected."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Required, TypedDict, Unpack

from adcli.cli.console import Console
from adcli.cli.options import Reading
from adcli.errors import DataError, UsageError, did_you_mean, printable, require_known
from adcli.numbers import counted

if TYPE_CHECKING:
    import polars as pl

    from adcli.tables.left_out import LeaveOut
    from adcli.tables.read import TableStream
    from adcli.tables.read_options import ReadOptions
    from adcli.tables.records import InputRecord
    from adcli.tables.standard.column_format import GivenFormats
    from adcli.tables.standard.times import DateOrder

_REASONS_SHOWN = 3
_EXAMPLES = 5
_AT_ONCE = 1 << 20
_KIND_OF_REASON = (  # without the value, or how many fields there were
    r"^([a-z_][a-z_0-9]*: [^:']*[^:' ]|[^:('\d]*[^:('\d ])"
)


class Wanted(TypedDict, total=False):
    """What inputs are to be."""

    tables: Required[Sequence[str]]  # the standard tables that they may be, in order of preference
    needs: Sequence[str]  # further columns that the command cannot do without
    columns: Mapping[str, str]  # source columns named by options of the command itself, by standard name
    # whether they only say more of another table's rows; they are then counted apart from them and left out
    # of `read = written + rejected`
    secondary: bool
    table: str | None  # the standard table that the user says they are, instead of looking


class RunInputs:
    """The inputs of one run and what became of their rows.

    `reading`: how the user wants inputs read; `keep_rejects`: takes rejected rows for `--rejects`;
    `is_alone`: whether no other option names a file, which one of `reading` may be meant for.
    """

    def __init__(
        self,
        reading: Reading,
        console: Console,
        keep_rejects: Callable[[pl.DataFrame], None],
        *,
        is_alone: bool = True,
    ) -> None:
        self._is_alone = is_alone
        self._idle: dict[str, str] | None = None
        self._reading = reading
        self._console = console
        self._keep = keep_rejects
        self._streams: list[TableStream] = []
        self._secondary: list[TableStream] = []
        self._notes_told: Counter[int] = Counter()
        self._told: set[str] = set()
        self._directories: list[InputRecord] = []
        self._examples: list[tuple[str, int, str, str]] = []
        self.reasons: Counter[str] = Counter()
        self.withholds_rows = False
        self.leave_out: LeaveOut | None = None
        self.paths: list[Path] = []

    @property
    def verify(self) -> bool:
        """Whether inputs are checked against their manifests."""
        return not self._reading.no_verify

    @property
    def rows_read(self) -> int:
        """Rows seen so far, those of side tables left out."""
        return sum(stream.rows_read for stream in self._streams)

    @property
    def rows_rejected(self) -> int:
        """Rows rejected so far, those of side tables left out."""
        return sum(stream.rows_rejected for stream in self._streams)

    @property
    def rejects_kept(self) -> int:
        """Rows rejected so far, those of side tables among them."""
        return self.rows_rejected + sum(stream.rows_rejected for stream in self._secondary)

    @property
    def records(self) -> list[InputRecord]:
        """The files and directories read so far."""
        streams = [*self._streams, *self._secondary]
        return [*self._directories, *(record for stream in streams for record in stream.inputs)]

    @property
    def unknown_event_types(self) -> dict[str, int]:
        """How often each event type came that nobody knows."""
        counted: Counter[str] = Counter()
        for stream in self._streams:
            counted.update(stream.unknown_event_types)
        if self.withholds_rows and counted:  # a value that was shifted into the column may be among them
            return {"(withheld)": counted.total()}
        return dict(counted.most_common())

    def open(self, inputs: Sequence[str] | None, command: str, **what: Unpack[Wanted]) -> TableStream:
        """Inputs as one standard table, not yet read."""
        from adcli.tables.read import open_table

        is_beside = what.get("secondary", False)
        options = self._options(what.get("columns", {}), what.get("table"), is_beside=is_beside)
        given, needs = self._given(inputs, command), what.get("needs", ())
        stream = open_table(given, tables=what["tables"], options=options, needs=needs)
        self.paths += stream.origins
        stream.leave_out = self.leave_out
        (self._secondary if is_beside else self._streams).append(stream)
        idle = stream.idle_options()
        known = idle if self._idle is None else self._idle
        self._idle = {option: said for option, said in known.items() if option in idle}
        if self._is_alone:
            self.check_options()
        self._tell_notes(stream)
        return stream

    def texts(self, inputs: Sequence[str] | None, command: str) -> Iterator[tuple[str, str]]:
        """Inputs that are no tables: the name of each and its UTF-8 text, whole.

        Raises DataError if one is not UTF-8, or not what its manifest says.
        """
        from adcli.tables.expansion import expand, verify_sources
        from adcli.tables.records import InputRecord

        sources = expand(self._given(inputs, command))
        if self.verify:
            verify_sources(sources)
        self.paths += [source.path for source in sources if source.path is not None]
        for source in sources:
            with source.open() as stream:
                content = bytearray()
                while data := stream.read(_AT_ONCE):
                    content += data
            self._directories.append(InputRecord(source.name, source.size, 0, source.sha256))
            try:
                yield source.name, content.decode("utf-8-sig")
            except UnicodeDecodeError as error:
                line = content.count(b"\n", 0, error.start) + 1
                raise DataError(f"{source.name}, line {line}: not UTF-8.", fix="Convert it first.") from error

    def check_options(self) -> None:
        """Raise UsageError if an option says of formats what no input so far has."""
        for said in (self._idle or {}).values():
            raise UsageError(said)

    def frames(self, stream: TableStream) -> Iterator[pl.DataFrame]:
        """The conformed frames of a stream; rejects are counted and kept on the way."""
        with self._console.progress(f"reading {stream.table.name}", share=stream.share) as advance:
            for batch in stream.batches():
                if stream in self._secondary:
                    self._keep(self._shown(batch.rejects))
                else:
                    self.reject(batch.rejects)
                advance(batch.frame.height + batch.rejects.height)
                yield batch.frame
        self._tell_notes(stream)
        if stream in self._secondary:
            self._tell_rows(stream)

    def column(self, name: str) -> str:
        """The column that an option names: as the tables call it, or as its source did, which is said."""
        from adcli.tables.aliases import normalised

        for stream in (*self._streams, *self._secondary):
            by_source = {normalised(source): own for source, own in stream.renamed.items()}
            own = None if name in stream.names else by_source.get(normalised(name))
            if own is not None:
                self._tell_once(f"'{name}' is read as {own}.")
                return own
        return name

    def directory(self, directory: Path) -> Path:
        """A directory that adcli wrote, checked against its manifest and counted among the inputs.

        Raises UsageError if there is no such directory; DataError if it is not what its manifest describes.
        """
        from adcli.files import directory_sha256, private_folder
        from adcli.stores import fetch_all, url_of
        from adcli.tables.manifest import verify
        from adcli.tables.records import InputRecord

        name = str(directory)
        if url := url_of(directory):
            directory = private_folder() / directory.name
            fetch_all(f"{url.rstrip('/')}/", directory)
        if not directory.is_dir():
            raise UsageError(f"{directory} is not a directory.", fix="Name one that adcli optimize wrote.")
        if self.verify:
            verify(directory, name)
        size = sum(path.stat().st_size for path in directory.rglob("*") if path.is_file())
        self._directories.append(InputRecord(name, size, 0, directory_sha256(directory)))
        return directory

    def reject(self, rejects: pl.DataFrame) -> None:
        """Count rejected rows by reason and keep them in `--rejects`, if that is wanted."""
        if not rejects.height:
            return
        for reason, count in sorted(rejects["reason"].str.extract(_KIND_OF_REASON).value_counts().rows()):
            self.reasons[reason] += count
        self._examples += self._shown(rejects.head(_EXAMPLES - len(self._examples))).rows()
        self._keep(self._shown(rejects))

    def _shown(self, rejects: pl.DataFrame) -> pl.DataFrame:
        """Rejected rows; where columns are hidden, without what stood in them, which could be theirs."""
        if not self.withholds_rows:
            return rejects
        kinds = rejects["reason"].str.extract(_KIND_OF_REASON).fill_null("unreadable")
        return rejects.with_columns(kinds, rejects["raw"].clear(rejects.height))

    def why_rejected(self) -> str:
        """The commonest reasons with their counts."""
        text = ", ".join(f"{reason} {count:,}" for reason, count in self.reasons.most_common(_REASONS_SHOWN))
        further = len(self.reasons) - _REASONS_SHOWN
        return text + (f", {counted(further, 'more reason')}" if further > 0 else "")

    def tell_notes(self) -> None:
        """Say what was decided about the inputs and not said yet."""
        for stream in (*self._streams, *self._secondary):
            self._tell_notes(stream)

    def tell_rejects(self) -> None:
        """Say where the first rejected rows stand; and, loudly, if there are no others."""
        for file, line, reason, _ in self._examples:
            self._console.detail(f"rejected: {file}, line {line}: {reason}")
        if self._examples and self.rows_rejected == self.rows_read:
            file, line, reason, _ = self._examples[0]
            self._console.warn(f"not one row could be used; the first is {file}, line {line}: {reason}.")

    def tell_unknown_types(self) -> None:
        """Say which event types nobody knows."""
        unknown = self.unknown_event_types
        if unknown:
            shown = [
                f"'{printable(name, 30)}' {count:,}" for name, count in list(unknown.items())[:_EXAMPLES]
            ]
            further = f" and {len(unknown) - _EXAMPLES} more" if len(unknown) > _EXAMPLES else ""
            self._console.note(f"event types nobody knows became 'other': {', '.join(shown)}{further}.")

    def _tell_rows(self, stream: TableStream) -> None:
        names = ", ".join(record.path for record in stream.inputs)
        rejected = f", {stream.rows_rejected:,} more were rejected" if stream.rows_rejected else ""
        used = stream.rows_read - stream.rows_rejected
        self._console.note(f"{names}: {used:,} rows read as {stream.table.name} beside the others{rejected}.")

    def _tell_once(self, note: str) -> None:
        if note not in self._told:
            self._told.add(note)
            self._console.note(note)

    def _tell_notes(self, stream: TableStream) -> None:
        for note in stream.notes[self._notes_told[id(stream)] :]:
            self._console.note(note)
        self._notes_told[id(stream)] = len(stream.notes)

    def _given(self, inputs: Sequence[str] | None, command: str) -> list[str]:
        if inputs:
            return list(inputs)
        if sys.stdin.isatty():
            raise UsageError(
                "No input: name files, or pipe something in.", fix=f"See adcli {command} --help."
            )
        return ["-"]

    def _options(self, columns: Mapping[str, str], table: str | None, *, is_beside: bool) -> ReadOptions:
        from adcli.tables.memory import table_bytes
        from adcli.tables.read_options import ReadOptions

        reading = self._reading
        return ReadOptions(
            format=reading.format,
            delimiter=reading.delimiter,
            quote=reading.quote,
            escape=reading.escape,
            skip_lines=reading.skip_lines,
            comment=reading.comment,
            log_format=reading.log_format,
            encoding=reading.encoding,
            sheet=reading.sheet,
            query=None if is_beside else reading.query,
            column_map={**columns, **_standard(reading.map, "--map")},
            constants=_standard(reading.set, "--set"),
            table=table,
            given=_given_formats(reading),
            verify=self.verify,
            memory=table_bytes(reading.memory),
            is_beside=is_beside,
        )


def _given_formats(reading: Reading) -> GivenFormats:
    """How values are written, as the user says. Raises UsageError if there is no such time zone."""
    from zoneinfo import ZoneInfo, available_timezones

    from adcli.tables.standard.column_format import GivenFormats

    if reading.timezone is not None:
        try:
            ZoneInfo(reading.timezone)
        except (KeyError, ValueError, OSError):
            raise UsageError(
                f"--timezone {reading.timezone}: there is no such time zone.",
                fix=did_you_mean(reading.timezone, available_timezones()),
            ) from None
    order: DateOrder | None = None if reading.day_first is None else "dmy" if reading.day_first else "mdy"
    return GivenFormats(reading.time_format, reading.timezone, order, reading.decimal)


def pairs(texts: Sequence[str], option: str) -> list[tuple[str, str]]:
    """The names and values of `NAME=VALUE` options. Raises UsageError if one has another form."""
    split = [text.partition("=") for text in texts]
    for text, (name, _, value) in zip(texts, split, strict=True):
        if not name or not value:
            raise UsageError(f"{option} {text}: expected NAME=VALUE.")
    return [(name, value) for name, _, value in split]


def numbers(texts: Sequence[str], option: str) -> dict[str, float]:
    """The numbers of `NAME=NUMBER` options. Raises UsageError if one has another form."""
    found = {}
    for name, value in pairs(texts, option):
        try:
            found[name] = float(value)
        except ValueError:
            raise UsageError(f"{option} {name}={value}: '{value}' is no number.") from None
    return found


def _standard(texts: Sequence[str], option: str) -> dict[str, str]:
    from adcli.tables.standard.tables import TABLES

    known = {column for table in TABLES.values() for column in table.names}
    given = pairs(texts, option)
    for name, value in given:
        sentence = f"{option} {name}={value}: there is no standard column '{name}'."
        require_known(name, known, sentence, error=UsageError)
    return dict(given)
