"""What a policy would have earned, from the log of another: a table of estimates, each with its verdict."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import polars as pl
import polars.selectors as cs
from numpy.typing import NDArray

from adcli.errors import DataError, UsageError, did_you_mean
from adcli.evaluate.off_policy.embeddings import (
    GroupWeights,
    group_by_column,
    group_by_features,
    group_weights,
)
from adcli.evaluate.off_policy.estimates import (
    DEFAULT,
    ESTIMATORS,
    NEEDS_GROUPS,
    NEEDS_MODEL,
    estimate_with_groups,
)
from adcli.evaluate.off_policy.gates import Gates, diagnose
from adcli.evaluate.off_policy.intervals import METHODS, Method
from adcli.evaluate.off_policy.records import record
from adcli.evaluate.off_policy.spend import spend_columns
from adcli.evaluate.off_policy.targets import (
    Prepared,
    Target,
    TargetColumn,
    name_of,
    policy_of,
    prepare,
    target_rows,
)
from adcli.evaluate.off_policy.verdicts import Setting

__all__ = ["PolicyValues", "Target", "TargetColumn", "policy_value_table"]

KNOWN = (*ESTIMATORS, *NEEDS_GROUPS)


class PolicyValues(NamedTuple):
    """One row per policy and estimator, and sentences about how they were computed."""

    table: pl.DataFrame
    notes: list[str]


def policy_value_table(
    impressions: pl.DataFrame,
    targets: Sequence[Target],
    *,
    reward: str = "click",
    estimators: Sequence[str] = DEFAULT,
    action: Sequence[str] = (),
    context: Sequence[str] = (),
    items: pl.DataFrame | None = None,
    eligible_by: str | None = None,
    action_groups: str | int | None = None,
    method: Method = "skew",
    gates: Gates | None = None,
    confidence: float = 0.95,
    folds: int = 3,
    seed: int = 0,
    propensities_estimated: bool = False,
) -> PolicyValues:
    """The value of each policy per impression, by each estimator, compared with what the log earned.

    The table has `policy estimator value ci_low ci_high std_error n matched_clicks effective_sample_size
    max_weight verdict reason difference difference_low difference_high baseline_value headline definition
    interval unsupported mean_weight`; where the log has costs, `spend spend_low spend_high value_per_spend`.
    `headline` marks the estimator to read: `dr`, or `snips` where the policy's other actions are not known.

    Args:
        impressions: The log: an action, a reward, `propensity`, and context columns.
        targets: The policies: learned ones, columns of target probabilities, "uniform", "logged".
        reward: The column to earn.
        estimators: Names from `KNOWN`.
        action: The columns that make an action; those of the first policy, or `item_id`, unless given.
        context: The columns the reward model may use; all that can be unless given.
        items: Attributes or vectors of the items for the reward model, one row each.
        eligible_by: A column that decides what the uniform policy may show.
        action_groups: For `mips` and `offcem`: a column of `items`, or a number of clusters of the items.
        method: Of the intervals; where an estimator does not have it, `skew` is used and said.
        gates: What an estimate must have for its verdict to be spoken.
        confidence: Of the intervals.
        folds: Of the cross-fitted reward model.
        seed: Of folds, samples and resamples.
        propensities_estimated: Whether the propensities are `with_estimated_propensities`' and not the log's
            own; then no verdict is spoken.

    Raises:
        UsageError: If an estimator or method is not known, or `mips` and `offcem` have no groups.
        DataError: If the log lacks what is needed, holds it out of range, or shows other actions.
    """
    _check_names(estimators, method, action_groups)
    prepared = prepare(
        impressions,
        targets,
        reward=reward,
        action=action,
        context=context,
        items=items,
        eligible_by=eligible_by,
        folds=folds,
        seed=seed,
        with_model=bool({*NEEDS_MODEL, "offcem"}.intersection(estimators)),
    )
    group = _groups(prepared, items, action_groups, seed)
    setting = Setting(prepared.logged, method, confidence, gates or Gates(), seed, propensities_estimated)
    records: list[dict[str, object]] = []
    for target in targets:
        records += _records(target, prepared, group, estimators, setting)
    table = pl.DataFrame(records, infer_schema_length=None).with_columns(cs.float().fill_nan(None))
    return PolicyValues(table, prepared.notes)


def _check_names(estimators: Sequence[str], method: str, action_groups: str | int | None) -> None:
    for name, known in [(method, METHODS), *((one, KNOWN) for one in estimators)]:
        if name not in known:
            raise UsageError(f"'{name}' is none of {', '.join(known)}.", fix=did_you_mean(name, known))
    if action_groups is None and (needing := [name for name in estimators if name in NEEDS_GROUPS]):
        raise UsageError(
            f"'{needing[0]}' weighs groups of actions.",
            fix="Name a column of the items, or a number of groups.",
        )


def _groups(
    prepared: Prepared, items: pl.DataFrame | None, by: str | int | None, seed: int
) -> NDArray[np.int32] | None:
    if by is None:
        return None
    if items is None:
        raise DataError("Groups of actions are read from the table of items, and there is none.")
    if isinstance(by, str):
        return group_by_column(prepared.actions, items, by)
    return group_by_features(prepared.features.values, by, seed)


def _records(
    target: Target,
    prepared: Prepared,
    group: NDArray[np.int32] | None,
    estimators: Sequence[str],
    setting: Setting,
) -> list[dict[str, object]]:
    logged = prepared.logged
    rows = target_rows(target, prepared)
    unsupported = float(rows.unsupported.mean())
    whole = not np.isnan(rows.q_policy).any()
    found = diagnose(logged.reward, rows.weight, unsupported, logged.cluster)
    computed = [name for name in estimators if name in ESTIMATORS and (whole or name not in NEEDS_MODEL)]
    headline = "dr" if "dr" in computed else "snips"
    records = [
        record(
            name_of(target),
            ESTIMATORS[name](logged, rows),
            rows.weight,
            found,
            setting,
            headline=name == headline,
        )
        for name in computed
    ]
    grouped = _group_weights(target, prepared, group, setting.seed)
    if grouped is not None:
        evidence = diagnose(logged.reward, grouped.weight, unsupported, logged.cluster)
        for name in [name for name in estimators if name in NEEDS_GROUPS]:
            named = estimate_with_groups(name, logged, rows, grouped)
            records.append(record(name_of(target), named, grouped.weight, evidence, setting, headline=False))
    spend = spend_columns(rows, logged, setting.confidence)
    return [{**one, **spend} for one in records]


def _group_weights(
    target: Target, prepared: Prepared, group: NDArray[np.int32] | None, seed: int
) -> GroupWeights | None:
    policy = policy_of(target, prepared.actions)
    if group is None or policy is None:
        return None
    return group_weights(
        prepared.impressions, prepared.logged, prepared.actions, policy, group, prepared.encoder, seed=seed
    )
