"""Parquet and Arrow IPC through pyarrow, batch by batch; each failure is a DataError, a bad checksum too."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, Any

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from adcli.errors import DataError
from adcli.tables.formats.blocks import MAX_COLUMNS, RawBatch, Rejects, rows_as_json
from adcli.tables.formats.layout import repeated

_BATCH_ROWS = 65_536
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
    MemoryError,
)


def parquet_columns(handle: IO[bytes], name: str) -> list[str]:
    """The column names of a Parquet file.

    Raises:
        DataError: If it is damaged.
    """
    with _told(name, "Parquet"), _parquet(handle) as file:
        return _checked(list(file.schema_arrow.names), name)


def read_parquet(handle: IO[bytes], name: str) -> Iterator[RawBatch]:
    """The rows of a Parquet file, batch by batch.

    Raises:
        DataError: If it is damaged.
    """
    with _told(name, "Parquet"), _parquet(handle) as file:
        first = 1
        for batch in file.iter_batches(batch_size=_BATCH_ROWS):
            yield _batch(batch, first)
            first += batch.num_rows
        if first - 1 != file.metadata.num_rows:
            raise DataError(
                f"{name}: holds {first - 1:,} rows where its footer says {file.metadata.num_rows:,}."
            )


def arrow_columns(handle: IO[bytes], name: str) -> list[str]:
    """The column names of an Arrow IPC file or stream.

    Raises:
        DataError: If it is damaged.
    """
    with _told(name, "Arrow"), _arrow(handle) as (schema, _):
        return _checked(list(schema.names), name)


def read_arrow(handle: IO[bytes], name: str) -> Iterator[RawBatch]:
    """The rows of an Arrow IPC file or stream, batch by batch.

    Raises:
        DataError: If it is damaged.
    """
    with _told(name, "Arrow"), _arrow(handle) as (_, batches):
        first = 1
        for whole in batches:
            for start in range(0, whole.num_rows, _BATCH_ROWS):
                batch = whole.slice(start, _BATCH_ROWS)
                yield _batch(batch, first)
                first += batch.num_rows


@contextmanager
def _told(name: str, what: str) -> Iterator[None]:
    try:
        yield
    except _FAILURES as error:
        reason = " ".join(str(error).split())[:200] or type(error).__name__
        raise DataError(
            f"{name}: this {what} file is damaged and cannot be read ({reason}).",
            fix="Make or fetch it again.",
        ) from None


@contextmanager
def _parquet(handle: IO[bytes]) -> Iterator[Any]:
    with _native(handle) as file:
        yield pq.ParquetFile(file, page_checksum_verification=True)


def _native(handle: IO[bytes]) -> Any:
    """The same file as one of Arrow's own.

    Arrow reads in threads of its own, which may still hold the file when a damaged one ends the run; letting
    go of a file of Python's then needs an interpreter that is no longer there, and the process aborts.
    """
    return pa.OSFile(f"/dev/fd/{handle.fileno()}", "rb")


@contextmanager
def _arrow(handle: IO[bytes]) -> Iterator[tuple[Any, Iterator[Any]]]:
    with _native(handle) as source:
        is_file = source.read(6) == b"ARROW1"
        source.seek(0)
        if is_file:
            file = pa.ipc.open_file(source)
            yield file.schema, (file.get_batch(i) for i in range(file.num_record_batches))
        else:
            stream = pa.ipc.open_stream(source)
            yield stream.schema, iter(stream)


def _checked(columns: list[str], name: str) -> list[str]:
    if len(columns) > MAX_COLUMNS:
        raise DataError(f"{name}: has {len(columns):,} columns; at most {MAX_COLUMNS:,} can be read.")
    twice = repeated(columns)
    if twice is not None:
        raise DataError(f"{name}: the column '{twice}' is there twice.", fix="Rename one of the two.")
    return [column or f"column_{place}" for place, column in enumerate(columns, 1)]


def _batch(batch: Any, first: int) -> RawBatch:
    batch.validate(full=True)
    schema = pa.schema([pa.field(field.name, field.type) for field in batch.schema])  # leaves metadata behind
    str(schema)  # names and time zones inside types that are not UTF-8 raise here, and would panic in polars
    frame = pl.from_arrow(pa.Table.from_arrays(batch.columns, schema=schema))
    if not isinstance(frame, pl.DataFrame):
        raise TypeError("not a table")
    frame.columns = [column or f"column_{place}" for place, column in enumerate(frame.columns, 1)]
    frame = frame.with_columns(pl.col(pl.Categorical, pl.Enum).cast(pl.String))
    lines = np.arange(first, first + frame.height, dtype=np.int64)
    return RawBatch(frame, lines, lambda rows: rows_as_json(frame[rows]), Rejects())
