"""The lines of a block of a log, and the fast way of reading those that are written as nearly all are.

Such a line is printable ASCII without a backslash, and has its values between blanks or quotes: polars reads
it as delimited text, thirty times as fast as by a regular expression with groups.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import polars as pl

from adcli.arrays import Integers
from adcli.tables.formats.blocks import shown

_NEWLINE, _QUOTE, _BLANK, _BACKSLASH, _DELETE = (*b'\n" \\', 127)


class LogLines:
    """The lines of a block, the last of which is not ended and mostly empty.

    Attributes:
        starts: (n,) the offset at which each starts.
        ends: (n,) and ends.
        quotes: The offsets of all quotes.
        quotes_in: (n,) how many each has.
    """

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.bytes = np.frombuffer(data, np.uint8)
        newlines = np.flatnonzero(self.bytes == _NEWLINE)
        self.starts = np.concatenate(([0], newlines + 1))
        self.ends = np.append(newlines, len(data))
        self.quotes = np.flatnonzero(self.bytes == _QUOTE)
        self.quotes_in = np.diff(np.searchsorted(self.quotes, self.starts), append=len(self.quotes))

    def __len__(self) -> int:
        """How many there are."""
        return len(self.starts)

    def raws(self, rows: Integers) -> list[str]:
        """Some of them as text for people."""
        pairs = zip(self.starts[rows].tolist(), self.ends[rows].tolist(), strict=True)
        return [shown(self.data[start:end]) for start, end in pairs]

    def texts(self, rows: Integers) -> pl.Series:
        """Some of them as text, without the CR at their ends."""
        whole = shown(self.data).split("\n") if len(rows) == len(self) else self.raws(rows)
        texts = pl.Series("line", whole, pl.String)
        return texts.str.strip_chars_end("\r") if b"\r" in self.data else texts

    def joined(self, rows: np.ndarray) -> bytes:
        """Those that a mask marks, in one piece."""
        edges = np.flatnonzero(np.diff(rows.astype(np.int8), prepend=0, append=0))
        stretches = zip(self.starts[edges[0::2]].tolist(), self.ends[edges[1::2] - 1].tolist(), strict=True)
        return b"".join(self.data[start : end + 1] for start, end in stretches)


class LineForm(NamedTuple):
    """How the lines of a log hold their values, between blanks or in quotes."""

    names: Sequence[str]  # the values, in order
    quoted: Sequence[str]  # those in quotes
    shapes: Mapping[str, str]  # regular expressions that values have
    is_open: bool  # whether more values may follow


def read_fields(lines: LogLines, form: LineForm) -> tuple[Integers, pl.DataFrame]:
    """Lines that are written as nearly all are: their numbers, and their values.

    All have as many quotes as the first. None is taken whose values, blanks and quotes do not lie where those
    of a line of this form do, so that what remains can be read in a slower way with the same result.
    """
    nothing = np.empty(0, np.int64), pl.DataFrame(schema=dict.fromkeys(form.names, pl.String))
    counts = lines.quotes_in
    is_plain = (counts >= 2 * len(form.quoted)) & ~_are_odd(lines)
    first = int(np.argmax(is_plain))
    if not is_plain[first]:
        return nothing
    is_plain &= counts == counts[first]
    rows = np.flatnonzero(is_plain)
    begin = next(csv.reader(lines.raws(rows[:1]), delimiter=" "))
    further = [f"further_{place}" for place in range(len(begin) - len(form.names))] if form.is_open else []
    columns = [*form.names, *further]
    try:
        values = pl.read_csv(
            f"{' '.join(columns)}\n".encode() + lines.joined(is_plain),
            schema=dict.fromkeys(columns, pl.String),
            separator=" ",
            truncate_ragged_lines=True,
        )
    except pl.exceptions.PolarsError:  # a quote stands where none of a field does
        return nothing
    if values.height != len(rows):
        return nothing
    opening = lines.quotes[np.repeat(is_plain, counts)].reshape(len(rows), -1)[:, ::2].T
    is_well = np.ones(len(rows), bool)
    at = lines.starts[rows]
    for name in columns:
        if name in form.quoted:
            is_well &= opening[form.quoted.index(name)] == at
            at += 2
        at += values[name].str.len_bytes().fill_null(0).to_numpy() + 1
    is_well &= at + counts[first] - 2 * len(form.quoted) == lines.ends[rows] + 1
    fits = values.select(
        pl.all_horizontal(
            pl.Series(is_well),
            pl.all().is_not_null(),
            *(pl.col(name).str.contains(shape) for name, shape in form.shapes.items()),
        )
    ).to_series()
    return (rows, values) if fits.all() else (rows[fits.to_numpy()], values.filter(fits))


def _are_odd(lines: LogLines) -> np.ndarray:
    """Which lines have a backslash or what is no printable ASCII."""
    is_odd = np.zeros(len(lines), bool)
    controls = np.count_nonzero(lines.bytes < _BLANK)
    if controls >= len(lines) or not lines.data.isascii() or b"\\" in lines.data or b"\x7f" in lines.data:
        found = (lines.bytes < _BLANK) | (lines.bytes >= _DELETE) | (lines.bytes == _BACKSLASH)
        odd = np.flatnonzero(found & (lines.bytes != _NEWLINE))
        is_odd[np.searchsorted(lines.starts, odd, side="right") - 1] = True
    return is_odd
