"""Parquet and Arrow IPC through pyarrow, batch by batch; each failure is a DataError, a bad checksum too."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, Any

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from adcli.errors import DataError
from adcli.tables.compression import BOMB_RATIO, refuse_bomb
from adcli.tables.formats.blocks import MAX_COLUMNS, RawBatch, Rejects, rows_as_json
from adcli.tables.formats.layout import repeated
from adcli.tables.memory import allocating_at_most

_BATCH_ROWS = 65_536
_BATCH_BYTES = 64 << 20
_STEPS = (_BATCH_ROWS, 4_096, 256, 16, 1)
_DECODED_BYTES = 1 << 28
_FIRST_DAY, _LAST_DAY = -719_161, 2_932_895  # since 1970: of the years 1 to 9999, a day less for time zones
_LONGEST = 999_999_999  # days
_DAY = {"ms": 86_400_000, "us": 86_400_000_000, "ns": 86_400_000_000_000}
_BYTES = (
    pa.types.is_binary, pa.types.is_large_binary, pa.types.is_fixed_size_binary, pa.types.is_binary_view
)  # fmt: skip
_OUTSIDE = "a time outside of the years 1 to 9999"
_FAILURES = (
    pa.ArrowException,
    pl.exceptions.PolarsError,
    pl.exceptions.PanicException,
    OSError,
    ValueError,
    KeyError,
    TypeError,
    OverflowError,
    NotImplementedError,
)


def columns_of(kind: str, handle: IO[bytes], name: str) -> list[str]:
    """The column names of a "parquet" file, or of an "arrow" file or stream.

    Raises DataError if it is damaged.
    """
    with _opened(kind, handle, name, memory=0) as (schema, _):
        columns = list(schema.names)
        if len(columns) > MAX_COLUMNS:
            raise DataError(f"{name}: has {len(columns):,} columns; at most {MAX_COLUMNS:,} can be read.")
        twice = repeated(columns)
        if twice is not None:
            raise DataError(f"{name}: the column '{twice}' is there twice.", fix="Rename one of the two.")
        return [column or f"column_{place}" for place, column in enumerate(columns, 1)]


def read_columnar(kind: str, handle: IO[bytes], name: str, memory: int) -> Iterator[RawBatch]:
    """The rows of a "parquet" file, or of an "arrow" file or stream, batch by batch.

    Raises DataError if it is damaged, or a row of Parquet or a batch of Arrow takes more than `memory` bytes.
    """
    with _opened(kind, handle, name, memory) as (_, batches):
        first = 1
        for batch in batches:
            yield _batch(batch, first)
            first += batch.num_rows


@contextmanager
def _told(name: str, what: str) -> Iterator[None]:
    try:
        yield
    except MemoryError:
        raise DataError(
            f"{name}: a row or batch of this {what} file takes more memory than --memory allows, or than "
            f"{BOMB_RATIO:,} times the size of the file.",
            fix="If it is meant, write it in smaller batches.",
        ) from None
    except pa.ArrowNotImplementedError as error:
        raise DataError(
            f"{name}: holds what is not read ({str(error).splitlines()[0][:200]}).",
            fix="Cast it to another type first.",
        ) from None
    except _FAILURES as error:
        reason = " ".join(str(error).split())[:200] or type(error).__name__
        raise DataError(
            f"{name}: this {what} file is damaged and cannot be read ({reason}).",
            fix="Make or fetch it again.",
        ) from None


def _native(handle: IO[bytes]) -> Any:
    """The same file as one of Arrow's own.

    Arrow reads in threads of its own, which may still hold the file when a damaged one ends the run; letting
    go of a file of Python's then needs an interpreter that is no longer there, and the process aborts.
    """
    return pa.OSFile(f"/dev/fd/{handle.fileno()}", "rb")


@contextmanager
def _opened(kind: str, handle: IO[bytes], name: str, memory: int) -> Iterator[tuple[Any, Iterator[Any]]]:
    """The schema and the batches."""
    with _told(name, kind.capitalize()), _native(handle) as source:
        if kind == "parquet":
            file = pq.ParquetFile(source, page_checksum_verification=True)
            yield file.schema_arrow, _in_steps(file, handle, name, memory)
            return
        is_file = source.read(6) == b"ARROW1"
        source.seek(0)
        if is_file:
            file = pa.ipc.open_file(source)
            batches = (file.get_batch(i) for i in range(file.num_record_batches))
        else:
            file = batches = pa.ipc.open_stream(source)
        yield file.schema, _bounded(iter(batches), handle, name, memory)


def _in_steps(file: Any, handle: IO[bytes], name: str, memory: int) -> Iterator[Any]:
    """The batches of a Parquet file, of fewer rows where many would take too much memory."""
    done = 0
    for rows in _STEPS:
        seen = 0
        most = memory if rows == 1 else min(memory, _DECODED_BYTES)
        try:
            for batch in _bounded(file.iter_batches(batch_size=rows), handle, name, most):
                new = batch.slice(max(done - seen, 0))
                seen += batch.num_rows
                if new.num_rows:
                    done = seen
                    yield new
        except MemoryError:
            if rows == 1:
                raise
        else:
            break
    if done != file.metadata.num_rows:
        raise DataError(f"{name}: holds {done:,} rows where its footer says {file.metadata.num_rows:,}.")


def _bounded(batches: Iterator[Any], handle: IO[bytes], name: str, memory: int) -> Iterator[Any]:
    """The batches, valid and small, of types that polars has.

    Raises MemoryError if one takes more than `memory`, or than so few bytes can mean, whatever the file says.
    """
    size = os.fstat(handle.fileno()).st_size
    most = min(memory, max(_DECODED_BYTES, BOMB_RATIO * size))
    given = 0
    while True:
        with allocating_at_most(most):
            whole = next(batches, None)
            if whole is None:
                return
            whole.validate(full=True)
        for piece in _pieces(whole, most):
            given += max(piece.nbytes, 8 * piece.num_rows * piece.num_columns)
            refuse_bomb(name, size, given)
            yield piece


def _pieces(batch: Any, most: int) -> Iterator[Any]:
    """A batch in pieces of at most `_BATCH_ROWS` rows and about `_BATCH_BYTES`."""
    if batch.num_rows <= _BATCH_ROWS:
        try:
            with allocating_at_most(most):
                plain = _plain_batch(batch)
        except MemoryError:
            if batch.num_rows == 1:
                raise
        else:
            if plain.nbytes <= _BATCH_BYTES or plain.num_rows == 1:
                yield plain
                return
    half = batch.num_rows // 2
    for piece in (batch.slice(0, half), batch.slice(half)):
        yield from _pieces(piece, most)


def _plain_batch(batch: Any) -> Any:
    schema = pa.schema([pa.field(field.name, _plain(field.type)) for field in batch.schema])  # no metadata
    str(schema)  # names and time zones inside types that are not UTF-8 raise here, and would panic in polars
    columns = [
        column if column.type == field.type else column.cast(field.type)
        for column, field in zip(batch.columns, schema, strict=True)
    ]
    return pa.RecordBatch.from_arrays(columns, schema=schema)


def _plain(kind: Any, *, is_inside: bool = False) -> Any:
    """The type that polars has for values of this one, each with bytes of its own.

    Times, bytes and nothing inside of lists and objects become text: polars fails at some of those.
    """
    types = pa.types
    if types.is_dictionary(kind):
        return _plain(kind.value_type, is_inside=is_inside)
    if is_inside and (types.is_temporal(kind) or types.is_null(kind) or any(f(kind) for f in _BYTES)):
        return pa.large_string()
    if types.is_string_view(kind):
        return pa.large_string()
    if types.is_binary_view(kind):
        return pa.large_binary()
    if types.is_decimal256(kind):
        return pa.string()
    if types.is_struct(kind):
        return pa.struct([pa.field(field.name, _plain(field.type, is_inside=True)) for field in kind])
    if types.is_map(kind):
        return pa.map_(_plain(kind.key_type, is_inside=True), _plain(kind.item_type, is_inside=True))
    if types.is_fixed_size_list(kind):
        return pa.list_(_plain(kind.value_type, is_inside=True), kind.list_size)
    if types.is_list(kind) or types.is_large_list(kind):
        return pa.large_list(_plain(kind.value_type, is_inside=True))
    if types.is_union(kind) or any(word in str(kind) for word in ("list_view", "interval", "run_end")):
        raise pa.ArrowNotImplementedError(f"a column of type {kind}")
    return kind


def _batch(batch: Any, first: int) -> RawBatch:
    frame = pl.from_arrow(batch)
    if not isinstance(frame, pl.DataFrame):
        raise TypeError("not a table")
    frame.columns = [column or f"column_{place}" for place, column in enumerate(frame.columns, 1)]
    lines = np.arange(first, first + frame.height, dtype=np.int64)
    outside = {name: where for name in frame.columns if (where := _outside_of_time(frame[name])).any()}
    rejects = Rejects()
    if outside:
        shown = frame.with_columns(frame[name].set(where, None) for name, where in outside.items())
        is_kept = np.ones(frame.height, bool)
        for name, where in outside.items():
            new = np.flatnonzero(where.to_numpy() & is_kept)
            is_kept[new] = False
            rejects.extend(lines[new].tolist(), [f"{name}: {_OUTSIDE}"] * new.size, rows_as_json(shown[new]))
        frame, lines = frame.filter(is_kept), lines[is_kept]
    return RawBatch(frame, lines, lambda rows: rows_as_json(frame[rows]), rejects)


def _outside_of_time(values: pl.Series) -> pl.Series:
    """(n,) whether a value is a date, time or duration that no calendar of Python, or of polars, has."""
    dtype = values.dtype
    if dtype == pl.Time:
        least, most = 0, _DAY["ns"]
    elif dtype == pl.Date:
        least, most = _FIRST_DAY, _LAST_DAY
    elif isinstance(dtype, pl.Datetime):
        least, most = _FIRST_DAY * _DAY[dtype.time_unit], _LAST_DAY * _DAY[dtype.time_unit]
    elif isinstance(dtype, pl.Duration):
        least, most = -_LONGEST * _DAY[dtype.time_unit], _LONGEST * _DAY[dtype.time_unit]
    else:
        return pl.Series([False])
    counts = values.to_physical()
    return ((counts < max(least, -(2**63))) | (counts >= min(most, 2**63 - 1))).fill_null(value=False)
