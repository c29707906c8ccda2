"""How tables are written: CSV, NDJSON, Parquet, Arrow IPC; plain, gzip or zstd."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import IO, Any, Protocol

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from adcli.errors import UsageError, require_known
from adcli.tables.formats.vector_files import VECTOR_FORMATS, VectorSink
from adcli.tables.unify import as_text

FORMATS = ("csv", "tsv", "ndjson", "parquet", "arrow")
BINARY_FORMATS = ("parquet", "arrow")
_EXTENSIONS = {
    ".csv": "csv", ".tsv": "tsv", ".ndjson": "ndjson", ".jsonl": "ndjson", ".parquet": "parquet",
    ".pq": "parquet", ".arrow": "arrow", ".ipc": "arrow", ".feather": "arrow", ".npy": "npy",
    ".safetensors": "safetensors",
}  # fmt: skip
_COMPRESSIONS = (".gz", ".zst")
_LOOKED_AT = 20_000
_ROW_GROUP = 65_536
_PLAIN = (pl.String, pl.Boolean, pl.Date, pl.Time, pl.Null)
_TIME = "%Y-%m-%dT%H:%M:%S%.6fZ"


def format_of(path: Path, to: str | None, *, is_stream: bool = False) -> str:
    """Format of an output: `--to` first, then the extension, then Parquet; on a stream NDJSON.

    Raises UsageError if the format or the extension is unknown.
    """
    if to is not None:
        sentence = f"--to {to}: no such format; there are {', '.join(FORMATS)}."
        require_known(to, FORMATS, sentence, error=UsageError)
        return to
    plain = path.with_suffix("") if path.suffix in _COMPRESSIONS else path
    extension = plain.suffix.lower()
    if not extension:
        return "ndjson" if is_stream else "parquet"
    sentence = f"{path}: no format has the extension '{extension}'."
    fix = "Say which with --to csv|tsv|ndjson|parquet|arrow."
    require_known(extension, _EXTENSIONS, sentence, fix, error=UsageError)
    if is_stream and _EXTENSIONS[extension] in VECTOR_FORMATS:
        raise UsageError(f"{path}: {extension} can only be written to a file.", fix="Choose another format.")
    return _EXTENSIONS[extension]


class Sink(Protocol):
    """Somewhere that frames of one schema are written to, in order."""

    def write(self, frame: pl.DataFrame) -> None:
        """Append the frame's rows."""

    def close(self) -> None:
        """Write what the format ends with; the handle below stays open."""


def open_sink(handle: IO[bytes], format_name: str, compression: str = "") -> Sink:
    """A sink of a format over an open binary handle.

    `handle`: where the bytes go; `format_name`: one of `FORMATS`, or of `VECTOR_FORMATS` over a file that can
    be sought in; `compression`: `.gz`, `.zst` or empty; Parquet and Arrow compress inside and ignore it.
    """
    if format_name == "parquet":
        return _ParquetSink(handle)
    if format_name == "arrow":
        return _ArrowSink(handle)
    if format_name in VECTOR_FORMATS:
        return VectorSink(handle, format_name)
    below = _compressed(handle, compression)
    if format_name == "ndjson":
        return _NdjsonSink(below, handle)
    return _CsvSink(below, handle, "\t" if format_name == "tsv" else ",")


def _compressed(handle: IO[bytes], compression: str) -> IO[bytes]:
    if compression == ".gz":
        # No name and no time in the header: the same rows give the same bytes.
        return gzip.GzipFile(filename="", fileobj=handle, mode="wb", compresslevel=6, mtime=0)  # type: ignore[return-value]
    if compression == ".zst":
        import zstandard

        return zstandard.ZstdCompressor(level=6).stream_writer(handle, closefd=False)
    return handle


class _TextSink:
    def __init__(self, below: IO[bytes], handle: IO[bytes]) -> None:
        self._below = below
        self._handle = handle

    def close(self) -> None:
        if self._below is not self._handle:
            self._below.close()
        self._handle.flush()


class _CsvSink(_TextSink):
    def __init__(self, below: IO[bytes], handle: IO[bytes], separator: str) -> None:
        super().__init__(below, handle)
        self._separator = separator
        self._has_header = False

    def write(self, frame: pl.DataFrame) -> None:
        self._below.write(
            frame.select(_as_csv_text(frame.schema))
            .write_csv(include_header=not self._has_header, separator=self._separator)
            .encode()
        )
        self._has_header = True


