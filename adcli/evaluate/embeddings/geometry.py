"""How vectors lie: whether they all point one way, how evenly they fill the sphere, how near equals are.

Sources: Ethayarajh, "How Contextual are Contextualized Word Representations?" (2019), for anisotropy; Wang
and Isola, "Understanding Contrastive Representation Learning through Alignment and Uniformity on the
Hypersphere" (2020), for the others.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from adcli.arrays import Floats, Integers
from adcli.statistics.intervals import Interval

SAMPLED: Final = 2_000
RESAMPLES: Final = 500


class GeometryMetric(NamedTuple):
    """A figure with its bootstrap interval, and what it is."""

    metric: str
    value: float
    interval: Interval
    definition: str


def geometry(
    units: npt.NDArray[np.floating], groups: Integers | None, *, confidence: float, seed: int
) -> Iterator[GeometryMetric]:
    """Anisotropy and uniformity, and alignment if rows have groups; on up to 2,000 rows.

    `units` (n, d) unit vectors, at least two; `groups` (n,) which rows belong together, -1 for a row that
    belongs to none.
    """
    rng = np.random.default_rng(seed)
    rows = np.sort(rng.permutation(len(units))[:SAMPLED])
    cosines = units[rows].astype(np.float64) @ units[rows].T.astype(np.float64)
    weights = rng.multinomial(len(rows), np.full(len(rows), 1 / len(rows)), RESAMPLES).astype(np.float64)
    weights = np.vstack([np.ones(len(rows)), weights])
    over = f"pairs of {len(rows):,} rows; {confidence:.0%} bootstrap interval over rows"
    means = _pair_means(cosines, weights)
    spread = np.log(_pair_means(np.exp(-2 * (2 - 2 * cosines)), weights))
    figures = [
        ("anisotropy", means, f"mean cosine of {over}; 0 where no direction is preferred"),
        ("uniformity", spread, f"log of the mean of exp(-2 |x - y|^2) over {over}; lower is more even"),
    ]
    together = _together(groups[rows], cosines) if groups is not None else np.empty(0)
    if len(together) > 1:
        drawn = rng.integers(0, len(together), (RESAMPLES, len(together)))
        distances = np.concatenate([[together.mean()], together[drawn].mean(axis=1)])
        said = f"mean |x - y|^2 of a row and the others of its category, over {len(together):,} rows"
        figures.append(("alignment", distances, f"{said}; lower is nearer"))
    for metric, (value, *resampled), definition in figures:
        low, high = np.quantile(resampled, [(1 - confidence) / 2, (1 + confidence) / 2])
        yield GeometryMetric(metric, float(value), Interval(float(low), float(high)), definition)


def _pair_means(values: Floats, weights: Floats) -> Floats:
    """(resamples,) the mean of values over pairs of different rows, each row weighted."""
    squares = weights**2
    pairs = np.einsum("bn,bn->b", weights @ values, weights) - squares @ np.diagonal(values)
    return np.asarray(pairs / np.maximum(weights.sum(axis=1) ** 2 - squares.sum(axis=1), 1e-12))


def _together(groups: Integers, cosines: Floats) -> Floats:
    """Of each row that others share its group with, the mean squared distance to them."""
    same = (groups[:, None] == groups) & (groups[:, None] >= 0)
    np.fill_diagonal(same, val=False)
    others = same.sum(axis=1)
    has = others > 0
    return np.asarray((np.where(same, 2 - 2 * cosines, 0).sum(axis=1)[has]) / others[has])
