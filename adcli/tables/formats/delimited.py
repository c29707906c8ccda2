"""Delimited text: well-formed stretches through polars, the rest line by line.

A block is first looked at as bytes: where its quotes open and close, where records end, how many fields each
has. What is well-formed goes to polars in one piece. From the first place that is not (a stray quote, a NUL,
bytes that are not UTF-8) a window of lines is read one by one with the standard library's reader. A record
that cannot be read is rejected by its first line only, and reading continues with the next line.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import polars as pl

from adcli.arrays import Integers
from adcli.tables.compression import Reader
from adcli.tables.formats.blocks import (
    BLOCK_BYTES,
    BLOCK_LINES,
    MAX_LINE_BYTES,
    RawBatch,
    Rejects,
    blocks,
    shown,
)
from adcli.tables.formats.layout import Dialect, records

_NEWLINE, _RETURN = 10, 13
_WINDOW_BYTES = 1 << 20
_UNCLOSED = "a quote is opened and never closed"
_SWALLOWS = "a quote is opened that only another row closes"
_BOM = "\ufeff"


class _Bad(NamedTuple):
    """Records that cannot be read: offsets where each starts and ends, and why."""

    starts: Integers
    ends: Integers
    reasons: list[str]


class _BufferRows(NamedTuple):
    """Rows read from a buffer: offsets where each starts and ends, and what was rejected.

    `newlines` are the offsets of all ends of lines as far as the rows reach.
    """

    frame: pl.DataFrame
    starts: Integers
    ends: Integers
    bad: _Bad
    newlines: Integers

    @property
    def consumed(self) -> int:
        """How far they reach."""
        return int(self.newlines[-1]) + 1 if self.newlines.size else 0


def read_delimited(below: Reader, dialect: Dialect) -> Iterator[RawBatch]:
    """The rows of a delimited text, batch by batch."""
    csv.field_size_limit(MAX_LINE_BYTES)
    data, line, skip = b"", 1, dialect.header_lines
    for block in blocks(below):
        if not data:
            line = block.first_line
        data += block.data
        is_cut = block.is_last and not data.endswith(b"\n") and data != b""
        if is_cut:
            data += b"\n"
        while skip and data:
            data = data[data.index(b"\n") + 1 :]
            skip, line = skip - 1, line + 1
        rejects = block.rejects
        while data:
            rows = _read_some(data, dialect, is_last=block.is_last)
            if not rows.consumed:
                break
            yield _batch(data, rows, dialect, line, rejects, is_cut=is_cut)
            line += len(rows.newlines)
            data, rejects = data[rows.consumed :], Rejects()
        if len(rejects):
            yield RawBatch(_frame([], dialect), np.empty(0, np.int64), lambda _: [], rejects)


def _batch(
    data: bytes, rows: _BufferRows, dialect: Dialect, first_line: int, rejects: Rejects, *, is_cut: bool
) -> RawBatch:
    """Rows with their line numbers; header lines that are repeated inside are rejected."""
    frame, starts, ends, newlines = rows.frame, rows.starts, rows.ends, rows.newlines
    is_row_a_line = len(starts) == len(newlines)
    lines = first_line + (np.arange(len(starts)) if is_row_a_line else np.searchsorted(newlines, starts))

    def raws(starts: Integers, ends: Integers) -> list[str]:
        return [shown(data[start:end]) for start, end in zip(starts.tolist(), ends.tolist(), strict=True)]

    bad = rows.bad
    if is_cut and bad.reasons and bad.ends[-1] == len(data) - 1:
        bad.reasons[-1] += ": the input ends inside this row"
    bad_lines = first_line + np.searchsorted(newlines, bad.starts)
    rejects.extend(bad_lines.tolist(), bad.reasons, raws(bad.starts, bad.ends))
    if dialect.header_lines and frame.height and (again := _repeats_header(frame)) is not None:
        why = ["the header line again"] * int(again.sum())
        rejects.extend(lines[again].tolist(), why, raws(starts[again], ends[again]))
        frame, lines, starts, ends = frame.filter(~again), lines[~again], starts[~again], ends[~again]
    return RawBatch(frame, lines, lambda wanted: raws(starts[wanted], ends[wanted]), rejects)


def _repeats_header(frame: pl.DataFrame) -> np.ndarray | None:
    first = frame.columns[0]
    if not frame.to_series(0).str.contains(first, literal=True).any():
        return None
    own = pl.col(first).str.strip_prefix(_BOM).str.strip_chars('"')  # as in joined files
    repeated = frame.select(
        pl.all_horizontal(
            own.eq_missing(first), *(pl.col(name).eq_missing(name) for name in frame.columns[1:])
        )
    )
    mask = repeated.to_series().to_numpy()
    return mask if mask.any() else None


def _read_some(data: bytes, dialect: Dialect, *, is_last: bool) -> _BufferRows:
    """The rows of a well-formed stretch at the start of `data`, or of a few lines if it starts badly."""
    if len(data) > BLOCK_BYTES and (end := data.rfind(b"\n", 0, BLOCK_BYTES) + 1):
        rows = _read_well_formed(data, _well_formed_until(data[:end], dialect), dialect)
        if rows.consumed:
            return rows
    end_of_good = _well_formed_until(data, dialect)
    rows = _read_well_formed(data, end_of_good, dialect)
    is_waiting = end_of_good == len(data) and not is_last and len(data) - rows.consumed <= MAX_LINE_BYTES
    if rows.consumed or is_waiting:
        return rows
    return _read_lines(data, dialect, is_last=is_last)


def _well_formed_until(data: bytes, dialect: Dialect) -> int:
    """The offset of what is to be read line by line, or the length.

    That is a byte that is not UTF-8, a NUL, an escape, a comment, or a quote in a wrong place.
    """
    end = len(data)
    try:
        if not data.isascii():
            data.decode("utf-8")
    except UnicodeDecodeError as error:
        end = error.start
    for sign in ("\0", dialect.escape, dialect.comment and f"\n{dialect.comment}"):
        found = data.find(sign.encode(), 0, end) if sign else -1
        end = found + (len(sign) > 1) if found >= 0 else end
    if dialect.comment and data.startswith(dialect.comment.encode()):
        end = 0
    text = np.frombuffer(data, np.uint8, end)
    quotes = _quotes(data, end, dialect)
    if not quotes.size:
        return end
    quote, delimiter = ord(dialect.quote), ord(dialect.delimiter)
    opening, closing = quotes[0::2], quotes[1::2]
    before = text[np.maximum(opening - 1, 0)]
    opens_well = (opening == 0) | (before == _NEWLINE) | (before == delimiter) | (before == quote)
    after = text[np.minimum(closing + 1, end - 1)]
    after_next = text[np.minimum(closing + 2, end - 1)]
    closes_well = (
        (closing == end - 1)
        | (after == _NEWLINE)
        | (after == delimiter)
        | (after == quote)
        | ((after == _RETURN) & (after_next == _NEWLINE))
    )
    bad = [*opening[~opens_well][:1], *closing[~closes_well][:1]]
    return int(min(bad, default=end))


def _quotes(data: bytes, end: int, dialect: Dialect) -> Integers:
    """Where quotes stand."""
    if not dialect.quote or data.find(dialect.quote.encode(), 0, end) < 0:
        return np.empty(0, np.int64)
    return np.flatnonzero(np.frombuffer(data, np.uint8, end) == ord(dialect.quote))


def _read_well_formed(data: bytes, end: int, dialect: Dialect) -> _BufferRows:
    """The complete records of `data[:end]`, whose quotes are known to open and close properly."""
    text = np.frombuffer(data, np.uint8, end)
    newlines = np.flatnonzero(text == _NEWLINE)
    quotes = _quotes(data, end, dialect)
    if not quotes.size and (even := _read_even(data, newlines[:BLOCK_LINES], dialect)) is not None:
        return even
    record_ends = newlines
    delimiters = np.flatnonzero(text == ord(dialect.delimiter))
    if quotes.size:
        record_ends = record_ends[np.searchsorted(quotes, record_ends) % 2 == 0]
        delimiters = delimiters[np.searchsorted(quotes, delimiters) % 2 == 0]
    record_ends = record_ends[:BLOCK_LINES]
    if not record_ends.size:
        none = record_ends
        return _BufferRows(_frame([], dialect), none, none, _Bad(none, none, []), none)
    starts = np.concatenate(([0], record_ends[:-1] + 1))
    consumed = int(record_ends[-1]) + 1
    newlines = newlines[: np.searchsorted(newlines, consumed)]
    if quotes.size and _any_swallows(data, newlines, starts, record_ends, dialect):
        return _read_lines(data[:consumed], dialect, is_last=False)
    found = np.diff(np.searchsorted(delimiters, record_ends), prepend=0) + 1
    is_blank = (record_ends == starts) | ((record_ends == starts + 1) & (text[starts] == _RETURN))
    is_good = (found == len(dialect.columns)) & ~is_blank
    is_bad = ~is_good & ~is_blank
    bad = _Bad(starts[is_bad], record_ends[is_bad], [misfit(n, len(dialect.columns)) for n in found[is_bad]])
    frame = _parse(_joined(data, starts, record_ends + 1, is_good), dialect, has_quotes=bool(quotes.size))
    if frame.height != int(is_good.sum()):  # polars and this module disagree on what a record is
        return _read_lines(data[:consumed], dialect, is_last=False)
    return _BufferRows(frame, starts[is_good], record_ends[is_good], bad, newlines)


def _read_even(data: bytes, newlines: Integers, dialect: Dialect) -> _BufferRows | None:
    """The lines that end at `newlines` and have no quotes, if each has as many fields as there are columns.

    As many delimiters as they need together, and none with more (polars refuses them), leave none with fewer.
    """
    if not newlines.size or len(dialect.columns) == 1:
        return None
    text = data[: newlines[-1] + 1]
    found = np.count_nonzero(np.frombuffer(text, np.uint8) == ord(dialect.delimiter))
    if found != len(newlines) * (len(dialect.columns) - 1):
        return None
    frame = _parse(text, dialect, has_quotes=False)
    if frame.height != len(newlines):
        return None
    nothing = newlines[:0]
    starts = np.concatenate(([0], newlines[:-1] + 1))
    return _BufferRows(frame, starts, newlines, _Bad(nothing, nothing, []), newlines)


def _any_swallows(
    data: bytes, newlines: Integers, starts: Integers, ends: Integers, dialect: Dialect
) -> bool:
    """Whether one of some records has several lines that are rows by themselves."""
    inside = np.searchsorted(newlines, ends) - np.searchsorted(newlines, starts)
    return any(_are_rows(data[starts[i] : ends[i]], dialect) for i in np.flatnonzero(inside))


def _are_rows(record: bytes, dialect: Dialect) -> bool:
    """Whether nearly all lines of a record that has several look like rows by themselves.

    A row has as many delimiters as columns need, and no blank after one, as commas of a text have. Of two
    columns, the first has no blank either.
    """
    sign, needed = dialect.delimiter.encode(), len(dialect.columns) - 1
    if not needed:
        return False
    lines = record.split(b"\n")
    like = sum(
        line.count(sign) == needed
        and (sign == b"\t" or sign + b" " not in line)
        and (needed > 1 or b" " not in line.split(sign)[0])
        for line in lines
    )
    return like >= 0.9 * len(lines)


def _joined(data: bytes, starts: Integers, ends: Integers, is_good: np.ndarray) -> bytes:
    """The good records' bytes in one piece."""
    if is_good.all():
        return data[: ends[-1]]
    edges = np.flatnonzero(np.diff(is_good.astype(np.int8), prepend=0, append=0))
    view = memoryview(data)
    return b"".join(
        view[starts[first] : ends[last - 1]] for first, last in zip(edges[0::2], edges[1::2], strict=True)
    )


