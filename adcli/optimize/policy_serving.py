"""Whom a learned policy serves what, beside the log, and how true the reward model behind it is."""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np
import polars as pl

from adcli.arrays import Flags
from adcli.policies.constrained import ConstrainedPolicy
from adcli.policies.explanation import explain
from adcli.policies.policy import Policy, ScoredPolicy, chunks
from adcli.policies.prepared import PreparedLog
from adcli.policies.reward_model import CONSTANT
from adcli.policies.rows import FittedReward, expected_rewards, onto, own_expected_rewards
from adcli.statistics.means import clustered_mean

EVERYONE: Final = "all"
MOST_GROUPS: Final = 10  # values of a context column whose groups are told apart
BINS: Final = 10
MOST_EXPLAINED: Final = 500  # impressions that show what decides


class _Group(NamedTuple):
    """Rows of one value of a context column: its number among all groups is where it stands in the list."""

    context: str
    value: str
    rows: Flags


def serving_table(log: PreparedLog, policy: Policy, reward: FittedReward) -> pl.DataFrame:
    """How often the policy and the log show each action to each group of impressions.

    Returns:
        `context group rows action share logged_share expected_reward`: a row for each action of each group,
        those of everyone first, by falling share. `expected_reward` is by the out-of-fold reward model; null
        where that tells actions no better apart than their mean.
    """
    groups = _groups(log)
    member = np.stack([group.rows for group in groups])
    shape = (len(groups), len(log.actions))
    shown, expected, logged = np.zeros(shape), np.zeros(shape), np.zeros(shape)
    own = policy.actions.index(log.actions.frame)
    for rows in chunks(log.impressions.height, max(shape[1], len(policy.actions))):
        part = log.impressions[rows]
        of_group = member[:, rows].astype(np.float32)
        shown += of_group @ onto(policy.probabilities(part), own)
        expected += of_group @ expected_rewards(reward, part, reward.fold[rows])
    for number, group in enumerate(groups):
        logged[number] = np.bincount(log.logged.action[group.rows], minlength=shape[1])
    sizes = member.sum(axis=1, keepdims=True)
    known = reward.model.form != CONSTANT
    tables = [
        pl.DataFrame(
            {
                "context": group.context,
                "group": group.value,
                "rows": int(sizes[number, 0]),
                "action": _labels(log.actions.frame),
                "share": shown[number] / sizes[number],
                "logged_share": logged[number] / sizes[number],
                "expected_reward": expected[number] / sizes[number] if known else np.full(shape[1], np.nan),
            }
        ).sort("share", descending=True, maintain_order=True)
        for number, group in enumerate(groups)
    ]
    return pl.concat(tables).with_columns(pl.col("expected_reward").fill_nan(None))


def _groups(log: PreparedLog) -> list[_Group]:
    """Everyone, and the values of each context column that has few."""
    groups = [_Group(EVERYONE, EVERYONE, np.ones(log.impressions.height, dtype=bool))]
    for name in log.encoder.columns:
        words = log.impressions[name].cast(pl.String).fill_null("none")
        values = words.value_counts(sort=True)[name].to_list()
        if 1 < len(values) <= MOST_GROUPS:
            groups += [_Group(name, value, (words == value).to_numpy()) for value in values]
    return groups


def _labels(actions: pl.DataFrame) -> pl.Series:
    return actions.select(pl.concat_str(pl.all(), separator=" · ").alias("action"))["action"]


def reward_calibration(log: PreparedLog, reward: FittedReward, confidence: float) -> pl.DataFrame:
    """What the reward model expected of what was shown, out of fold, beside what came of it.

    Returns:
        `predicted value ci_low ci_high rows`: bins of about equally many rows, in the order of prediction.
    """
    predicted = own_expected_rewards(log, reward)
    edges = np.unique(np.quantile(predicted, np.linspace(0, 1, BINS + 1)[1:-1]))
    number = np.searchsorted(edges, predicted, side="right")
    rows = []
    users = log.logged.cluster
    for one in np.unique(number):
        own = number == one
        found = clustered_mean(log.logged.reward[own], None if users is None else users[own])
        low, high = found.interval(confidence)
        rows.append((float(predicted[own].mean()), found.value, max(low, 0.0), high, int(own.sum())))
    return pl.DataFrame(rows, schema=["predicted", "value", "ci_low", "ci_high", "rows"], orient="row")


def deciding_features(policy: Policy, impressions: pl.DataFrame) -> pl.DataFrame:
    """How much each column of context moves the choice: `feature moves`, the most telling first.

    `moves` is the mean size of what the column adds to the score of the likeliest action over the next, on a
    sample of the log. Empty of a policy that has no scores, or tells no contexts apart.
    """
    base = policy.base if isinstance(policy, ConstrainedPolicy) else policy
    if not isinstance(base, ScoredPolicy) or not base.encoder.columns:
        return pl.DataFrame(schema={"feature": pl.String, "moves": pl.Float64})
    sample = impressions.sample(min(MOST_EXPLAINED, impressions.height), seed=0)
    ranked = np.argsort(-base.scores(sample), axis=1)
    first, second = (explain(base, sample, ranked[:, place].astype(np.int64)) for place in (0, 1))
    moves = np.abs(first.contributions - second.contributions)[:, :-1].mean(axis=0)
    return pl.DataFrame({"feature": first.names[:-1], "moves": moves}).sort("moves", descending=True)
