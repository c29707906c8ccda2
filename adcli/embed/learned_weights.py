"""Weights of the event types, learned from the log on the next purchase.

Before each purchase, the user's events of type k sum to a vector u_k. The probability that the item bought is
chosen among sampled items is softmax(sum_k w_k u_k · v_item), and w >= 0 maximises the likelihood of the
earlier purchases (conditional logit; McFadden 1974). Recall of the later, held-out purchases decides between
the learned weights and those given.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, NamedTuple

import numpy as np
import polars as pl
from scipy import sparse  # noqa: TID253 - this module is reached only when weights are learned

from adcli.arrays import Floats, Floats32, Integers
from adcli.embed.interaction_vectors import OWN, InteractionVectors
from adcli.embed.profile_sums import decay
from adcli.errors import DataError
from adcli.statistics.retrieval import RetrievalTask, retrieve
from adcli.tables.standard.tables import EVENT_TYPES

RECALL_AT: Final = 20
MIN_PURCHASES: Final = 50
MAX_PURCHASES: Final = 20_000
EVENTS_BEFORE: Final = 50
NEGATIVES: Final = 50  # sampled items for each purchase
RIDGE: Final = 1e-3
HELD_OUT: Final = 0.3
CHUNK: Final = 1_024  # purchases


class LearnedWeights(NamedTuple):
    """Weights of the event types and the recall of the next purchase."""

    weights: dict[str, float]  # those to use: the learned ones if their recall is higher, else those given
    learned: dict[str, float]  # the learned ones, scaled so that their largest is the largest of those given
    # share of held-out purchases among the twenty items nearest to the profile before them
    recall_given: float
    recall_learned: float  # the same with the learned weights
    purchases: tuple[int, int]  # purchases fitted to, and held out

    @property
    def sentence(self) -> str:
        """The result in a sentence."""
        shown = ", ".join(f"{kind} {weight:.2g}" for kind, weight in self.learned.items())
        verdict = "used" if self.recall_learned > self.recall_given else "no better, so the given are used"
        return (
            f"learned weights ({shown}) from {self.purchases[0]:,} purchases: recall@{RECALL_AT} of the "
            f"{self.purchases[1]:,} held-out ones {self.recall_learned:.3f}, given weights "
            f"{self.recall_given:.3f}: {verdict}"
        )


class _Purchases(NamedTuple):
    """Purchases in order of time, and the sums of the events before each."""

    items: Integers  # (p,) item bought
    sums: Floats  # (p, types, d) u_k
    event_types: list[str]


def learn_weights(
    interactions: InteractionVectors, given: Mapping[str, float], *, half_life: float | None, seed: int
) -> LearnedWeights:
    """Weights of the event types learned on the next purchase, held out in time.

    `given`: the weights to compare with, by event type; `half_life`: days after which an event counts half,
    None for never; `seed`: of the sampling of purchases where there are many, and of negatives. Raises
    DataError if there are too few purchases with events before them.
    """
    rng = np.random.default_rng(seed)
    purchases = _purchases(interactions, half_life, rng)
    split = int(len(purchases.items) * (1 - HELD_OUT))
    if split < MIN_PURCHASES:
        raise DataError(
            f"Only {len(purchases.items):,} purchases have events before them; weights need "
            f"{int(MIN_PURCHASES / (1 - HELD_OUT)) + 1}.",
            fix="Leave --weights learned out, or give --weight TYPE=WEIGHT.",
        )
    items = interactions.vectors[: interactions.item_count]
    initial = np.array([given[kind] for kind in purchases.event_types])
    fitted = _fit(purchases, items, split, initial, rng)
    later = slice(split, None)
    recalls = [_recall(purchases, items, later, weights) for weights in (initial, fitted)]
    learned = {kind: float(weight) for kind, weight in zip(purchases.event_types, fitted, strict=True)}
    best = {**given, **learned} if recalls[1] > recalls[0] else dict(given)
    return LearnedWeights(best, learned, recalls[0], recalls[1], (split, len(purchases.items) - split))


def _purchases(
    interactions: InteractionVectors, half_life: float | None, rng: np.random.Generator
) -> _Purchases:
    """The purchases of known items, each with the sums of its user's events before it, by event type."""
    known = (
        interactions.events.filter((pl.col("level") == OWN) & pl.col("event_time").is_not_null())
        .sort("user_id", "event_time", "event_type", "vector")
        .with_row_index("event")
        .with_columns(
            pl.col("event").first().over("user_id").alias("first"),
            pl.col("event").first().over("user_id", "event_time").alias("moment"),
        )
    )
    is_item = (pl.col("event_type") == "purchase") & (pl.col("vector") < interactions.item_count)
    bought = known.filter(is_item & (pl.col("moment") > pl.col("first")))
    bought = bought.unique(["user_id", "event_time"], keep="first", maintain_order=True)
    bought = bought.sort("event_time", "user_id")
    if bought.height > MAX_PURCHASES:
        bought = bought[np.sort(rng.choice(bought.height, MAX_PURCHASES, replace=False))]
    before, purchase = _last_events_before(bought, known)
    decayed = before.select(
        decay(bought["event_time"].gather(purchase) - pl.col("event_time"), half_life)
    ).to_series()
    present = set(before["event_type"].cast(pl.String).unique())
    types = [kind for kind in EVENT_TYPES if kind in present]
    kind = before["event_type"].cast(pl.String).replace_strict(types, range(len(types))).to_numpy()
    at = purchase * len(types) + kind, before["vector"].to_numpy()
    shape = (bought.height * len(types), len(interactions.vectors))
    weights = sparse.coo_array((decayed.to_numpy(), at), shape=shape).tocsr()
    sums = (weights @ interactions.vectors.astype(np.float64)).reshape(bought.height, len(types), -1)
    scale = np.linalg.norm(sums.sum(axis=1), axis=1)[:, None, None]
    return _Purchases(bought["vector"].to_numpy(), sums / np.maximum(scale, 1e-12), types)


