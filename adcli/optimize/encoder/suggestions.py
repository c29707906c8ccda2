"""The rows most worth labelling: those a classifier is least sure of, and unlike each other.

Source: Zhdanov, "Diverse Mini-Batch Active Learning" (2019): k-means over the least certain rows, weighted by
their uncertainty; Settles, "Active Learning Literature Survey" (2009), section 3.1, for the entropy.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
import polars as pl

from adcli.arrays import Floats, Floats32, Integers
from adcli.core.training.encoder.examples import fit_head

CANDIDATES: Final = 10  # uncertain rows that are looked at for each that is suggested


def suggest(
    rows: pl.DataFrame,
    vectors: Floats32,
    labels: Sequence[int | None],
    names: Sequence[str],
    *,
    most: int,
    seed: int,
) -> pl.DataFrame:
    """The rows to label next, the least certain first.

    Args:
        rows: (n,) the rows.
        vectors: (n, d) unit vectors of their texts.
        labels: (n,) position of each row's label in `names`; None where there is none yet.
        names: The labels there are.
        most: How many rows are wanted.
        seed: Of k-means.

    Returns:
        Rows without a label, with `predicted` (null if fewer than two labels are known) and `uncertainty`:
        the entropy of the predicted labels as a share of its greatest value.
    """
    open_rows = np.array([label is None for label in labels])
    known = np.flatnonzero(~open_rows)
    asked = np.flatnonzero(open_rows)
    given = [label for label in labels if label is not None]
    if len(set(given)) > 1:
        chances = _chances(vectors[asked], vectors[known], given, len(names))
        uncertainty = -(chances * np.log(np.clip(chances, 1e-12, 1))).sum(axis=1) / np.log(len(names))
        predicted = [names[i] for i in chances.argmax(axis=1)]
    else:
        uncertainty, predicted = np.ones(len(asked)), [None] * len(asked)
    chosen = _diverse(vectors[asked], uncertainty, most, seed)
    return (
        rows[asked[chosen]]
        .with_columns(
            pl.Series("predicted", [predicted[i] for i in chosen], dtype=pl.String),
            pl.Series("uncertainty", uncertainty[chosen].round(4), dtype=pl.Float64),
        )
        .sort("uncertainty", descending=True, maintain_order=True)
    )


def _chances(asked: Floats32, known: Floats32, labels: Sequence[int], names: int) -> Floats:
    """(n, names) probability of each label."""
    weight, bias = fit_head(known, labels, names)
    logits = (asked @ weight.T + bias).astype(np.float64)
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=1, keepdims=True))


def _diverse(vectors: Floats32, uncertainty: Floats, most: int, seed: int) -> Integers:
    """Places of the rows nearest to the centres of as many groups of uncertain rows."""
    from sklearn.cluster import KMeans

    candidates = np.argsort(-uncertainty, kind="stable")[: CANDIDATES * most]
    if len(candidates) <= most:
        return candidates
    weights = np.clip(uncertainty[candidates], 1e-6, None)
    groups = KMeans(most, n_init=3, random_state=seed).fit(vectors[candidates], sample_weight=weights)
    distances = groups.transform(vectors[candidates])
    chosen: list[int] = []
    for centre in range(most):
        free = np.setdiff1d(np.arange(len(candidates)), chosen)
        chosen.append(int(free[distances[free, centre].argmin()]))
    return np.asarray(candidates[np.sort(chosen)])
