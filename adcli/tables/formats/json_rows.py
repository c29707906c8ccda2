"""JSON objects become rows of a batch: one object is one row, one key is one column.

What becomes of values: numbers keep their exact text, and a column of nothing but integers, fractions or
booleans within a batch is typed as such when it is carried along unrecognised; lists of plain values stay
lists where all of a batch's values are such; objects, and whatever is mixed or deeper, become JSON text.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Sequence
from typing import Any, Final, NamedTuple

import numpy as np
import polars as pl

from adcli.arrays import Integers
from adcli.errors import DataError
from adcli.tables.formats.blocks import MAX_COLUMNS, RawBatch, Rejects, shown
from adcli.tables.formats.ga4 import unpacked

MAX_DEPTH: Final = 64
_MANY_KEYS = 2_000
_MANY_CELLS = 10_000_000
_SPARSE = 0.05
_INT64 = range(-(2**63), 2**63)


class _Integer(str):
    """The text of a JSON integer."""

    __slots__ = ()


class _Decimal(str):
    """The text of a JSON number with a fraction or an exponent."""

    __slots__ = ()


class JsonRow(NamedTuple):
    """An object: the line it begins on, the text it was, its values."""

    line: int
    raw: str | bytes
    values: dict[str, Any]


def _constant(name: str) -> _Decimal | None:
    return None if name == "NaN" else _Decimal(name)


DECODER = json.JSONDecoder(parse_int=_Integer, parse_float=_Decimal, parse_constant=_constant)


def checked(found: object, *, has_escapes: bool) -> dict[str, Any] | str:
    """The object, or why it cannot be a row."""
    if not isinstance(found, dict):
        return "not a JSON object"
    if not found:
        return "an object without keys"
    if any(isinstance(value, dict | list) and _is_deeper(value, MAX_DEPTH) for value in found.values()):
        return f"not readable: nested more than {MAX_DEPTH} deep"
    if has_escapes:
        try:
            json.dumps(found, ensure_ascii=False).encode()
        except UnicodeEncodeError:
            return "half of a surrogate pair, which is no character"
    return found


def _is_deeper(value: object, depth: int) -> bool:
    items = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return depth == 0 or any(_is_deeper(item, depth - 1) for item in items if isinstance(item, dict | list))


def batch_of(rows: Sequence[JsonRow], rejects: Rejects, name: str) -> RawBatch:
    """Rows and rejects as one batch.

    Raises DataError if there are more columns than any table has, or they are all but empty.
    """
    rows = [row._replace(values=values) for row in rows for values in unpacked(row.values)]
    columns = _column_names((row.values for row in rows), name)
    _refuse_sparse(rows, len(columns), name)
    numbers: dict[str, pl.DataType] = {}
    series = []
    for key, column in columns.items():
        values = [row.values.get(key) for row in rows]
        made, number = _series(column, values)
        series.append(made)
        if number is not None:
            numbers[column] = number
    lines = np.array([row.line for row in rows], np.int64)

    def raws(wanted: Integers) -> list[str]:
        found = [rows[row].raw for row in wanted]
        return [raw if isinstance(raw, str) else shown(raw) for raw in found]

    return RawBatch(pl.DataFrame(series), lines, raws, rejects, numbers)


def _column_names(rows: Iterable[dict[str, Any]], name: str) -> dict[str, str]:
    """Each key of the rows and the column it becomes; an empty key is named by its place."""
    keys: dict[str, None] = {}
    for row in rows:
        keys.update(dict.fromkeys(row))
        if len(keys) > MAX_COLUMNS:
            raise DataError(
                f"{name}: its objects have more than {MAX_COLUMNS:,} different keys; that is no table."
            )
    return {key: key or f"column_{place}" for place, key in enumerate(keys, 1)}


def _refuse_sparse(rows: Sequence[JsonRow], columns: int, name: str) -> None:
    """Raise DataError where values stand in the place of keys: as a table, they would fill the memory."""
    cells = len(rows) * columns
    if columns < _MANY_KEYS or cells < _MANY_CELLS:
        return
    filled = sum(len(row.values) for row in rows)
    if filled < _SPARSE * cells:
        raise DataError(
            f"{name}: its objects have {columns:,} different keys of which each has only "
            f"{filled / len(rows):,.0f}; that is no table.",
            fix="Put what the keys say into values.",
        )


def _series(name: str, values: list[Any]) -> tuple[pl.Series, pl.DataType | None]:
    """A column of JSON values, and its type if they are all numbers (whose text it holds)."""
    kinds = {type(value) for value in values} - {type(None)}
    if kinds <= {str, _Integer, _Decimal}:
        return pl.Series(name, values, pl.String), _number_type(kinds, values)
    if kinds == {bool}:
        return pl.Series(name, values, pl.Boolean), None
    if kinds == {list} and not any(isinstance(item, dict | list) for row in values for item in row or ()):
        return _lists(name, values), None
    return pl.Series(name, [_text(value) for value in values], pl.String), None


def _lists(name: str, values: list[list[Any] | None]) -> pl.Series:
    """A column of lists: of numbers where all items are, else of texts."""
    items = [item for value in values if value is not None for item in value]
    kinds = {type(item) for item in items} - {type(None)}
    texts = pl.Series(
        name,
        [None if value is None else [_text(item) for item in value] for value in values],
        pl.List(pl.String),
    )
    if not kinds or not kinds <= {_Integer, _Decimal}:
        return texts
    if kinds == {_Integer}:
        is_small = all(item is None or _fits_int64(item) for item in items)
        return texts.cast(pl.List(pl.Int64)) if is_small else texts
    return texts.cast(pl.List(pl.Float64), strict=False)


def _number_type(kinds: set[type], values: list[Any]) -> pl.DataType | None:
    if not kinds or str in kinds:
        return None
    if kinds == {_Integer}:
        return pl.Int64() if all(value is None or _fits_int64(value) for value in values) else None
    return pl.Float64()


def _fits_int64(digits: str) -> bool:
    return len(digits) < 21 and int(digits) in _INT64


def _text(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value
    return _JSON.encode(_plain(value))


_JSON = json.JSONEncoder(ensure_ascii=False)


def _plain(value: Any) -> Any:
    """A JSON value whose numbers are numbers again."""
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    if isinstance(value, _Integer):
        return int(value) if len(value) < 400 else str(value)
    if isinstance(value, _Decimal):
        number = float(value)
        return number if math.isfinite(number) else str(value)
    return value
