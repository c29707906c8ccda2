"""What is drawn: actions by their probabilities, and the rows of a long log that are worth fitting."""

from __future__ import annotations

import numpy as np

from adcli.arrays import Floats, Floats32, Integers


def sample_rows(reward: Floats, seed: int, *, most: int) -> tuple[Integers, Floats]:
    """The rows to fit and how many each stands for: all, or at most half rewarded ones and half others."""
    if reward.size <= most:
        return np.arange(reward.size), np.ones(reward.size)
    rng = np.random.default_rng(seed)
    weight = np.zeros(reward.size)
    for rows in (np.flatnonzero(reward != 0), np.flatnonzero(reward == 0)):
        taken = rng.choice(rows, min(rows.size, most // 2), replace=False)
        weight[taken] = rows.size / max(taken.size, 1)
    kept = np.flatnonzero(weight)
    return kept, weight[kept]


def draw(probabilities: Floats32 | Floats, uniforms: Floats) -> Integers:
    """An action for each row by inversion: the first whose cumulated probability passes the row's uniform."""
    cumulated = np.cumsum(probabilities, axis=1, dtype=np.float64)
    reached = uniforms[:, None] * cumulated[:, -1:] < cumulated
    return np.asarray(reached.argmax(axis=1), dtype=np.int64)
