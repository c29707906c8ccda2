"""Learning on: a new log beside a sample of what was learned from before, and what that gains and forgets."""

from __future__ import annotations

from functools import partial
from typing import NamedTuple

import numpy as np
import polars as pl

from adcli.arrays import Flags, Integers
from adcli.optimize.policy_learning import LearnedPolicy, learn_policy, with_frequency
from adcli.policies.constraints import Constraints
from adcli.policies.context import TEXT_SCORES
from adcli.policies.estimators import snips
from adcli.policies.policy import Policy
from adcli.policies.prepared import PreparedLog, Question, prepare_log
from adcli.policies.rows import policy_rows
from adcli.statistics.means import clustered_mean

MOST_REPLAYED = 20_000
CHECK_SHARE = 0.2  # of the rows of either time that are not learned from
OUTCOMES = ("propensity", "click", "conversion", "revenue", "cost", "event_time")


class Earlier(NamedTuple):
    """A policy, and a sample of the impressions that it was learned from."""

    policy: Policy
    replay: pl.DataFrame


class Change(NamedTuple):
    """What one policy earns more per impression than another, with its interval, on so many rows."""

    difference: float
    low: float
    high: float
    rows: int


def learn_on(
    impressions: pl.DataFrame,
    earlier: Earlier | None,
    question: Question,
    *,
    items: pl.DataFrame | None = None,
    epsilon: float,
    confidence: float = 0.95,
    constraints: Constraints | None = None,
) -> tuple[LearnedPolicy, dict[str, Change]]:
    """The policy learned from new impressions and those replayed, less a fifth of the users of each.

    On these the new policy is compared with the earlier one, by SNIPS: `gained` is what it earns more on the
    new impressions, `forgotten` what it earns less on the replayed ones.

    Args:
        impressions: The new log.
        earlier: What is learned on from; None learns from the new log alone.
        question: What is asked of both.
        items: As in `learn_policy`.
        epsilon: As in `learn_policy`.
        confidence: As in `learn_policy`.
        constraints: As in `learn_policy`.

    Raises:
        DataError: As `learn_policy` does.

    Source: Rolnick et al. (2019), "Experience Replay for Continual Learning".
    """
    learn = partial(
        learn_policy,
        question=question,
        items=items,
        epsilon=epsilon,
        confidence=confidence,
        constraints=constraints,
    )
    if earlier is None:
        return learn(impressions), {}
    impressions, question = with_frequency(impressions, question, constraints)
    whole = pl.concat([impressions, earlier.replay], how="diagonal_relaxed")
    is_old = np.arange(whole.height) >= impressions.height
    log = prepare_log(whole, question, items)
    apart = _apart(log.logged.cluster, whole.height, question.seed)
    learned = learn(whole.filter(pl.Series(~apart)))
    new, old = learned.policy, earlier.policy
    return learned, {
        "gained": _change(log.take(apart & ~is_old), new, old, confidence),
        "forgotten": _change(log.take(apart & is_old), old, new, confidence),
    }


def replay_sample(log: PreparedLog) -> pl.DataFrame:
    """At most 20,000 impressions of a log, to replay when a later one is learned; users have no names."""
    wanted = dict.fromkeys([*log.actions.columns, *log.encoder.columns, log.question.reward, *OUTCOMES])
    there = set(log.impressions.columns) - {TEXT_SCORES}  # which are of this log's actions
    rows = pl.int_range(log.impressions.height, eager=True)
    rows = rows.sample(min(MOST_REPLAYED, rows.len()), seed=log.question.seed)
    kept = log.impressions.select(name for name in wanted if name in there)[rows]
    if log.logged.cluster is not None:
        users = pl.Series(log.logged.cluster[rows.to_numpy()]).cast(pl.String)
        kept = kept.with_columns(user_id="replayed " + users)
    return kept


def _apart(cluster: Integers | None, n: int, seed: int) -> Flags:
    """Rows of a fifth of the users, shape (n,)."""
    rng = np.random.default_rng(seed)
    if cluster is None:
        return rng.random(n) < CHECK_SHARE
    return np.asarray((rng.random(int(cluster.max()) + 1) < CHECK_SHARE)[cluster])


def _change(log: PreparedLog, one: Policy, other: Policy, confidence: float) -> Change:
    values = [snips(log.logged.reward, policy_rows(log, policy).weight) for policy in (one, other)]
    found = clustered_mean(values[0].influence - values[1].influence, log.logged.cluster)
    interval = found.interval(confidence)
    return Change(found.value, interval.low, interval.high, log.impressions.height)