def formulas(texts: pl.Series) -> pl.Series:
    """(n,) whether a spreadsheet would compute a text: it begins with `= + - @` and is no number."""
    begins, is_number = texts.str.contains(r"^[=+@-]."), texts.str.contains(r"^[+-]?[\d.,]+([eE][+-]?\d+)?$")
    return (begins & ~is_number).fill_null(value=False)


def formula_safe(frame: pl.DataFrame) -> pl.DataFrame:
    """The rows, with an apostrophe before each text that a spreadsheet would compute."""
    texts = [column for column in frame if column.dtype == pl.String]
    return frame.with_columns(("'" + text).alias(text.name).zip_with(formulas(text), text) for text in texts)


class _NdjsonSink(_TextSink):
    def write(self, frame: pl.DataFrame) -> None:
        if frame.height:
            self._below.write(frame.select(_as_json_values(frame.schema)).write_ndjson().encode())


def _as_csv_text(schema: pl.Schema) -> list[pl.Expr]:
    return [
        pl.col(name).list.eval(pl.element().cast(pl.String)).list.join(" ")
        if isinstance(dtype, pl.List) and dtype.inner.is_numeric()
        else pl.col(name).cast(pl.List(pl.Float32)).cast(pl.List(pl.String)).list.join(" ")
        if isinstance(dtype, pl.Array) and dtype.inner.is_numeric()
        else _plain_decimal(name)
        if isinstance(dtype, pl.Decimal)
        else _rfc3339(name)
        if isinstance(dtype, pl.Datetime)
        else pl.col(name)
        if dtype.is_numeric() or dtype in _PLAIN
        else pl.col(name).map_batches(as_text, return_dtype=pl.String)
        for name, dtype in schema.items()
    ]


def _as_json_values(schema: pl.Schema) -> list[pl.Expr]:
    return [
        pl.col(name).cast(pl.Float64)
        if isinstance(dtype, pl.Decimal)
        else _rfc3339(name)
        if isinstance(dtype, pl.Datetime)
        else pl.col(name).cast(pl.List(pl.Float32))
        if isinstance(dtype, pl.Array) and dtype.inner.is_numeric()
        else pl.col(name).map_batches(as_text, return_dtype=pl.String)
        if dtype == pl.Binary
        else pl.col(name)
        for name, dtype in schema.items()
    ]


def _rfc3339(name: str) -> pl.Expr:
    return pl.col(name).dt.strftime(_TIME)


def _plain_decimal(name: str) -> pl.Expr:
    return pl.col(name).cast(pl.String).str.strip_chars_end("0").str.strip_chars_end(".")


class _ArrowSink:
    """Arrow IPC as a stream, which files and pipes both take; or what else is written of tables of Arrow."""

    def __init__(self, handle: IO[bytes]) -> None:
        self._handle = handle
        self._writer: Any = None
        self._schema: Any = None

    def write(self, frame: pl.DataFrame) -> None:
        table = frame.to_arrow(compat_level=pl.CompatLevel.oldest())
        if self._writer is None:
            self._schema = table.schema
            self._writer = self._begun(frame)
        self._writer.write_table(table.cast(self._schema), _ROW_GROUP)

    def close(self) -> None:
        if self._writer is not None:
            self._writer.close()
        self._handle.flush()

    def _begun(self, frame: pl.DataFrame) -> Any:
        return pa.ipc.new_stream(self._handle, self._schema)


class _ParquetSink(_ArrowSink):
    """Parquet with page checksums, so that a damaged page is an error and not another number."""

    def _begun(self, frame: pl.DataFrame) -> Any:
        return pq.ParquetWriter(
            self._handle,
            self._schema,
            compression="zstd",
            write_page_checksum=True,
            store_schema=True,
            use_dictionary=_repeating(frame),
        )


def _repeating(frame: pl.DataFrame) -> list[str]:
    """The columns whose values come again: a dictionary of all others takes time and saves no space."""
    first = frame.head(_LOOKED_AT)
    return [
        column.name
        for column in first
        if not column.dtype.is_nested() and 2 * column.n_unique() <= max(first.height, 2)
    ]
