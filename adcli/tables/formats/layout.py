"""How a text table is laid out: its delimiter, its header, or that it is something else altogether."""

from __future__ import annotations

import csv
import re
from collections import Counter
from typing import Literal, NamedTuple

from adcli.errors import DataError, UsageError, printable
from adcli.tables.aliases import KNOWN_NAMES, normalised, without_currency
from adcli.tables.formats.blocks import MAX_COLUMNS

_SAID_BY_EXCEL = re.compile(r'"?sep=([,;|\t])"?\s*$')
_DELIMITERS = {",": "','", ";": "';'", "\t": "tab", "|": "'|'"}
MOST_TITLES = 30  # lines that may stand above a header
_NUMBER = re.compile(r"([-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?|\d{4}-\d\d-\d\d([ T]\d\d:.*)?)$")


class Layout(NamedTuple):
    """Where the columns of a text table are.

    Attributes:
        label: The layout in a few words for people.
        columns: Their names.
        delimiter: What separates fields; empty where blanks do.
        header_lines: Physical lines before the first row.
        quote: What encloses fields; empty where nothing does.
    """

    label: str
    columns: list[str]
    delimiter: str
    header_lines: int
    quote: str = '"'


def delimited_layout(
    lines: list[str], name: str, given: str | None, quote: str | None = None, *, is_asked: bool
) -> Layout:
    """The layout of delimited text, read off its header line.

    Args:
        lines: The first lines.
        name: The input's name, for messages.
        given: The delimiter, if the user named it.
        quote: What encloses fields, if the user named it: one character, or empty for nothing.
        is_asked: Whether the user said that it is delimited text.

    Raises:
        DataError: If there is no header line that could be one.
        UsageError: If the delimiter given cannot be one.
    """
    place, first = next((place, line) for place, line in enumerate(lines) if line.strip())
    header_below = _header_below(lines, place)
    if header_below is None and given is None and not is_asked:
        _refuse_known_others(first, name)
    titles = 0
    if header_below is not None:
        titles = sum(bool(line.strip()) for line in lines[:header_below])
        place, first, lines = header_below, lines[header_below], [""] * header_below + lines[header_below:]
    said = _SAID_BY_EXCEL.match(first)
    skipped = place + 1 if said else 0
    delimiter = said[1] if said and given is None else _delimiter(given, first)
    header, header_lines = _header(lines[skipped:], delimiter, quote, name)
    header_lines += skipped
    if quote is None:
        is_plain = delimiter == "\t" and _has_plain_quotes(lines[header_lines:], len(header))
        quote = "" if is_plain else '"'
    quotes = "" if quote == '"' else f", fields in {quote}" if quote else ", quotes are text"
    if len(header) == 1 and not (is_asked or given) and not _is_known(header[0]):
        raise _no_table(lines, name)
    if len(header) > MAX_COLUMNS:
        raise DataError(
            f"{name}: its first line has {len(header):,} fields; at most {MAX_COLUMNS:,} can be read."
        )
    if _is_data(header):
        columns = [f"column_{place}" for place in range(1, len(header) + 1)]
        label = (
            f"CSV, {_spelt(delimiter)}{quotes}, no header line "
            f"(columns are called column_1 to column_{len(header)})"
        )
        return Layout(label, columns, delimiter, 0, quote)
    columns = [field.strip() or f"column_{place}" for place, field in enumerate(header, 1)]
    twice = repeated(columns)
    if twice is not None:
        raise DataError(
            f"{name}: line {header_lines}: the header names the column '{printable(twice)}' twice.",
            fix="Rename one of the two.",
        )
    label = f"CSV, {_spelt(delimiter)}{quotes}" + (
        f", {titles} line{'s'[: titles > 1]} above the header" if titles else ""
    )
    return Layout(label, columns, delimiter, header_lines, quote)


