"""The policies that compete to be learned from a log."""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from adcli.optimize.likelihood import fit_likelihood_policy
from adcli.policies.actions import ActionSet
from adcli.policies.context import ContextEncoder
from adcli.policies.logged import LoggedRows
from adcli.policies.policy import ScoredPolicy
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
MOST_SOFTENED = 10_000  # rows that tell that deviation
PRIOR_REWARDS = 10.0  # an action's record is mixed with this many rewards' worth of the mean


class Training(NamedTuple):
    """What candidates are fitted to: the log and its logged side, and how context and actions are encoded."""

    impressions: pl.DataFrame
    logged: LoggedRows
    actions: ActionSet
    encoder: ContextEncoder
    features: NDArray[np.float32]
    epsilon: float
    seed: int


def fit_candidates(
    training: Training, rows: NDArray[np.bool_], reward: RewardModel | None
) -> dict[str, ScoredPolicy]:
    """The candidates by name, fitted to some rows of the log and a reward model of the same rows.

    Without a reward model (it found nothing) there is no direct method. The direct method comes in two kinds:
    all on the best action, and shared among those that are nearly as good, which a log says more about.
    """
    logged = training.logged.take(rows)
    rates = shrunk_rates(logged.action, logged.reward, logged.propensity, len(training.actions))
    likelihood = _fit_likelihood(training, rows)
    candidates = {
        LIKELIHOOD: _greedy(LIKELIHOOD, training, training.encoder, likelihood),
        POPULAR: _greedy(POPULAR, training, ContextEncoder(), Scores(np.zeros((0, rates.size)), rates)),
    }
    if reward is not None:
        weights, bias = reward.weights.astype(np.float64), reward.bias.astype(np.float64)
        scores = Scores(weights, bias, reward.hidden)
        candidates[DIRECT] = _greedy(DIRECT, training, training.encoder, scores)
        candidates[SOFTENED] = _softened(candidates[DIRECT], training.impressions.head(MOST_SOFTENED))
    return candidates


def _fit_likelihood(training: Training, rows: NDArray[np.bool_]) -> Scores:
    rewarded = np.flatnonzero(rows & (training.logged.reward > 0))
    affordable = min(MOST_REWARDED, MOST_CELLS // len(training.actions))
    if rewarded.size > affordable:
        draw = np.random.default_rng(training.seed)
        rewarded = np.sort(draw.choice(rewarded, affordable, replace=False))
    logged = training.logged
    return fit_likelihood_policy(
        training.encoder.encode(training.impressions[rewarded]),
        logged.action[rewarded],
        logged.reward[rewarded],
        logged.propensity[rewarded],
        features=training.features,
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


def stand_in(training: Training) -> TablePolicy:
    """What comes nearest to the logging policy and can be applied: the even choice, or the log's shares."""
    impressions, actions = training.impressions, training.actions
    even = uniform(actions)
    weight = policy_rows(impressions, training.logged, actions, even).weight
    if np.allclose(weight, 1, rtol=1e-3):
        return even
    by_placement = "placement" in impressions.columns and "placement" not in actions.columns
    return logged_shares(
        impressions, actions, ("placement",) if by_placement else (), epsilon=training.epsilon
    )


def _greedy(name: str, training: Training, encoder: ContextEncoder, scores: Scores) -> ScoredPolicy:
    numbers = scores.weights.astype(np.float32), scores.bias.astype(np.float32)
    return ScoredPolicy(name, training.actions, encoder, *numbers, "greedy", training.epsilon, scores.hidden)


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
