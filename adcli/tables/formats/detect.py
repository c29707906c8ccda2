"""What an input is: by its content first, by its name second, by `--format` above both."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Generator, Iterator
from dataclasses import replace
from typing import Any, NamedTuple

import polars as pl

from adcli.errors import DataError, printable
from adcli.tables.compression import Reader
from adcli.tables.encodings import Encoding, recognise_encoding, to_utf8
from adcli.tables.formats import (
    aligned,
    columnar,
    delimited,
    extended_log,
    json_array,
    log_format,
    ndjson,
    weblogs,
    workbooks,
    xml_feed,
)
from adcli.tables.formats.blocks import RawBatch, blocks, no_rows
from adcli.tables.formats.layout import (
    Dialect,
    GivenLayout,
    aligned_layout,
    delimited_layout,
    has_plain_quotes,
)
from adcli.tables.sources import PEEK_BYTES, Origin, Source
from adcli.tables.unify import concatenated

_SAMPLE_ROWS = 1000

Partition = tuple[tuple[str, str | None], ...]


class Format(NamedTuple):
    """How an input is to be read."""

    kind: str  # one of `layout.FORMATS`, except tsv
    label: str  # the format in a few words for people
    columns: list[str]  # the columns known before reading; JSON may bring more
    encoding: Encoding | None = None  # how text is encoded; None for binary formats
    dialect: Dialect | None = None  # how a text table is laid out; None for all others
    log_form: str = ""  # the form of an access log, such as `combined access log`
    sample: pl.DataFrame | None = None  # the first rows, as they stand; None where that does not matter
    memory: int = 0  # the most bytes that a batch of binary data may become
    sheet: workbooks.Sheet | None = None  # where a workbook has its table

    @property
    def is_delimited(self) -> bool:
        """Whether it is text whose fields a character separates."""
        return self.dialect is not None and self.dialect.delimiter != ""

    def as_json(self) -> dict[str, Any]:
        """How an input is read, for the manifest."""
        layout = {} if self.dialect is None else self.dialect._asdict()
        layout.pop("columns", None)
        coded = {} if self.encoding is None else {"encoding": self.encoding.codec}
        sheet = (
            {} if self.sheet is None else {"sheet": self.sheet.name, "header_lines": self.sheet.rows_above}
        )
        return {"kind": self.kind, **coded, **layout, **sheet}

    def of(self, origin: Origin) -> Format:
        """The format of a file of this origin: a query's rows, or with the columns that its folders name."""
        columns = list(dict.fromkeys([*self.columns, *(name for name, _ in origin.partition)]))
        sample = None if self.sample is None else with_partition(self.sample, origin.partition)
        label = "the rows of a query" if origin.query else self.label
        return self._replace(columns=columns, sample=sample, label=label)

    def read(self, source: Source) -> Generator[RawBatch]:
        """The rows of a source of this format, batch by batch, with the columns that its folders name."""
        for batch in self._rows(source):
            yield batch._replace(frame=with_partition(batch.frame, source.origin.partition))

    def _rows(self, source: Source) -> Generator[RawBatch]:
        if self.sheet is not None:
            with source.seekable() as handle:
                yield from workbooks.read_sheet(handle, source.name, self.memory, self.sheet)
            return
        if self.encoding is None:
            with source.seekable() as handle:
                yield from columnar.read_columnar(self.kind, handle, source.name, self.memory)
            return
        with source.open() as stream:
            text = to_utf8(stream, self.encoding)
            if self.kind == "ndjson":
                yield from ndjson.read_ndjson(text, source.name)
            elif self.kind == "json":
                yield from json_array.read_json_array(text, source.name)
            elif self.kind == "xml":
                yield from xml_feed.read_feed(text, source.name)
            elif self.log_form == extended_log.FORM:
                yield from extended_log.read_extended_log(text, source.name, weblogs.COLUMNS)
            elif self.kind == "log":
                yield from weblogs.read_log(text, self.log_form)
            elif self.dialect is not None:
                yield from _text_rows(text, self.dialect)
            stream.drain()


def with_partition(frame: pl.DataFrame, partition: Partition) -> pl.DataFrame:
    """A frame with the columns that the folders of its file name, where the file itself has none."""
    return frame.with_columns(
        pl.lit(value, pl.String).alias(name) for name, value in partition if name not in frame.columns
    )


