"""Several vectors a user (multi-interest): what a user likes may lie in places far apart.

Source: Pal et al., "PinnerSage: Multi-Modal User Embedding Framework" (KDD 2020): Ward's clustering of what a
user interacted with, as many clusters as needed; here up to K, and weighted means in place of medoids.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, NamedTuple

import numpy as np
import polars as pl

from adcli.arrays import Floats, Floats32, Integers
from adcli.embed.interaction_vectors import OWN, InteractionVectors
from adcli.embed.profile_sums import decay
from adcli.embed.vectors import embedding_column
from adcli.statistics.retrieval import unit_vectors

ENOUGH_FIT: Final = 0.95  # share of the fit of more interests with which fewer are enough
MAX_COSINE: Final = 0.7  # of two interests that are kept apart
MAX_VECTORS: Final = 200
CHUNK_ROWS: Final = 8_192


class Interest(NamedTuple):
    """(d,) unit vector, share of the user's weight, and rows of the vectors in it, heaviest first."""

    vector: Floats32
    share: float
    members: Integers


def interests(
    interactions: InteractionVectors, k: int, *, half_life: float | None = None
) -> Iterator[pl.DataFrame]:
    """Rows of the vectors table, kind `user_interest`: up to `k` a user, by user, largest first.

    Columns beside `id kind embedding`: `interest` (1, 2, …), `share` of the user's weight, and `about`, the
    titles of the three heaviest members.

    `interactions`: interactions with a `weight`; `k`: interests of a user at most; `half_life`: days after
    which an event counts half, None for never.
    """
    rows: list[dict[str, object]] = []
    vectors: list[Floats32] = []
    for user, members, weights in _weights_of_users(interactions, half_life):
        for number, found in enumerate(user_interests(interactions.vectors, members, weights, k), 1):
            about = " · ".join(interactions.titles[member] for member in found.members[:3].tolist())
            rows.append({"id": user, "interest": number, "share": found.share, "about": about})
            vectors.append(found.vector)
        if len(rows) >= CHUNK_ROWS:
            yield _frame(rows, vectors)
            rows, vectors = [], []
    if rows:
        yield _frame(rows, vectors)


def user_interests(vectors: Floats32, members: Integers, weights: Floats, k: int) -> list[Interest]:
    """One user's interests: as few as fit almost as well as `k`, largest first.

    The fit is the weighted mean cosine of the members to their interest.

    `vectors` (m, d) unit vectors; `members` (n,) rows of those the user interacted with, heaviest first;
    `weights` (n,) their weights, all above 0; `k`: interests at most.
    """
    mine = vectors[members].astype(np.float64)
    labels = _ward_labels(mine, k)
    sums = [_cluster_sums(mine, weights, label) for label in labels]
    apart = [number for number, total in enumerate(sums) if _are_far(total)]
    fits = {number: float(np.linalg.norm(sums[number], axis=1).sum()) for number in apart}
    enough = next(number for number in apart if fits[number] >= ENOUGH_FIT * max(fits.values()))
    label, total = labels[enough], sums[enough]
    shares = np.bincount(label, weights) / weights.sum()
    order = np.argsort(-shares, kind="stable")
    units = unit_vectors(total)
    return [Interest(units[group], float(shares[group]), members[label == group]) for group in order]


def _ward_labels(mine: Floats, k: int) -> list[Integers]:
    """For 1, 2, … k clusters, the cluster of each row."""
    from scipy.cluster.hierarchy import fcluster, ward

    if len(mine) == 1 or k == 1:
        return [np.zeros(len(mine), np.int64)]
    tree = ward(mine)
    return [
        np.asarray(fcluster(tree, count, "maxclust"), np.int64) - 1
        for count in range(1, min(k, len(mine)) + 1)
    ]


def _cluster_sums(mine: Floats, weights: Floats, label: Integers) -> Floats:
    """(clusters, d) weighted sums; their lengths over the weights are the mean cosines to the clusters."""
    sums = np.zeros((int(label.max()) + 1, mine.shape[1]))
    np.add.at(sums, label, weights[:, None] * mine)
    return sums


def _are_far(sums: Floats) -> bool:
    units = unit_vectors(sums)
    return bool((np.triu(units @ units.T, 1) < MAX_COSINE).all())


def _weights_of_users(
    interactions: InteractionVectors, half_life: float | None
) -> Iterator[tuple[str, Integers, Floats]]:
    """Each user, rows of the vectors of their interactions, and decayed weights, heaviest first."""
    age = pl.col("event_time").max().over("user_id") - pl.col("event_time")
    summed = (
        interactions.events.filter((pl.col("level") == OWN) & (pl.col("weight") > 0))
        .with_columns((pl.col("weight") * decay(age, half_life)).alias("decayed"))
        .group_by("user_id", "vector")
        .agg(pl.col("decayed").sort().sum())
        .sort("user_id", -pl.col("decayed"), "vector")
        .group_by("user_id", maintain_order=True)
        .head(MAX_VECTORS)
    )
    for (user,), mine in summed.group_by("user_id", maintain_order=True):
        yield str(user), mine["vector"].to_numpy(), mine["decayed"].to_numpy()


def _frame(rows: list[dict[str, object]], vectors: list[Floats32]) -> pl.DataFrame:
    table = pl.DataFrame(rows)
    embedding = embedding_column(np.array(vectors, np.float32))
    kind = pl.Series("kind", ["user_interest"]).new_from_index(0, table.height)
    return pl.DataFrame([table["id"], kind, embedding, table["interest"], table["share"], table["about"]])
