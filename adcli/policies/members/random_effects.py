"""A mixed model of rewards: how far coefficients may differ between actions is learned from all of them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from adcli.policies.members.effects import Curvature, Effects, Intercepts, OwnSlopes, Slopes
from adcli.policies.members.member import Link, RewardRows, losses
from adcli.policies.members.pairs import PairUnits
from adcli.policies.scores import Scores

Array = NDArray[np.float64]

ROUNDS = 8  # of variances after coefficients
STEPS, LAST_STEPS = 40, 200  # of L-BFGS in a round, and in the last one
GROUPS = (10, 30, 90)
MOST_WORK = 3e9  # actions x (numbers of the context)³ up to which the covariance of a context is learned


@dataclass(frozen=True)
class RandomEffectsMember:
    """score = b_a + v.f_a + x.w + x P f_a + x.u_a, each kind of coefficient normal around 0.

    x is the context, with products of two of its numbers if `pairs`; f_a are the features of action a, and
    indicators of k-means groups of the actions. The variance of each kind of coefficient, and the covariance
    of the u_a, from which few directions stand out where actions differ in few, maximise the marginal
    likelihood: what a log does not bear out shrinks to nothing, so that nothing here is to be chosen.

    Source: Laird and Ware (1982), "Random-effects models for longitudinal data"; MacKay (1992), "Bayesian
    interpolation", for the variances; Breslow and Clayton (1993) for clicks, by Laplace's approximation.
    """

    name: str
    cost: float = 4.0
    pairs: bool = False

    def can_learn(self, rows: RewardRows) -> bool:
        """Always, but products of columns where there are none."""
        return not self.pairs or PairUnits.varied(rows.context).width > 0

    def tuned(self, rows: RewardRows, link: Link) -> RandomEffectsMember:
        """Itself: each fit finds its own variances."""
        return self

    def fit(self, rows: RewardRows, link: Link) -> Scores:
        """The score of each action as a function of the context."""
        if self.pairs:
            pairs = PairUnits.varied(rows.context)
            wide = rows._replace(context=np.hstack([rows.context, pairs.of(rows.context)]))
            return replace(self, pairs=False).fit(wide, link)._replace(units=(pairs,))
        data, kinds = _Data.of(rows, link), _kinds(rows)
        coefficients = np.zeros(sum(kind.size for kind in kinds))
        for _ in range(ROUNDS):
            coefficients = _most_likely(data, kinds, coefficients, STEPS)
            kinds, coefficients = _with_variances(data, kinds, coefficients)
        coefficients = _most_likely(data, kinds, coefficients, LAST_STEPS)
        weights, bias = data.scores(kinds, coefficients)
        return Scores((weights * data.unit).astype(np.float32), (bias * data.unit).astype(np.float32))


def group_indicators(features: NDArray[np.float32]) -> Array:
    """Which of 10, of 30 and of 90 k-means groups each action is in, shape (K, groups)."""
    from sklearn.cluster import KMeans

    distinct = len(np.unique(features, axis=0))
    blocks = [
        np.eye(size)[KMeans(size, n_init=3, random_state=0).fit_predict(features)]
        for size in GROUPS
        if 2 * size <= distinct
    ]
    return np.hstack([np.empty((features.shape[0], 0)), *blocks])


def _kinds(rows: RewardRows) -> list[Effects]:
    """The kinds of coefficients, each with a variance of its own."""
    d, k = rows.context.shape[1], rows.features.shape[0]
    described = [
        one for one in (rows.features.astype(np.float64), group_indicators(rows.features)) if one.size
    ]
    intercepts = [Intercepts.starting(one) for one in (np.eye(k), *described)]
    if not d:
        return [*intercepts]
    slopes = [Slopes.starting(one, d) for one in (np.ones((k, 1)), *described)]
    return [*intercepts, *slopes, OwnSlopes.starting(d, k, whole=k * float(d) ** 3 <= MOST_WORK)]


class _Data(NamedTuple):
    """Rows in the order of their actions: `parts` are actions with their slices, `unit` that of rewards."""

    context: NDArray[np.float32]
    reward: Array
    weight: Array
    parts: list[tuple[int, slice]]
    actions: int
    link: Link
    level: float
    unit: float

    @classmethod
    def of(cls, rows: RewardRows, link: Link) -> _Data:
        order = np.argsort(rows.action, kind="stable")
        shown, first = np.unique(rows.action[order], return_index=True)
        parts = [
            (int(a), slice(*ends)) for a, *ends in zip(shown, first, [*first[1:], order.size], strict=True)
        ]
        unit = max(float(rows.reward.std()), 1e-150) if link == "identity" else 1.0
        return cls(
            np.ascontiguousarray(rows.context[order]),
            rows.reward[order] / unit,
            rows.weight[order],
            parts,
            rows.features.shape[0],
            link,
            rows.mean_score() / unit,
            unit,
        )

    def scores(self, kinds: list[Effects], coefficients: Array) -> tuple[Array, Array]:
        """Weights (d, K) and biases (K,) of the score that these coefficients make."""
        weights, bias = np.zeros((self.context.shape[1], self.actions)), np.full(self.actions, self.level)
        for kind, own in zip(kinds, _split(kinds, coefficients), strict=True):
            kind.add(own, weights, bias)
        return weights, bias

    def of_rows(self, weights: Array, bias: Array) -> Array:
        """The score of each row's own action, shape (n,)."""
        narrow, scores = weights.astype(np.float32), np.empty(self.reward.size)
        for action, part in self.parts:
            scores[part] = self.context[part] @ narrow[:, action] + bias[action]
        return scores

    def slopes(self, slope: Array) -> tuple[Array, Array]:
        """The slope of the loss in the weights (d, K) and biases (K,), from that in each row's score."""
        narrow = slope.astype(np.float32)
        by_weight, by_bias = np.zeros((self.context.shape[1], self.actions)), np.zeros(self.actions)
        for action, part in self.parts:
            by_weight[:, action] = narrow[part] @ self.context[part]
            by_bias[action] = slope[part].sum()
        return by_weight, by_bias

    def curvature(self, weights: Array, bias: Array, *, whole: bool) -> Curvature:
        """How sharply the loss bends in the weights and biases of each action."""
        bend = self.weight
        if self.link == "logit":
            chance = 1 / (1 + np.exp(-self.of_rows(weights, bias)))
            bend = self.weight * chance * (1 - chance)
        d, narrow = self.context.shape[1], bend.astype(np.float32)
        matrices = np.zeros((self.actions, d, d) if whole else (0, d, d), dtype=np.float32)
        diagonal, intercept = np.zeros((d, self.actions)), np.zeros(self.actions)
        for action, part in self.parts:
            own = self.context[part]
            if whole:
                matrices[action] = (own * narrow[part, None]).T @ own
            diagonal[:, action] = narrow[part] @ np.square(own)
            intercept[action] = bend[part].sum()
        return Curvature(matrices, diagonal, intercept)


