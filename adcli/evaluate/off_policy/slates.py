"""Slates: several placements shown at once, valued together.

All arrays have shape (slates, positions), positions in the order they are seen; a position that a slate does
not have has weight 1 and everything else 0.
"""

from __future__ import annotations

import numpy as np

from adcli.arrays import Floats
from adcli.policies.estimators import Estimate


def sips(reward: Floats, weight: Floats) -> Estimate:
    """Every position weighted by the whole slate: unbiased whatever positions do to each other; the widest.

    Source: Swaminathan et al. (2017).
    """
    return _mean(weight.prod(axis=1) * reward.sum(axis=1))


def iips(reward: Floats, weight: Floats) -> Estimate:
    """Every position weighted by itself: right where a reward depends on its own position alone.

    Source: Li et al. (2018), "Offline evaluation of ranking policies with click models".
    """
    return _mean((weight * reward).sum(axis=1))


def rips(reward: Floats, weight: Floats) -> Estimate:
    """Every position weighted by itself and those before it: right where users look from the top.

    Source: McInerney et al. (2020), "Counterfactual evaluation of slate recommendations".
    """
    return _mean((weight.cumprod(axis=1) * reward).sum(axis=1))


def cascade_dr(reward: Floats, weight: Floats, q_logged: Floats, q_policy: Floats) -> Estimate:
    """RIPS with a model of the reward from each position on: doubly robust along the positions.

    `q_logged` is what the model expects of the logged action's position and all after it, `q_policy` the same
    of the policy's choice there, given what was logged before.

    Source: Kiyohara et al. (2022), "Doubly robust off-policy evaluation for ranking policies".
    """
    so_far = weight.cumprod(axis=1)
    before = np.hstack([np.ones((weight.shape[0], 1)), so_far[:, :-1]])
    return _mean((so_far * (reward - q_logged) + before * q_policy).sum(axis=1))


def rewards_to_come(q_policy: Floats) -> Floats:
    """What a model of single positions expects the policy to earn after each of them, shape (positions,)."""
    means = q_policy.mean(axis=0)
    return np.asarray(means[::-1].cumsum()[::-1] - means, dtype=np.float64)


def _mean(terms: Floats) -> Estimate:
    return Estimate(float(terms.mean()), terms)
