"""One type for each column over frames that came one after the other, or from inputs that differ."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence

import polars as pl

_AS_THEY_ARE = (pl.String, pl.Boolean, pl.Null, pl.Categorical, pl.Enum)


def common_schema(schemas: Iterable[Mapping[str, pl.DataType]]) -> dict[str, pl.DataType]:
    """The union of the columns in order of appearance, each with a type that all its values fit.

    Whole numbers of different sizes become Int64, whole numbers and fractions Float64; any other disagreement
    becomes String.
    """
    seen: dict[str, list[pl.DataType]] = {}
    for schema in schemas:
        for name, dtype in schema.items():
            types = seen.setdefault(name, [])
            if dtype not in types:
                types.append(dtype)
    return {name: _common_type(types) for name, types in seen.items()}


def _common_type(types: Sequence[pl.DataType]) -> pl.DataType:
    real = [dtype for dtype in types if dtype != pl.Null]
    if len(real) <= 1:
        return real[0] if real else pl.String()
    if all(dtype.is_integer() for dtype in real):
        is_wide = pl.UInt64 in real or pl.Int128 in real
        return pl.String() if is_wide else pl.Int64()
    if all(dtype.is_integer() or dtype.is_float() for dtype in real):
        return pl.Float64()
    lists = [dtype.inner for dtype in real if isinstance(dtype, pl.List)]
    if len(lists) == len(real) and all(inner in (pl.Int64, pl.Float64) for inner in lists):
        return pl.List(pl.Float64)
    return pl.String()


def fitted(frame: pl.DataFrame, schema: Mapping[str, pl.DataType]) -> pl.DataFrame:
    """The frame with exactly the columns and types of `schema`; columns it has not are null."""
    return pl.DataFrame(
        [
            _fitted_column(frame[name], dtype)
            if name in frame.columns
            else pl.Series(name, [None], dtype).new_from_index(0, frame.height)
            for name, dtype in schema.items()
        ]
    )


def _fitted_column(values: pl.Series, dtype: pl.DataType) -> pl.Series:
    if values.dtype == dtype:
        return values
    return as_text(values) if dtype == pl.String else values.cast(dtype)


def concatenated(frames: Sequence[pl.DataFrame]) -> pl.DataFrame:
    """All rows in one frame, its columns unified."""
    if not frames:
        return pl.DataFrame()
    schema = common_schema(frame.schema for frame in frames)
    return pl.concat([fitted(frame, schema) for frame in frames], rechunk=False)


def as_text(values: pl.Series) -> pl.Series:
    """Any column as text; lists and objects as JSON, bytes that are not UTF-8 escaped."""
    if values.dtype == pl.Binary:
        texts = [None if value is None else value.decode("utf-8", "backslashreplace") for value in values]
        return pl.Series(values.name, texts, pl.String)
    if values.dtype == pl.Duration:
        return values.dt.to_string("iso")
    if values.dtype.is_numeric() or values.dtype.is_temporal() or values.dtype in _AS_THEY_ARE:
        return values.cast(pl.String, strict=False)
    as_json = json.JSONEncoder(ensure_ascii=False, default=str).encode
    texts = [None if value is None else as_json(value) for value in values.to_list()]
    return pl.Series(values.name, texts, pl.String)
