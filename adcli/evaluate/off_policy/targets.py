"""The policies to value, and each of them against the log, row by row."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from adcli.errors import DataError
from adcli.policies.action_features import ActionFeatures, action_features
from adcli.policies.actions import ActionSet, action_set
from adcli.policies.context import ContextEncoder, choose_context, fit_context
from adcli.policies.logged import LoggedRows, logged_rows
from adcli.policies.policy import Policy
from adcli.policies.rows import (
    FittedReward,
    PolicyRows,
    fit_reward,
    logged_policy_rows,
    model_column,
    own_expected_rewards,
    policy_rows,
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


class Prepared(NamedTuple):
    """A log ready to value policies on.

    `model` is None where no estimator needs one, or a model of the user's own stands in for it: `expected` is
    what that expects of each logged action, shape (n,).
    """

    impressions: pl.DataFrame
    logged: LoggedRows
    actions: ActionSet
    encoder: ContextEncoder
    features: ActionFeatures
    model: FittedReward | None
    expected: NDArray[np.float64] | None
    notes: list[str]


def prepare(
    impressions: pl.DataFrame,
    targets: Sequence[Target],
    *,
    reward: str,
    action: Sequence[str],
    context: Sequence[str],
    items: pl.DataFrame | None,
    eligible_by: str | None,
    folds: int,
    seed: int,
    with_model: bool,
    expected: str = "",
) -> Prepared:
    """The log's actions, logged side, context and, if wanted, cross-fitted reward model.

    Raises:
        DataError: If the log lacks what is needed, or holds it out of range.
    """
    if impressions.is_empty():
        raise DataError("The log has no impressions.")
    actions = action_set(impressions, action or own_actions(targets), eligible_by=eligible_by)
    logged = logged_rows(impressions, actions, reward=reward)
    columns = choose_context(impressions, action=actions.columns, wanted=context)
    encoder = fit_context(impressions, columns.columns)
    features = action_features(actions, items)
    notes = [*columns.notes, *features.notes]
    model = None
    given = model_column(impressions, expected) if expected else None
    if given is not None:
        notes.append(f"reward model: the log's own columns ('{expected}' of the logged actions)")
    elif with_model:
        model = fit_reward(impressions, logged, encoder, features.values, folds=folds, seed=seed)
        form, entropy = model.model.form, model.model.normalised_entropy
        notes.append(f"reward model: {form}; normalised entropy {entropy:.4f} (1: no better than the mean)")
    return Prepared(impressions, logged, actions, encoder, features, model, given, notes)


def own_actions(targets: Sequence[Target]) -> tuple[str, ...]:
    """The columns that make an action for the first of the policies that says so; none if none does."""
    return next((one.actions.columns for one in targets if not isinstance(one, TargetColumn | str)), ())


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


def target_rows(target: Target, prepared: Prepared) -> PolicyRows:
    """A policy against the log.

    Raises:
        DataError: If the policy chooses what the log never shows, or a column holds no probabilities.
    """
    impressions, logged, actions, *_, model, expected, _ = prepared
    policy = policy_of(target, actions)
    if policy is not None:
        return policy_rows(impressions, logged, actions, policy, model)
    own = own_expected_rewards(impressions, logged, model) if expected is None else expected
    if isinstance(target, TargetColumn):
        return target_column_rows(impressions, logged, target.column, own, target.expected)
    return logged_policy_rows(logged, own)
