"""The policies that compete to be learned from a log."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import polars as pl
from numpy.typing import NDArray

from adcli.optimize.likelihood import fit_likelihood_policy
from adcli.policies.context import ContextEncoder
from adcli.policies.policy import ScoredPolicy
from adcli.policies.prepared import PreparedLog
from adcli.policies.reward_design import Scores
from adcli.policies.reward_model import RewardModel
from adcli.policies.rows import policy_rows
from adcli.policies.table_policy import TablePolicy, logged_shares, uniform

DIRECT = "direct method"
SOFTENED = "softened direct method"
LIKELIHOOD = "weighted likelihood"
POPULAR = "best action"
MOST_REWARDED, MOST_CELLS = 50_000, 20_000_000  # rewarded rows, and rewarded rows x actions, fitted at most
SOFTNESS = 0.25  # temperature, in deviations of the scores of a context's actions
MOST_SOFTENED = 10_000  # rows that estimate that deviation
PRIOR_REWARDS = 10.0  # an action's record is mixed with this many rewards' worth of the mean


def fit_candidates(log: PreparedLog, reward: RewardModel | None, epsilon: float) -> dict[str, ScoredPolicy]:
    """The candidates by name, fitted to a log and a reward model of the same rows.

    Without a reward model (it found nothing) there is no direct method. The direct method comes in two kinds:
    all on the best action, and shared among those that are nearly as good, which a log says more about.
    """
    logged = log.logged
    rates = shrunk_rates(logged.action, logged.reward, logged.propensity, len(log.actions))
    popular = Scores(np.zeros((0, rates.size)), rates)
    candidates = {
        LIKELIHOOD: _greedy(LIKELIHOOD, log, log.encoder, _fit_likelihood(log), epsilon),
        POPULAR: _greedy(POPULAR, log, ContextEncoder(), popular, epsilon),
    }
    if reward is not None:
        weights, bias = reward.weights.astype(np.float64), reward.bias.astype(np.float64)
        scores = Scores(weights, bias, reward.hidden)
        candidates[DIRECT] = _greedy(DIRECT, log, log.encoder, scores, epsilon)
        candidates[SOFTENED] = _softened(candidates[DIRECT], log.impressions.head(MOST_SOFTENED))
    return candidates


def _fit_likelihood(log: PreparedLog) -> Scores:
    rewarded = np.flatnonzero(log.logged.reward > 0)
    affordable = min(MOST_REWARDED, MOST_CELLS // len(log.actions))
    if rewarded.size > affordable:
        draw = np.random.default_rng(log.question.seed)
        rewarded = np.sort(draw.choice(rewarded, affordable, replace=False))
    return fit_likelihood_policy(
        log.encoder.encode(log.impressions[rewarded]),
        log.logged.action[rewarded],
        log.logged.reward[rewarded],
        log.logged.propensity[rewarded],
        features=log.features,
    )


def shrunk_rates(
    action: NDArray[np.int32], reward: NDArray[np.float64], propensity: NDArray[np.float64], n_actions: int
) -> NDArray[np.float64]:
    """Each action's mean reward, self-normalised and shrunk to that of all, over the best; shape (K,)."""
    weight = propensity.mean() / propensity
    rows = np.bincount(action, weights=weight, minlength=n_actions)
    earned = np.bincount(action, weights=weight * reward, minlength=n_actions)
    mean = max(float(earned.sum() / rows.sum()), 1e-300)
    rates = (earned + PRIOR_REWARDS) / (rows + PRIOR_REWARDS / mean)
    return np.asarray(rates / rates.max(), dtype=np.float64)


def stand_in(log: PreparedLog, epsilon: float) -> TablePolicy:
    """What comes nearest to the logging policy and can be applied: the even choice, or the log's shares."""
    impressions, actions = log.impressions, log.actions
    even = uniform(actions)
    if np.allclose(policy_rows(log, even).weight, 1, rtol=1e-3):
        return even
    by_placement = "placement" in impressions.columns and "placement" not in actions.columns
    return logged_shares(impressions, actions, ("placement",) if by_placement else (), epsilon=epsilon)


def _greedy(
    name: str, log: PreparedLog, encoder: ContextEncoder, scores: Scores, epsilon: float
) -> ScoredPolicy:
    numbers = scores.weights.astype(np.float32), scores.bias.astype(np.float32)
    return ScoredPolicy(name, log.actions, encoder, *numbers, "greedy", epsilon, scores.hidden)


def _softened(policy: ScoredPolicy, impressions: pl.DataFrame) -> ScoredPolicy:
    """The softmax of a greedy policy's scores, at a temperature relative to how far they differ."""
    deviation = float(np.sqrt(policy.scores(impressions).var(axis=1).mean()))
    temperature = np.float32(max(SOFTNESS * deviation, 1e-30))
    return replace(
        policy,
        name=SOFTENED,
        weights=policy.weights / temperature,
        bias=policy.bias / temperature,
        rule="softmax",
    )
