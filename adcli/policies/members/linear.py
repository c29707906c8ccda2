"""Regressions whose scores are linear in the context: main effects, crosses, products of few directions."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from adcli.policies.members.member import Link, RewardRows, held_out, losses
from adcli.policies.members.pairs import PairUnits
from adcli.policies.scores import Scores

Array = NDArray[np.float64]

VARIANCE = 0.1  # prior variance of a coefficient
ITERATIONS = 200
RANK = 8
GROUPS = (10, 30, 90)
GROUP_SCALE = 0.5  # of an indicator of a group beside features of deviation 1
TUNING_SHARE = 0.25


class _Coefficients(NamedTuple):
    """Of the context, the actions, their features, the products of the two, and each action's own."""

    context: Array
    action: Array
    features: Array
    products: Array
    own: Array


@dataclass(frozen=True)
class LinearMember:
    """score = x.w + b_a + v.e_a + products * x P e_a + own * x.u_a, with a normal prior on each coefficient.

    x is the context and e_a the features of action a. `products` and `own` scale the deviations of P and u_a:
    0 leaves them out. Of `rank`, the features that the products take are directions of the fitted u_a, where
    the actions have none of their own. With `groups` indicators of k-means groups of the actions stand beside
    their features, with `pairs` products of two of its numbers beside the context.
    """

    name: str
    cost: float = 1.0
    products: float = 0.0
    own: float = 0.0
    rank: int = 0
    groups: bool = False
    pairs: bool = False

    def can_learn(self, rows: RewardRows) -> bool:
        """Always, but products of columns where there are none."""
        return not self.pairs or PairUnits.varied(rows.context).width > 0

    def tuned(self, rows: RewardRows, link: Link) -> LinearMember:
        """Itself, with groups of actions where held-out loss wants them."""
        if not self.own or len(np.unique(rows.features, axis=0)) < 2 * GROUPS[0]:
            return self
        apart = held_out(rows, TUNING_SHARE)
        training, check = rows.take(~apart), rows.take(apart)
        tried = [replace(self, groups=groups) for groups in (False, True)]
        fitted = [one.fit(training, link).of_logged(check.context, check.action) for one in tried]
        loss = [float(losses(scores, check.reward, link) @ check.weight) for scores in fitted]
        return tried[int(np.argmin(loss))]

    def fit(self, rows: RewardRows, link: Link) -> Scores:
        """The score of each action as a function of the context."""
        if self.pairs:
            pairs = PairUnits.varied(rows.context)
            if not pairs.width:
                return replace(self, pairs=False).fit(rows, link)
            wide = rows._replace(context=np.hstack([rows.context, pairs.of(rows.context)]))
            return replace(self, pairs=False).fit(wide, link)._replace(units=(pairs,))
        features = rows.features
        if self.groups:
            features = np.hstack([features, GROUP_SCALE * group_indicators(features)])
        if self.rank and not features.shape[1]:
            features = _directions(rows, link, self.rank)
        return _fit(rows._replace(features=features), link, self.products, self.own)


def group_indicators(features: NDArray[np.float32]) -> NDArray[np.float32]:
    """Which of 10, of 30 and of 90 k-means groups each action is in, shape (K, groups)."""
    from sklearn.cluster import KMeans

    blocks = [
        np.eye(size, dtype=np.float32)[KMeans(size, n_init=3, random_state=0).fit_predict(features)]
        for size in GROUPS
        if 2 * size <= len(np.unique(features, axis=0))
    ]
    return np.hstack(blocks)


def _directions(rows: RewardRows, link: Link, rank: int) -> NDArray[np.float32]:
    """Features of the actions, read off their own fitted weights; shape (K, rank)."""
    crossed = _fit(rows, link, 0.0, 1.0).weights
    spread = crossed - crossed.mean(axis=1, keepdims=True)
    _, _, directions = np.linalg.svd(spread, full_matrices=False)
    return np.asarray(directions[:rank].T * np.sqrt(directions.shape[1]), dtype=np.float32)


def _fit(rows: RewardRows, link: Link, products: float, own: float) -> Scores:
    from scipy.optimize import minimize

    order = np.argsort(rows.action, kind="stable")
    shown, first = np.unique(rows.action[order], return_index=True)
    parts = [(int(a), slice(*ends)) for a, *ends in zip(shown, first, [*first[1:], order.size], strict=True)]
    context = np.ascontiguousarray(rows.context[order])
    unit = max(float(rows.reward.std()), 1e-150) if link == "identity" else 1.0
    reward, weight = rows.reward[order] / unit, rows.weight[order]
    features, intercept = rows.features.astype(np.float64), rows.mean_score() / unit
    (k, e), d = features.shape, context.shape[1]
    shapes = [(d,), (k,), (e,), (d, e if products else 0), (d, k if own else 0)]
    ends = np.cumsum([int(np.prod(shape)) for shape in shapes])

    def unfolded(vector: Array) -> tuple[Array, Array]:
        given = _Coefficients(
            *(part.reshape(s) for part, s in zip(np.split(vector, ends[:-1]), shapes, strict=True))
        )
        weights = np.repeat(given.context[:, None], k, axis=1)
        if products:
            weights += products * (given.products @ features.T)
        if own:
            weights += own * given.own
        return weights, given.action + features @ given.features + intercept

    def penalised(vector: Array) -> tuple[float, Array]:
        weights, bias = unfolded(vector)
        narrow, scores = weights.astype(np.float32), np.empty(order.size)
        for action, part in parts:
            scores[part] = context[part] @ narrow[:, action] + bias[action]
        if link == "logit":
            loss, slope = losses(scores, reward, link), 1 / (1 + np.exp(-scores)) - reward
        else:
            loss, slope = 0.5 * np.square(scores - reward), scores - reward
        slope *= weight
        by_weight, by_bias, narrow_slope = np.zeros((d, k)), np.zeros(k), slope.astype(np.float32)
        for action, part in parts:
            by_weight[:, action] = narrow_slope[part] @ context[part]
            by_bias[action] = slope[part].sum()
        gradient = _Coefficients(
            by_weight.sum(axis=1),
            by_bias,
            features.T @ by_bias,
            products * (by_weight @ features) if products else np.empty(0),
            own * by_weight if own else np.empty(0),
        )
        flat = np.concatenate([part.ravel() for part in gradient]) + vector / VARIANCE
        return float(loss @ weight) + float(vector @ vector) / (2 * VARIANCE), flat

    best = minimize(
        penalised,
        np.zeros(ends[-1]),
        jac=True,
        method="L-BFGS-B",
        options={"maxiter": ITERATIONS, "ftol": 1e-7},
    ).x
    weights, bias = unfolded(best)
    return Scores((weights * unit).astype(np.float32), (bias * unit).astype(np.float32))
