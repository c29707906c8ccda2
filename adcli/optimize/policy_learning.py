"""A policy learned from a log: candidates, each valued on rows it did not see, and a pessimistic choice."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from adcli.optimize.candidates import Training, fit_candidates, stand_in
from adcli.policies.action_features import action_features
from adcli.policies.actions import action_set
from adcli.policies.context import choose_context, fit_context
from adcli.policies.estimators import dr, effective_sample_size, log_smoothing_bound, matched_clicks
from adcli.policies.logged import LoggedRows, logged_rows
from adcli.policies.policy import Policy, ScoredPolicy
from adcli.policies.reward_model import CONSTANT, RewardModel
from adcli.policies.rows import FittedReward, PolicyRows, fit_reward, policy_rows

LOGGED = "logged"


class LearnedPolicy(NamedTuple):
    """What was learned.

    `policy` is the one chosen, fitted on all rows; `chosen` the name of its candidate, "logged" if none was
    surely worth more than what made the log (then `policy` is the nearest thing to it that can be applied).
    `candidates` has one row each, with `policy value std_error lower_bound gain_low effective_sample_size
    matched_clicks max_weight chosen`, valued on rows that the candidate did not see. `lower_bound` is a bound
    of the value, `gain_low` one of the difference to what the log earned; both decide what is surely worth
    more.
    """

    policy: Policy
    chosen: str
    reason: str
    candidates: pl.DataFrame
    context: list[str]
    reward_form: str
    normalised_entropy: float
    notes: list[str]


def learn_policy(
    impressions: pl.DataFrame,
    *,
    reward: str = "click",
    action: Sequence[str] = (),
    context: Sequence[str] = (),
    items: pl.DataFrame | None = None,
    eligible_by: str | None = None,
    epsilon: float = 0.1,
    folds: int = 3,
    confidence: float = 0.95,
    seed: int = 0,
) -> LearnedPolicy:
    """The policy worth most, pessimistically, among those learned from a log and the one that made it.

    Each candidate is fitted without a fold and valued on it. It is surely worth more if its lower bound
    (logarithmic smoothing, which no rare weight misleads) is above that of the log's own policy, and the
    bound of its gain (doubly robust, on the same rows and clustered by user) above 0. Of those, the one with
    the greatest value, less its standard error, is chosen.

    Args:
        impressions: The log: an action, a reward, `propensity`, and context columns.
        reward: The column to earn more of; at least 0.
        action: The columns that make an action; `item_id` (or `ad_id`) unless given.
        context: The columns known before the choice; all that can be unless given.
        items: Attributes or vectors of the items, one row each.
        eligible_by: A column that decides what may be shown (the actions seen with each value).
        epsilon: The share of choices spread evenly over the eligible actions.
        folds: The number of parts for cross-fitting.
        confidence: Of the bound that decides.
        seed: Of the folds and samples.

    Raises:
        DataError: If the log lacks what is needed, or holds it out of range.
    """
    actions = action_set(impressions, action, eligible_by=eligible_by)
    logged = logged_rows(impressions, actions, reward=reward)
    columns = choose_context(impressions, action=actions.columns, wanted=context)
    encoder = fit_context(impressions, columns.columns)
    features = action_features(actions, items)
    training = Training(impressions, logged, actions, encoder, features.values, epsilon, seed)
    fitted = fit_reward(impressions, logged, encoder, features.values, folds=folds, seed=seed)
    table = _value_table(logged, _held_out_rows(training, fitted), confidence)
    chosen = _choose(table)
    policy = stand_in(training) if chosen == LOGGED else _final_candidates(training, fitted)[chosen]
    return LearnedPolicy(
        policy,
        chosen,
        _reason(table, chosen),
        table.with_columns(chosen=pl.col("policy") == chosen),
        encoder.columns,
        fitted.model.form,
        fitted.model.normalised_entropy,
        columns.notes + features.notes,
    )


def _choose(table: pl.DataFrame) -> str:
    """The best, by value less its error, of the policies surely worth more than the log's own; else that."""
    surely = table.filter((pl.col("lower_bound") > table["lower_bound"][0]) & (pl.col("gain_low") > 0))
    if surely.is_empty():
        return LOGGED
    return str(surely.sort(pl.col("value") - pl.col("std_error"), descending=True)["policy"][0])


