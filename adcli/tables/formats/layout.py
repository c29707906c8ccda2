"""How a text table is laid out: its delimiter, its header, or that it is something else altogether."""

from __future__ import annotations

import csv
import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, NamedTuple, Self

from adcli.errors import DataError, UsageError, printable, require_known
from adcli.tables.aliases import KNOWN_NAMES, normalised, without_currency
from adcli.tables.formats.blocks import MAX_COLUMNS

if TYPE_CHECKING:
    from _csv import Reader

_SAID_BY_EXCEL = re.compile(r'"?sep=([,;|\t])"?\s*$')
_DELIMITERS = {",": "','", ";": "';'", "\t": "tab", "|": "'|'"}
MOST_TITLES = 30  # lines that may stand above a header
_NUMBER = re.compile(r"([-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?|\d{4}-\d\d-\d\d([ T]\d\d:.*)?)$")


class Dialect(NamedTuple):
    """How a text table is laid out."""

    delimiter: str  # what separates fields; empty where blanks do
    columns: list[str]  # their names
    header_lines: int  # physical lines before the first row
    quote: str = '"'  # what encloses fields that hold a delimiter or a line end; empty where nothing does
    # what stands before a character that has no meaning of its own; empty where nothing does
    escape: str = ""
    comment: str = ""  # what begins lines that are no rows; empty where nothing does
    is_loose: bool = False  # whether quotes that enclose nothing stand for themselves


@dataclass(frozen=True)
class GivenLayout:
    """What the user says of how an input is laid out, instead of looking; None and 0 where nothing."""

    format: str | None = None  # one of the known formats
    delimiter: str | None = None  # what separates the fields of delimited text
    quote: str | None = None  # what encloses them, or `none`
    escape: str | None = None  # what stands in them before a character that has no meaning of its own
    skip_lines: int = 0  # how many lines at the start are no part of the table
    comment: str | None = None  # what begins lines that are no rows
    log_format: str | None = None  # how each line of a web server's log is written, as the server is told it
    encoding: str | None = None  # how text is encoded
    sheet: str | None = None  # the sheet of a workbook, where several have cells

    def checked(self) -> Self:
        """The same, with signs in place of their names, and the one name that a format has.

        Raises UsageError if one cannot be what it is to be.
        """
        form = _SYNONYMS.get(self.format or "", self.format)
        if form is not None:
            sentence = f"--format {self.format}: there is no such format; there are {', '.join(FORMATS)}."
            require_known(form, FORMATS, sentence, error=UsageError)
        if self.quote not in (None, "none", '"', "'"):
            raise UsageError(f"--quote {self.quote}: must be none, \" or '.")
        delimiter = _NAMED_DELIMITERS.get((self.delimiter or "").lower(), self.delimiter)
        quote = "" if self.quote == "none" else self.quote
        if delimiter is not None and (not _is_sign(delimiter) or delimiter == '"'):
            raise UsageError(f"--delimiter {delimiter}: must be one ASCII character, or tab.")
        for option, sign in (("--escape", self.escape), ("--comment", self.comment)):
            if sign is not None and (not _is_sign(sign) or sign in (delimiter, quote or '"')):
                raise UsageError(
                    f"{option} {sign}: must be one ASCII character that separates or encloses nothing."
                )
        return replace(self, format=form, delimiter=delimiter, quote=quote)

    def without_skipped(self, lines: list[str]) -> list[str]:
        """Lines of which those that are no part of the table are empty."""
        comment = self.comment or "\n"
        return [
            "" if place < self.skip_lines or line.startswith(comment) else line
            for place, line in enumerate(lines)
        ]


FORMATS = ("csv", "tsv", "ndjson", "json", "parquet", "arrow", "excel", "log", "aligned", "xml")
_SYNONYMS = {
    "jsonl": "ndjson", "ipc": "arrow", "feather": "arrow", "xlsx": "excel", "xls": "excel", "ods": "excel",
    "apache": "log", "nginx": "log", "rss": "xml", "atom": "xml",
}  # fmt: skip
_NAMED_DELIMITERS = {"tab": "\t", "\\t": "\t", "comma": ",", "semicolon": ";", "pipe": "|"}


def _is_sign(text: str) -> bool:
    return len(text) == 1 and text.isascii() and text not in "\r\n\0"


