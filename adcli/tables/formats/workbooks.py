"""Workbooks of Excel and LibreOffice (xlsx, xlsm, xlsb, xls, ods), read by calamine through fastexcel."""

from __future__ import annotations

import io
import zipfile
import zlib
from collections.abc import Iterator
from typing import IO, Any, Final, NamedTuple

import numpy as np
import polars as pl

from adcli.arrays import Integers
from adcli.errors import DataError, UsageError, printable, require_known
from adcli.tables.compression import refuse_bomb
from adcli.tables.formats.blocks import MAX_COLUMNS, RawBatch, Rejects, rows_as_json
from adcli.tables.formats.layout import MOST_TITLES, header_below, is_data, repeated

_OLE: Final = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"  # what xls files begin with
_ODS: Final = b"application/vnd.oasis.opendocument.spreadsheet"
_BATCH_ROWS: Final = 65_536
_CELLS_PER_BYTE: Final = 4  # of memory that the cells of unpacked XML take
_FIRST_YEAR: Final = 1900  # days are counted from 1899-12-31: before it are times of day
_LARGEST_WHOLE: Final = 2.0**53


class Sheet(NamedTuple):
    """Where a workbook has its table: the sheet, the columns, and how many rows stand above those of data."""

    name: str
    columns: list[str]
    rows_above: int
    has_header: bool


def is_workbook(head: bytes) -> bool:
    """Whether an input that starts with `head` is one."""
    return head.startswith(_OLE) or (
        head.startswith(b"PK\x03\x04")
        and (b"xl/" in head or b"[Content_Types].xml" in head[:4096] or _ODS in head[:200])
    )


def find_sheet(handle: IO[bytes], name: str, memory: int, wanted: str | None) -> Sheet:
    """The sheet that is named, or the only one that has cells, and where its header stands.

    Raises DataError if the workbook cannot be read, or several sheets have cells and none is named;
    UsageError if there is no sheet of this name.
    """
    book = _opened(handle, name, memory)
    names = [str(one) for one in book.sheet_names]
    if wanted is not None:
        known = ", ".join(map(printable, names))
        sentence = f"--sheet {wanted}: {name} has no such sheet; it has {known}."
        require_known(wanted, names, sentence, error=UsageError)
    filled = [one for one in ([wanted] if wanted else names) if _first_rows(book, name, one)]
    if len(filled) > 1:
        raise DataError(
            f"{name}: has several sheets with cells: {', '.join(map(printable, filled))}.",
            fix="Name the one to read with --sheet.",
        )
    if not filled:
        raise DataError(f"{name}: has no sheet with cells.")
    rows = _first_rows(book, name, filled[0])
    place = next(place for place, row in enumerate(rows) if any(row))
    below = header_below([[cell for cell in row if cell] for row in rows[place : place + MOST_TITLES]])
    place += below or 0
    has_header = not is_data(rows[place])
    header = rows[place] if has_header else [""] * len(rows[place])
    columns = [cell or f"column_{number}" for number, cell in enumerate(header, 1)]
    if len(columns) > MAX_COLUMNS:
        raise DataError(f"{name}: has {len(columns):,} columns; at most {MAX_COLUMNS:,} can be read.")
    if (twice := repeated(columns)) is not None:
        raise DataError(
            f"{name}: row {place + 1}: the header names the column '{printable(twice)}' twice.",
            fix="Rename one of the two.",
        )
    return Sheet(filled[0], columns, place + has_header, has_header)


def read_sheet(handle: IO[bytes], name: str, memory: int, sheet: Sheet) -> Iterator[RawBatch]:
    """The rows of a sheet, those without cells left out; a row's line is its number in the sheet.

    Raises DataError if the workbook cannot be read.
    """
    book = _opened(handle, name, memory)
    loaded = _loaded(
        book,
        name,
        sheet.name,
        header_row=None,
        skip_rows=sheet.rows_above,
        column_names=sheet.columns,
        schema_sample_rows=None,
    )
    rows = loaded.to_polars()
    is_filled = rows.select(pl.any_horizontal(pl.all().is_not_null())).to_series()
    lines = np.flatnonzero(is_filled.to_numpy()) + sheet.rows_above + 1
    table = pl.DataFrame([_as_meant(values) for values in rows.filter(is_filled)])
    for start in range(0, table.height, _BATCH_ROWS):
        yield _batch(table[start : start + _BATCH_ROWS], lines[start : start + _BATCH_ROWS])


