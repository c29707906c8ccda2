"""Blocks of whole lines out of a stream of UTF-8 text, and the raw rows that readers make of them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import pairwise
from types import MappingProxyType
from typing import NamedTuple

import numpy as np
import polars as pl

from adcli.arrays import Integers
from adcli.tables.compression import Reader, read_full

BLOCK_BYTES = 8 << 20
BLOCK_LINES = 100_000
MAX_LINE_BYTES = 16 << 20
MAX_COLUMNS = 10_000
_RAW_OF_LONG_LINE = 200


REJECTS_SCHEMA = pl.Schema({"file": pl.String, "line": pl.Int64, "reason": pl.String, "raw": pl.String})


class Rejects:
    """Rows that were not taken: the line (or row) number of each from 1, why, and what stood there."""

    def __init__(self) -> None:
        self._lines: list[int] = []
        self._reasons: list[str] = []
        self._raws: list[str] = []

    def __len__(self) -> int:
        """How many there are."""
        return len(self._lines)

    def add(self, line: int, reason: str, raw: str) -> None:
        """Note one row."""
        self._lines.append(line)
        self._reasons.append(reason)
        self._raws.append(raw)

    def extend(self, lines: Iterable[int], reasons: Iterable[str], raws: Iterable[str]) -> None:
        """Note many rows."""
        self._lines += lines
        self._reasons += reasons
        self._raws += raws

    def frame(self, file: str) -> pl.DataFrame:
        """The rows as a table in order of their lines: file, line, reason, raw."""
        columns = {
            "file": [file] * len(self),
            "line": self._lines,
            "reason": self._reasons,
            "raw": self._raws,
        }
        return pl.DataFrame(columns, REJECTS_SCHEMA).sort("line", maintain_order=True)


class RawBatch(NamedTuple):
    """Some rows as they stood in the input."""

    frame: pl.DataFrame  # the source's columns; text formats give strings, with null for what is empty
    lines: Integers  # (n,) line (or row) number of each row, from 1
    raws: Callable[[Integers], list[str]]  # what stood in the input at rows, given their indices in `frame`
    rejects: Rejects  # rows that could not be read
    # columns that hold the text of numbers, and the type to carry them in if nothing claims them
    numbers: Mapping[str, pl.DataType] = MappingProxyType({})

    @property
    def typed(self) -> pl.DataFrame:
        """The rows with numbers as numbers where the source had them so."""
        return self.frame.with_columns(
            pl.col(name).cast(dtype, strict=False) for name, dtype in self.numbers.items()
        )


def rows_as_json(frame: pl.DataFrame) -> list[str]:
    """(n,) each row as a JSON object, to be shown where the row has no text of its own."""
    as_json = json.JSONEncoder(ensure_ascii=False, default=str).encode
    return [as_json(row) for row in frame.iter_rows(named=True)]


def no_rows(columns: Sequence[str]) -> RawBatch:
    """A batch of text columns without rows."""
    frame = pl.DataFrame(schema=dict.fromkeys(columns, pl.String))
    return RawBatch(frame, np.empty(0, np.int64), lambda _: [], Rejects())


class Block(NamedTuple):
    """Whole lines, each ended by a newline except perhaps the very last of the input."""

    data: bytes
    first_line: int
    is_last: bool
    rejects: Rejects


def blocks(below: Reader) -> Iterator[Block]:
    """The text in blocks of about `BLOCK_BYTES`, the last marked as such, perhaps empty.

    Lines longer than `MAX_LINE_BYTES` are rejected without being held.
    """
    carry, line, rejects, is_long = b"", 1, Rejects(), False
    for data, is_last in _chunks(below):
        if is_long:  # the rest of a line that was rejected already
            cut = data.find(b"\n") + 1
            data, is_long, line = (data[cut:], False, line + 1) if cut else (b"", True, line)
        data = carry + data
        first_end = data.find(b"\n")
        if (first_end if first_end >= 0 else len(data)) > MAX_LINE_BYTES:
            rejects.add(
                line, f"a line too long (over {MAX_LINE_BYTES >> 20} MiB)", shown(data[:_RAW_OF_LONG_LINE])
            )
            is_long = first_end < 0
            data, line = (b"", line) if is_long else (data[first_end + 1 :], line + 1)
        cut = len(data) if is_last else data.rfind(b"\n") + 1
        whole, carry = data[:cut], data[cut:]
        pieces = _pieces(whole) or [(b"", 0)] * is_last
        for left, (piece, count) in enumerate(pieces, 1 - len(pieces)):
            yield Block(piece, line, is_last and not left, rejects)
            line, rejects = line + count, Rejects()


def _chunks(below: Reader) -> Iterator[tuple[bytes, bool]]:
    """The text as it comes, and whether it ends there; where lines end with CR alone, with LF instead."""
    is_cr_only = None
    is_last = False
    while not is_last:
        data = read_full(below, BLOCK_BYTES)
        is_last = len(data) < BLOCK_BYTES
        if is_cr_only is None:
            is_cr_only = b"\r" in (data if is_last else data[:-1]) and b"\n" not in data
        yield (data.replace(b"\r", b"\n") if is_cr_only else data), is_last


def _pieces(whole: bytes) -> list[tuple[bytes, int]]:
    """The lines in pieces of at most `BLOCK_LINES`, as very short ones make many rows, with their number."""
    is_newline = np.frombuffer(whole, np.uint8) == ord("\n")
    count = int(np.count_nonzero(is_newline))
    if 0 < count <= BLOCK_LINES:
        return [(whole, count)]
    edges = [0, *(np.flatnonzero(is_newline)[BLOCK_LINES - 1 :: BLOCK_LINES] + 1).tolist(), len(whole)]
    pieces = [whole[start:end] for start, end in pairwise(edges) if start < end]
    return [(piece, min(count - place * BLOCK_LINES, BLOCK_LINES)) for place, piece in enumerate(pieces)]


def shown(raw: bytes) -> str:
    """Bytes as text for people; what is not UTF-8 is escaped."""
    return raw.decode("utf-8", "backslashreplace")
