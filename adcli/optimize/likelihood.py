"""A policy learned as a classifier: the rewarded actions, weighted by reward over propensity."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from adcli.policies.reward_design import Scores, product_features

Array = NDArray[np.float64]

PRIOR_VARIANCE = 0.03
LARGEST_RATIO = 20.0  # a weight is cut at this many times the mean, so that no single click decides


def fit_likelihood_policy(
    context: NDArray[np.float32],
    action: NDArray[np.int32],
    reward: NDArray[np.float64],
    propensity: NDArray[np.float64],
    *,
    features: NDArray[np.float32],
) -> Scores:
    """The scores whose softmax makes the rewarded actions, weighted by reward / propensity, most likely.

    The score of action a is context @ M @ features[a] + bias[a], or context @ W[:, a] + bias[a] where there
    are no features, with a normal prior of variance 0.03 on every coefficient.

    Args:
        context: Encoded context of the rewarded rows, shape (m, d).
        action: The action shown, shape (m,), in [0, K).
        reward: Rewards above 0, shape (m,).
        propensity: The probability of the action shown, shape (m,).
        features: Features of the actions, shape (K, e); e may be 0.

    Source: Jeunen et al., "Optimization matters more than estimation" (arXiv 2509.03456).
    """
    from scipy.optimize import minimize

    d, k = context.shape[1], features.shape[0]
    basis = product_features(features, d) if features.shape[1] else np.eye(k, dtype=np.float32)
    weight = _weights(reward, propensity)
    width = basis.shape[1]
    start = np.zeros(d * width + k)

    def objective(parameters: Array) -> tuple[float, Array]:
        products, bias = parameters[:-k].reshape(d, width), parameters[-k:]
        loss, by_products, by_bias = _loss(context, action, weight, basis, products, bias)
        penalty = parameters / PRIOR_VARIANCE
        return loss + float(parameters @ penalty) / 2, np.concatenate(
            [by_products.ravel(), by_bias]
        ) + penalty

    found = minimize(objective, start, jac=True, method="L-BFGS-B", options={"maxiter": 200}).x
    return Scores(found[:-k].reshape(d, width) @ basis.T, found[-k:])


def _loss(
    context: NDArray[np.float32],
    action: NDArray[np.int32],
    weight: Array,
    basis: NDArray[np.float32],
    products: Array,
    bias: Array,
) -> tuple[float, Array, Array]:
    """The weighted negative log-likelihood, and its slope in the products and the biases."""
    each = np.arange(action.size)
    scores = context @ products @ basis.T + bias
    scores -= scores.max(axis=1, keepdims=True)
    normaliser = np.exp(scores).sum(axis=1)
    loss = float(weight @ (np.log(normaliser) - scores[each, action]))
    slope = np.exp(scores) / normaliser[:, None]
    slope[each, action] -= 1
    slope *= weight[:, None]
    return loss, context.T @ slope @ basis, slope.sum(axis=0)


def _weights(reward: NDArray[np.float64], propensity: NDArray[np.float64]) -> NDArray[np.float64]:
    """Reward over propensity, cut and scaled to a mean of 1."""
    ratio = reward / propensity
    cut = np.minimum(ratio, LARGEST_RATIO * ratio.mean()) if ratio.size else ratio
    return cut / cut.mean() if cut.size else cut
