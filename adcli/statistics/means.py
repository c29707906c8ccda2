"""The mean of rows that may come in clusters, and its standard error."""

from __future__ import annotations

import math

import numpy as np

from adcli.arrays import Floats, Integers
from adcli.statistics.intervals import FEWEST_DEGREES, ClusteredRatio

ROUNDING = 1e-12


def cluster_totals(values: Floats, cluster: Integers | None = None) -> Floats:
    """The deviations from the mean, summed by cluster.

    `values` (n,) the rows; `cluster` (n,) number of each row's cluster (its user), from 0 on, None where each
    row is its own. Returns (clusters,), or (n,) without clusters.
    """
    deviation = values - values.mean()
    return deviation if cluster is None else np.bincount(cluster, weights=deviation).astype(np.float64)


def std_error(values: Floats, cluster: Integers | None = None) -> float:
    """The standard error of the mean, robust to dependence within clusters; NaN with fewer than two.

    `values` (n,) the rows.

    Source: Liang and Zeger (1986), with the factor n / (n - 1) over clusters.
    """
    totals = cluster_totals(values, cluster)
    units = len(totals)
    if units < 2:
        return math.nan
    return math.sqrt(float(totals @ totals) * units / (units - 1)) / len(values)


def clustered_mean(
    values: Floats, cluster: Integers | None = None, *, least_error: float = 0.0
) -> ClusteredRatio:
    """The mean of rows that may come in clusters, with what its interval rests on.

    Values all alike have an error of 0, and an interval without width.

    `values` (n,) the rows; `least_error`: the error is at least this, for rows that are each their own
    cluster.

    Source: `ClusteredRatio`, of the sum of the values over their number.
    """
    totals = cluster_totals(values, cluster)
    mean, error, squares = float(values.mean()), std_error(values, cluster), totals**2
    variance = float(squares.sum())
    if not variance > (ROUNDING * len(values) * mean) ** 2 / len(totals) or math.isnan(error):
        return ClusteredRatio(mean, 0.0 if len(totals) > 1 else math.nan, math.inf, 0.0, False)
    of_rows = error if cluster is None else std_error(values)
    degrees = max(3 * variance**2 / float(squares @ squares) - 1, FEWEST_DEGREES)
    skew = float(squares @ totals) / variance**1.5
    wider = max(least_error / of_rows, 1.0) if of_rows > 0 else 1.0
    return ClusteredRatio(mean, error * wider, degrees, skew, mean > 0 and float(values.min()) >= 0)