def recognise_format(source: Source, given: GivenLayout, memory: int) -> Format | None:
    """How a source is to be read, or None if it is empty.

    Args:
        source: The input.
        given: What the user says of its layout, checked.
        memory: The most bytes that a batch of binary data may become.

    Raises:
        DataError: If it is nothing that can be read as a table; the sentence says what it seems to be.
    """
    head, compressions = source.peek()
    if not head:
        return None
    kind = given.format or _binary_kind(head)
    if kind is None:
        _refuse_archives(head, source.name)
    if kind == "excel":
        return _recognise_workbook(source, memory, given.sheet, compressions)
    if kind in ("parquet", "arrow"):
        with source.seekable() as handle:
            columns = columnar.columns_of(kind, handle, source.name)
            first = next(columnar.read_columnar(kind, handle, source.name, memory), None)
        sample = None if first is None else first.frame.head(_SAMPLE_ROWS)
        label = ", ".join([kind.capitalize(), *compressions])
        return Format(kind, label, columns, sample=sample, memory=memory)
    coded = recognise_encoding(head, given.encoding or xml_feed.declared_encoding(head), source.name)
    text = _text_of(head, coded)
    if not text.strip():
        return None
    if (
        "\n" not in text
        and len(head) == PEEK_BYTES
        and kind not in ("json", "ndjson")
        and text.lstrip()[0] not in "[{"
    ):
        raise DataError(
            f"{source.name}: its first line is over {PEEK_BYTES >> 20} MiB long; that is no header."
        )
    found = _recognise_text(text, source.name, kind, given)
    if len(head) == PEEK_BYTES and found.dialect is not None and found.dialect.is_loose:
        found = _with_settled_quotes(found, source, coded)
    unsaid = () if coded.label == "UTF-8" else (coded.label,)
    return found._replace(encoding=coded, label=", ".join([found.label, *unsaid, *compressions]))


def _recognise_workbook(
    source: Source, memory: int, sheet: str | None, compressions: tuple[str, ...]
) -> Format:
    with source.seekable() as handle:
        found = workbooks.find_sheet(handle, source.name, memory, sheet)
        first = next(workbooks.read_sheet(handle, source.name, memory, found), no_rows(found.columns))
    titles = found.rows_above - found.has_header
    above = f", {titles} row{'s'[: titles > 1]} above the header" if titles and found.has_header else ""
    label = ", ".join([f"sheet '{printable(found.name)}' of a workbook{above}", *compressions])
    sample = first.frame.head(_SAMPLE_ROWS)
    return Format("excel", label, found.columns, sample=sample, memory=memory, sheet=found)


def _binary_kind(head: bytes) -> str | None:
    if workbooks.is_workbook(head):
        return "excel"
    if head.startswith(b"PAR1"):
        return "parquet"
    # An Arrow stream begins with a continuation mark and the length of its schema.
    if head.startswith(b"ARROW1") or (head.startswith(b"\xff\xff\xff\xff") and len(head) > 8):
        return "arrow"
    return None


def _refuse_archives(head: bytes, name: str) -> None:
    """Raise DataError for files that hold other files."""
    for magic, what, cure in _ARCHIVES:
        if head.startswith(magic):
            raise DataError(f"{name}: is {what}.", fix=f"Unpack it first: {cure} FILE | adcli clean -")


_ARCHIVES = (
    (b"PK\x03\x04", "a zip archive", "unzip -p"),
    (b"\xfd7zXZ\0", "compressed by xz", "xz -dc"),
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive", "7z x -so"),
)


def _text_of(head: bytes, encoding: Encoding) -> str:
    """The first whole lines as text; of a single line that is longer, what there is."""
    raw = to_utf8(io.BytesIO(head), encoding).read(4 * len(head))
    text = raw.decode("utf-8", "replace")
    if "\n" not in text:
        text = text.replace("\r", "\n")
    is_whole = len(head) < PEEK_BYTES
    return text if is_whole or "\n" not in text else text[: text.rindex("\n") + 1]


