"""NDJSON: one object a line; blocks without a fault through polars, others line by line."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any, Final

import numpy as np
import polars as pl

from adcli.arrays import Integers
from adcli.tables.compression import Reader
from adcli.tables.formats.blocks import MAX_COLUMNS, Block, RawBatch, blocks, shown
from adcli.tables.formats.json_rows import DECODER, MAX_DEPTH, JsonRow, batch_of, checked

_SIMPLE: Final = (pl.String, pl.Int64, pl.Float64, pl.Boolean, pl.Null)
_LOOKED_AT: Final = 100
_LOOKED_AT_BYTES: Final = 1 << 17
_NESTED = re.compile(rb":\s*\{|[\[,]\s*[\[{](?=\s*(?:[\[{\]}\"\d-]|true|false|null))")
_SURROGATE = re.compile(rb"\\u[dD][89a-fA-F]")


def read_ndjson(below: Reader, name: str) -> Iterator[RawBatch]:
    """The rows of newline-delimited JSON, batch by batch."""
    for block in blocks(below):
        yield _read_faultless(block) or _read_lines(block, name)


def _read_faultless(block: Block) -> RawBatch | None:
    """The rows of a block in which each line is a flat object of plain values; None for any other."""
    if _SURROGATE.search(block.data):  # polars reads half a pair as a NUL
        return None
    if _NESTED.search(block.data):  # which no column holds as it is; polars takes gigabytes for deep ones
        return None
    if _has_keys_without_end(block.data):  # polars would make a column of each
        return None
    try:
        block.data.decode("utf-8")
        frame = pl.read_ndjson(block.data, infer_schema_length=None)
    except (UnicodeDecodeError, pl.exceptions.PolarsError, pl.exceptions.PanicException):
        return None
    count = block.data.count(b"\n") + (not block.data.endswith(b"\n"))
    if (
        frame.height != count
        or frame.width > MAX_COLUMNS
        or "" in frame.columns
        or not all(map(_is_simple, frame.dtypes))
    ):
        return None
    frame = frame.with_columns(
        pl.col(pl.Null).cast(pl.String), pl.col(pl.List(pl.Null)).cast(pl.List(pl.String))
    )

    def raws(rows: Integers) -> list[str]:
        lines = block.data.split(b"\n")
        return [shown(lines[row]) for row in rows]

    return RawBatch(frame, block.first_line + np.arange(count, dtype=np.int64), raws, block.rejects)


def _has_keys_without_end(data: bytes) -> bool:
    """Whether objects far from each other share hardly a key, judged by a few of them."""
    first, last = data[:_LOOKED_AT_BYTES], data[-_LOOKED_AT_BYTES:]
    lines = [*first.split(b"\n")[:_LOOKED_AT], *last.split(b"\n")[-_LOOKED_AT:]]
    found = [row for row in map(_parse_line, lines) if isinstance(row, dict)]
    keys = {key for row in found for key in row}
    return len(keys) > max(_LOOKED_AT, 10 * sum(map(len, found)) / max(len(found), 1))


def _is_simple(dtype: pl.DataType) -> bool:
    inner = dtype.inner if isinstance(dtype, pl.List) else dtype
    return inner in _SIMPLE


def _read_lines(block: Block, name: str) -> RawBatch:
    rows: list[JsonRow] = []
    rejects = block.rejects
    for number, line in enumerate(block.data.split(b"\n"), block.first_line):
        if not line or line.isspace():
            continue
        found = _parse_line(line)
        if isinstance(found, str):
            rejects.add(number, found, shown(line))
        else:
            rows.append(JsonRow(number, line, found))
    return batch_of(rows, rejects, name)


def _parse_line(line: bytes) -> dict[str, Any] | str:
    """The object on a line, or why there is none."""
    try:
        found, end = DECODER.raw_decode(text := line.decode().strip("\ufeff \t\r"))
    except UnicodeDecodeError as error:
        return f"not in the encoding of the input (byte {error.start + 1} of the line)"
    except json.JSONDecodeError as error:
        return f"not JSON: {error.msg} at character {error.pos + 1}"
    except RecursionError:
        return f"not readable: nested more than {MAX_DEPTH} deep"
    if end != len(text):
        return f"not JSON: more after the object at character {end + 1}"
    return checked(found, has_escapes="\\u" in text)
