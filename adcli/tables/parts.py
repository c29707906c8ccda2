"""Parts of inputs that can be read apart from each other: some whole files, or a stretch of a large one.

How inputs are parted follows from them alone: who reads the parts, and how many at a time, changes nothing.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Final, NamedTuple

from adcli.tables.formats import extended_log
from adcli.tables.formats.detect import Format
from adcli.tables.formats.layout import Dialect, records
from adcli.tables.sources import Source, Span

PART_BYTES: Final = 128 << 20
LEAST_PART_BYTES: Final = 64 << 10
_WINDOW_BYTES: Final = 1 << 20
_ROWS_AROUND: Final = 8
_OF_WHOLE_FILES: Final = ("report", "products")  # a row of which others explain


class Part(NamedTuple):
    """Inputs by their numbers, from `first` to below `last`; or of one of them a span, perhaps the last."""

    first: int
    last: int
    span: Span | None = None
    is_end: bool = True


def parts_of(inputs: Sequence[tuple[Source, Format]], table: str, most: int) -> list[Part]:
    """The parts of some inputs, which are a `table`, in their order: each about `most` bytes, or one file."""
    parts: list[Part] = []
    size = 0
    for number, (source, form) in enumerate(inputs):
        spans = [] if table in _OF_WHOLE_FILES else list(_spans(source, form, most))
        length = most if spans or source.path is None else source.path.stat().st_size
        if spans:
            parts += [Part(number, number + 1, span, span is spans[-1]) for span in spans]
        elif parts and size + length <= most:
            parts[-1] = parts[-1]._replace(last=number + 1)
        else:
            parts.append(Part(number, number + 1))
            size = 0
        size += length
    return parts


def _spans(source: Source, form: Format, most: int) -> Iterator[Span]:
    """The stretches of a file whose records can be told apart anywhere in it, if it is so large."""
    path, dialect = source.path, form.dialect
    if path is None or (size := path.stat().st_size) <= most or not _can_be_cut(source, form):
        return
    with path.open("rb") as file:
        header = sum(len(file.readline()) for _ in range(dialect.header_lines if dialect else 0))
    found = (_record_after(path, at, dialect) for at in range(most, size - most // 2, most))
    cuts = [0, *sorted({cut for cut in found if cut is not None}), size]
    for start, end in pairwise(cuts):
        yield Span(header if start else 0, start, end)


def _can_be_cut(source: Source, form: Format) -> bool:
    if form.encoding is None or not form.encoding.is_utf8 or source.peek()[1]:
        return False
    if form.dialect is None:
        return form.kind == "ndjson" or (form.kind == "log" and form.log_form != extended_log.FORM)
    _, columns, *_, escape, comment, is_loose = form.dialect
    return (
        len(columns) > 1
        and form.kind == "csv"
        and not (escape or comment or (is_loose and form.dialect.quote))
    )


def _record_after(path: Path, offset: int, dialect: Dialect | None) -> int | None:
    """Where a record begins after this place; None where it cannot be told.

    Text in quotes may hold ends of lines, and the reader takes none for text that only rows could be
    (`formats.delimited`). So a line begins a record whose neighbours on both sides are rows by themselves.
    """
    with path.open("rb") as file:
        file.seek(offset)
        lines = file.read(_WINDOW_BYTES).split(b"\n")
    at, run = offset + len(lines[0]) + 1, 0
    begins = []
    for line in lines[1:-1]:
        run = run + 1 if dialect is None or not dialect.quote or _is_row(line, dialect) else 0
        begins.append(at)
        at += len(line) + 1
        if run == 2 * _ROWS_AROUND:
            return begins[-_ROWS_AROUND]
    return None


def _is_row(line: bytes, dialect: Dialect) -> bool:
    """Whether a line is a row by itself: its quotes close, it has all columns, and none reads like prose."""
    try:
        (row,) = records([line.decode()], dialect)
    except (csv.Error, ValueError):
        return False
    is_prose = any(field.startswith(" ") for field in row) or (len(row) == 2 and " " in row[0])
    return len(row) == len(dialect.columns) and not is_prose and line.count(dialect.quote.encode()) % 2 == 0
