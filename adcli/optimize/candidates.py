"""The policies that compete to be learned from a log."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import polars as pl

from adcli.arrays import Flags, Floats, Integers32
from adcli.policies.context import ContextEncoder
from adcli.policies.policy import ScoredPolicy
from adcli.policies.prepared import PreparedLog
from adcli.policies.reward_model import RewardModel
from adcli.policies.rows import policy_rows
from adcli.policies.scores import Scores
from adcli.policies.table_policy import TablePolicy, logged_shares, uniform

DIRECT = "direct method"
SOFTENED = {"softmax, temperature 0.3": 0.3, "softmax, temperature 1": 1.0}  # in deviations of the scores
POPULAR = "best action"
MOST_SOFTENED = 10_000  # rows that estimate the deviation of the scores of a context's actions
PRIOR_REWARDS = 10.0  # an action's record is mixed with this many rewards' worth of the mean


def fit_candidates(
    log: PreparedLog, reward: RewardModel | None, epsilon: float, seen: Flags | None = None
) -> dict[str, ScoredPolicy]:
    """The candidates by name, fitted to the rows `seen` of a log (all by default) and their reward model.

    Without a reward model (it found nothing) there is no direct method: all on the action of the greatest
    expected reward. Softmaxes of its scores stand beside it, since a log says most about the least sharp.
    """
    logged, k = log.logged if seen is None else log.logged.take(seen), len(log.actions)
    rates = shrunk_rates(logged.action, logged.reward, logged.propensity, k).astype(np.float32)
    popular = Scores(np.zeros((0, k), dtype=np.float32), rates)
    candidates = {POPULAR: ScoredPolicy(POPULAR, log.actions, ContextEncoder(), popular, "greedy", epsilon)}
    if reward is not None:
        direct = ScoredPolicy(DIRECT, log.actions, log.encoder, reward.scores, "greedy", epsilon, reward.link)
        some = slice(MOST_SOFTENED) if seen is None else np.flatnonzero(seen)[:MOST_SOFTENED]
        candidates |= {DIRECT: direct, **_softened(direct, log.impressions[some])}
    return candidates


def _softened(policy: ScoredPolicy, impressions: pl.DataFrame) -> dict[str, ScoredPolicy]:
    """The softmaxes of a greedy policy's scores, at temperatures relative to how far they differ."""
    deviation = max(float(np.sqrt(policy.scores(impressions).var(axis=1).mean())), 1e-30)
    return {
        name: replace(policy, name=name, rule="softmax", temperature=temperature * deviation)
        for name, temperature in SOFTENED.items()
    }


def shrunk_rates(action: Integers32, reward: Floats, propensity: Floats, n_actions: int) -> Floats:
    """Each action's mean reward, self-normalised and shrunk to that of all, over the best; shape (K,)."""
    weight = propensity.mean() / propensity
    rows = np.bincount(action, weights=weight, minlength=n_actions)
    earned = np.bincount(action, weights=weight * reward, minlength=n_actions)
    prior = PRIOR_REWARDS * rows.sum() / max(float(weight @ (reward != 0)), 1e-300)  # rows
    rates = (earned + prior * earned.sum() / rows.sum()) / (rows + prior)
    return np.asarray(rates / max(float(np.abs(rates).max()), 1e-300), dtype=np.float64)


def stand_in(log: PreparedLog, epsilon: float) -> TablePolicy:
    """What comes nearest to the logging policy and can be applied: the even choice, or the log's shares."""
    impressions, actions = log.impressions, log.actions
    even = uniform(actions)
    if np.allclose(policy_rows(log, even).weight, 1, rtol=1e-3):
        return even
    by_placement = "placement" in impressions.columns and "placement" not in actions.columns
    return logged_shares(impressions, actions, ("placement",) if by_placement else (), epsilon=epsilon)
