"""The nearest rows of each row, by cosine.

    rows, cosines = top_k(vectors, 10)       # exact, in chunks
    found = nearest(vectors, 10, seed=0)     # exact up to 200,000 rows, above that by FAISS if installed

Source: Douze et al., "The Faiss library" (2024), for the inverted file.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from typing import Any, Final, NamedTuple

import numpy as np

from adcli.arrays import Floats32, Integers

EXACT_UP_TO: Final = 200_000
CHUNK: Final = 1_024  # queries
MAX_COSINES: Final = 1 << 24  # of a chunk
MIN_RECALL: Final = 0.97  # of an approximate search
RECALL_QUERIES: Final = 1_000
FIRST_CELLS: Final = 16
TRAINING_ROWS_PER_CELL: Final = 64


class Neighbors(NamedTuple):
    """The nearest rows of each row."""

    rows: Integers  # (n, k) nearest first, without the row itself
    cosines: Floats32  # (n, k) cosines with them
    method: str  # exact, or the approximate index
    recall: float  # of the exact neighbours, measured on a sample


def nearest(
    vectors: Floats32, k: int, *, seed: int, advance: Callable[[int], object] = lambda rows: None
) -> Neighbors:
    """The `k` nearest rows of each row: exact up to 200,000 rows or without FAISS, else approximate.

    `vectors` (n, d) unit vectors; `k`: neighbours, fewer where there are fewer rows.
    """
    k = min(k, len(vectors) - 1)
    if k < 1:
        nothing = np.empty((len(vectors), 0))
        return Neighbors(nothing.astype(np.int64), nothing.astype(np.float32), "exact", 1.0)
    if len(vectors) <= EXACT_UP_TO or importlib.util.find_spec("faiss") is None:
        return Neighbors(*top_k(vectors, k, advance=advance), "exact", 1.0)
    neighbors, cosines, recall = _approximate(vectors, k, seed, advance)
    return Neighbors(neighbors, cosines, "approximate (inverted file of FAISS)", recall)


def top_k(
    vectors: Floats32,
    k: int,
    *,
    queries: Integers | None = None,
    advance: Callable[[int], object] = lambda rows: None,
) -> tuple[Integers, Floats32]:
    """(q, k) the nearest other rows of each query row, nearest first, and their cosines; ties by row.

    `vectors` (n, d) unit vectors; `k`: neighbours, fewer than there are rows; `queries` (q,) the query rows,
    all if None.
    """
    asked = np.arange(len(vectors)) if queries is None else queries
    neighbors = np.empty((len(asked), k), np.int64)
    cosines = np.empty((len(asked), k), np.float32)
    chunk = max(1, min(CHUNK, MAX_COSINES // len(vectors)))
    for start in range(0, len(asked), chunk):
        rows = asked[start : start + chunk]
        cosine = vectors[rows] @ vectors.T
        cosine[np.arange(len(rows)), rows] = -np.inf
        found = np.argpartition(cosine, len(vectors) - k, axis=1)[:, -k:]
        of_found = np.take_along_axis(cosine, found, axis=1)
        order = np.lexsort((found, -of_found))
        neighbors[start : start + len(rows)] = np.take_along_axis(found, order, axis=1)
        cosines[start : start + len(rows)] = np.take_along_axis(of_found, order, axis=1)
        advance(len(rows))
    return neighbors, cosines


def _approximate(
    vectors: Floats32, k: int, seed: int, advance: Callable[[int], object]
) -> tuple[Integers, Floats32, float]:
    """Neighbours from an inverted file, probing more cells until recall is high enough."""
    import faiss  # type: ignore[import-not-found, import-untyped, unused-ignore]

    cells = int(4 * np.sqrt(len(vectors)))
    index = faiss.IndexIVFFlat(
        faiss.IndexFlatIP(vectors.shape[1]), vectors.shape[1], cells, faiss.METRIC_INNER_PRODUCT
    )
    rng = np.random.default_rng(seed)
    index.train(vectors[np.sort(rng.permutation(len(vectors))[: TRAINING_ROWS_PER_CELL * cells])])
    index.add(vectors)
    asked = np.sort(rng.permutation(len(vectors))[:RECALL_QUERIES])
    wanted, _ = top_k(vectors, k, queries=asked)
    recall, index.nprobe = 0.0, FIRST_CELLS
    while True:
        found, _ = _search(index, vectors, asked, k)
        recall = float(np.mean([len(set(a) & set(b)) / k for a, b in zip(wanted, found, strict=True)]))
        if recall >= MIN_RECALL or index.nprobe >= cells:
            break
        index.nprobe = min(2 * index.nprobe, cells)
    parts = []
    for start in range(0, len(vectors), CHUNK):
        parts.append(_search(index, vectors, np.arange(start, min(start + CHUNK, len(vectors))), k))
        advance(len(parts[-1][0]))
    neighbors, cosines = (np.vstack(part) for part in zip(*parts, strict=True))
    alone = np.flatnonzero((neighbors < 0).any(axis=1))  # fewer than k others in the cells probed
    if len(alone):
        neighbors[alone], cosines[alone] = top_k(vectors, k, queries=alone)
    return neighbors, cosines, recall


def _search(index: Any, vectors: Floats32, rows: Integers, k: int) -> tuple[Integers, Floats32]:
    """(q, k) the nearest other rows of some rows that the index finds, and their cosines."""
    cosines, found = index.search(vectors[rows], k + 1)
    cosines[(found == rows[:, None]) | (found < 0)] = -np.inf
    order = np.argsort(-cosines, axis=1, kind="stable")[:, :k]
    return np.take_along_axis(found, order, axis=1), np.take_along_axis(cosines, order, axis=1)
