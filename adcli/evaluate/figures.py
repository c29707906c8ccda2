"""Tables of figures from rows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import NoneType
from typing import Any, get_args, get_type_hints

import polars as pl


def figures_table(rows: Iterable[object], columns: type | Mapping[str, Any]) -> pl.DataFrame:
    """The rows as a frame; null for NaN.

    `rows`: named tuples, other tuples, or values by column; `columns`: the named tuple whose fields they
    have, or the kinds of the columns.
    """
    schema = columns if isinstance(columns, Mapping) else _kinds(columns)
    frame = pl.DataFrame(list(rows), schema=schema, orient="row")
    return frame.with_columns(pl.col(pl.Float64).fill_nan(None))


def _kinds(named: type) -> dict[str, Any]:
    """The type that each field of a named tuple has where it is not None."""
    hints = get_type_hints(named).items()
    return {name: next((one for one in get_args(hint) if one is not NoneType), hint) for name, hint in hints}