def _split(kinds: list[Effects], coefficients: Array) -> list[Array]:
    return np.split(coefficients, np.cumsum([kind.size for kind in kinds])[:-1])


def _most_likely(data: _Data, kinds: list[Effects], start: Array, steps: int) -> Array:
    """The coefficients, each in units of its own deviation, of the greatest posterior density."""
    from scipy.optimize import minimize

    def penalised(coefficients: Array) -> tuple[float, Array]:
        scores = data.of_rows(*data.scores(kinds, coefficients))
        if data.link == "logit":
            loss, slope = losses(scores, data.reward, "logit"), 1 / (1 + np.exp(-scores)) - data.reward
        else:
            loss, slope = 0.5 * np.square(scores - data.reward), scores - data.reward
        by_weight, by_bias = data.slopes(slope * data.weight)
        gradient = np.concatenate([kind.gradient(by_weight, by_bias) for kind in kinds])
        penalty = 0.5 * float(coefficients @ coefficients)
        return float(loss @ data.weight) + penalty, gradient + coefficients

    options = {"maxiter": steps, "ftol": 1e-7}
    return np.asarray(minimize(penalised, start, jac=True, method="L-BFGS-B", options=options).x)


def _with_variances(data: _Data, kinds: list[Effects], coefficients: Array) -> tuple[list[Effects], Array]:
    """The kinds with the variances that these coefficients speak for, and the coefficients in their units."""
    curvature = data.curvature(*data.scores(kinds, coefficients), whole=any(kind.whole for kind in kinds))
    pairs = zip(kinds, _split(kinds, coefficients), strict=True)
    updated = [kind.updated(own, curvature) for kind, own in pairs]
    return [kind for kind, _ in updated], np.concatenate([own for _, own in updated])
