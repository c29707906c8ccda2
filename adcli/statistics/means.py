"""The mean of rows that may come in clusters, and its standard error."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from adcli.statistics.intervals import FloatArray


def cluster_totals(values: FloatArray, cluster: npt.NDArray[np.int64] | None = None) -> FloatArray:
    """The deviations from the mean, summed by cluster.

    Args:
        values: (n,) the rows.
        cluster: (n,) number of each row's cluster (its user), from 0 on; None where each row is its own.

    Returns:
        (clusters,), or (n,) without clusters.
    """
    deviation = values - values.mean()
    return deviation if cluster is None else np.bincount(cluster, weights=deviation).astype(np.float64)


def std_error(values: FloatArray, cluster: npt.NDArray[np.int64] | None = None) -> float:
    """The standard error of the mean, robust to dependence within clusters; NaN with fewer than two.

    Args:
        values: (n,) the rows.
        cluster: As in `cluster_totals`.

    Source: Liang and Zeger (1986), with the factor n / (n - 1) over clusters.
    """
    totals = cluster_totals(values, cluster)
    units = len(totals)
    if units < 2:
        return math.nan
    return math.sqrt(float(totals @ totals) * units / (units - 1)) / len(values)
