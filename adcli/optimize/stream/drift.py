"""Whether the world has changed: rewards keep coming out otherwise than foreseen."""

from __future__ import annotations

import numpy as np

from adcli.arrays import Floats, Integers

ALLOWANCE = 0.1  # standard deviations of a reward that a mean may stay off
THRESHOLD = 60.0
WARM_UP = 200.0  # rewards of an action before its model is held to what it foresees
LARGEST = 10.0  # standard deviations that a single reward counts for at most


class Drift:
    """A two-sided CUSUM of what was not foreseen of each action's rewards.

    Source: Page (1954), of residuals in units of their deviation.
    """

    def __init__(self, actions: int) -> None:
        self.sums = np.zeros((2, actions))
        self.seen = np.zeros(actions)

    def observe(self, action: Integers, residual: Floats) -> bool:
        """Whether the rewards of some decisions, in standard deviations, speak of a change."""
        counts = np.bincount(action, minlength=self.seen.size)
        total = np.bincount(action, residual.clip(-LARGEST, LARGEST), minlength=self.seen.size)
        total[self.seen < WARM_UP] = 0
        self.seen += counts
        self.sums = np.maximum(self.sums + np.stack([total, -total]) - ALLOWANCE * counts, 0)
        if self.sums.max() < THRESHOLD:
            return False
        self.sums[:] = 0
        self.seen[:] = 0
        return True
