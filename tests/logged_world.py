"""A small world of ads whose truth is known: segments, placements, items, a logging policy with propensities."""

from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl


class LoggedWorld:
    """Segments x placements x items with a click probability each, and a softmax logging policy."""

    def __init__(self, seed=0, *, items=8, segments=4, placements=2, rate=0.05, taste=0.8, logging=0.6):
        rng = np.random.default_rng(seed)
        self.items = [f"item{number:02d}" for number in range(items)]
        self.segments = [f"segment{number}" for number in range(segments)]
        self.placements = [f"place{number}" for number in range(placements)]
        shape = (segments, placements, items)
        log_odds = np.log(rate / (1 - rate)) + taste * rng.normal(size=(segments, 1, items))
        self.click = 1 / (1 + np.exp(-log_odds - np.linspace(0, -0.5, placements)[None, :, None]))
        scores = logging * rng.normal(size=shape)
        self.logging = np.exp(scores) / np.exp(scores).sum(axis=2, keepdims=True)

    def log(self, n, seed=0, *, users=0):
        """An impressions table of n rows."""
        rng = np.random.default_rng(seed)
        user = rng.integers(0, users or n, n)
        segment = user % len(self.segments) if users else rng.integers(0, len(self.segments), n)
        place = rng.integers(0, len(self.placements), n)
        chance = self.logging[segment, place]
        item = (rng.random(n)[:, None] > chance.cumsum(axis=1)).sum(axis=1).clip(0, len(self.items) - 1)
        clicks = rng.random(n) < self.click[segment, place, item]
        start = datetime(2026, 3, 1, tzinfo=UTC)
        frame = pl.DataFrame(
            {
                "event_time": [start + timedelta(minutes=7 * number) for number in range(n)],
                "item_id": np.array(self.items)[item],
                "placement": np.array(self.placements)[place],
                "segment": np.array(self.segments)[segment],
                "propensity": chance[np.arange(n), item],
                "click": clicks.astype(np.int8),
            }
        )
        return frame.with_columns(user_id=pl.Series([f"u{u}" for u in user])) if users else frame

    @property
    def logged_value(self):
        """What the logging policy truly earns per impression."""
        return float((self.logging * self.click).sum(axis=2).mean())

    def value(self, policy):
        """What a policy truly earns per impression."""
        places = [(s, p) for s in self.segments for p in self.placements]
        frame = pl.DataFrame(places, schema=["segment", "placement"], orient="row")
        chosen = policy.probabilities(frame)
        order = [policy.actions.frame["item_id"].to_list().index(item) for item in self.items]
        shape = (len(self.segments), len(self.placements), len(self.items))
        return float((chosen[:, order].reshape(shape) * self.click).sum(axis=2).mean())
