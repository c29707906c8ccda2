"""The weights of a stack: what out-of-fold scores of several regressions, added up, say of the reward."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from adcli.arrays import Floats
from adcli.policies.members.member import Link, losses

LIKE_MINDED = 30.0  # prior precision of a weight around the mean of all
CALIBRATED = 1.0  # prior precision of the sum of the weights around 1


class Stack(NamedTuple):
    """Weights of the members (m,), none below 0, the shift beside them, and the loss of each row (n,)."""

    weights: Floats
    shift: float
    loss: Floats


def stack_weights(scores: Floats, reward: Floats, weight: Floats, link: Link) -> Stack:
    """The weights with the least out-of-fold loss, shrunk towards equal ones; 0 for members that do not help.

    A member helps if the penalised loss is greater without it.

    Args:
        scores: Out-of-fold scores of m members, shape (n, m).
        reward: The reward of each row, shape (n,).
        weight: The rows each stands for, shape (n,).
        link: What scores are.

    Source: Breiman (1996), "Stacked regressions", for weights of at least 0.
    """
    unit = max(float(reward.std()), 1e-300) if link == "identity" else 1.0
    scaled, target = scores / unit, reward / unit
    kept = list(range(scores.shape[1]))
    best = _fit(scaled[:, kept], target, weight, link)
    while len(kept) > 1:
        fewer = [[one for one in kept if one != left] for left in kept]
        tried = [_fit(scaled[:, some], target, weight, link) for some in fewer]
        least = min(range(len(kept)), key=lambda one: tried[one].value)
        if tried[least].value > best.value:
            break
        kept, best = fewer[least], tried[least]
    weights = np.zeros(scores.shape[1])
    weights[kept] = best.weights
    shift = best.shift * unit
    return Stack(weights, shift, losses(scores @ weights + shift, reward, link))


class _Fitted(NamedTuple):
    weights: Floats
    shift: float
    value: float


def _fit(scores: Floats, reward: Floats, weight: Floats, link: Link) -> _Fitted:
    from scipy.optimize import minimize

    m = scores.shape[1]
    center = np.average(scores, axis=0, weights=weight)
    moved = scores - center

    def penalised(vector: Floats) -> tuple[float, Floats]:
        weights, level = vector[:m], vector[m]
        fitted = moved @ weights + level
        if link == "logit":
            slope = 1 / (1 + np.exp(-fitted)) - reward
            loss = losses(fitted, reward, link)
        else:
            slope, loss = fitted - reward, 0.5 * np.square(fitted - reward)
        apart, whole = weights - weights.mean(), weights.sum() - 1
        value = weight @ loss + LIKE_MINDED / 2 * apart @ apart + CALIBRATED / 2 * whole**2
        gradient = moved.T @ (slope * weight) + LIKE_MINDED * apart + CALIBRATED * whole
        return float(value), np.append(gradient, (slope * weight).sum())

    mean = float(np.average(reward, weights=weight))
    start = np.append(np.full(m, 1 / m), np.log(mean / (1 - mean)) if link == "logit" else mean)
    bounds = [(0, None)] * m + [(None, None)]
    found = minimize(penalised, start, jac=True, method="L-BFGS-B", bounds=bounds)
    weights = found.x[:m]
    return _Fitted(weights, float(found.x[m] - weights @ center), float(found.fun))
