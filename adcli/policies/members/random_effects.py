"""A mixed model of rewards: how far coefficients may differ between actions is learned from all of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from adcli.arrays import Floats, Floats32
from adcli.policies.members.effects import Curvature, Effects
from adcli.policies.members.member import Blocks, Link, RewardRows, losses
from adcli.policies.members.pairs import PairUnits
from adcli.policies.scores import ROWS_AT_ONCE, Scores

ROUNDS, FURTHER_ROUNDS = 8, 2  # of variances after coefficients: of a sample, and when all rows are added
STEPS, LAST_STEPS = 40, 200  # of L-BFGS in a round, and in the last one
PASSES = {"identity": 1, "logit": 2}  # over all rows, each a step of Newton's
GROUPS = (10, 30, 90)
MOST_WORK = 3e9  # actions x (numbers of the context)³ up to which the covariance of a context is learned


@dataclass(frozen=True)
class RandomEffectsMember:
    """score = b_a + v.f_a + x.w + x P f_a + x.u_a, each kind of coefficient normal around 0.

    x is the context, and if `pairs` there are as many kinds again of products of two of its numbers; f_a are
    the features of action a, and indicators of k-means groups of the actions. The variance of each kind of
    coefficient, and the covariance of the u_a, from which few directions stand out where actions differ in
    few, maximise the marginal likelihood: what a log does not bear out shrinks to nothing, so that nothing
    here is to be chosen.

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
        return self._of_sample(rows, link).scores()

    def fit_all(self, training: Sequence[RewardRows], blocks: Blocks, link: Link) -> list[Scores] | None:
        """Scores fitted to all rows but those of each fold, the last to all, from samples of each.

        The loss of all rows is taken to second order about what the sample says, which takes sums over blocks
        of rows; that gives the variances and coefficients. None where the sums would be too wide.
        """
        found = [self._of_sample(rows, link) for rows in training]
        if not all(one.kinds[-1].whole for one in found):
            return None
        for _ in range(PASSES[link]):
            sums = [_Expansion.at(one.weights) for one in found]
            for rows, fold in blocks():
                for held, (one, own) in enumerate(zip(found, sums, strict=True)):
                    others = fold != held  # which for the last, of all rows, is no fold
                    own.add(one.data(rows if others.all() else rows.take(others), link))
            found = [one.learned(own, FURTHER_ROUNDS) for one, own in zip(found, sums, strict=True)]
        return [one.scores() for one in found]

    def _of_sample(self, rows: RewardRows, link: Link) -> _Fitted:
        units = (PairUnits.varied(rows.context),) if self.pairs else ()
        unit = max(float(rows.reward.std()), 1e-150) if link == "identity" else 1.0
        kinds = _kinds([rows.context.shape[1], *(own.width for own in units)], rows.features)
        start = [np.zeros(kind.shape) for kind in kinds]
        fitted = _Fitted(kinds, start, rows.mean_score() / unit, unit, units)
        return fitted.learned(fitted.data(rows, link), ROUNDS)


class _Fitted(NamedTuple):
    """Kinds of coefficients and these; `level` is the score to start from, `unit` that of rewards."""

    kinds: list[Effects]
    coefficients: list[Floats]
    level: float
    unit: float
    units: tuple[PairUnits, ...]

    @property
    def weights(self) -> Floats:
        """The weights of the score, (d + 1, K)."""
        return _weights(self.kinds, self.coefficients)

    def data(self, rows: RewardRows, link: Link) -> _Data:
        """Rows in the units of this fit."""
        return _Data.of(rows, self.units, link, self.level, self.unit)

    def learned(self, data: _Data | _Expansion, rounds: int) -> _Fitted:
        """Its variances by marginal likelihood, and the coefficients of the greatest posterior."""
        kinds, coefficients = self.kinds, self.coefficients
        for _ in range(rounds):
            coefficients = _most_likely(data, kinds, coefficients, STEPS)
            curvature = data.curvature(_weights(kinds, coefficients), whole=kinds[-1].whole)
            both = zip(kinds, coefficients, strict=True)
            updated = [kind.updated(own, curvature) for kind, own in both]
            kinds, coefficients = [kind for kind, _ in updated], [own for _, own in updated]
        return self._replace(kinds=kinds, coefficients=_most_likely(data, kinds, coefficients, LAST_STEPS))

    def scores(self) -> Scores:
        """The score of each action as a function of the context."""
        weights = self.unit * self.weights
        bias = weights[-1] + self.unit * self.level
        return Scores(weights[:-1].astype(np.float32), bias.astype(np.float32), self.units)


def group_indicators(features: Floats32) -> Floats:
    """Which of 10, of 30 and of 90 k-means groups each action is in, shape (K, groups)."""
    from sklearn.cluster import KMeans

    distinct = len(np.unique(features, axis=0))
    blocks = [
        np.eye(size)[KMeans(size, n_init=3, random_state=0).fit_predict(features)]
        for size in GROUPS
        if 2 * size <= distinct
    ]
    return np.hstack([np.empty((features.shape[0], 0)), *blocks])


def _kinds(widths: Sequence[int], features: Floats32) -> list[Effects]:
    """The kinds of coefficients, each with a variance of its own; the last are each action's own.

    `widths`: of the blocks of columns of a context, each of which has kinds of its own; `features`: of the
    actions, shape (K, e).
    """
    d, k = sum(widths), features.shape[0]
    described = [one for one in (features.astype(np.float64), group_indicators(features)) if one.size]
    *of_blocks, of_one = np.split(np.eye(d + 1), np.cumsum(widths), axis=1)
    kinds = [Effects.starting(of_one, one) for one in (np.eye(k), *described)]
    for block in of_blocks if d else ():
        kinds += [Effects.starting(block, one) for one in (np.ones((k, 1)), *described)]
        kinds.append(Effects.starting(block, np.eye(k), whole=k * float(d) ** 3 <= MOST_WORK))
    return kinds


