"""What the rewards of a stream have taught: sums of a linear model per action, which may come in any order.

The reward of action k in context x is s + f @ theta_k, where s is what the offline policy expects and
f = (1, s / level, x): the model starts as the offline policy and learns how far that is off. A decision's
weight in the sums is 2 ** clock, of the time it was made at; the clock runs with the half-life and jumps
where a drift was found, so that a late reward weighs as if it had come at once.
"""

from __future__ import annotations

import numpy as np

from adcli.arrays import Flags, Floats, Integers

OWN_FEATURES = 2  # the constant, and what the offline policy expects
MOST_CELLS = 25_000_000  # of the sums; a context too wide for them is left to the offline policy
LEVEL_IMPRESSIONS = 100.0  # that the offline policy's level counts for
RENEWED_AFTER = 1 / 32  # of a half-life: then the actions without rewards are solved anew as well
LARGEST_EXPONENT = 64.0


class Learner:
    """A linear model of reward and cost for each of K actions in d context features."""

    def __init__(
        self, actions: int, dimensions: int, level: float, prior_weight: float, parts: int = 1
    ) -> None:
        fits = actions * (dimensions + OWN_FEATURES) ** 2 <= MOST_CELLS
        self.dimensions = dimensions if fits else 0
        self._level, self._prior_weight = level, prior_weight
        width = self.dimensions + OWN_FEATURES
        # What may be off is divided among the parts of a context.
        self._shares = np.concatenate([np.ones(OWN_FEATURES), np.full(self.dimensions, float(parts))])
        self.products = np.zeros((actions, width, width))
        self.targets = np.zeros((actions, width, 2))
        self.theta = np.zeros((actions, width, 2))
        spread = level if level < 1 else 20 * level**2
        self.moments = LEVEL_IMPRESSIONS * np.array([1.0, level, spread, spread])  # of 1, |r|, r², residual²
        self.clocks = np.zeros(3)  # now; of the sums' unit; of the last time that all were solved

    @property
    def clock(self) -> float:
        """The logarithm, to base 2, of what a decision made now weighs."""
        return float(self.clocks[0])

    @property
    def scale(self) -> float:
        """The mean size of a reward."""
        return float(self.moments[1] / self.moments[0])

    @property
    def deviation(self) -> float:
        """The standard deviation of what the model does not foresee of a reward."""
        return float(np.sqrt(max(self.moments[3] / self.moments[0], 1e-300)))

    def features(self, context: Floats) -> Floats:
        """The part of the context that is learned on, shape (n, d)."""
        return np.asarray(context[:, : self.dimensions])

    def predict(self, context: Floats, expected: Floats) -> tuple[Floats, Floats]:
        """The reward and the cost of each action, shape (n, K) each."""
        shared = self.features(context) @ self.theta[:, 2:, 0].T
        reward = expected * (1 + self.theta[:, 1, 0] / self._level) + shared + self.theta[:, 0, 0]
        if not self.theta[:, :, 1].any():
            return reward, np.zeros_like(reward)
        cost = (expected / self._level) * self.theta[:, 1, 1] + self.theta[:, 0, 1]
        cost += self.features(context) @ self.theta[:, 2:, 1].T
        return reward, np.maximum(cost, 0)

    def spread(self, context: Floats, expected: Floats) -> Floats:
        """The standard error of each action's reward, shape (n, K)."""
        inverse = np.linalg.inv(self.products + self._ridge())
        features = np.empty((*expected.shape, self.products.shape[1]))
        features[:, :, 0], features[:, :, 1] = 1, expected / self._level
        features[:, :, 2:] = self.features(context)[:, None, :]
        squared = np.einsum("nki,kij,nkj->nk", features, inverse, features, optimize=True)
        weight = 2.0 ** (self.clocks[0] - self.clocks[1])
        return np.asarray(self.deviation * np.sqrt(np.maximum(squared * weight, 0)))

    def _ridge(self) -> Floats:
        """The prior of each action, which does not age: the weight of some rewards at the present scale."""
        impressions = self._prior_weight * self.moments[2] * self.moments[0] / self.moments[1] ** 2
        weight = impressions * 2.0 ** (self.clocks[0] - self.clocks[1])
        return np.asarray(weight * np.diag(self._shares))

    def pass_time(self, steps: float) -> None:
        """Let the clock run; the sums take another unit before their numbers grow too large."""
        self.clocks[0] += steps
        if self.clocks[0] - self.clocks[1] > LARGEST_EXPONENT:
            self.products *= 2.0**-LARGEST_EXPONENT
            self.targets *= 2.0**-LARGEST_EXPONENT
            self.clocks[1] += LARGEST_EXPONENT

    def learn(
        self, context: Floats, expected: Floats, action: Integers, clock: Floats, targets: Floats,
        is_new: Flags,
    ) -> None:  # fmt: skip
        """Add decisions with their rewards and costs to the sums, and solve for what changed.

        Args:
            context: Of each decision, shape (n, d).
            expected: What the offline policy expected of its action, shape (n,).
            action: Its action, shape (n,).
            clock: When it was made, shape (n,).
            targets: Its reward less what was expected, and its cost, shape (n, 2); of a decision that was
                counted before, how far they changed.
            is_new: Whether it was not counted before, shape (n,).
        """
        weight = 2.0 ** (clock - self.clocks[1])
        features = np.empty((action.size, self.products.shape[1]))
        features[:, 0], features[:, 1] = 1, expected / self._level
        features[:, 2:] = self.features(context)
        order = np.argsort(action, kind="stable")
        changed, starts = np.unique(action[order], return_index=True)
        weighted = (features * weight[:, None])[order].T
        both = np.hstack([features * is_new[:, None], targets])[order]
        for number, start, stop in zip(changed, starts, [*starts[1:], action.size], strict=True):
            sums = weighted[:, start:stop] @ both[start:stop]
            self.products[number] += sums[:, :-2]
            self.targets[number] += sums[:, -2:]
        self._solve(changed)

    def observe(self, reward: Floats, residual: Floats, kept: float) -> None:
        """How large rewards are and how far they were foreseen; what was seen before counts `kept`."""
        self.moments *= kept
        self.moments += reward.size, np.abs(reward).sum(), (reward**2).sum(), (residual**2).sum()

    def _solve(self, changed: Integers) -> None:
        if self.clocks[0] - self.clocks[2] >= RENEWED_AFTER:
            changed = np.arange(self.products.shape[0])
            self.clocks[2] = self.clocks[0]
        self.theta[changed] = np.linalg.solve(self.products[changed] + self._ridge(), self.targets[changed])
