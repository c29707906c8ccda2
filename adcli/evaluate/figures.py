"""Tables of figures from named tuples, one a row."""

from __future__ import annotations

from collections.abc import Iterable
from types import NoneType
from typing import Any, get_args, get_type_hints

import polars as pl


def figures_table(rows: Iterable[tuple[Any, ...]], kind: type) -> pl.DataFrame:
    """The rows as a frame whose columns are the fields of the named tuple `kind`; null for NaN."""
    schema = {name: _plain(hint) for name, hint in get_type_hints(kind).items()}
    frame = pl.DataFrame(list(rows), schema=schema, orient="row")
    return frame.with_columns(pl.col(pl.Float64).fill_nan(None))


def _plain(hint: Any) -> Any:
    """The type that a field has where it is not None."""
    return next((kind for kind in get_args(hint) if kind is not NoneType), hint)
