"""Outliers without labels: an ensemble of two detectors that need no tuning.

One adds up how far out in its tail each feature is, the Mahalanobis distance also sees unusual combinations.
Both are standardised and averaged, the tails counting double (Aggarwal and Sathe, "Theoretical foundations
and algorithms for outlier ensembles", 2015). All is fitted on a sample and scores any rows.
"""

from __future__ import annotations

from typing import Final, NamedTuple, Self

import numpy as np

from adcli.arrays import Floats

_OF_TAILS: Final = 2.0  # weight beside the distance's 1


class Tails(NamedTuple):
    """Where the features of a sample of (n, f) values end.

    Source: the empirical tails of ECOD (Li et al., TKDE 2022), equation 5, each feature in the tail it is in,
    as PyOD's ECOD does now, where the paper takes one side of all: robots are high in one feature and low
    in another. The sum is that of Fisher's method (1925) over two-sided tails.
    """

    ordered: Floats

    @classmethod
    def fit(cls, values: Floats) -> Self:
        """The tails of the (n, f) values."""
        return cls(np.sort(values, axis=0))

    def shares(self, values: Floats) -> tuple[Floats, Floats]:
        """(m, f) share of the sample with a value as low, and as high, at least one of its rows."""
        count = len(self.ordered)
        lower, upper = np.empty(values.shape), np.empty(values.shape)
        for place, (known, column) in enumerate(zip(self.ordered.T, values.T, strict=True)):
            lower[:, place] = np.searchsorted(known, column, side="right")
            upper[:, place] = count - np.searchsorted(known, column, side="left")
        return np.maximum(lower, 1) / count, np.maximum(upper, 1) / count

    def scores(self, values: Floats) -> Floats:
        """(m,) sums of -log of two-sided tails."""
        return np.asarray(-np.log(np.minimum(2 * np.minimum(*self.shares(values)), 1)).sum(axis=1))


class Distance(NamedTuple):
    """Mean, deviation and (shrunk) precision of a sample of (n, f) values.

    Source: Ledoit and Wolf, "A well-conditioned estimator for large-dimensional covariance matrices" (2004).
    """

    center: Floats
    deviation: Floats
    precision: Floats

    @classmethod
    def fit(cls, values: Floats) -> Self:
        """The spread of the (n, f) values."""
        from sklearn.covariance import LedoitWolf

        center, spread = values.mean(axis=0), values.std(axis=0)
        deviation = np.where(spread > 0, spread, 1)
        if len(values) < 2:
            return cls(center, deviation, np.zeros((values.shape[1],) * 2))
        fitted = LedoitWolf(assume_centered=True).fit((values - center) / deviation)
        return cls(center, deviation, fitted.get_precision())

    def scores(self, values: Floats) -> Floats:
        """(m,) squared Mahalanobis distances to the mean."""
        standard = (values - self.center) / self.deviation
        return np.asarray(np.einsum("ij,ij->i", standard @ self.precision, standard))


def rank_tail(known: Floats, scores: Floats) -> Floats:
    """(m,) -log of the share of sorted scores that are as high: 0 for the lowest, log n for the highest."""
    return np.asarray(
        -np.log(np.maximum(len(known) - np.searchsorted(known, scores, side="left"), 1) / len(known))
    )


class OutlierDetector(NamedTuple):
    """The ensemble, fitted on a sample, with mean and deviation of the sample's scores by each detector."""

    tails: Tails
    distance: Distance
    of_tails: tuple[float, float]
    of_distances: tuple[float, float]

    @classmethod
    def fit(cls, values: Floats) -> Self:
        """The detector of (n, f) values."""
        tails, distance = Tails.fit(values), Distance.fit(values)
        return cls(tails, distance, *(_spread(one.scores(values)) for one in (tails, distance)))

    def scores(self, values: Floats) -> Floats:
        """(m,) mean deviations from what is usual."""
        (mean, deviation), (mean_distance, spread) = self.of_tails, self.of_distances
        by_tails = (self.tails.scores(values) - mean) / deviation
        by_distance = (self.distance.scores(values) - mean_distance) / spread
        return np.asarray((_OF_TAILS * by_tails + by_distance) / (_OF_TAILS + 1))


def _spread(scores: Floats) -> tuple[float, float]:
    """Mean and deviation."""
    return float(scores.mean()), float(scores.std()) or 1.0