def delimited_layout(
    lines: list[str], name: str, given: GivenLayout, *, is_asked: bool
) -> tuple[str, Dialect]:
    """The layout of delimited text, in words and as it is, read off its header line.

    Args:
        lines: The first lines, those that are no part of the table empty.
        name: The input's name, for messages.
        given: What the user says of it.
        is_asked: Whether the user said that it is delimited text.

    Raises:
        DataError: If there is no header line that could be one.
    """
    place, first = next((place, line) for place, line in enumerate(lines) if line.strip())
    below = header_below([_cells(line) for line in lines[place : place + MOST_TITLES]])
    if below is None and given.delimiter is None and not is_asked:
        _refuse_known_others(first, name)
    titles = 0
    if below is not None:
        place += below
        titles = sum(bool(line.strip()) for line in lines[:place])
        first, lines = lines[place], [""] * place + lines[place:]
    said = _SAID_BY_EXCEL.match(first)
    skipped = place + 1 if said else 0
    delimiter = given.delimiter or (said[1] if said else _delimiter(first))
    header, header_lines = _header(lines[skipped:], delimiter, given, name)
    header_lines += skipped
    quote = '"' if given.quote is None else given.quote
    is_loose = delimiter == "\t" and given.quote is None
    if is_loose and has_plain_quotes(lines[header_lines:], len(header)):
        quote = ""
    if len(header) == 1 and not (is_asked or given.delimiter) and not _is_known(header[0]):
        raise _no_table(lines, name)
    if len(header) > MAX_COLUMNS:
        raise DataError(
            f"{name}: its first line has {len(header):,} fields; at most {MAX_COLUMNS:,} can be read."
        )
    columns = [field.strip() or f"column_{place}" for place, field in enumerate(header, 1)]
    label = f"CSV, {_spelt(delimiter)}{_quotes_in_words(quote)}"
    if has_no_header := is_data(header):
        columns = [f"column_{place}" for place in range(1, len(header) + 1)]
        header_lines = place
        label += f", no header line (columns are called column_1 to column_{len(header)})"
    elif titles:
        label += f", {titles} line{'s'[: titles > 1]} above the header"
    twice = repeated(columns)
    if twice is not None and not has_no_header:
        raise DataError(
            f"{name}: line {header_lines}: the header names the column '{printable(twice)}' twice.",
            fix="Rename one of the two.",
        )
    escape, comment = given.escape or "", given.comment or ""
    return label, Dialect(delimiter, columns, header_lines, quote, escape, comment, is_loose)


def _quotes_in_words(quote: str) -> str:
    return "" if quote == '"' else f", fields in {quote}" if quote else ", quotes are text"


def has_plain_quotes(lines: list[str], width: int) -> bool:
    """Whether quotes are part of tab-separated texts: as such, and only as such, each line is a row."""
    marked = [line for line in lines[:-1] or lines if '"' in line]
    if not marked or any(line.count("\t") != width - 1 for line in marked):
        return False
    rows = [line.removesuffix("\r") for line in lines[:-1] or lines if line.count("\t") == width - 1]
    try:
        quoted = list(csv.reader((line + "\n" for line in rows), delimiter="\t", strict=True))
    except csv.Error:
        return True
    return len(quoted) < len(rows) or any(len(row) != width for row in quoted)


def header_below(rows: list[list[str]]) -> int | None:
    """The row of the header where titles stand above it, as in reports of ad platforms; None elsewhere.

    The header names at least two known columns and holds no number; titles have less than half of its cells.

    `rows`: the first rows, as their cells that hold anything.
    """
    longest = 0
    for place, cells in enumerate(rows):
        is_header = sum(map(_is_known, cells)) > 1 and not any(_NUMBER.match(cell) for cell in cells)
        if is_header and len(cells) > 2 * longest:
            return place or None
        longest = max(longest, len(cells))
    return None


def _cells(line: str) -> list[str]:
    """The cells of a line that hold anything."""
    cells = next(csv.reader([line.replace("\r", " ")], delimiter=_delimiter(line)), [])
    return [cell.strip() for cell in cells if cell.strip()]


def is_data(header: list[str]) -> bool:
    """Whether what stands where a header should is a row: of numbers and times, and hardly a known name."""
    numbers = sum(_NUMBER.match(field.strip()) is not None for field in header)
    return len(header) > 1 and numbers > 3 * sum(map(_is_known, header))


