"""How much each type of event says about what a user buys next, learned from the log itself.

Before each purchase, the user's deeds of type k have summed to a vector u_k. The chance that of some items
the one that was bought is chosen is taken as softmax(sum_k w_k u_k · v_item), and w >= 0 maximises the
likelihood over the earlier purchases (conditional logit; McFadden 1974). Whether these weights find later
purchases better than those given is measured on the later purchases, which the fit has not seen.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt
import polars as pl
from scipy import sparse  # noqa: TID253 - this module is reached only when weights are learned

from adcli.embed.contents import OWN, Contents
from adcli.embed.profile_state import fading
from adcli.errors import DataError
from adcli.tables.standard.tables import EVENT_TYPES

Float64Array = npt.NDArray[np.float64]

NEAREST: Final = 20
LEAST_PURCHASES: Final = 50
MOST_PURCHASES: Final = 20_000
DEEDS_BEFORE: Final = 50
OTHERS: Final = 50  # items that each purchase is told apart from
RIDGE: Final = 1e-3
LATER_SHARE: Final = 0.3
CHUNK: Final = 1_024  # purchases looked at together


class LearnedWeights(NamedTuple):
    """Weights of the event types and how well they find the next purchase.

    Attributes:
        weights: Those to use: the learned ones if they find more later purchases, else those given.
        learned: The learned ones, scaled so that their largest is the largest of those given.
        recall_given: Share of later purchases among the nearest twenty items to the profile before them.
        recall_learned: The same with the learned weights.
        purchases: Purchases learned from, and purchases tried on.
    """

    weights: dict[str, float]
    learned: dict[str, float]
    recall_given: float
    recall_learned: float
    purchases: tuple[int, int]

    @property
    def sentence(self) -> str:
        """What came out, in words."""
        shown = ", ".join(f"{kind} {weight:.2g}" for kind, weight in self.learned.items())
        verdict = "used" if self.recall_learned > self.recall_given else "no better, so the given are used"
        return (
            f"learned weights ({shown}) from {self.purchases[0]:,} purchases: recall@{NEAREST} of the "
            f"{self.purchases[1]:,} later ones {self.recall_learned:.3f}, given weights "
            f"{self.recall_given:.3f}: {verdict}"
        )


class _Purchases(NamedTuple):
    """Purchases in order of time, and the deeds before each."""

    items: npt.NDArray[np.int64]  # (p,) item bought
    sums: Float64Array  # (p, types, d) u_k
    kinds: list[str]


def learn_weights(
    contents: Contents, given: Mapping[str, float], *, half_life: float | None, seed: int
) -> LearnedWeights:
    """Weights of the event types learned on the next purchase, out of time.

    Args:
        contents: Deeds and what they were about.
        given: The weights to compare with, by event type.
        half_life: Days after which a deed counts half; None for never.
        seed: Of which purchases are taken where there are many, and of the items they are told apart from.

    Raises:
        DataError: If there are too few purchases that something came before.
    """
    rng = np.random.default_rng(seed)
    purchases = _purchases(contents, half_life, rng)
    border = int(len(purchases.items) * (1 - LATER_SHARE))
    if border < LEAST_PURCHASES:
        raise DataError(
            f"Only {len(purchases.items):,} purchases have something before them; weights need "
            f"{int(LEAST_PURCHASES / (1 - LATER_SHARE)) + 1}.",
            fix="Leave --weights learned out, or give --weight TYPE=WEIGHT.",
        )
    items = contents.vectors[: contents.items].astype(np.float64)
    start = np.array([given[kind] for kind in purchases.kinds])
    fitted = _fit(purchases, items, border, start, rng)
    later = slice(border, None)
    recalls = [_recall(purchases, items, later, weights) for weights in (start, fitted)]
    learned = {kind: float(weight) for kind, weight in zip(purchases.kinds, fitted, strict=True)}
    best = {**given, **learned} if recalls[1] > recalls[0] else dict(given)
    return LearnedWeights(best, learned, recalls[0], recalls[1], (border, len(purchases.items) - border))


def _purchases(contents: Contents, half_life: float | None, rng: np.random.Generator) -> _Purchases:
    """The purchases of known items, each with the sums of what its user did before it, by event type."""
    told = (
        contents.deeds.filter((pl.col("level") == OWN) & pl.col("event_time").is_not_null())
        .sort("user_id", "event_time", "event_type", "content")
        .with_row_index("deed")
        .with_columns(
            pl.col("deed").first().over("user_id").alias("first"),
            pl.col("deed").first().over("user_id", "event_time").alias("moment"),
        )
    )
    is_item = (pl.col("event_type") == "purchase") & (pl.col("content") < contents.items)
    bought = told.filter(is_item & (pl.col("moment") > pl.col("first")))
    bought = bought.unique(["user_id", "event_time"], keep="first", maintain_order=True)
    bought = bought.sort("event_time", "user_id")
    if bought.height > MOST_PURCHASES:
        bought = bought[np.sort(rng.choice(bought.height, MOST_PURCHASES, replace=False))]
    before, purchase = _last_deeds_before(bought, told)
    faded = before.select(
        fading(bought["event_time"].gather(purchase) - pl.col("event_time"), half_life)
    ).to_series()
    present = set(before["event_type"].cast(pl.String).unique())
    kinds = [kind for kind in EVENT_TYPES if kind in present]
    kind = before["event_type"].cast(pl.String).replace_strict(kinds, range(len(kinds))).to_numpy()
    at = purchase * len(kinds) + kind, before["content"].to_numpy()
    shape = (bought.height * len(kinds), len(contents.vectors))
    weights = sparse.coo_array((faded.to_numpy(), at), shape=shape).tocsr()
    sums = (weights @ contents.vectors.astype(np.float64)).reshape(bought.height, len(kinds), -1)
    scale = np.linalg.norm(sums.sum(axis=1), axis=1)[:, None, None]
    return _Purchases(bought["content"].to_numpy(), sums / np.maximum(scale, 1e-12), kinds)


def _last_deeds_before(
    bought: pl.DataFrame, told: pl.DataFrame
) -> tuple[pl.DataFrame, npt.NDArray[np.int64]]:
    """The last fifty deeds before each purchase's moment, and for each of them which purchase it is before.

    Args:
        bought: Rows of `told`.
        told: Deeds by user and time; `first` and `moment` are the places where user and moment begin.
    """
    end = bought["moment"].to_numpy().astype(np.int64)
    counts = np.minimum(end - bought["first"].to_numpy(), DEEDS_BEFORE)
    purchase = np.repeat(np.arange(bought.height), counts)
    nth = np.arange(len(purchase)) - np.repeat(np.cumsum(counts) - counts, counts)
    return told[(end - counts)[purchase] + nth], purchase


def _fit(
    purchases: _Purchases, items: Float64Array, border: int, start: Float64Array, rng: np.random.Generator
) -> Float64Array:
    """(types,) weights of greatest likelihood, as large as the given ones are at most."""
    from scipy.optimize import minimize
    from scipy.special import logsumexp

    others = rng.choice(purchases.items[:border], (border, OTHERS))
    offered = np.column_stack([purchases.items[:border], others])
    parts = [slice(at, min(at + CHUNK, border)) for at in range(0, border, CHUNK)]
    scores = np.concatenate([items[offered[part]] @ purchases.sums[part].mT for part in parts])

    def loss(weights: Float64Array) -> tuple[float, Float64Array]:
        utility = scores @ weights
        log_chance = utility - logsumexp(utility, axis=1, keepdims=True)
        expected = np.einsum("po,pok->pk", np.exp(log_chance), scores)
        value = -log_chance[:, 0].mean() + RIDGE * float(weights @ weights)
        return float(value), (expected - scores[:, 0]).mean(axis=0) + 2 * RIDGE * weights

    found = minimize(loss, start, jac=True, method="L-BFGS-B", bounds=[(0, None)] * len(start)).x
    largest = float(found.max())
    return np.asarray(found * (start.max() / largest)) if largest > 0 else start


def _recall(purchases: _Purchases, items: Float64Array, rows: slice, weights: Float64Array) -> float:
    """Share of purchases whose item is among the nearest twenty to what came before it."""
    hits = 0
    wanted, sums = purchases.items[rows], purchases.sums[rows]
    for start in range(0, len(wanted), CHUNK):
        part = slice(start, start + CHUNK)
        scores = np.einsum("k,pkd->pd", weights, sums[part]) @ items.T
        own = np.take_along_axis(scores, wanted[part, None], axis=1)
        hits += int(((scores > own).sum(axis=1) < NEAREST).sum())
    return hits / len(wanted)
