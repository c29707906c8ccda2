"""One type for each column over frames that came one after the other, or from inputs that differ."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import polars as pl

from adcli.tables.standard.coerce import as_text


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