def _with_settled_quotes(found: Format, source: Source, coded: Encoding) -> Format:
    """Tab-separated text whose quotes are text if those of any block can be nothing else."""
    dialect = found.dialect
    if dialect is None or not dialect.quote:
        return found
    source.keep()
    with source.open() as stream:
        for block in blocks(to_utf8(stream, coded)):
            lines = block.data.decode("utf-8", "replace").split("\n") if b'"' in block.data else []
            if has_plain_quotes(lines, len(dialect.columns)):
                dialect = dialect._replace(quote="")
                return found._replace(dialect=dialect, label=f"{found.label}, quotes are text")
    return found


def _text_rows(text: Reader, dialect: Dialect) -> Iterator[RawBatch]:
    """The rows of a text table: delimited, or aligned with blanks."""
    return (delimited.read_delimited if dialect.delimiter else aligned.read_aligned)(text, dialect)


def _recognise_text(text: str, name: str, kind: str | None, given: GivenLayout) -> Format:
    lines = given.without_skipped(text.split("\n"))
    first = next((line for line in lines if line.strip()), None)
    if first is None:
        raise DataError(f"{name}: has no line but those skipped.")
    if given.log_format is not None:
        log_format.log_pattern(given.log_format)
        label = "log in the format given"
        return Format("log", label, list(weblogs.COLUMNS), log_form=given.log_format)
    if kind is None and given.delimiter is None:
        form = extended_log.FORM if extended_log.fields_of(lines) else weblogs.log_form(lines)
        if form:
            return Format("log", form, list(weblogs.COLUMNS), log_form=form)
        kind = "xml" if xml_feed.is_feed(text) else _json_kind(text, first, name)
    if kind == "xml":
        head = io.BytesIO(text.encode("utf-8", "replace"))  # an item that it ends in is not among the first
        sample = concatenated([batch.frame for batch in xml_feed.read_feed(head, name)])
        if not sample.width:
            raise DataError(f"{name}: is a feed in XML without an <item> or <entry>.")
        return Format("xml", "XML feed", sample.columns, sample=sample.head(_SAMPLE_ROWS))
    if kind in ("ndjson", "json"):
        sample = _json_sample(text, kind, name)
        label = "NDJSON" if kind == "ndjson" else "JSON array"
        return Format(kind, label, sample.columns, sample=sample)
    if kind == "log":
        is_extended = extended_log.fields_of(lines) is not None
        form = extended_log.FORM if is_extended else weblogs.log_form(lines) or "combined access log"
        return Format("log", form, list(weblogs.COLUMNS), log_form=form)
    if kind == "aligned":
        label, dialect = aligned_layout(lines)
    else:
        given = replace(given, delimiter="\t") if kind == "tsv" and given.delimiter is None else given
        label, dialect = delimited_layout(lines, name, given, is_asked=kind is not None)
    parts = [no_rows(dialect.columns).frame, *(batch.frame for batch in _text_rows(_first(lines), dialect))]
    kind = "aligned" if kind == "aligned" else "csv"
    return Format(kind, label, dialect.columns, dialect=dialect, sample=concatenated(parts))


def _first(lines: list[str]) -> io.BytesIO:
    """Enough of a text to see what its columns hold."""
    return io.BytesIO("\n".join(lines[:_SAMPLE_ROWS]).encode("utf-8", "replace"))


def _json_kind(text: str, first: str, name: str) -> str | None:
    start = first.lstrip()[:1]
    if start == "[" and re.match(r"\s*\[\s*(\{|\]\s*$)", text):
        return "json"
    if start != "{":
        return None
    lines = [line for line in text.split("\n")[:1000] if line.strip()]
    if any(_is_object(line) for line in lines) or len(lines) == 1:
        return "ndjson"
    raise DataError(
        f"{name}: is one JSON object over several lines, not a table.",
        fix="Give one object a line (NDJSON) or an array of objects.",
    )


def _is_object(line: str) -> bool:
    try:
        return isinstance(json.loads(line), dict)
    except (ValueError, RecursionError):
        return False


def _json_sample(text: str, kind: str, name: str) -> pl.DataFrame:
    """The first rows of a JSON input; there is at least one."""
    reader = ndjson.read_ndjson if kind == "ndjson" else json_array.read_json_array
    parts = [batch.typed for batch in reader(io.BytesIO(text.encode("utf-8", "replace")), name)]
    sample = concatenated(parts) if parts else pl.DataFrame()
    if not sample.width:
        raise DataError(f"{name}: holds no JSON object that could be a row.")
    return sample