def _weights(kinds: list[Effects], coefficients: list[Floats]) -> Floats:
    """The weights (d + 1, K) of the score that coefficients make; the last is of the 1 beside the context."""
    made = [kind.weights(own) for kind, own in zip(kinds, coefficients, strict=True)]
    return np.asarray(np.sum(made, axis=0))


class _Data(NamedTuple):
    """Rows in the order of their actions (`parts` are these with their slices), a 1 beside the context."""

    context: Floats32
    reward: Floats
    weight: Floats
    parts: list[tuple[int, slice]]
    actions: int
    link: Link
    level: float

    @classmethod
    def of(cls, rows: RewardRows, units: Sequence[PairUnits], link: Link, level: float, unit: float) -> _Data:
        order = np.argsort(rows.action, kind="stable")
        shown, first = np.unique(rows.action[order], return_index=True)
        parts = [
            (int(a), slice(*ends)) for a, *ends in zip(shown, first, [*first[1:], order.size], strict=True)
        ]
        width = rows.context.shape[1] + sum(own.width for own in units)
        context = np.ones((order.size, width + 1), dtype=np.float32)
        for start in range(0, order.size, ROWS_AT_ONCE):
            own = rows.context[order[start : start + ROWS_AT_ONCE]]
            whole = np.hstack([own, *(made.of(own) for made in units)])
            context[start : start + ROWS_AT_ONCE, :-1] = whole
        k = rows.features.shape[0]
        return cls(context, rows.reward[order] / unit, rows.weight[order], parts, k, link, level)

    def scores(self, weights: Floats) -> Floats:
        """The score of each row's own action, shape (n,)."""
        narrow, scores = weights.astype(np.float32), np.empty(self.reward.size)
        for action, part in self.parts:
            scores[part] = self.context[part] @ narrow[:, action]
        return scores + self.level

    def loss(self, weights: Floats) -> tuple[float, Floats]:
        """The loss, and its slope in the weights (d + 1, K)."""
        scores = self.scores(weights)
        if self.link == "logit":
            loss, slope = losses(scores, self.reward, "logit"), 1 / (1 + np.exp(-scores)) - self.reward
        else:
            loss, slope = 0.5 * np.square(scores - self.reward), scores - self.reward
        narrow, by_weight = (slope * self.weight).astype(np.float32), np.zeros(weights.shape)
        for action, part in self.parts:
            by_weight[:, action] = narrow[part] @ self.context[part]
        return float(loss @ self.weight), by_weight

    def curvature(self, weights: Floats, *, whole: bool) -> Curvature:
        """How sharply the loss bends in the weights of each action."""
        bend = self.weight
        if self.link == "logit":
            chance = 1 / (1 + np.exp(-self.scores(weights)))
            bend = self.weight * chance * (1 - chance)
        d, narrow = weights.shape[0], bend.astype(np.float32)
        matrices = np.zeros((self.actions if whole else 0, d, d), dtype=np.float32)
        diagonal = np.zeros(weights.shape)
        for action, part in self.parts:
            own = self.context[part]
            if whole:
                matrices[action] = (own * narrow[part, None]).T @ own
            diagonal[:, action] = narrow[part] @ np.square(own)
        return Curvature(matrices, diagonal)


class _Expansion(NamedTuple):
    """The loss of many rows to second order about weights (D, K): its slope, and its curvature (K, D, D)."""

    about: Floats
    slope: Floats
    matrices: Floats32

    @classmethod
    def at(cls, weights: Floats) -> _Expansion:
        """That of no rows."""
        d, k = weights.shape
        return cls(weights, np.zeros((d, k)), np.zeros((k, d, d), dtype=np.float32))

    def add(self, data: _Data) -> None:
        """Add the loss of some rows, in place."""
        self.slope[:] += data.loss(self.about)[1]
        self.matrices[:] += data.curvature(self.about, whole=True).matrices

    def loss(self, weights: Floats) -> tuple[float, Floats]:
        """The loss over that at the weights it is taken about, and its slope, as of `_Data`."""
        moved = weights - self.about
        bent = np.matmul(self.matrices, moved.T[:, :, None].astype(np.float32))[:, :, 0].T
        return float(np.vdot(self.slope + 0.5 * bent, moved)), self.slope + bent

    def curvature(self, weights: Floats, *, whole: bool) -> Curvature:
        """How sharply the loss bends: everywhere as much."""
        del weights, whole
        return Curvature(self.matrices, np.einsum("kdd->dk", self.matrices).astype(np.float64))


def _most_likely(
    data: _Data | _Expansion, kinds: list[Effects], start: list[Floats], steps: int
) -> list[Floats]:
    """The coefficients of the greatest posterior density."""
    from scipy.optimize import minimize

    ends = np.cumsum([own.size for own in start])[:-1]

    def apart(flat: Floats) -> list[Floats]:
        return [own.reshape(kind.shape) for own, kind in zip(np.split(flat, ends), kinds, strict=True)]

    def penalised(flat: Floats) -> tuple[float, Floats]:
        loss, by_weight = data.loss(_weights(kinds, apart(flat)))
        gradient = np.concatenate([kind.gradient(by_weight).ravel() for kind in kinds])
        return loss + 0.5 * float(flat @ flat), gradient + flat

    flat = np.concatenate([own.ravel() for own in start])
    options = {"maxiter": steps, "ftol": 1e-7}
    return apart(minimize(penalised, flat, jac=True, method="L-BFGS-B", options=options).x)