def _parse(text: bytes, dialect: Dialect, *, has_quotes: bool) -> pl.DataFrame:
    if not text:
        return _frame([], dialect)
    try:
        frame = pl.read_csv(
            io.BytesIO(text),
            has_header=False,
            schema=dict.fromkeys(dialect.columns, pl.String),
            separator=dialect.delimiter,
            quote_char=dialect.quote if has_quotes else None,
        )
    except pl.exceptions.PolarsError:
        return _frame([], dialect)
    return frame.with_columns(pl.all().replace("", None)) if has_quotes else frame


def _read_lines(data: bytes, dialect: Dialect, *, is_last: bool) -> _BufferRows:
    """The rows of a window of lines, each read on its own."""
    rows: list[list[str]] = []
    offsets: list[tuple[int, int]] = []
    bad: list[tuple[int, int]] = []
    reasons: list[str] = []
    at = 0
    while at < min(len(data), _WINDOW_BYTES):
        end = data.index(b"\n", at)
        record, record_end, reason = _read_record(data, at, end, dialect)
        if reason == _UNCLOSED and not is_last and len(data) - at <= MAX_LINE_BYTES:
            break
        if record is not None and len(record) != len(dialect.columns):
            reason = misfit(len(record), len(dialect.columns))
        if reason:
            bad.append((at, end))
            reasons.append(reason)
            at = end + 1
            continue
        if record:
            rows.append(record)
            offsets.append((at, record_end))
        at = record_end + 1
    newlines = np.flatnonzero(np.frombuffer(data, np.uint8, at) == _NEWLINE)
    return _BufferRows(_frame(rows, dialect), *_split(offsets), _Bad(*_split(bad), reasons), newlines)


