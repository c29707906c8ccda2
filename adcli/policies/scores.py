"""Scores of actions: linear for every action in the context, and in what is made of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Protocol

import numpy as np

from adcli.arrays import Floats, Floats32, Integers32

ROWS_AT_ONCE = 1_024


class Units(Protocol):
    """Numbers made of a context alone, which scores are linear in as they are in the context."""

    @property
    def width(self) -> int:
        """How many there are."""

    def of(self, context: Floats32) -> Floats32:
        """The units of each row, shape (n, width)."""


class Scores(NamedTuple):
    """A score for each action: [context, units] @ weights + bias.

    `weights` has shape (d + units, K), `bias` (K,); those of the units stand below the d of the context.
    """

    weights: Floats32
    bias: Floats32
    units: tuple[Units, ...] = ()

    def of_all(self, context: Floats32) -> Floats32:
        """The score of every action for each row, shape (n, K), in blocks of rows."""
        scores = np.empty((context.shape[0], self.bias.size), dtype=np.float32)
        for start in range(0, context.shape[0], ROWS_AT_ONCE):
            block = context[start : start + ROWS_AT_ONCE]
            own = scores[start : start + ROWS_AT_ONCE]
            np.matmul(block, self.weights[: block.shape[1]], out=own)
            first = block.shape[1]
            for units in self.units:
                own += units.of(block) @ self.weights[first : first + units.width]
                first += units.width
        scores += self.bias
        return scores

    def of_logged(self, context: Floats32, action: Integers32) -> Floats:
        """The score of each row's own action, shape (n,)."""
        scores = self.bias[action].astype(np.float64)
        weights = np.ascontiguousarray(self.weights.T)
        for start in range(0, action.size, ROWS_AT_ONCE):
            rows = slice(start, start + ROWS_AT_ONCE)
            block = context[rows]
            whole = np.hstack([block, *(units.of(block) for units in self.units)])
            scores[rows] += np.einsum("ij,ij->i", whole, weights[action[rows]])
        return scores


def constant_scores(level: float, dimensions: int, n_actions: int) -> Scores:
    """The same score whatever the context and the action."""
    return Scores(
        np.zeros((dimensions, n_actions), dtype=np.float32), np.full(n_actions, level, dtype=np.float32)
    )


def widened(scores: Scores, dimensions: int) -> Scores:
    """The same scores of a context that has further columns, `dimensions` in all, which they do not read."""
    own = scores.weights.shape[0] - sum(units.width for units in scores.units)
    blind = np.zeros((dimensions - own, scores.bias.size), dtype=np.float32)
    return scores._replace(weights=np.vstack([scores.weights[:own], blind, scores.weights[own:]]))


def weighted_sum(scores: Sequence[Scores], weights: Sequence[float], shift: float, dimensions: int) -> Scores:
    """Scores that are a weighted sum of others over one context; those of weight 0 leave nothing behind."""
    k = scores[0].bias.size
    linear, bias = np.zeros((dimensions, k), dtype=np.float32), np.full(k, shift, dtype=np.float32)
    by_units: dict[Units, Floats32] = {}
    for one, weight in zip(scores, weights, strict=True):
        if not weight:
            continue
        linear += np.float32(weight) * one.weights[:dimensions]
        bias += np.float32(weight) * one.bias
        first = dimensions
        for units in one.units:
            own = np.float32(weight) * one.weights[first : first + units.width]
            by_units[units] = by_units[units] + own if units in by_units else own
            first += units.width
    return Scores(np.vstack([linear, *by_units.values()]), bias, tuple(by_units))
