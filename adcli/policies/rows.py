"""A policy against a log, row by row: what every off-policy estimate is made of."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
import polars as pl

from adcli.arrays import Flags, Floats, Floats32, Integers, Integers32
from adcli.errors import DataError, require_known
from adcli.policies.constrained import with_history
from adcli.policies.context import ContextEncoder
from adcli.policies.logged import LoggedRows, numbers
from adcli.policies.members.member import Member, RewardRows
from adcli.policies.policy import CELLS_AT_ONCE, Policy, chunks
from adcli.policies.prepared import PreparedLog
from adcli.policies.reward_model import STACK, RewardFit, assign_folds, fit_reward_model
from adcli.policies.sampling import sample_rows
from adcli.progress import steps
from adcli.tables.spool import let_go

MOST_MASS_ELSEWHERE = 0.5
MOST_FITTED = 200_000  # rows that are held at once to fit a reward model
ROWS_AT_ONCE = 16_384  # of a longer log, for members that learn from it block by block


class FittedReward(NamedTuple):
    """A cross-fitted reward model, the encoder of the context it reads, and the fold of each row (n,)."""

    encoder: ContextEncoder
    model: RewardFit
    fold: Integers32


class PolicyRows(NamedTuple):
    """One entry per impression, shape (n,) each.

    `weight` is the policy's probability of the logged action over its propensity. `q_logged` is the expected
    reward of the logged action, `q_policy` that of the policy; both are NaN without a model, `q_policy` also
    where only the probability of the logged action is known. `unsupported` is the probability that the policy
    gives to actions the log never shows in such a place.
    """

    weight: Floats
    q_logged: Floats
    q_policy: Floats
    unsupported: Floats


class Support(NamedTuple):
    """Which actions the log shows where: a place for each row (n,), and a mask (places, K)."""

    place: Integers32
    shown: Flags


def support(log: PreparedLog) -> Support:
    """Which actions the log shows in each placement (or in each value of what decides eligibility)."""
    impressions, actions = log.impressions, log.actions
    by = actions.eligible_by or ("placement" if "placement" in impressions.columns else None)
    if by is None or by in actions.columns:
        place = np.zeros(impressions.height, dtype=np.int32)
    else:
        words = impressions[by].cast(pl.String).fill_null("")
        codes = words.cast(pl.Enum(words.unique().sort())).to_physical()
        place = codes.cast(pl.Int32).to_numpy()
    shown = np.zeros((int(place.max()) + 1, len(actions)), dtype=bool)
    shown[place, log.logged.action] = True
    return Support(place, shown)


def policy_rows(
    log: PreparedLog, policy: Policy | Sequence[Policy], reward: FittedReward | None = None
) -> PolicyRows:
    """A policy against a log, in chunks of rows so that memory does not grow with rows x actions.

    Args:
        log: The log, n rows and K actions.
        policy: The policy to value, which may choose among other actions than the log's; or for each fold of
            `reward` the one that values its rows, alike in its actions.
        reward: The cross-fitted reward model behind `q_logged` and `q_policy`.

    Raises:
        DataError: If more than half of what the policy chooses is never in the log.
    """
    of_fold = policy if isinstance(policy, Sequence) else [policy]
    policy = of_fold[0]
    impressions, actions, logged = with_history(policy, log.impressions), log.actions, log.logged
    n = impressions.height
    fold = np.zeros(n, dtype=np.int32) if reward is None or len(of_fold) == 1 else reward.fold
    own = policy.actions.index(actions.frame)
    shown = support(log)
    whole = bool(shown.shown.all() and (own >= 0).all() and len(policy.actions) == len(actions))
    target, unsupported = np.empty(n), np.zeros(n)
    q_logged, q_policy = np.full(n, np.nan), np.full(n, np.nan)
    for rows in steps(chunks(n, max(len(actions), len(policy.actions)))):
        part, action = impressions[rows], logged.action[rows]
        each = np.arange(part.height)
        probabilities = onto(_of_folds([one.probabilities for one in of_fold], part, fold[rows]), own)
        target[rows] = probabilities[each, action]
        if not whole:
            unsupported[rows] = np.clip(_mass_elsewhere(probabilities, shown, rows), 0, 1)
        if reward is not None:
            expected = expected_rewards(reward, part, reward.fold[rows])
            q_logged[rows] = expected[each, action]
            q_policy[rows] = np.einsum("ij,ij->i", probabilities, expected)
        let_go()
    if unsupported.mean() > MOST_MASS_ELSEWHERE:
        raise DataError(
            f"The policy '{policy.name}' chooses what this log never shows {unsupported.mean():.0%} of the "
            f"time: {int((own >= 0).sum()):,} of its {len(policy.actions):,} actions are among the "
            f"{len(actions):,} of the log.",
            fix="Use a log of the same items and placements; where a column decides what may be shown, name "
            "it with --eligible-by.",
        )
    target /= logged.propensity
    return PolicyRows(target, q_logged, q_policy, unsupported)


def logged_policy_rows(logged: LoggedRows, q_logged: Floats) -> PolicyRows:
    """The policy that made the log: every weight is 1."""
    n = logged.reward.size
    return PolicyRows(np.ones(n), q_logged, q_logged, np.zeros(n))


def target_column_rows(log: PreparedLog, column: str, q_logged: Floats, expected: str = "") -> PolicyRows:
    """A policy of which only the probability of each logged action is known, as a column.

    Args:
        log: The log, n rows.
        column: The column of probabilities.
        q_logged: The expected reward of the logged action, shape (n,); NaN where that is not known.
        expected: The column of the reward that a model expects of the policy in each row, if there is one.

    Raises:
        DataError: If a column is missing, or holds something else than probabilities or numbers.
    """
    impressions = log.impressions
    require_known(column, impressions.columns, f"There is no column '{column}' of target probabilities.")
    q_policy = model_column(impressions, expected) if expected else np.full(impressions.height, np.nan)
    target = impressions[column].cast(pl.Float64, strict=False).fill_null(float("nan")).to_numpy()
    wrong = ~((target >= 0) & (target <= 1))
    if wrong.any():
        row = int(np.argmax(wrong))
        raise DataError(
            f"'{column}' is not a probability in {int(wrong.sum()):,} rows, first in row {row + 1}."
        )
    return PolicyRows(target / log.logged.propensity, q_logged, q_policy, np.zeros(target.size))


def model_column(impressions: pl.DataFrame, column: str) -> Floats:
    """The rewards that a model of the user's own expects, shape (n,).

    Raises DataError if the column is missing, or a value is missing or not a number.
    """
    require_known(column, impressions.columns, f"There is no column '{column}' of expected rewards.")
    return numbers(impressions, column)


def fit_reward(log: PreparedLog, members: Sequence[Member] = STACK) -> FittedReward:
    """The cross-fitted reward model of a log, a stack of members; rows of one user share a fold.

    Where there are more than 200,000 rows, members that cannot learn from rows block by block, and the
    weights of all, learn from a sample.
    """
    logged, question = log.logged, log.question
    n = logged.reward.size
    fold = assign_folds(n, question.folds, question.seed, logged.cluster)

    def encoded(rows: slice | Integers, weight: Floats) -> RewardRows:
        context, d = log.encoder.encode(log.impressions[rows]), log.encoder.plain
        texts = context[:, d:] if d < context.shape[1] else None
        return RewardRows(
            context[:, :d], logged.action[rows], logged.reward[rows], weight, log.features, texts
        )

    def blocks() -> Iterator[tuple[RewardRows, Integers32]]:
        for rows in chunks(n, CELLS_AT_ONCE // ROWS_AT_ONCE):
            yield encoded(rows, np.ones(rows.stop - rows.start)), fold[rows]
            let_go()

    kept, weight = sample_rows(logged.reward, question.seed, most=MOST_FITTED)
    sample = encoded(kept, weight)
    let_go()
    model = fit_reward_model(sample, fold[kept], members, blocks if kept.size < n else None)
    return FittedReward(log.encoder, model, fold)


def sample_notes(log: PreparedLog, model: RewardFit) -> list[str]:
    """A sentence that says which rows the reward model learns from, where those are not all."""
    n = log.logged.reward.size
    fewer = {name: rows for name, rows in model.learned_from.items() if rows < n}
    if not fewer:
        return []
    whole = [name for name in model.learned_from if name not in fewer]
    first = f"{', '.join(whole)} learned from all {n:,} impressions; " if whole else ""
    said = (
        f"Reward model: {first}{', '.join(fewer)} and the weights from a sample of {max(fewer.values()):,}, "
        "half of them rewarded where so many are, each weighted by the rows it stands for; policies are "
        "valued on all."
    )
    return [said]


def expected_rewards(reward: FittedReward, part: pl.DataFrame, fold: Integers32) -> Floats32:
    """The expected reward of every action, each row by the model that did not see it, shape (m, K)."""
    context = reward.encoder.encode(part)
    return _of_folds([model.predict for model in reward.model.folds], context, fold)


def _of_folds(of_each: Sequence[Callable[[Any], Floats32]], rows: Any, fold: Integers32) -> Floats32:
    """What the function of each fold gives for its rows (of a frame or an array), shape (m, K)."""
    if len(of_each) == 1:
        return of_each[0](rows)
    places = [np.flatnonzero(fold == number) for number in range(len(of_each))]
    found = np.concatenate([one(rows[own]) for one, own in zip(of_each, places, strict=True)])
    return found[np.argsort(np.concatenate(places))]


def own_expected_rewards(log: PreparedLog, reward: FittedReward | None) -> Floats:
    """The expected reward of each logged action, by the model that did not see it; NaN without one."""
    expected = np.full(log.impressions.height, np.nan)
    if reward is None:
        return expected
    for rows in steps(chunks(expected.size, len(log.actions))):
        context, fold = reward.encoder.encode(log.impressions[rows]), reward.fold[rows]
        own = expected[rows]
        for number, model in enumerate(reward.model.folds):
            held = fold == number
            own[held] = model.of_logged(context[held], log.logged.action[rows][held])
        let_go()
    return expected


def group_probabilities(log: PreparedLog, policy: Policy, member: Floats32) -> Floats32:
    """The probability that a policy shows each group of actions, for each row, shape (n, G).

    `log`: the log, n rows and K actions; `policy`: the policy; `member`: which actions are in each group, 0
    or 1, shape (K, G).
    """
    own = policy.actions.index(log.actions.frame)
    impressions = with_history(policy, log.impressions)
    shown = np.empty((impressions.height, member.shape[1]), dtype=np.float32)
    for rows in chunks(shown.shape[0], max(len(log.actions), len(policy.actions))):
        shown[rows] = onto(policy.probabilities(impressions[rows]), own) @ member
    return shown


def onto(probabilities: Floats32, own: Integers32) -> Floats32:
    """A policy's probabilities of the log's K actions, (m, K); `own` (K,) is where the policy keeps each."""
    if own.size == probabilities.shape[1] and (own == np.arange(own.size)).all():
        return probabilities
    aligned: Floats32 = probabilities[:, own]
    aligned[:, own < 0] = 0
    return aligned


def _mass_elsewhere(probabilities: Floats32, shown: Support, rows: slice) -> Floats32:
    seen = shown.shown[shown.place[rows]]
    supported: Floats32 = np.einsum("ij,ij->i", probabilities, seen)
    return np.float32(1) - supported