def _split(offsets: list[tuple[int, int]]) -> tuple[Integers, Integers]:
    pairs = np.array(offsets, np.int64).reshape(-1, 2)
    return pairs[:, 0], pairs[:, 1]


def _read_record(data: bytes, at: int, end: int, dialect: Dialect) -> tuple[list[str] | None, int, str]:
    """The fields of the record that starts at `at`, where it ends, and why it cannot be read, if so."""
    line = data[at:end]
    if line in (b"", b"\r") or line.startswith((dialect.comment or "\n").encode()):
        return None, end, ""
    reason = unreadable(line)
    if reason:
        return None, end, reason
    quote, delimiter, escape = dialect.quote, dialect.delimiter, dialect.escape.encode()
    plain = line.decode().removesuffix("\r").split(delimiter)
    is_quoted = quote and (line.startswith(quote.encode()) or (delimiter + quote).encode() in line)
    if not is_quoted and not (escape and escape in line):  # other quotes stand for themselves
        return plain, end, ""
    reader = records(_lines_from(data, at, dialect), dialect)
    try:
        record = next(reader)
        reason = ""
    except csv.Error as error:
        reason = _UNCLOSED if "end of data" in str(error) else "a quote stands in the wrong place"
    record_end = end
    for _ in range(0 if reason else reader.line_num - 1):
        record_end = data.index(b"\n", record_end + 1)
    if record_end > end and _are_rows(data[at:record_end], dialect):
        reason = _SWALLOWS
    if not reason:
        return record, record_end, ""
    if dialect.is_loose and len(plain) == len(dialect.columns):
        return plain, end, ""
    return None, end, reason


