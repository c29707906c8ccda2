"""Retrieval by cosine: recall, reciprocal rank and NDCG of each query.

Source: Järvelin and Kekäläinen, "Cumulated gain-based evaluation of IR techniques" (2002), for NDCG.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from adcli.arrays import Flags, Floats, Floats32, Integers

CHUNK: Final = 256


def unit_vectors(vectors: npt.NDArray[np.generic]) -> Floats32:
    """(…, d) the vectors at length 1; zeros stay zeros."""
    numbers = np.asarray(vectors, np.float64)
    lengths = np.linalg.norm(numbers, axis=-1, keepdims=True)
    return np.asarray(numbers / np.where(lengths > 0, lengths, 1), dtype=np.float32)


class RetrievalTask(NamedTuple):
    """Queries, and the candidates that are relevant to each."""

    queries: npt.NDArray[np.floating]  # (q, d) unit vectors
    candidates: npt.NDArray[np.floating]  # (n, d) unit vectors
    # the (c, n) relevant candidates of some queries, from their (c,) row numbers
    relevant: Callable[[Integers], Flags]
    own: Integers  # (q,) the candidate that is the query itself and is left out; -1 for none


class Retrieved(NamedTuple):
    """The metrics of each query."""

    values: Floats  # (q, metrics) recall at each k, reciprocal rank, NDCG at the largest k
    metrics: list[str]  # their names
    chance: Floats  # (q, len(ks)) recall of a random order


def retrieve(task: RetrievalTask, ks: Sequence[int], *, seed: int) -> Retrieved:
    """Rank the candidates by cosine for each query.

    Recall at k is the relevant candidates among the first k over the smaller of k and their number. Ties are
    broken at random.

    `task`: queries with at least one relevant candidate each; `ks`: cutoffs.
    """
    shuffled = np.random.default_rng(seed).permutation(len(task.candidates))
    candidates = np.ascontiguousarray(task.candidates[shuffled], np.float32)
    place = np.argsort(shuffled)
    parts = [
        _retrieve_some(
            task, candidates, shuffled, place, np.arange(start, min(start + CHUNK, len(task.queries))), ks
        )
        for start in range(0, len(task.queries), CHUNK)
    ]
    metrics = [*(f"recall@{k}" for k in ks), "mrr", f"ndcg@{max(ks)}"]
    return Retrieved(
        np.vstack([values for values, _ in parts]), metrics, np.vstack([chance for _, chance in parts])
    )


def _retrieve_some(
    task: RetrievalTask,
    candidates: Floats32,
    shuffled: Integers,
    place: Integers,
    rows: Integers,
    ks: Sequence[int],
) -> tuple[Floats, Floats]:
    scores = task.queries[rows].astype(np.float32) @ candidates.T
    right = task.relevant(rows)[:, shuffled]
    own = task.own[rows]
    itself = np.flatnonzero(own >= 0)
    scores[itself, place[own[itself]]] = -np.inf
    right[itself, place[own[itself]]] = False
    many = np.maximum(right.sum(axis=1), 1)
    deepest = min(max(ks), scores.shape[1])
    nearest = (
        np.argsort(-scores, axis=1, kind="stable")[:, :deepest]
        if deepest * 4 > scores.shape[1]
        else _top(scores, deepest)
    )
    is_right = np.take_along_axis(right, nearest, axis=1)
    hits = is_right.cumsum(axis=1)
    recall = [hits[:, min(k, deepest) - 1] / np.minimum(k, many) for k in ks]
    gain = 1 / np.log2(np.arange(2, deepest + 2))
    ideal = gain.cumsum()[np.minimum(many, deepest) - 1]
    ndcg = np.minimum(is_right @ gain / ideal, 1.0)  # sums of the same gains may differ in the last digit
    values = np.column_stack([*recall, 1 / _first_rank(scores, right), ndcg])
    others = scores.shape[1] - (own >= 0)
    chance = np.column_stack([np.minimum(k, others) * many / others / np.minimum(k, many) for k in ks])
    return values, chance


def _top(scores: Floats32, k: int) -> Integers:
    """(c, k) places of the highest scores, highest first, ties by place."""
    found = np.argpartition(-scores, k - 1, axis=1)[:, :k]
    its = np.take_along_axis(scores, found, axis=1)
    return np.asarray(np.take_along_axis(found, np.lexsort((found, -its)), axis=1))


def _first_rank(scores: Floats32, right: Flags) -> Floats:
    """(c,) the rank of the first relevant candidate, ties ranked by place."""
    best = np.where(right, scores, -np.inf).max(axis=1, keepdims=True)
    at_best = scores == best
    first = (at_best & right).argmax(axis=1)
    before = at_best & (np.arange(scores.shape[1]) < first[:, None])
    return np.asarray(1.0 + (scores > best).sum(axis=1) + before.sum(axis=1))
