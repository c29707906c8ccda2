"""Kinds of coefficients of a mixed model, each normal around 0 with a variance that the data speak for."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from adcli.arrays import Floats, Floats32

STARTING_VARIANCE = 0.05  # of what a kind adds to a score for a number of deviation 1
SMALLEST_VARIANCE, LARGEST_VARIANCE = 1e-7, 10.0
LEAST_SHARE = 1e-9  # of a direction of the context, of the largest
PRIOR_SHARE = 0.25  # of the numbers of a context: the actions that an even covariance counts for


class Curvature(NamedTuple):
    """Second derivatives of the loss in the weights of each action.

    `matrices` (K, D, D), or (0, D, D) where no kind needs more than their `diagonal` (D, K).
    """

    matrices: Floats32
    diagonal: Floats


class Effects(NamedTuple):
    """Coefficients C (r, m) in units of their deviation, which make weights root C f' of actions.

    `root` (D, r) is that of their covariance over the numbers of a context and the 1 beside them, `features`
    f (K, m) are of the actions. `whole` learns the covariance, and else the variance alone.
    """

    root: Floats
    features: Floats
    whole: bool = False

    @classmethod
    def starting(cls, on: Floats, features: Floats, *, whole: bool = False) -> Effects:
        """Effects of the numbers that the columns of `on` (D, r) pick, with the variance to start from."""
        variance = STARTING_VARIANCE / max(float(np.square(features).sum(axis=1).mean()), 1e-9)
        return cls(np.sqrt(variance) * on, features, whole)

    @property
    def shape(self) -> tuple[int, int]:
        """(r, m)."""
        return self.root.shape[1], self.features.shape[1]

    def weights(self, coefficients: Floats) -> Floats:
        """The weights of the actions that these coefficients make, shape (D, K)."""
        return np.asarray(self.root @ coefficients @ self.features.T)

    def gradient(self, by_weight: Floats) -> Floats:
        """The gradient in the coefficients, from that in the weights."""
        return np.asarray(self.root.T @ by_weight @ self.features)

    def updated(self, coefficients: Floats, curvature: Curvature) -> tuple[Effects, Floats]:
        """Itself with the variance that coefficients speak for, and these in its new units.

        As much as the data determine them they are to have variance 1: MacKay's (1992) fixed point.
        """
        if self.whole:
            return self._with_covariance(coefficients, curvature.matrices)
        precision = np.square(self.root).T @ curvature.diagonal @ np.square(self.features)
        determined = max(float((precision / (precision + 1)).sum()), 1e-12)
        before = float(np.square(self.root).max())
        found = before * float(np.square(coefficients).sum()) / determined
        scale = np.sqrt(np.clip(found, SMALLEST_VARIANCE, LARGEST_VARIANCE) / before)
        return self._replace(root=self.root * scale), coefficients / scale

    def _with_covariance(self, own: Floats, matrices: Floats32) -> tuple[Effects, Floats]:
        """Its covariance: the shape by a step of EM, the size by the fixed point, mixed with an even one."""
        (d, k), narrow = self.shape, self.root.astype(np.float32)
        uncertain = np.zeros((d, d))
        for matrix in matrices:
            uncertain += np.linalg.inv(np.eye(d, dtype=np.float32) + narrow.T @ matrix @ narrow)
        shape = own @ own.T + uncertain
        size = float(np.square(own).sum()) / max(k * d - float(np.trace(uncertain)), 1e-12)
        own_numbers = self.root.any(axis=1)
        before = self.root[own_numbers]
        covariance = before @ shape @ before.T * (size * d / float(np.trace(shape)))
        even = PRIOR_SHARE * float(np.trace(covariance)) * np.eye(d)
        spread, directions = np.linalg.eigh((k * covariance + even) / (k + PRIOR_SHARE * d))
        least = max(LEAST_SHARE * float(spread[-1]), SMALLEST_VARIANCE)
        root = np.zeros_like(self.root)
        root[own_numbers] = directions * np.sqrt(np.maximum(spread, least))
        return self._replace(root=root), np.asarray(np.linalg.solve(root[own_numbers], before @ own))
