"""Kinds of coefficients of a mixed model, each with a variance, in units of whose root they are kept."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

STARTING_VARIANCE = 0.05  # of what a kind adds to a score for a number of deviation 1
SMALLEST_VARIANCE, LARGEST_VARIANCE = 1e-7, 10.0
LEAST_SHARE = 1e-9  # of a direction of the context, of the largest
PRIOR_SHARE = 0.25  # of the numbers of a context: the actions that an even covariance counts for


class Curvature(NamedTuple):
    """Second derivatives of the loss.

    `matrices` (K, d, d) are in the weights of each action, or none; `diagonal` (d, K) holds their diagonals,
    `intercept` (K,) those in its bias.
    """

    matrices: NDArray[np.float32]
    diagonal: Array
    intercept: Array


class Effects(Protocol):
    """Coefficients of one kind, and what they add to the scores of actions."""

    @property
    def size(self) -> int:
        """How many coefficients there are."""

    @property
    def whole(self) -> bool:
        """Whether their variance needs the matrices of the curvature."""

    def add(self, coefficients: Array, weights: Array, bias: Array) -> None:
        """Add what they make of weights (d, K) and biases (K,), in place."""

    def gradient(self, by_weight: Array, by_bias: Array) -> Array:
        """The gradient in the coefficients, from that in the weights and biases."""

    def updated(self, coefficients: Array, curvature: Curvature) -> tuple[Effects, Array]:
        """Itself with the variance that coefficients speak for, and these in its new units."""


def _variance(coefficients: Array, precision: Array, before: float) -> float:
    """The variance of coefficients of which so many are determined by the data: MacKay's (1992) fixed point.

    `coefficients` are in units of the deviation before, `precision` is the data's on each in plain units.
    """
    determined = float((precision * before / (precision * before + 1)).sum())
    found = before * float(np.square(coefficients).sum()) / max(determined, 1e-12)
    return float(np.clip(found, SMALLEST_VARIANCE, LARGEST_VARIANCE))


@dataclass(frozen=True, eq=False)
class Intercepts:
    """Of an action with features f (K, m): f.v, whatever the context."""

    features: Array
    variance: float
    whole: bool = False

    @classmethod
    def starting(cls, features: Array) -> Intercepts:
        """With the variance to start from."""
        return cls(features, STARTING_VARIANCE / max(float(np.square(features).sum(axis=1).mean()), 1e-9))

    @property
    def size(self) -> int:
        """How many coefficients there are."""
        return int(self.features.shape[1])

    def add(self, coefficients: Array, weights: Array, bias: Array) -> None:
        """Add what they make of biases, in place."""
        bias += np.sqrt(self.variance) * (self.features @ coefficients)

    def gradient(self, by_weight: Array, by_bias: Array) -> Array:
        """The gradient in the coefficients."""
        return np.asarray(np.sqrt(self.variance) * (by_bias @ self.features))

    def updated(self, coefficients: Array, curvature: Curvature) -> tuple[Effects, Array]:
        """Itself with the variance that coefficients speak for, and these in its new units."""
        variance = _variance(coefficients, curvature.intercept @ np.square(self.features), self.variance)
        return replace(self, variance=variance), coefficients * np.sqrt(self.variance / variance)


@dataclass(frozen=True, eq=False)
class Slopes:
    """Of an action with features f (K, m) in a context x (d,): x P f. Features of 1 are main effects of x."""

    features: Array
    dimensions: int
    variance: float
    whole: bool = False

    @classmethod
    def starting(cls, features: Array, dimensions: int) -> Slopes:
        """With the variance to start from."""
        variance = STARTING_VARIANCE / max(float(np.square(features).sum(axis=1).mean()), 1e-9)
        return cls(features, dimensions, variance)

    @property
    def size(self) -> int:
        """How many coefficients there are."""
        return self.dimensions * int(self.features.shape[1])

    def add(self, coefficients: Array, weights: Array, bias: Array) -> None:
        """Add what they make of weights, in place."""
        weights += np.sqrt(self.variance) * (coefficients.reshape(self.dimensions, -1) @ self.features.T)

    def gradient(self, by_weight: Array, by_bias: Array) -> Array:
        """The gradient in the coefficients."""
        return np.asarray(np.sqrt(self.variance) * (by_weight @ self.features)).ravel()

    def updated(self, coefficients: Array, curvature: Curvature) -> tuple[Effects, Array]:
        """Itself with the variance that coefficients speak for, and these in its new units."""
        precision = (curvature.diagonal @ np.square(self.features)).ravel()
        variance = _variance(coefficients, precision, self.variance)
        return replace(self, variance=variance), coefficients * np.sqrt(self.variance / variance)


@dataclass(frozen=True, eq=False)
class OwnSlopes:
    """Of an action in a context x: x.u_a, each u_a normal with covariance `root` root' over the context.

    `whole` learns the covariance, and else one variance for all. Directions along which actions do not differ
    vanish from it; it is mixed with an even one, since few actions tell a large one badly.
    """

    root: Array
    actions: int
    whole: bool

    @classmethod
    def starting(cls, dimensions: int, actions: int, *, whole: bool) -> OwnSlopes:
        """With the even covariance to start from."""
        return cls(np.sqrt(0.4 * STARTING_VARIANCE) * np.eye(dimensions), actions, whole)

    @property
    def size(self) -> int:
        """How many coefficients there are."""
        return int(self.root.shape[0]) * self.actions

    def add(self, coefficients: Array, weights: Array, bias: Array) -> None:
        """Add what they make of weights, in place."""
        weights += self.root @ coefficients.reshape(-1, self.actions)

    def gradient(self, by_weight: Array, by_bias: Array) -> Array:
        """The gradient in the coefficients."""
        return np.asarray(self.root.T @ by_weight).ravel()

    def updated(self, coefficients: Array, curvature: Curvature) -> tuple[Effects, Array]:
        """Itself with the covariance that coefficients speak for, and these in its new units."""
        own = coefficients.reshape(-1, self.actions)
        if not self.whole:
            before = float(self.root[0, 0]) ** 2
            variance = _variance(coefficients, curvature.diagonal.ravel(), before)
            root = np.sqrt(variance) * np.eye(self.root.shape[0])
            return replace(self, root=root), np.asarray(coefficients * np.sqrt(before / variance))
        root = self._covariance_root(own, curvature.matrices)
        moved = np.linalg.solve(root, self.root @ own).ravel()
        return replace(self, root=root), np.asarray(moved, dtype=np.float64)

    def _covariance_root(self, own: Array, matrices: NDArray[np.float32]) -> Array:
        """A root of the covariance: its shape by a step of EM, its size by MacKay's fixed point."""
        d, k, narrow = self.root.shape[0], self.actions, self.root.astype(np.float32)
        uncertain = np.zeros((d, d))
        for matrix in matrices:
            uncertain += np.linalg.inv(np.eye(d, dtype=np.float32) + narrow.T @ matrix @ narrow)
        shape = own @ own.T + uncertain
        size = float(np.square(own).sum()) / max(k * d - float(np.trace(uncertain)), 1e-12)
        covariance = self.root @ shape @ self.root.T * (size * d / float(np.trace(shape)))
        even = PRIOR_SHARE * d * float(np.trace(covariance)) / d * np.eye(d)
        spread, directions = np.linalg.eigh((k * covariance + even) / (k + PRIOR_SHARE * d))
        least = max(LEAST_SHARE * float(spread[-1]), SMALLEST_VARIANCE)
        return np.asarray(directions * np.sqrt(np.maximum(spread, least)))