def _has_plain_quotes(lines: list[str], width: int) -> bool:
    """Whether quotes are part of tab-separated texts: as such, and only as such, each line is a row."""
    rows = [line.removesuffix("\r") for line in lines[:-1] or lines if line.strip()]
    if not any('"' in line for line in rows) or any(line.count("\t") != width - 1 for line in rows):
        return False
    try:
        quoted = list(csv.reader((line + "\n" for line in rows), delimiter="\t", strict=True))
    except csv.Error:
        return True
    return len(quoted) < len(rows) or any(len(row) != width for row in quoted)


def _header_below(lines: list[str], first: int) -> int | None:
    """The line of the header where titles stand above it, as in reports of ad platforms; None elsewhere.

    The header names at least two known columns and holds no number; titles have less than half of its cells.
    """
    longest = 0
    for place in range(first, min(first + MOST_TITLES, len(lines))):
        cells = _cells(lines[place])
        is_header = sum(map(_is_known, cells)) > 1 and not any(_NUMBER.match(cell) for cell in cells)
        if is_header and len(cells) > 2 * longest:
            return place if place > first else None
        longest = max(longest, len(cells))
    return None


def _cells(line: str) -> list[str]:
    """The cells of a line that hold anything."""
    cells = next(csv.reader([line.replace("\r", " ")], delimiter=_delimiter(None, line)), [])
    return [cell.strip() for cell in cells if cell.strip()]


def _is_data(header: list[str]) -> bool:
    """Whether what stands where a header should is a row: of numbers and times, and hardly a known name."""
    numbers = sum(_NUMBER.match(field.strip()) is not None for field in header)
    return len(header) > 1 and numbers > 3 * sum(map(_is_known, header))


def repeated(columns: list[str]) -> str | None:
    """The first column name that is there more than once."""
    return next((column for column, count in Counter(columns).items() if count > 1), None)


def _delimiter(given: str | None, first: str) -> str:
    """The delimiter given, or the one that the header line has most of outside quotes."""
    if given is not None:
        named = {"tab": "\t", "\\t": "\t", "comma": ",", "semicolon": ";", "pipe": "|"}.get(
            given.lower(), given
        )
        if len(named) != 1 or not named.isascii() or named in '"\r\n\0':
            raise UsageError(f"--delimiter {given}: must be one ASCII character, or tab.")
        return named
    bare = re.sub(r'"(?:[^"]|"")*"', "", first)
    return max(_DELIMITERS, key=bare.count)


def _header(lines: list[str], delimiter: str, quote: str | None, name: str) -> tuple[list[str], int]:
    """The fields of the first record and the physical lines up to its end."""
    rows = (line + "\n" for line in lines)
    sign = '"' if quote is None else quote or None
    reader = csv.reader(rows, delimiter=delimiter, quotechar=sign, quoting=_quoting(sign), strict=True)
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


def _quoting(sign: str | None) -> Literal[0, 3]:
    return csv.QUOTE_MINIMAL if sign else csv.QUOTE_NONE


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


def aligned_layout(lines: list[str]) -> Layout:
    """The layout of columns aligned with blanks; a first line without numbers is their header."""
    place, first = next((place, line.split()) for place, line in enumerate(lines, 1) if line.strip())
    has_header = not any(_NUMBER.match(field) for field in first) and len(set(first)) == len(first)
    columns = first if has_header else [f"column_{i}" for i in range(1, len(first) + 1)]
    header = "" if has_header else f", no header line (columns are called column_1 to column_{len(first)})"
    return Layout(f"columns aligned with blanks{header}", columns, "", place if has_header else 0)


def _refuse_known_others(first: str, name: str) -> None:
    """Raise DataError for kinds of file that are recognised and are no table."""
    what = ""
    if re.match(r"# (newdoc|newpar|sent_id|text)\b", first) or re.match(r"1\t[^\t]+(\t[^\t]*){6,}$", first):
        what = "is CoNLL-U (annotated sentences), which is no table of a shop's log"
    elif re.match(r"\S+(\s+[\w.]+:[-+\d.eE]+){3,}", first):
        what = "looks like libsvm-style features (name:value pairs), which is no table with columns"
    elif re.match(r"#(Software|Version|Fields): ", first):
        what = (
            "is an extended log (IIS, CloudFront), which is read only as CSV with a header line of its fields"
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
