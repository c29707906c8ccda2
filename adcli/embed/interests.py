"""Several vectors a user, where one does not fit: what somebody likes may be two things far apart.

Source: Pal et al., "PinnerSage: Multi-Modal User Embedding Framework" (KDD 2020): Ward's clustering of what a
user acted on, as many clusters as it takes; here up to K, and weighted means in place of medoids.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt
import polars as pl

from adcli.embed.contents import OWN, Contents
from adcli.embed.profile_state import fading
from adcli.embed.vectors import embedding_column

FITS: Final = 0.95  # of the fit that most interests reach, with which fewer will do
FAR: Final = 0.7  # cosine below which two interests are two
MOST_CONTENTS: Final = 200
CHUNK_ROWS: Final = 8_192


class Interest(NamedTuple):
    """One of a user's interests: (d,) unit vector, share of the weight, and its contents, heaviest first."""

    vector: npt.NDArray[np.float64]
    share: float
    contents: npt.NDArray[np.int64]


def interests(contents: Contents, k: int, *, half_life: float | None = None) -> Iterator[pl.DataFrame]:
    """Rows of the vectors table, kind `user_interest`: up to `k` a user, by user, the weightiest first.

    Columns beside `id kind embedding`: `interest` (1, 2, …), `share` of the user's weight, and `about`, the
    three contents that weigh most in it, in words.

    Args:
        contents: Deeds with a `weight`, and what they were about.
        k: Interests of a user at most.
        half_life: Days after which a deed counts half; None for never.
    """
    rows: list[dict[str, object]] = []
    vectors: list[npt.NDArray[np.float64]] = []
    for user, places, weights in _weights_of_users(contents, half_life):
        for number, found in enumerate(user_interests(contents.vectors, places, weights, k), 1):
            about = " · ".join(contents.words[place] for place in found.contents[:3].tolist())
            rows.append({"id": user, "interest": number, "share": found.share, "about": about})
            vectors.append(found.vector)
        if len(rows) >= CHUNK_ROWS:
            yield _frame(rows, vectors)
            rows, vectors = [], []
    if rows:
        yield _frame(rows, vectors)


def user_interests(
    vectors: npt.NDArray[np.float32],
    places: npt.NDArray[np.int64],
    weights: npt.NDArray[np.float64],
    k: int,
) -> list[Interest]:
    """One user's interests: as few as fit almost as well as `k`, the weightiest first.

    How well they fit is the weighted mean cosine of contents to their interest.

    Args:
        vectors: (m, d) unit vectors of contents.
        places: (n,) which contents the user's deeds were about, heaviest first.
        weights: (n,) their weights, all above 0.
        k: Interests at most.
    """
    mine = vectors[places].astype(np.float64)
    labels = _ward_labels(mine, k)
    sums = [_cluster_sums(mine, weights, label) for label in labels]
    apart = [number for number, total in enumerate(sums) if _are_far(total)]
    fits = {number: float(np.linalg.norm(sums[number], axis=1).sum()) for number in apart}
    enough = next(number for number in apart if fits[number] >= FITS * max(fits.values()))
    label, total = labels[enough], sums[enough]
    shares = np.bincount(label, weights) / weights.sum()
    units = total / np.maximum(np.linalg.norm(total, axis=1, keepdims=True), 1e-12)
    order = np.argsort(-shares, kind="stable")
    return [Interest(units[group], float(shares[group]), places[label == group]) for group in order]


def _ward_labels(mine: npt.NDArray[np.float64], k: int) -> list[npt.NDArray[np.int64]]:
    """For 1, 2, … k clusters, the cluster of each content."""
    from scipy.cluster.hierarchy import fcluster, ward

    if len(mine) == 1 or k == 1:
        return [np.zeros(len(mine), np.int64)]
    tree = ward(mine)
    return [
        np.asarray(fcluster(tree, count, "maxclust"), np.int64) - 1
        for count in range(1, min(k, len(mine)) + 1)
    ]


def _cluster_sums(
    mine: npt.NDArray[np.float64], weights: npt.NDArray[np.float64], label: npt.NDArray[np.int64]
) -> npt.NDArray[np.float64]:
    """(clusters, d) weighted sums; their lengths over the weights are the mean cosines to the clusters."""
    sums = np.zeros((int(label.max()) + 1, mine.shape[1]))
    np.add.at(sums, label, weights[:, None] * mine)
    return sums


def _are_far(sums: npt.NDArray[np.float64]) -> bool:
    units = sums / np.maximum(np.linalg.norm(sums, axis=1, keepdims=True), 1e-12)
    return bool((np.triu(units @ units.T, 1) < FAR).all())


def _weights_of_users(
    contents: Contents, half_life: float | None
) -> Iterator[tuple[str, npt.NDArray[np.int64], npt.NDArray[np.float64]]]:
    """Each user, what their deeds were about, and with which weight, heaviest first."""
    age = pl.col("event_time").max().over("user_id") - pl.col("event_time")
    told = (
        contents.deeds.filter((pl.col("level") == OWN) & (pl.col("weight") > 0))
        .with_columns((pl.col("weight") * fading(age, half_life)).alias("faded"))
        .group_by("user_id", "content")
        .agg(pl.col("faded").sort().sum())
        .sort("user_id", -pl.col("faded"), "content")
    )
    for (user,), mine in told.group_by("user_id", maintain_order=True):
        heaviest = mine.head(MOST_CONTENTS)
        yield str(user), heaviest["content"].to_numpy(), heaviest["faded"].to_numpy()


def _frame(rows: list[dict[str, object]], vectors: list[npt.NDArray[np.float64]]) -> pl.DataFrame:
    table = pl.DataFrame(rows)
    embedding = embedding_column(np.array(vectors, np.float32))
    kind = pl.Series("kind", ["user_interest"]).new_from_index(0, table.height)
    return pl.DataFrame([table["id"], kind, embedding, table["interest"], table["share"], table["about"]])
