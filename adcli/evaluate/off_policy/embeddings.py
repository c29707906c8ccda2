"""Many actions: weights of groups of actions in place of single ones, and whether they can be trusted."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from adcli.arrays import Floats, Floats32, Integers, Integers32
from adcli.policies.logged import LoggedRows
from adcli.policies.policy import Policy
from adcli.policies.prepared import PreparedLog
from adcli.policies.propensity import estimate_propensities
from adcli.policies.rows import group_probabilities
from adcli.statistics.means import std_error

MOST_GROUP_ERROR = 4.0
LEAST_P_VALUE = 0.01


class GroupWeights(NamedTuple):
    """The policy's probability of each row's group of actions over the log's own, shape (n,).

    `error` is by how many standard errors the worst group's weight misses the probability that the policy
    gives that group; `p_value` that of equal rewards for all actions within the groups (what MIPS takes for
    granted).
    """

    weight: Floats
    groups: int
    error: float
    p_value: float

    @property
    def trusted(self) -> bool:
        """Whether the weights fit."""
        return self.error <= MOST_GROUP_ERROR


def group_by_features(features: Floats32, groups: int, seed: int) -> Integers32:
    """The group of each action by k-means of its features, shape (K,)."""
    from sklearn.cluster import KMeans

    found = KMeans(min(groups, features.shape[0]), random_state=seed, n_init=4).fit(features)
    return np.asarray(found.labels_, dtype=np.int32)


def group_weights(log: PreparedLog, policy: Policy, group: Integers32) -> GroupWeights:
    """The weights of groups of actions, and how far to trust them.

    The policy's probability of a group is exact; the log's own is estimated from the context, as the log
    states only that of the action it took.

    `log`: the log, n rows and K actions; `policy`: the policy to value; `group`: the group of each action,
    shape (K,).

    Source: Saito and Joachims, "Off-policy evaluation for large action spaces via embeddings" (2022).
    """
    own = group[log.logged.action]
    shown = group_probabilities(log, policy, membership(group))
    target = shown[np.arange(own.size), own].astype(np.float64)
    likely = estimate_propensities(
        log.impressions, own, log.encoder, n_actions=shown.shape[1], seed=log.question.seed
    )
    weight = target / likely
    error = _worst_error(weight, own, shown.mean(axis=0, dtype=np.float64), log.logged.cluster)
    return GroupWeights(weight, shown.shape[1], error, equal_rewards_p_value(log.logged, own))


def membership(group: Integers32) -> Floats32:
    """Which group each action is in, as 0 and 1, shape (K, G); `group` holds its number, shape (K,)."""
    return np.eye(int(group.max()) + 1, dtype=np.float32)[group]


def _worst_error(weight: Floats, own: Integers32, expected: Floats, cluster: Integers | None) -> float:
    """By how many standard errors the worst group's mean weight misses the policy's probability of it."""
    worst = 0.0
    for number, probability in enumerate(expected):
        influence = np.where(own == number, weight, 0.0)
        missed = abs(float(influence.mean()) - float(probability))
        error = std_error(influence, cluster)
        if missed > 1e-6:
            worst = max(worst, missed / error if error else np.inf)
    return worst


def equal_rewards_p_value(logged: LoggedRows, own: Integers32) -> float:
    """The p-value of equal reward rates for all actions of a group: small where single actions matter.

    A chi-square test of action x (reward above 0) within the groups, added up; contexts are not adjusted for.
    """
    from scipy.stats import chi2, chi2_contingency

    statistic, degrees = 0.0, 0
    hit = logged.reward > 0
    for number in np.unique(own):
        rows = own == number
        _, action = np.unique(logged.action[rows], return_inverse=True)
        counts = np.column_stack([np.bincount(action, ~hit[rows]), np.bincount(action, hit[rows])])
        if counts.shape[0] > 1 and (counts.sum(axis=0) > 0).all():
            test = chi2_contingency(counts, correction=False)
            statistic, degrees = statistic + float(test.statistic), degrees + int(test.dof)
    return float(chi2.sf(statistic, degrees)) if degrees else 1.0
