"""Off-policy estimators as functions of arrays: the value of a policy from the log of another.

Every estimator returns its value and, for each row, the row's influence on it: an array whose mean is the
value and whose spread gives the standard error. `weight` is always the policy's probability of the logged
action over its propensity, `q_logged` the expected reward of the logged action, `q_policy` that of the
policy; all have shape (n,).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from adcli.arrays import Floats


class Estimate(NamedTuple):
    """The value of a policy, and the influence of each row on it, whose mean is the value.

    `replaced` is the share of the weight that the estimator cut away or handed to the reward model: 0 for the
    unbiased ones.
    """

    value: float
    influence: Floats
    replaced: float = 0.0


def ips(reward: Floats, weight: Floats) -> Estimate:
    """Inverse propensity scoring: the mean of weight x reward. Unbiased.

    Source: Horvitz and Thompson (1952); Precup, Sutton and Singh (2000).
    """
    return _mean(weight * reward)


def snips(reward: Floats, weight: Floats) -> Estimate:
    """Self-normalised inverse propensity scoring: the weighted mean of the rewards. Consistent.

    Source: Swaminathan and Joachims (2015).
    """
    level = _ratio(float(weight @ reward), float(weight.sum()))
    return Estimate(level, level + weight * (reward - level) / max(weight.mean(), 1e-300))


def dm(q_policy: Floats) -> Estimate:
    """The direct method: the mean reward the model expects. Its spread leaves out the model's own error."""
    return _mean(q_policy)


def dr(reward: Floats, weight: Floats, q_logged: Floats, q_policy: Floats) -> Estimate:
    """Doubly robust: the direct method, corrected by the weighted residuals. Unbiased when cross-fitted.

    Source: Dudík, Erhan, Langford and Li (2014).
    """
    return _mean(q_policy + weight * (reward - q_logged))


def sndr(reward: Floats, weight: Floats, q_logged: Floats, q_policy: Floats) -> Estimate:
    """Self-normalised doubly robust: the residuals' weighted mean is added. Consistent.

    Source: Thomas and Brunskill (2016).
    """
    residual = reward - q_logged
    correction = _ratio(float(weight @ residual), float(weight.sum()))
    influence = q_policy + correction + weight * (residual - correction) / max(weight.mean(), 1e-300)
    return Estimate(float(q_policy.mean()) + correction, influence)


def clipped_ips(reward: Floats, weight: Floats, largest: float) -> Estimate:
    """IPS with weights cut at `largest`. Biased towards 0.

    Source: Bottou et al. (2013).
    """
    kept = np.minimum(weight, largest)
    return _mean(kept * reward, _share_replaced(weight, kept))


def switch_dr(reward: Floats, weight: Floats, q_logged: Floats, q_policy: Floats, largest: float) -> Estimate:
    """Doubly robust where the weight is at most `largest`, and the direct method elsewhere.

    Source: Wang, Agarwal and Dudík (2017).
    """
    kept = np.where(weight <= largest, weight, 0)
    return _mean(q_policy + kept * (reward - q_logged), _share_replaced(weight, kept))


def dros(reward: Floats, weight: Floats, q_logged: Floats, q_policy: Floats, shrinkage: float) -> Estimate:
    """Doubly robust with optimistic shrinkage: weight w becomes w x shrinkage / (w² + shrinkage).

    Source: Su, Dimakopoulou, Krishnamurthy and Dudík (2020).
    """
    kept = shrinkage * weight / (np.square(weight) + shrinkage)
    return _mean(q_policy + kept * (reward - q_logged), _share_replaced(weight, kept))


def log_smoothing(reward: Floats, weight: Floats) -> Estimate:
    """The mean of log(1 + s x weight x reward) / s with s = 1 / sqrt(n): IPS with its large terms smoothed.

    Source: Sakhi, Aouali, Alquier and Chopin (2024, arXiv 2405.14335).
    """
    strength = 1 / np.sqrt(reward.size) / max(float(reward.max(initial=0.0)), 1e-300)
    gains = weight * reward
    smoothed = np.log1p(strength * gains) / strength
    return _mean(smoothed, _share_replaced(gains, smoothed))


def log_smoothing_bound(reward: Floats, weight: Floats, *, confidence: float = 0.95) -> float:
    """A value that the policy's is above with this confidence, for rewards of at least 0 and any weights.

    (exp(mean(log(1 + s w r)) - log(1 / delta) / n) - 1) / s, the best of sixteen s, each at delta / 16: with
    probability 1 - delta the mean of log(1 + s w r) is at most log(1 + s V) + log(1 / delta) / n.

    Source: Sakhi, Aouali, Alquier and Chopin (2024, arXiv 2405.14335).
    """
    n = reward.size
    gains = (weight * reward)[reward != 0]
    scale = max(float(reward.max(initial=0.0)), 1e-300)
    strengths = np.geomspace(1e-3, 10, 16) / scale
    penalty = np.log(strengths.size / (1 - confidence)) / n
    exponents = np.array([np.log1p(s * gains).sum() / n - penalty for s in strengths])
    return float(max(0.0, (np.expm1(exponents) / strengths).max()))


def effective_sample_size(weight: Floats) -> float:
    """The number of equally weighted rows that would carry as much: (sum w)² / sum w².

    Source: Kish (1965).
    """
    return _ratio(float(weight.sum()) ** 2, float(weight @ weight))


def matched_clicks(reward: Floats, weight: Floats) -> float:
    """The number of equally weighted rewards that carry the estimate: (sum w r)² / sum (w r)².

    The clicks on the policy's own choices, where it is sure of them; all clicks, for the logging policy.
    """
    return effective_sample_size(weight * np.abs(reward))


def expected_clicks(reward: Floats, weight: Floats) -> float:
    """The log's rate of rewards times the effective sample size: what the policy's rows would have of them.

    Rewards of unequal size count as so many equal ones.
    """
    rewarded = reward != 0
    equal = _ratio(matched_clicks(reward, weight), effective_sample_size(weight * rewarded))
    return float(rewarded.mean()) * effective_sample_size(weight) * min(equal, 1.0)


def _mean(terms: Floats, replaced: float = 0.0) -> Estimate:
    return Estimate(float(terms.mean()), terms, replaced)


def _share_replaced(weight: Floats, kept: Floats) -> float:
    return 1 - _ratio(float(kept.sum()), float(weight.sum())) if weight.any() else 0.0


def _ratio(part: float, whole: float) -> float:
    return float(part / whole) if whole else 0.0