def _final_candidates(training: Training, fitted: FittedReward) -> dict[str, ScoredPolicy]:
    everything = np.ones(training.logged.reward.size, dtype=bool)
    return fit_candidates(training, everything, _informative(fitted, fitted.model.full))


def _informative(fitted: FittedReward, model: RewardModel) -> RewardModel | None:
    return None if fitted.model.form == CONSTANT else model


def _held_out_rows(training: Training, fitted: FittedReward) -> dict[str, PolicyRows]:
    """Each candidate against the log, every row by the candidate that did not see it."""
    parts: dict[str, list[PolicyRows]] = {}
    for held, model in enumerate(fitted.model.folds):
        own = fitted.fold == held
        impressions, logged = training.impressions.filter(pl.Series(own)), training.logged.take(own)
        part = fitted._replace(fold=fitted.fold[own])
        for name, policy in fit_candidates(training, ~own, _informative(fitted, model)).items():
            rows = policy_rows(impressions, logged, training.actions, policy, part)
            parts.setdefault(name, []).append(rows)
    place = np.argsort(np.argsort(fitted.fold, kind="stable"))
    return {name: _joined(rows, place) for name, rows in parts.items()}


def _joined(parts: list[PolicyRows], place: NDArray[np.int64]) -> PolicyRows:
    return PolicyRows(*(np.concatenate(column)[place] for column in zip(*parts, strict=True)))


def _value_table(logged: LoggedRows, rows: dict[str, PolicyRows], confidence: float) -> pl.DataFrame:
    """One row per candidate, the log's own policy first; the bounds hold together at this confidence."""
    each = 1 - (1 - confidence) / (len(rows) + 1)
    ones = np.ones(logged.reward.size)
    records = [_record(LOGGED, logged, ones, logged.reward, each)]
    for name, own in rows.items():
        influence = dr(logged.reward, own.weight, own.q_logged, own.q_policy).influence
        records.append(_record(name, logged, own.weight, influence, each))
    return pl.DataFrame(records)


def _record(
    name: str,
    logged: LoggedRows,
    weight: NDArray[np.float64],
    influence: NDArray[np.float64],
    confidence: float,
) -> dict[str, object]:
    gain = influence - logged.reward
    return {
        "policy": name,
        "value": float(influence.mean()),
        "std_error": _std_error(influence, logged.cluster),
        "lower_bound": log_smoothing_bound(logged.reward, weight, confidence=confidence),
        "gain_low": float(gain.mean()) - _one_sided(confidence) * _std_error(gain, logged.cluster),
        "effective_sample_size": effective_sample_size(weight),
        "matched_clicks": matched_clicks(logged.reward, weight),
        "max_weight": float(weight.max()),
    }


def _std_error(influence: NDArray[np.float64], cluster: NDArray[np.int64] | None) -> float:
    """The standard error of a mean influence; rows of one user count together."""
    deviation = influence - influence.mean()
    totals = deviation if cluster is None else np.bincount(cluster, weights=deviation)
    return float(np.sqrt(totals @ totals)) / influence.size


def _one_sided(confidence: float) -> float:
    """The normal quantile of a bound on one side."""
    from scipy.special import ndtri

    return float(ndtri(confidence))


def _reason(table: pl.DataFrame, chosen: str) -> str:
    """Why the candidate was chosen, for a person."""
    logged = table.row(0, named=True)
    others = table.slice(1).sort("lower_bound", descending=True)
    learned = (others if chosen == LOGGED else others.filter(pl.col("policy") == chosen)).row(0, named=True)
    ours = (
        f"The policy that made this log earned {logged['value']:.4g} per impression, surely above "
        f"{logged['lower_bound']:.4g}."
    )
    if chosen == LOGGED:
        return (
            f"Not enough evidence to leave it. {ours} The best learned policy, '{learned['policy']}', is "
            f"surely above {learned['lower_bound']:.4g} only, its gain above {learned['gain_low']:+.4g}: "
            f"{learned['matched_clicks']:.0f} matched rewards, an effective "
            f"{learned['effective_sample_size']:,.0f} impressions, carry its estimate."
        )
    return (
        f"'{chosen}' earns {learned['value']:.4g} per impression on rows it did not see, surely above "
        f"{learned['lower_bound']:.4g}, and gains surely more than {learned['gain_low']:.4g}. {ours}"
    )