def _lines_from(data: bytes, at: int, dialect: Dialect) -> Iterator[str]:
    null = re.compile(
        rf"(^|{re.escape(dialect.delimiter)}){re.escape(dialect.escape)}N(?=[{re.escape(dialect.delimiter)}\r\n])"
    )
    while at < len(data):
        end = data.index(b"\n", at) + 1
        line = data[at:end]
        if unreadable(line):
            return
        yield null.sub(r"\1", line.decode()) if dialect.escape else line.decode()
        at = end


def unreadable(line: bytes) -> str:
    """Why a line cannot be read; empty if it can."""
    if b"\0" in line:
        return "a NUL byte"
    try:
        line.decode("utf-8")
    except UnicodeDecodeError as error:
        return f"not in the encoding of the input (byte {error.start + 1} of the line)"
    return ""


def misfit(found: int, expected: int) -> str:
    """What is wrong with the number of fields; empty if nothing."""
    if found == expected:
        return ""
    return f"too {'few' if found < expected else 'many'} fields ({found} of {expected})"


def _frame(rows: list[list[str]], dialect: Dialect) -> pl.DataFrame:
    columns = zip(*rows, strict=True) if rows else ((),) * len(dialect.columns)
    return pl.DataFrame(
        [pl.Series(name, column, pl.String) for name, column in zip(dialect.columns, columns, strict=True)]
    ).with_columns(pl.all().replace("", None))
