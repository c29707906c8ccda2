"""Rows of databases by SQL, streamed into a file of Arrow batches that is then read like any other."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote, unquote

import polars as pl
import pyarrow as pa

from adcli.errors import AdcliError, DataError, UsageError, native_errors_into, printable
from adcli.stores import shown

_BATCH_ROWS: Final = 65_536
_NUMERIC: Final = pl.Decimal(38, 10)
_MAGIC: Final = {"duckdb": (8, b"DUCK"), "sqlite": (0, b"SQLite format 3\0")}
_URL: Final = re.compile(r"(postgresql|postgres|mysql|duckdb|sqlite)://.*", re.DOTALL)
_NOISE: Final = re.compile(r"^.*?\b(?:ERROR|FATAL): | Query was: .*|\s*\.? SQLSTATE: \w+$")
"""What PostgreSQL's driver says around the sentence of the server."""


def database_of(given: str) -> str | None:
    """The URL of the database that an input is, by its own URL or by what a file begins with; else None."""
    if _URL.fullmatch(given):
        return given
    path = Path(given)
    if given == "-" or not path.is_file():
        return None
    with path.open("rb") as handle:
        head = handle.read(16)
    kinds = (kind for kind, (start, magic) in _MAGIC.items() if head[start:].startswith(magic))
    return next((f"{kind}://{path.absolute()}" for kind in kinds), None)


def file_of(url: str) -> Path | None:
    """The file that a database is, if it is one."""
    kind, _, rest = url.partition("://")
    return Path(rest) if kind in _MAGIC else None


def write_rows(url: str, query: str, target: Path) -> None:
    """Write the rows of a query as an Arrow stream; nothing in the database is changed.

    Raises UsageError if the database's driver is not installed; DataError if the database cannot be reached,
    or refuses the query.
    """
    kind = url.partition(":")[0]
    with _told(url), _READERS[kind](url, query) as rows, target.open("wb") as handle:
        first = _plain(pa.RecordBatch.from_pylist([], schema=rows.schema))
        with pa.ipc.new_stream(handle, first.schema) as writer:
            for batch in rows:
                writer.write_batch(_plain(batch))


def _plain(batch: pa.RecordBatch) -> pa.RecordBatch:
    """A batch whose columns have no types of their database's own."""
    columns = [_plain_column(name, column) for name, column in zip(batch.schema.names, batch, strict=True)]
    return pa.record_batch(columns, names=batch.schema.names)


def _plain_column(name: str, column: pa.Array) -> pa.Array:
    if isinstance(column.type, pa.UuidType):
        return pa.array([None if value is None else str(value) for value in column.to_pylist()], pa.string())
    if not isinstance(column.type, pa.BaseExtensionType):
        return column
    if getattr(column.type, "type_name", "") == "numeric":
        return pl.Series(column.storage).cast(_NUMERIC).to_arrow()
    if pa.types.is_binary(column.storage.type):
        raise DataError(f"{name}: is of the type {column.type.type_name}.", fix=f"Select {name}::text.")
    return column.storage


@contextmanager
def _of_postgresql(url: str, query: str) -> Iterator[Any]:
    from adbc_driver_postgresql import dbapi

    with closing(dbapi.connect(url)) as connection, closing(connection.cursor()) as cursor:
        cursor.execute("SET TRANSACTION READ ONLY")
        cursor.execute(query)
        yield cursor.fetch_record_batch()


@contextmanager
def _of_sqlite(url: str, query: str) -> Iterator[Any]:
    from adbc_driver_sqlite import dbapi

    place = quote(str(file_of(url)))
    with (
        closing(dbapi.connect(f"file:{place}?mode=ro")) as connection,
        closing(connection.cursor()) as cursor,
    ):
        cursor.execute(query)
        yield cursor.fetch_record_batch()


@contextmanager
def _of_duckdb(url: str, query: str) -> Iterator[Any]:
    import duckdb

    with closing(duckdb.connect(str(file_of(url)), read_only=True)) as connection:
        yield connection.sql(query).to_arrow_reader(_BATCH_ROWS)


@contextmanager
def _of_mysql(url: str, query: str) -> Iterator[Any]:
    import connectorx

    with tempfile.TemporaryFile() as said, native_errors_into(said):  # all of it is raised too
        yield connectorx.read_sql(
            url,
            query,
            return_type="arrow_stream",
            batch_size=_BATCH_ROWS,
            pre_execution_query="SET SESSION TRANSACTION READ ONLY",
        )


_READERS: Final[dict[str, Callable[[str, str], AbstractContextManager[Any]]]] = {
    "postgresql": _of_postgresql,
    "postgres": _of_postgresql,
    "duckdb": _of_duckdb,
    "mysql": _of_mysql,
    "sqlite": _of_sqlite,
}


@contextmanager
def _told(url: str) -> Iterator[None]:
    """What drivers say as errors for people, without the password."""
    password = url.partition("://")[2].rpartition("@")[0].partition(":")[2] or "\0"
    try:
        yield
    except AdcliError:
        raise
    except ImportError as error:
        raise UsageError(
            f"{shown(url)}: is a database, which needs {error.name}.", fix="pip install 'adcli[databases]'"
        ) from None
    except BaseException as error:  # each driver has errors of its own; a panic of Rust is no Exception
        if not isinstance(error, Exception) and type(error).__name__ != "PanicException":
            raise
        said = _NOISE.sub("", " ".join(str(error).split()))
        for secret in (password, unquote(password)):
            said = said.replace(secret, "…")
        raise DataError(f"{shown(url)}: cannot be read: {printable(shown(said), 300)}") from None
