"""One vector for each row of a table: products, reviews, queries."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Final

import numpy as np
import polars as pl

from adcli.arrays import Floats32
from adcli.embed.texts import category_texts, texts_of

Encode = Callable[[Sequence[str]], Floats32]

KINDS: Final[Mapping[str, str]] = {"products": "product", "reviews": "review", "queries": "query"}
SLICE_ROWS: Final = 8_192
_ID_COLUMNS = {"products": ("item_id",), "reviews": ("review_id", "id"), "queries": ("query_id",)}
_CARRIED = {
    "products": ("title", "category", "brand", "price"),
    "reviews": ("user_id", "item_id", "rating", "event_time"),
    "queries": ("query",),
}


def row_vectors(
    frames: Iterable[pl.DataFrame], table: str, encode: Encode, columns: Sequence[str] = ()
) -> Iterator[pl.DataFrame]:
    """Frames of the vectors table, a row for each row and in their order.

    `table`: its name: products, reviews or queries; `encode`: texts to (n, d) unit vectors; `columns`:
    columns that make the text, in place of those usual for the table. Raises DataError if one of `columns` is
    not there.
    """
    rows = 0
    for frame in (part for whole in frames for part in whole.iter_slices(SLICE_ROWS)):
        vectors = encode(texts_of(frame, table, columns).to_list())
        head = [_ids(frame, table, rows), pl.Series("kind", [KINDS[table]]).new_from_index(0, frame.height)]
        rows += frame.height
        carried = [frame[name] for name in _CARRIED[table] if name in frame.columns]
        vectors_frame = pl.DataFrame([*head, embedding_column(vectors), *carried])
        if "category" in vectors_frame.columns:
            steps = category_texts(frame)
            vectors_frame = vectors_frame.with_columns(steps.replace("", None).alias("category"))
        yield vectors_frame


def row_texts(
    frames: Iterable[pl.DataFrame], table: str, columns: Sequence[str] = ()
) -> Iterator[tuple[pl.Series, pl.Series]]:
    """The `id` of each row and its text, as `row_vectors` reads them."""
    rows = 0
    for frame in frames:
        yield _ids(frame, table, rows), texts_of(frame, table, columns)
        rows += frame.height


def embedding_column(vectors: Floats32) -> pl.Series:
    """The column `embedding` from (n, d) vectors."""
    return pl.Series("embedding", vectors, dtype=pl.Array(pl.Float32, vectors.shape[1]))


def matrix(embedding: pl.Series) -> Floats32:
    """(n, d) vectors from a column `embedding`."""
    return np.ascontiguousarray(embedding.to_numpy(), dtype=np.float32)


def _ids(frame: pl.DataFrame, table: str, rows_before: int) -> pl.Series:
    """The id of each row: its own where the table has one, else its kind and row number."""
    number = pl.int_range(rows_before + 1, rows_before + frame.height + 1, eager=True).cast(pl.String)
    numbered = pl.Series("id", [f"{KINDS[table]}-"]).new_from_index(0, frame.height) + number
    own = next((name for name in _ID_COLUMNS[table] if name in frame.columns), None)
    return numbered if own is None else frame[own].cast(pl.String).fill_null(numbered).alias("id")
