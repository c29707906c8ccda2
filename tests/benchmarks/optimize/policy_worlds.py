"""Families of worlds in which what a policy earns is known: contexts, actions, click chances, a logging policy."""

from typing import NamedTuple

import numpy as np
import polars as pl


class Family(NamedTuple):
    """Of a world: actions, numbers of a context, features of an action, click rate, sharpness of the logging."""

    actions: int
    context: int
    features: int = 0
    rate: float = 0.05
    sharpness: float = 1.0


FAMILIES = {
    "linear": Family(20, 10),
    "bilinear": Family(100, 10, 8, 0.03),
    "low rank": Family(200, 12),
    "quadratic": Family(20, 8),
    "neural": Family(50, 8, 8),
    "trees": Family(20, 8),
    "segments": Family(30, 0),
    "rare clicks": Family(50, 8, 8, 0.007),
    "skewed logging": Family(50, 8, 8, 0.03, 3.0),
    "500 actions": Family(500, 10, 16, 0.03),
}
SEGMENTS, HOURS, BLOCK = 12, 24, 4


class World:
    """A world of a family: `log` draws impressions, `chances` are the true click chances, (n, K)."""

    def __init__(self, family, seed):
        given = FAMILIES[family]
        rng = np.random.default_rng([seed, list(FAMILIES).index(family)])
        self.family, self.given, self.rng = family, given, rng
        self.features = rng.normal(size=(given.actions, given.features))
        self.popularity = 0.4 * rng.normal(size=given.actions)
        self.taste = getattr(self, "_" + TASTES[family])(rng, given)
        self.logging = rng.normal(size=(given.context, given.actions)) * 0.5 / np.sqrt(max(given.context, 1))
        self.habit = 0.3 * rng.normal(size=given.actions)
        self.level = 0.0
        scores, low, high = self.scores(self.contexts(4_000)), -12.0, 6.0
        for _ in range(50):
            self.level = (low + high) / 2
            low, high = (
                (self.level, high) if _chance(scores + self.level).mean() < given.rate else (low, self.level)
            )

    def contexts(self, n):
        """n contexts, as numbers."""
        if self.family == "segments":
            return np.stack([self.rng.integers(0, SEGMENTS, n), self.rng.integers(0, HOURS, n)], axis=1)
        return self.rng.normal(size=(n, self.given.context))

    def scores(self, contexts):
        """Log-odds of a click, (n, K)."""
        return self.taste(contexts) + self.popularity + self.level

    def chances(self, contexts):
        """Click chances, (n, K)."""
        return _chance(self.scores(contexts))

    def logging_policy(self, contexts):
        """The probabilities with which the log shows actions, (n, K)."""
        liked = self.habit if self.family == "segments" else contexts @ self.logging + self.habit
        scores = self.given.sharpness * (liked + 0.3 * self.scores(contexts))
        likely = np.exp(scores - scores.max(axis=1, keepdims=True))
        return 0.95 * likely / likely.sum(axis=1, keepdims=True) + 0.05 / self.given.actions

    def log(self, n):
        """Contexts, actions, clicks and propensities of n impressions."""
        contexts = self.contexts(n)
        likely = self.logging_policy(contexts)
        action = (self.rng.random((n, 1)) > likely.cumsum(axis=1)).sum(axis=1).clip(0, likely.shape[1] - 1)
        each = np.arange(n)
        click = self.rng.random(n) < self.chances(contexts)[each, action]
        return contexts, action, click, likely[each, action]

    def frame(self, contexts):
        """Contexts as a table."""
        if self.family == "segments":
            names = {"segment": [f"s{one}" for one in contexts[:, 0]]}
            return pl.DataFrame(names | {"hour_of_day": [f"h{one}" for one in contexts[:, 1]]})
        return pl.DataFrame({f"x{column}": contexts[:, column] for column in range(contexts.shape[1])})

    def items(self):
        """Features of the actions as a table; None where there are none."""
        if not self.given.features:
            return None
        columns = {f"e{one}": self.features[:, one] for one in range(self.given.features)}
        return pl.DataFrame({"item_id": [f"a{k:03d}" for k in range(self.given.actions)], **columns})

    def _by_action(self, rng, given):
        weights = rng.normal(size=(given.context, given.actions)) * 0.8 / np.sqrt(given.context)
        return lambda x: x @ weights

    def _by_features(self, rng, given):
        weights = rng.normal(size=(given.context, given.features)) / np.sqrt(given.context * given.features)
        return lambda x: x @ weights @ self.features.T

    def _by_group(self, rng, given):
        smooth = self._by_features(rng, given)
        centers = rng.normal(size=(25, given.features))
        distance = np.square(self.features[:, None] - centers).sum(axis=2)
        weights = rng.normal(size=(given.context, 25)) * 0.8 / np.sqrt(given.context)
        return lambda x: 0.7 * smooth(x) + (x @ weights)[:, distance.argmin(axis=1)]

    def _in_directions(self, rng, given):
        asks = rng.normal(size=(given.context, 4)) / np.sqrt(given.context)
        offers = 0.6 * rng.normal(size=(4, given.actions))
        return lambda x: x @ asks @ offers

    def _quadratic(self, rng, given):
        forms = rng.normal(size=(6, given.context, given.context)) / given.context
        weights = 1.2 * rng.normal(size=(6, given.actions)) / np.sqrt(6)
        linear = 0.3 * rng.normal(size=(given.context, given.actions)) / np.sqrt(given.context)
        return lambda x: np.einsum("ni,qij,nj->nq", x, forms, x) @ weights + x @ linear

    def _neural(self, rng, given):
        asks = 1.5 * rng.normal(size=(given.context, 16)) / np.sqrt(given.context)
        offers = np.tanh(self.features @ rng.normal(size=(given.features, 16)) / np.sqrt(given.features))
        between = 0.3 * rng.normal(size=(16, 16))
        return lambda x: np.tanh(x @ asks) @ between @ offers.T

    def _trees(self, rng, given):
        splits = [(rng.choice(given.context, 2, replace=False), 0.6 * rng.normal(size=2)) for _ in range(30)]
        leaves = 0.3 * rng.normal(size=(30, 4, given.actions))

        def scores(x):
            cells = [((x[:, on] > at) @ np.array([2, 1])).astype(int) for on, at in splits]
            return sum(leaf[cell] for leaf, cell in zip(leaves, cells, strict=True))

        return scores

    def _by_cell(self, rng, given):
        cells = 0.7 * rng.normal(size=(SEGMENTS, HOURS // BLOCK, given.actions))
        segments = 0.4 * rng.normal(size=(SEGMENTS, given.actions))
        return lambda x: cells[x[:, 0], x[:, 1] // BLOCK] + segments[x[:, 0]]


TASTES = {
    "linear": "by_action",
    "bilinear": "by_features",
    "low rank": "in_directions",
    "quadratic": "quadratic",
    "neural": "neural",
    "trees": "trees",
    "segments": "by_cell",
    "rare clicks": "by_features",
    "skewed logging": "by_features",
    "500 actions": "by_group",
}


def _chance(scores):
    return 1 / (1 + np.exp(-scores))
