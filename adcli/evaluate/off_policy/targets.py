"""The policies to value, and each of them against the log, row by row."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

import polars as pl

from adcli.arrays import Floats
from adcli.policies.actions import ActionSet
from adcli.policies.policy import Policy
from adcli.policies.prepared import PreparedLog, Question, prepare_log
from adcli.policies.reward_model import LINEAR
from adcli.policies.rows import (
    FittedReward,
    PolicyRows,
    fit_reward,
    logged_policy_rows,
    model_column,
    own_expected_rewards,
    policy_rows,
    sample_notes,
    target_column_rows,
)
from adcli.policies.table_policy import uniform


class TargetColumn(NamedTuple):
    """A policy of which a column of the log holds the probability of each logged action.

    `expected` is the column of what a reward model of the user's own expects of the policy in each row.
    """

    column: str
    expected: str = ""


Target = Policy | TargetColumn | Literal["uniform", "logged"]


@dataclass(frozen=True)
class Valuation:
    """A log ready to value policies on, and what is known of each policy's rows: computed once, then kept.

    `model` is None where no estimator needs one, or a model of the user's own stands in for it: `expected` is
    what that expects of each logged action, shape (n,).
    """

    log: PreparedLog
    model: FittedReward | None
    expected: Floats | None
    notes: list[str]
    kept: dict[str, PolicyRows] = field(default_factory=dict)

    def rows(self, target: Target) -> PolicyRows:
        """A policy against the log.

        Raises DataError if the policy chooses what the log never shows, or a column holds no probabilities.
        """
        name = name_of(target)
        if name not in self.kept:
            self.kept[name] = self._rows(target)
        return self.kept[name]

    def _rows(self, target: Target) -> PolicyRows:
        policy = policy_of(target, self.log.actions)
        if policy is not None:
            return policy_rows(self.log, policy, self.model)
        own = own_expected_rewards(self.log, self.model) if self.expected is None else self.expected
        if isinstance(target, TargetColumn):
            return target_column_rows(self.log, target.column, own, target.expected)
        return logged_policy_rows(self.log.logged, own)


def prepare_valuation(
    impressions: pl.DataFrame,
    question: Question,
    *,
    items: pl.DataFrame | None = None,
    with_model: bool = False,
    expected: str = "",
) -> Valuation:
    """A log ready to value policies on, with a cross-fitted reward model if wanted.

    `items`: attributes or vectors of the items, one row each; `with_model`: whether an estimator needs a
    reward model; `expected`: the column of a reward model of the user's own, in place of one fitted here.
    Raises DataError if the log lacks what is needed, or holds it out of range.
    """
    log = prepare_log(impressions, question, items)
    if expected:
        said = f"reward model: the log's own columns ('{expected}' of the logged actions)"
        return Valuation(log, None, model_column(impressions, expected), [*log.notes, said])
    if not with_model:
        return Valuation(log, None, None, log.notes)
    model = fit_reward(log, LINEAR)
    form, entropy = model.model.form, model.model.normalised_entropy
    said = f"linear reward model: {form}; normalised entropy {entropy:.4f} (1: no better than the mean)"
    return Valuation(log, model, None, [*log.notes, *sample_notes(log, model.model), said])


def asked_of(question: Question, targets: Sequence[Target]) -> Question:
    """The question with what the policies bring: their actions, and the columns that are theirs alone."""
    own = next((one.actions.columns for one in targets if not isinstance(one, TargetColumn | str)), ())
    columns = [name for one in targets if isinstance(one, TargetColumn) for name in one if name]
    return question._replace(action=question.action or own, not_context=(*question.not_context, *columns))


def name_of(target: Target) -> str:
    """What a policy is called in tables."""
    if isinstance(target, TargetColumn):
        return target.column
    return target if isinstance(target, str) else target.name


def policy_of(target: Target, actions: ActionSet) -> Policy | None:
    """The policy behind a target; None where only probabilities of logged actions are known."""
    if isinstance(target, TargetColumn) or target == "logged":
        return None
    return uniform(actions) if isinstance(target, str) else target
