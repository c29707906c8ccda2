"""A reward regression with a hidden layer: a penalised maximum of the likelihood, averaged over restarts.

Where a reward depends on combinations of context (a segment on one device, one side of a threshold), no form
that is linear in the context finds it. Each unit here is a direction of the context bent by tanh, and each
action has a weight for each unit. One fit is uncertain and depends on where it starts; the mean of several is
surer, and is a layer as well.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from adcli.policies.hidden_layer import HiddenLayer
from adcli.policies.sampling import sample_rows

Array = NDArray[np.float64]

UNITS, RESTARTS = 8, 4
ITERATIONS = 120
REACH = 4.0  # prior variance of what enters a unit, over contexts of the mean length
OWN_VARIANCE = 0.03  # of an action's own weight for a unit
SHARED_VARIANCE = 0.1  # of all other weights: those by action features, and the linear ones
MOST_ROWS = 60_000


class ActionRows(NamedTuple):
    """Rows sorted by action: context (n, d), action, reward, weight; the features (K, e) of the actions.

    `shown` are the actions that occur, `first` the row at which each begins.
    """

    context: NDArray[np.float32]
    action: NDArray[np.int32]
    reward: NDArray[np.float32]
    weight: NDArray[np.float32]
    features: NDArray[np.float32]
    shown: NDArray[np.int32]
    first: NDArray[np.int64]


class Parameters(NamedTuple):
    """The layer (d, h) and (h,), and the weights of its units and of what stays linear."""

    layer: Array
    bias: Array
    own: Array
    shared: Array
    action: Array
    features: Array
    context: Array
    intercept: Array

    @classmethod
    def unpacked(cls, vector: Array, shapes: list[tuple[int, ...]]) -> Parameters:
        """The parameters that `packed` laid one after another."""
        ends = np.cumsum([int(np.prod(shape)) for shape in shapes])[:-1]
        parts = zip(np.split(vector, ends), shapes, strict=True)
        return cls(*(part.reshape(shape) for part, shape in parts))

    def packed(self) -> Array:
        """All of them as one vector."""
        return np.concatenate([part.ravel() for part in self])


def fit_hidden(
    context: NDArray[np.float32],
    action: NDArray[np.int32],
    reward: Array,
    weight: Array,
    features: NDArray[np.float32],
    *,
    logit: bool,
    intercept: float,
) -> tuple[HiddenLayer, Array, Array]:
    """A layer, the weights (d + h, K) of context and units, and the bias (K,), of the score.

    Args:
        context: Encoded context, shape (n, d).
        action: The action of each row, shape (n,), in [0, K).
        reward: The reward of each row; 0 and 1 if `logit`, else of about unit variance.
        weight: The rows each stands for.
        features: Features of the actions, shape (K, e); e may be 0.
        logit: Whether the loss is the log loss of log-odds, and not half the squared error.
        intercept: The score to start from.

    Source: Hastie, Tibshirani and Friedman (2009), chapter 11 (weight decay, averaging over starts).
    """
    rows = _sorted_by_action(
        sample_rows(reward, 0, most=MOST_ROWS), context, action, reward, weight, features
    )
    (k, e), d = features.shape, context.shape[1]
    shapes = [(d, UNITS), (UNITS,), (k, UNITS), (e, UNITS), (k,), (e,), (d,), (1,)]
    found = [_fit_once(rows, shapes, start, logit=logit, intercept=intercept) for start in range(RESTARTS)]
    layer = HiddenLayer(
        np.hstack([one.layer for one in found]).astype(np.float32),
        np.concatenate([one.bias for one in found]).astype(np.float32),
    )
    units = [(one.own + features @ one.shared).T / RESTARTS for one in found]
    linear = np.mean([one.context for one in found], axis=0)
    biases = [one.action + features @ one.features + one.intercept for one in found]
    weights = np.vstack([np.repeat(linear[:, None], k, axis=1), *units])
    return layer, weights, np.mean(biases, axis=0)


def _sorted_by_action(
    taken: tuple[NDArray[np.int64], Array],
    context: NDArray[np.float32],
    action: NDArray[np.int32],
    reward: Array,
    weight: Array,
    features: NDArray[np.float32],
) -> ActionRows:
    kept, factor = taken
    order = np.argsort(action[kept], kind="stable")
    rows = kept[order]
    shown, first = np.unique(action[rows], return_index=True)
    return ActionRows(
        np.ascontiguousarray(context[rows]),
        action[rows],
        reward[rows].astype(np.float32),
        (weight[rows] * factor[order]).astype(np.float32),
        features,
        shown,
        first,
    )


def _fit_once(
    rows: ActionRows, shapes: list[tuple[int, ...]], start: int, *, logit: bool, intercept: float
) -> Parameters:
    from scipy.optimize import minimize

    variance = _prior_variance(rows, shapes)
    rng = np.random.default_rng(start)
    scale = (1.0, 1.0, 0.1, 0.1, 0.0, 0.0, 0.0, 0.0)  # units of many directions, weights near 0
    begin = Parameters(
        *(
            rng.normal(size=part.shape) * np.sqrt(part) * factor
            for part, factor in zip(variance, scale, strict=True)
        )
    )
    begin.intercept[:] = intercept
    precision = 1 / variance.packed()
    precision[-1] = 0.0

    def penalised(vector: Array) -> tuple[float, Array]:
        loss, gradient = _loss(rows, Parameters.unpacked(vector, shapes), logit=logit)
        return loss + 0.5 * float(precision @ vector**2), gradient.packed() + precision * vector

    best = minimize(penalised, begin.packed(), jac=True, method="L-BFGS-B", options={"maxiter": ITERATIONS})
    return Parameters.unpacked(best.x, shapes)


def _prior_variance(rows: ActionRows, shapes: list[tuple[int, ...]]) -> Parameters:
    length = max(float(np.mean(np.square(rows.context).sum(axis=1))), 1e-30)
    each = (REACH / length, 1.0, OWN_VARIANCE, *[SHARED_VARIANCE] * 4, 1.0)
    return Parameters(*(np.full(shape, value) for shape, value in zip(shapes, each, strict=True)))


def _loss(rows: ActionRows, given: Parameters, *, logit: bool) -> tuple[float, Parameters]:
    """The weighted loss of all rows, and its gradient."""
    layer, bias, own, shared, *_ = (part.astype(np.float32) for part in given)
    units = np.tanh(rows.context @ layer + bias)
    of_action = (own + rows.features @ shared)[rows.action]
    offset = given.action + rows.features @ given.features + given.intercept
    score = np.einsum("ij,ij->i", units, of_action) + offset[rows.action] + rows.context @ given.context
    if logit:
        loss = np.logaddexp(0, score) - rows.reward * score
        slope = 1 / (1 + np.exp(-score)) - rows.reward
    else:
        loss, slope = 0.5 * np.square(score - rows.reward), score - rows.reward
    slope = (slope * rows.weight).astype(np.float32)
    entering = (slope[:, None] * of_action) * (1 - np.square(units))
    by_action = np.zeros(given.own.shape)
    by_action[rows.shown] = np.add.reduceat(units * slope[:, None], rows.first)
    rewards = np.zeros(given.action.shape)
    rewards[rows.shown] = np.add.reduceat(slope, rows.first)
    gradient = Parameters(
        (rows.context.T @ entering).astype(np.float64),
        entering.sum(axis=0, dtype=np.float64),
        by_action,
        rows.features.T @ by_action,
        rewards,
        rows.features.T @ rewards,
        (rows.context.T @ slope).astype(np.float64),
        np.array([slope.sum(dtype=np.float64)]),
    )
    return float(loss @ rows.weight.astype(np.float64)), gradient
