"""The population stability index of two histograms, also where rows come in clusters such as users."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from adcli.arrays import Floats, Integers
from adcli.statistics.intervals import NO_INTERVAL, Interval

EMPTY = 0.5  # rows that a bin without any is counted as
NEGLIGIBLE = 1e-9  # scipy's root finder answers with a denormal where there is no root


class Cells(NamedTuple):
    """The bin or value of each row of one file, and the cluster it belongs to (None: each row its own)."""

    cell: Integers
    cluster: Integers | None

    def counts(self, cells: int) -> Floats:
        """(cells,) rows."""
        return np.bincount(self.cell, minlength=cells).astype(np.float64)

    def covariance(self, cells: int) -> Floats:
        """(cells, cells) covariance of the shares of rows, each cluster drawn as a whole."""
        from scipy.sparse import csr_array

        share = self.counts(cells) / len(self.cell)
        if self.cluster is None:
            return (np.diag(share) - np.outer(share, share)) / len(self.cell)
        ones, clusters = np.ones(len(self.cell)), int(self.cluster.max()) + 1
        totals = csr_array((ones, (self.cluster, self.cell)), (clusters, cells))
        size = np.asarray(totals.sum(axis=1)).ravel()
        mixed = np.outer(totals.T @ size, share)
        scatter = (totals.T @ totals).toarray() - mixed - mixed.T + size @ size * np.outer(share, share)
        return np.asarray(scatter / len(self.cell) ** 2 * (clusters / max(clusters - 1, 1)))


class Chance(NamedTuple):
    """What the index comes to without drift: about `noise` x chi-square of so many degrees."""

    noise: float  # of one degree
    degrees: float  # of freedom
    # effective number of clusters of the file that has fewer; infinite where rows are independent
    users: float = math.inf
    # chi-square distance of the shares, whose p-value holds with few clusters too: the index, whose
    # logarithms make much of a rare value that one file lacks, is up to twice as often beyond
    distance: float = math.nan

    def interval(self, value: float, confidence: float) -> tuple[Interval, float]:
        """Interval of the index, and p-value of no drift.

        Files more alike than chance makes them say no more than files as alike as chance: two rows that are
        equal leave room for drift. So the upper end is that of a statistic at its mean, where the one seen is
        below.

        Source: Yurdakul (2018), theorem 1; with drift the noncentral chi-square, inverted in its
        noncentrality.
        """
        if self.degrees == 0:
            return NO_INTERVAL, math.nan
        statistic, tail = value / self.noise, (1 - confidence) / 2
        low = _noncentrality(statistic, self.degrees, 1 - tail) * self.noise
        high = _noncentrality(max(statistic, self.degrees), self.degrees, tail) * self.noise
        p_value = self._p_value(statistic)
        return Interval(low if p_value <= 1 - confidence else 0.0, high), p_value

    def _p_value(self, statistic: float) -> float:
        """Of no drift; where rows come in clusters by F, as Thomas and Rao (1987) do."""
        from scipy.stats import chi2, f

        if math.isinf(self.users):
            return float(chi2.sf(statistic, self.degrees))
        if self.users <= 1:
            return 1.0
        tested = self.distance / (self.noise * self.degrees)
        return float(f.sf(tested, self.degrees, self.degrees * (self.users - 1)))


def population_stability(reference: Floats, current: Floats) -> float:
    """The population stability index, sum of (q - p) ln(q / p), of two histograms over the same bins.

    `reference` (bins,) counts; `current` (bins,) counts.

    Source: Jeffreys' divergence; Siddiqi (2006), chapter 8.
    """
    p, q = (np.maximum(counts, EMPTY) / np.maximum(counts, EMPTY).sum() for counts in (reference, current))
    return float(((q - p) * np.log(q / p)).sum())


def chance(reference: Cells, current: Cells, cells: int) -> Chance:
    """The noise and the degrees of the index; for independent rows 1/n + 1/m, and cells - 1.

    Source: Rao and Scott (1984), the second-order correction, by Satterthwaite's approximation, with what one
        cluster varies by taken from both files.
    """
    counts = [side.counts(cells) for side in (reference, current)]
    if (kept := counts[0] + counts[1] > 0).sum() < 2:
        return Chance(math.nan, 0.0)
    if reference.cluster is None and current.cluster is None:
        return Chance(1 / counts[0].sum() + 1 / counts[1].sum(), int(kept.sum()) - 1)
    worth = np.array([_effective_clusters(side) for side in (reference, current)])
    shares = np.array([one[kept] / one.sum() for one in counts])
    pooled = worth @ shares / worth.sum()
    of_one = sum(
        n**2 * side.covariance(cells) for n, side in zip(worth, (reference, current), strict=True)
    ) / float(worth.sum())
    relative = of_one[np.ix_(kept, kept)] * float((1 / worth).sum()) / pooled
    trace, squares = float(np.trace(relative)), float((relative * relative.T).sum())
    if not trace > 0:
        return Chance(math.nan, 0.0)
    distance = float(((shares[0] - shares[1]) ** 2 / pooled).sum())
    return Chance(squares / trace, trace**2 / squares, float(worth.min()), distance)


def _effective_clusters(side: Cells) -> float:
    """Clusters of equal size that are worth as much. Source: Kish (1965)."""
    if side.cluster is None:
        return float(len(side.cell))
    size = np.bincount(side.cluster).astype(np.float64)
    return float(size.sum() ** 2 / (size @ size))


def effective_rows(side: Cells, cells: int) -> float:
    """Rows worth as much to the distribution function as these, at the cell where they are worth least."""
    n = len(side.cell)
    if side.cluster is None:
        return n
    below = np.cumsum(side.counts(cells) / n)
    variance = np.cumsum(np.cumsum(side.covariance(cells), axis=0), axis=1).diagonal()
    independent = below * (1 - below) / n
    inside = independent > NEGLIGIBLE / n
    return float(n / max((variance[inside] / independent[inside]).max(initial=1.0), 1.0))


def _noncentrality(statistic: float, degrees: float, level: float) -> float:
    """The noncentrality that puts the statistic at `level` of its distribution, or 0 if none does."""
    from scipy.special import chndtrinc

    found = float(chndtrinc(statistic, degrees, level))
    return found if math.isfinite(found) and found > NEGLIGIBLE else 0.0