def _batch(part: pl.DataFrame, lines: Integers) -> RawBatch:
    return RawBatch(part, lines, lambda wanted: rows_as_json(part[wanted]), Rejects())


def _as_meant(values: pl.Series) -> pl.Series:
    """A column as a person reads it: whole numbers, which workbooks keep as floats, and times of day."""
    if values.dtype == pl.Float64 and values.is_not_null().any():
        whole = (values == values.floor()) & (values.abs() <= _LARGEST_WHOLE)
        return values.cast(pl.Int64) if whole.fill_null(value=True).all() else values
    if isinstance(values.dtype, pl.Datetime) and values.is_not_null().any():
        return values.dt.time() if bool((values.dt.year() < _FIRST_YEAR).all()) else values
    return values


def _first_rows(book: Any, name: str, sheet: str) -> list[list[str]]:
    """The cells of the first rows as texts; empty if there are none."""
    loaded = _loaded(
        book, name, sheet, header_row=None, skip_rows=0, n_rows=10 * MOST_TITLES, dtypes="string"
    )
    rows = [[(cell or "").strip() for cell in row] for row in loaded.to_polars().rows()]
    return rows if any(map(any, rows)) else []


def _loaded(book: Any, name: str, sheet: str, **options: Any) -> Any:
    import fastexcel

    try:
        return book.load_sheet(sheet, **options)
    except (fastexcel.FastExcelError, ValueError) as error:
        raise _unreadable(name, error) from None


def _opened(handle: IO[bytes], name: str, memory: int) -> Any:
    try:
        import fastexcel
    except ImportError:
        raise DataError(
            f"{name}: is a workbook, which needs fastexcel.",
            fix="pip install 'adcli[excel]', or save it as CSV.",
        ) from None
    handle.seek(0)
    data = handle.read()
    try:
        _check_size(data, name, memory)
        return fastexcel.read_excel(data)
    except (fastexcel.FastExcelError, zipfile.BadZipFile, zlib.error, ValueError) as error:
        raise _unreadable(name, error) from None


def _unreadable(name: str, error: Exception) -> DataError:
    reason = " ".join(str(error).split())[:150] or type(error).__name__
    return DataError(
        f"{name}: this workbook cannot be read ({printable(reason)}).",
        fix="Save it again, without a password, or as CSV.",
    )


def _check_size(data: bytes, name: str, memory: int) -> None:
    """Raise DataError if what is packed in a workbook takes more memory than it may, whatever it says."""
    if not data.startswith(b"PK"):
        return
    given = 0
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        for entry in archive.infolist():
            start = entry.header_offset + 30
            start += int.from_bytes(data[start - 4 : start - 2], "little")
            start += int.from_bytes(data[entry.header_offset + 28 : entry.header_offset + 30], "little")
            packed = data[start : start + entry.compress_size]
            if entry.compress_type != zipfile.ZIP_DEFLATED:
                given += len(packed)
                continue
            inflater = zlib.decompressobj(-zlib.MAX_WBITS)
            while packed and not inflater.eof:
                given += len(inflater.decompress(packed, 1 << 20))
                packed = inflater.unconsumed_tail
                refuse_bomb(name, len(data), given)
                if given * _CELLS_PER_BYTE > memory:
                    raise DataError(
                        f"{name}: unpacks to more than {given / 2**20:,.0f} MB, whose cells may take more "
                        "memory than there is for a table.",
                        fix="Allow more with --memory, or save the sheet as CSV.",
                    )