def _last_events_before(bought: pl.DataFrame, known: pl.DataFrame) -> tuple[pl.DataFrame, Integers]:
    """The last fifty events before each purchase, and the purchase that each is before.

    `bought`: rows of `known`; `known`: events by user and time, `first` and `moment` are the rows where user
    and time begin.
    """
    end = bought["moment"].to_numpy().astype(np.int64)
    counts = np.minimum(end - bought["first"].to_numpy(), EVENTS_BEFORE)
    purchase = np.repeat(np.arange(bought.height), counts)
    nth = np.arange(len(purchase)) - np.repeat(np.cumsum(counts) - counts, counts)
    return known[(end - counts)[purchase] + nth], purchase


def _fit(
    purchases: _Purchases, items: Floats32, split: int, initial: Floats, rng: np.random.Generator
) -> Floats:
    """(types,) maximum-likelihood weights, scaled to the largest of those given."""
    from scipy.optimize import minimize
    from scipy.special import logsumexp

    negatives = rng.choice(purchases.items[:split], (split, NEGATIVES))
    candidates = np.column_stack([purchases.items[:split], negatives])
    parts = [slice(start, min(start + CHUNK, split)) for start in range(0, split, CHUNK)]
    scores = np.concatenate([items[candidates[part]] @ purchases.sums[part].mT for part in parts])

    def loss(weights: Floats) -> tuple[float, Floats]:
        utility = scores @ weights
        log_probability = utility - logsumexp(utility, axis=1, keepdims=True)
        expected = np.einsum("po,pok->pk", np.exp(log_probability), scores)
        value = -log_probability[:, 0].mean() + RIDGE * float(weights @ weights)
        return float(value), (expected - scores[:, 0]).mean(axis=0) + 2 * RIDGE * weights

    found = minimize(loss, initial, jac=True, method="L-BFGS-B", bounds=[(0, None)] * len(initial)).x
    largest = float(found.max())
    return np.asarray(found * (initial.max() / largest)) if largest > 0 else initial


def _recall(purchases: _Purchases, items: Floats32, held_out: slice, weights: Floats) -> float:
    """Share of purchases whose item is among the nearest twenty to the profile before it."""
    bought = purchases.items[held_out]
    profiles = np.einsum("k,pkd->pd", weights, purchases.sums[held_out])
    task = RetrievalTask(
        profiles, items, lambda rows: bought[rows, None] == np.arange(len(items)), np.full(len(bought), -1)
    )
    return float(retrieve(task, [RECALL_AT], seed=0).values[:, 0].mean())