def repeated(columns: list[str]) -> str | None:
    """The first column name that is there more than once."""
    return next((column for column, count in Counter(columns).items() if count > 1), None)


def _delimiter(first: str) -> str:
    """The delimiter that the header line has most of outside quotes."""
    bare = re.sub(r'"(?:[^"]|"")*"', "", first)
    return max(_DELIMITERS, key=bare.count)


def _header(lines: list[str], delimiter: str, given: GivenLayout, name: str) -> tuple[list[str], int]:
    """The fields of the first record and the physical lines up to its end."""
    rows = (line + "\n" for line in lines)
    reader = records(
        rows, Dialect(delimiter, [], 0, '"' if given.quote is None else given.quote, given.escape or "")
    )
    try:
        for record in reader:
            if any(field.strip() for field in record):
                return record, reader.line_num
    except csv.Error:
        raise DataError(
            f"{name}: line {reader.line_num}: the header cannot be read: a quote or a carriage return stands "
            "in a wrong place."
        ) from None
    raise DataError(f"{name}: has no header line.")


def records(lines: Iterable[str], dialect: Dialect) -> Reader:
    """The records of lines, read strictly."""
    return csv.reader(
        lines,
        delimiter=dialect.delimiter,
        quotechar=dialect.quote or None,
        escapechar=dialect.escape or None,
        quoting=csv.QUOTE_MINIMAL if dialect.quote else csv.QUOTE_NONE,
        strict=True,
    )


def _is_known(field: str) -> bool:
    """Whether a lone field can be the name of a column."""
    return normalised(without_currency(field)) in KNOWN_NAMES


def _no_table(lines: list[str], name: str) -> DataError:
    filled = [line.split() for line in lines[:100] if line.strip()]
    [(width, count)] = Counter(map(len, filled)).most_common(1)
    if width > 1 and len(filled) > 1 and 2 * count > len(filled):
        return DataError(
            f"{name}: its columns seem to be aligned with blanks.",
            fix="If they are, read it with --format aligned.",
        )
    first = printable(" ".join(filled[0]))
    return DataError(
        f"{name}: is nothing known: its first line '{first}' has none of the delimiters , ; | tab.",
        fix="Say what it is with --format or --delimiter.",
    )


def aligned_layout(lines: list[str]) -> tuple[str, Dialect]:
    """The layout of columns aligned with blanks; a first line without numbers is their header."""
    place, first = next((place, line.split()) for place, line in enumerate(lines, 1) if line.strip())
    has_header = not any(_NUMBER.match(field) for field in first) and len(set(first)) == len(first)
    columns = first if has_header else [f"column_{i}" for i in range(1, len(first) + 1)]
    header = "" if has_header else f", no header line (columns are called column_1 to column_{len(first)})"
    lines_above = place if has_header else place - 1
    return f"columns aligned with blanks{header}", Dialect("", columns, lines_above, quote="")


def _refuse_known_others(first: str, name: str) -> None:
    """Raise DataError for kinds of file that are recognised and are no table."""
    what = ""
    if re.match(r"# (newdoc|newpar|sent_id|text)\b", first) or re.match(r"1\t[^\t]+(\t[^\t]*){6,}$", first):
        what = "is CoNLL-U (annotated sentences), which is no table of a shop's log"
    elif re.match(r"\S+(\s+[\w.]+:[-+\d.eE]+){3,}", first):
        what = "looks like libsvm-style features (name:value pairs), which is no table with columns"
    elif re.match(r"#(Software|Version|Fields): ", first):
        what = (
            "is an extended log (IIS, CloudFront) without a line #Fields: near its top that has date, time, "
            "c-ip, cs-method, cs-uri-stem and sc-status"
        )
    elif re.match(r"\s*<(\?xml|!doctype|html|\w+)", first, re.IGNORECASE):
        what = "is XML or HTML, not a table"
    elif (
        "\0" in first
        or sum(not char.isprintable() and char not in "\t\r" for char in first) > len(first) / 10
    ):
        what = "is a binary file of an unknown kind"
    if what:
        raise DataError(
            f"{name}: {what}.", fix="adcli reads CSV, NDJSON, JSON arrays, Parquet, Arrow and access logs."
        )


def _spelt(delimiter: str) -> str:
    return _DELIMITERS.get(delimiter, f"'{delimiter}'")
