"""Users (or products) in K segments that have names.

    found = segment(vectors, 6, texts, seed=0)
    found.frame()                    # segment_id segment_name, a row for each vector

The same vectors and seed give the same segments, in whatever order the rows come. Where earlier segments are
given, K-means starts from them and they keep their ids and names.
"""

from __future__ import annotations

import re
from typing import Final, NamedTuple

import numpy as np
import polars as pl

from adcli.arrays import Floats, Floats32, Integers
from adcli.behaviour.segments import SegmentCentres
from adcli.embed.segment_names import SegmentTerms, segment_names
from adcli.errors import UsageError

FULL_BATCH_UP_TO: Final = 100_000  # rows; beyond, mini-batch K-means
STARTS: Final = 10
SORT_DIMENSIONS: Final = 8  # by which rows are sorted, so that their order does not matter


class Segments(NamedTuple):
    """A segmentation."""

    labels: Integers  # (n,) the segment of each row
    ids: list[str]  # (k,) names as slugs
    names: list[str]  # (k,) names
    explained: float  # share of the variance of the vectors between the segments

    def frame(self) -> pl.DataFrame:
        """`segment_id segment_name` of each row."""
        return pl.DataFrame(
            {
                "segment_id": [self.ids[label] for label in self.labels],
                "segment_name": [self.names[label] for label in self.labels],
            },
            schema={"segment_id": pl.String, "segment_name": pl.String},
        )


def segment(
    vectors: Floats32, k: int, texts: SegmentTerms, *, seed: int, earlier: SegmentCentres | None = None
) -> Segments:
    """The rows in `k` segments.

    `vectors` (n, d) unit vectors; `texts`: texts of the rows, for the names; `earlier`: segments to start
    from, whose names are kept. Raises UsageError if there are fewer rows than segments, or another number of
    earlier ones.
    """
    if k > len(vectors):
        raise UsageError(f"--segments {k}: there are only {len(vectors):,} rows.")
    if earlier is not None and len(earlier.ids) != k:
        raise UsageError(
            f"--segments {k}: the earlier profiles have {len(earlier.ids)} segments.",
            fix=f"Give --segments {len(earlier.ids)}, or segment without --update-from.",
        )
    labels, explained = _k_means(vectors, k, seed, None if earlier is None else earlier.centres)
    if earlier is not None:
        return Segments(labels, earlier.ids, earlier.names, explained)
    by_size = np.argsort(-np.bincount(labels, minlength=k), kind="stable")
    labels = np.argsort(by_size)[labels]
    names = segment_names(texts, labels, k)
    return Segments(labels, [slug(name) for name in names], names, explained)


def slug(name: str) -> str:
    """A name as a slug: `Kitchen · moka pot` is `kitchen-moka-pot`."""
    return re.sub(r"[^\w]+", "-", name.lower()).strip("-_")


def _k_means(vectors: Floats32, k: int, seed: int, centres: Floats | None) -> tuple[Integers, float]:
    """(n,) clusters, and the explained share of the variance."""
    from sklearn.cluster import KMeans, MiniBatchKMeans
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped, unused-ignore]

    full_batch = len(vectors) <= FULL_BATCH_UP_TO
    kind = KMeans if full_batch else MiniBatchKMeans
    start = {"init": centres.astype(np.float32), "n_init": 1} if centres is not None else {"n_init": STARTS}
    order = np.lexsort(vectors.T[:SORT_DIMENSIONS])
    with threadpool_limits(1):  # sums in one order, so that a re-run is the same to the bit
        fitted = kind(k, random_state=seed, **start).fit(vectors[order])
        labels = fitted.predict(vectors).astype(np.int64)
    around = vectors - vectors.mean(axis=0)
    within = vectors - fitted.cluster_centers_[labels]
    total = float((around.astype(np.float64) ** 2).sum())
    explained = 1 - float((within.astype(np.float64) ** 2).sum()) / total if total else 1.0
    return labels, explained
