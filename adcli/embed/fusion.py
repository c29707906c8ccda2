"""Fusion of vectors from other models (images, audio) with those of the texts, at equal weight.

    given = given_vectors(table)                 # a vectors table of the same ids
    fused = fuse(ids, text_units, [given])       # (n, d + d_given) unit vectors

Each block is at length 1 and the blocks stand side by side, so that the cosine of two fused vectors is the
mean of their cosines. Given vectors are centred first, as those of other models often point one way
(Ethayarajh, 2019). A row without a given vector has zeros there.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final, NamedTuple

import numpy as np
import polars as pl

from adcli.arrays import Floats, Floats32
from adcli.behaviour.next_item import next_item_task
from adcli.embed.vectors import Encode, matrix
from adcli.errors import DataError
from adcli.statistics.intervals import student_quantile
from adcli.statistics.means import std_error
from adcli.statistics.retrieval import retrieve, unit_vectors

RECALL_AT: Final = 20
HELD_OUT: Final = 0.2  # share of the events, the latest
MAX_USERS: Final = 5_000


class GivenVectors(NamedTuple):
    """(n,) ids and (n, d) unit vectors, centred."""

    ids: pl.Series
    vectors: Floats32


class AddedRecall(NamedTuple):
    """Next-item recall at 20 of held-out items, of each user: by text alone, and fused."""

    text: Floats  # (users,) recall by the vectors of the texts
    fused: Floats  # (users,) recall by the fused vectors
    since: datetime | None  # the time of the split; None if each user's last item is held out

    @property
    def sentence(self) -> str:
        """The two recalls and their paired difference."""
        users, difference = len(self.text), self.fused - self.text
        margin = student_quantile(0.95, users - 1) * std_error(difference) if users > 1 else float("nan")
        when = "each user's last item" if self.since is None else f"items from {self.since:%Y-%m-%d} on"
        return (
            f"Next-item recall@{RECALL_AT} ({when}, {users:,} users): texts {self.text.mean():.3f}, with "
            f"the given vectors {self.fused.mean():.3f}, difference {difference.mean():+.3f} (95 % interval "
            f"{difference.mean() - margin:+.3f} to {difference.mean() + margin:+.3f})."
        )


def given_vectors(table: pl.DataFrame) -> GivenVectors:
    """The vectors of a vectors table; of equal ids the first."""
    known = table.filter(pl.col("embedding").is_not_null()).unique("id", keep="first", maintain_order=True)
    vectors = matrix(known["embedding"]).astype(np.float64)
    return GivenVectors(known["id"], unit_vectors(vectors - vectors.mean(axis=0)))


def known_rows(ids: pl.Series, given: Sequence[GivenVectors]) -> int:
    """How many of the ids have a given vector."""
    known = pl.concat([ids_given for ids_given, _ in given]).unique()
    return int(ids.is_in(known.implode()).sum())


def fuse(ids: pl.Series, units: Floats32, given: Sequence[GivenVectors]) -> Floats32:
    """(n, d) the unit vectors of `ids` fused with those given."""
    blocks = [units]
    for ids_given, vectors in given:
        rows = pl.DataFrame({"id": ids_given}).with_row_index("row")
        row = pl.DataFrame({"id": ids}).join(rows, on="id", how="left", maintain_order="left")["row"]
        block = vectors[row.fill_null(0).to_numpy()]
        blocks.append(np.where(row.is_null().to_numpy()[:, None], np.float32(0), block))
    return unit_vectors(np.hstack(blocks))


def without_given(encode: Encode, given: Sequence[GivenVectors]) -> Encode:
    """An encoder of texts into the space of the fused vectors: zeros where those given stand."""
    width = sum(vectors.shape[1] for _, vectors in given)

    def fused_encode(texts: Sequence[str]) -> Floats32:
        return np.pad(encode(texts), ((0, 0), (0, width)))

    return fused_encode


def added_recall(
    events: pl.DataFrame, ids: pl.Series, text: Floats32, fused: Floats32, *, seed: int
) -> AddedRecall:
    """How well the items before a time find those after it, by both kinds of vectors.

    `events`: `user_id event_time item_id`; `ids` (n,) ids of the items; `text` (n, d) unit vectors of their
    texts; `fused` (n, e) fused unit vectors. Raises DataError if no user has items on both sides of the
    split.
    """
    known = events.filter(pl.col("event_time").is_not_null() & pl.col("item_id").is_in(ids.implode()))
    split = known["event_time"].sort()[int(known.height * (1 - HELD_OUT))] if known.height else None
    try:
        return AddedRecall(*_recalls(known, ids, text, fused, split, seed), split)
    except DataError:
        return AddedRecall(*_recalls(known, ids, text, fused, None, seed), None)


def _recalls(
    events: pl.DataFrame, ids: pl.Series, text: Floats32, fused: Floats32, since: datetime | None, seed: int
) -> tuple[Floats, Floats]:
    """The recall of each user, by text and fused."""

    def recall(units: Floats32) -> Floats:
        next_item = next_item_task(
            events, ids, units, users=None, user_units=None, since=since, most=MAX_USERS, seed=seed
        )
        return retrieve(next_item.task, [RECALL_AT], seed=seed).values[:, 0]

    return recall(text), recall(fused)
