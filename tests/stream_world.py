"""A world for streams whose truth is known: segments x items with a click rate each, and an offline policy."""

import numpy as np
import orjson
import polars as pl

from adcli.optimize.stream.exploration import Settings
from adcli.optimize.stream.live_policy import LivePolicy
from adcli.optimize.stream.prior import OfflinePolicy
from adcli.policies.actions import ActionSet
from adcli.policies.context import ContextEncoder
from adcli.policies.features import Feature
from adcli.policies.store import save_policy
from adcli.policies.table_policy import policy_from_table


class StreamWorld:
    """Click rates of items in segments; `known` is what the offline policy takes them for."""

    def __init__(self, seed=0, *, items=6, segments=3, rate=0.1, taste=0.7, wrong=0.0):
        rng = np.random.default_rng(seed)
        self.items = [f"item{number:02d}" for number in range(items)]
        self.segments = [f"s{number}" for number in range(segments)]
        self.known = rate * np.exp(taste * rng.normal(size=(segments, items)))
        self.click = np.clip(self.known * np.exp(wrong * rng.normal(size=(segments, items))), 0.001, 0.9)

    def offline(self):
        """The offline policy, which is right where the world is not `wrong`."""
        encoder = ContextEncoder((Feature("segment", "category", tuple(self.segments)),))
        actions = ActionSet(pl.DataFrame({"item_id": self.items}))

        def expected(encoded, _):
            return encoded[:, :-1] @ self.known + encoded[:, -1:] * self.known.mean(axis=0)

        return OfflinePolicy(
            actions, ["segment"], encoder, expected, None, float(self.known.max(axis=1).mean()), "click"
        )

    def live(self, **settings):
        """A live policy at its beginning."""
        return LivePolicy(self.offline(), Settings(**settings))

    def requests(self, n, seed=0, first=0):
        """Lines of requests, and the segment of each."""
        segment = np.random.default_rng(seed).integers(0, len(self.segments), n)
        lines = [
            orjson.dumps({"id": f"r{number}", "context": {"segment": self.segments[s]}})
            for number, s in enumerate(segment, first)
        ]
        return lines, segment

    def rewards(self, decisions, segment, seed=0):
        """Lines with a click or none for each decision."""
        rng = np.random.default_rng(seed)
        shown = [self.items.index(one["item_id"]) for one in decisions]
        clicks = rng.random(len(shown)) < self.click[segment, shown]
        return [
            orjson.dumps({"id": one["id"], "reward": int(c)})
            for one, c in zip(decisions, clicks, strict=True)
        ]

    def run(self, live, n, seed=0, first=0, at_once=50):
        """Serve n requests, each with its reward in the next block; what each truly earns, shape (n,)."""
        lines, segment = self.requests(n, seed, first)
        earned, before = [], []
        for start in range(0, n, at_once):
            rows = slice(start, start + at_once)
            decisions = answers(live, before + lines[rows])
            before = self.rewards(decisions, segment[rows], seed=seed + first + start + 1)
            earned += [
                self.click[s, self.items.index(one["item_id"])]
                for s, one in zip(segment[rows], decisions, strict=True)
            ]
        answers(live, before)
        return np.array(earned)

    def save_policy(self, folder):
        """The offline policy as a directory: a table of probabilities by segment."""
        rows = [
            (segment, item, share)
            for segment, shares in zip(
                self.segments, self.known / self.known.sum(axis=1, keepdims=True), strict=True
            )
            for item, share in zip(self.items, shares, strict=True)
        ]
        table = pl.DataFrame(rows, schema=["segment", "item_id", "probability"], orient="row")
        folder.mkdir()
        save_policy(policy_from_table(table, "known"), folder, {"reward": "click"})


def answers(live, lines):
    """What a live policy answers to some lines."""
    return [orjson.loads(line) for line in live.answer(lines).answers]
