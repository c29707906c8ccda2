"""What a policy would have earned, from the log of another: a table of estimates, each with its verdict."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import polars as pl
import polars.selectors as cs

from adcli.arrays import Floats, Integers32
from adcli.errors import DataError, UsageError, require_known
from adcli.evaluate.off_policy.embeddings import GroupWeights, group_by_features, group_weights
from adcli.evaluate.off_policy.estimates import (
    DEFAULT,
    ESTIMATORS,
    NEEDS_GROUPS,
    asked,
    estimate,
    estimate_with_groups,
)
from adcli.evaluate.off_policy.intervals import METHODS, Method
from adcli.evaluate.off_policy.risk import with_shortlist
from adcli.evaluate.off_policy.targets import (
    Target,
    TargetColumn,
    Valuation,
    asked_of,
    name_of,
    policy_of,
    prepare_valuation,
)
from adcli.evaluate.off_policy.verdicts import Setting, record
from adcli.policies.action_features import group_labels
from adcli.policies.estimators import snips
from adcli.policies.evidence import Gates, diagnose
from adcli.policies.logged import LoggedRows
from adcli.policies.prepared import PreparedLog, Question
from adcli.policies.rows import PolicyRows
from adcli.policies.uncertainty import value_mean
from adcli.progress import part, steps

__all__ = ["PolicyValues", "Target", "TargetColumn", "policy_value_table"]

QUESTION = Question()
HEADLINES = ("dr", "snips", "sndr", "ips")


class PolicyValues(NamedTuple):
    """One row per policy and estimator, sentences about how they were computed, and the log they rest on.

    `unit` is what a value is of: an impression or a slate.
    """

    table: pl.DataFrame
    notes: list[str]
    valuation: Valuation
    unit: str = "impression"


def policy_value_table(
    impressions: pl.DataFrame,
    targets: Sequence[Target],
    question: Question = QUESTION,
    *,
    estimators: Sequence[str] = DEFAULT,
    items: pl.DataFrame | None = None,
    action_groups: str | int | None = None,
    method: Method = "skew",
    gates: Gates | None = None,
    confidence: float = 0.95,
    expected: str = "",
) -> PolicyValues:
    """The value of each policy per impression, by each estimator, compared with what the log earned.

    The table has `policy estimator value ci_low ci_high std_error n matched_clicks effective_sample_size
    max_weight verdict reason difference difference_low difference_high baseline_value headline definition
    interval unsupported mean_weight expected_clicks`. `headline` marks the estimator to read:
    `dr`, or `snips` where the policy's other actions are not known. Where there
    are several policies `rank best worst worst_low spread sharpe_ratio` are the risk of trying this policy
    and those above it (`shortlist_risk`); where the log has costs there are `spend spend_low spend_high
    value_per_spend`; of `mips` and `offcem`, `groups group_error group_p_value` (`GroupWeights`).

    Args:
        impressions: The log: an action, a reward, `propensity`, and context columns.
        targets: The policies: learned ones, columns of target probabilities, "uniform", "logged".
        question: What is asked of the log; its actions are those of the first policy unless it names them.
        estimators: Names from `ESTIMATORS` or `NEEDS_GROUPS`; one that cuts or shrinks weights may state its
            parameter (`switch-dr=100`), which is chosen by SLOPE otherwise.
        items: Attributes or vectors of the items for the reward model, one row each.
        action_groups: For `mips` and `offcem`: a column of `items`, or a number of clusters of the items.
        method: Of the intervals; where an estimator does not have it, `skew` is used and said.
        gates: What an estimate must have for its verdict to be spoken.
        confidence: Of the intervals.
        expected: The column of what a reward model of the user's own expects of the logged actions, in place
            of one fitted here; the targets' `expected` are its columns for the policies.

    Raises:
        UsageError: If an estimator or method is not known, `mips` and `offcem` have no groups, or no
            estimator can value any of the policies.
        DataError: If the log lacks what is needed, holds it out of range, or shows other actions.
    """
    _check_names(estimators, method, action_groups)
    with_model = any(asked(name).needs_model for name in estimators)
    prepared = 0.9 if with_model and not expected else 0.1  # of the work
    with part(0, prepared):
        valuation = prepare_valuation(
            impressions, asked_of(question, targets), items=items, with_model=with_model, expected=expected
        )
    log = valuation.log
    group = _groups(log, items, action_groups)
    setting = Setting(log.logged, method, confidence, gates or Gates(), question.seed, log.estimated)
    records: list[dict[str, object]] = []
    influences: dict[str, Floats] = {}
    with part(prepared, 1):
        for target in steps(targets):
            valued = _valued(target, valuation, group, estimators, setting)
            records += valued.records
            if valued.influence is not None:
                influences[name_of(target)] = valued.influence
    table = as_table(records, targets, estimators)
    return PolicyValues(
        with_shortlist(table, influences, log.logged, confidence=confidence, seed=question.seed),
        [*valuation.notes, *_left_out(targets, table, estimators)],
        valuation,
    )


def _check_names(estimators: Sequence[str], method: str, action_groups: str | int | None) -> None:
    require_known(method, METHODS, f"'{method}' is none of {', '.join(METHODS)}.", error=UsageError)
    for text in estimators:
        asked(text)
    if action_groups is None and (needing := [name for name in estimators if name in NEEDS_GROUPS]):
        raise UsageError(
            f"'{needing[0]}' weighs groups of actions.",
            fix="Name a column of the items, or a number of groups, with --action-groups.",
        )


def _groups(log: PreparedLog, items: pl.DataFrame | None, by: str | int | None) -> Integers32 | None:
    if by is None:
        return None
    if isinstance(by, str):
        return group_labels(log.actions, items, by).rank("dense").cast(pl.Int32).to_numpy() - 1
    if not log.feature_names:
        raise DataError("Groups of actions are made from what is known of the items, and that is nothing.")
    return group_by_features(log.features, by, log.question.seed)


class _Valued(NamedTuple):
    """The rows of one policy, and the influence of its headline if it is not the log's own."""

    records: list[dict[str, object]]
    influence: Floats | None


def _valued(
    target: Target,
    valuation: Valuation,
    group: Integers32 | None,
    estimators: Sequence[str],
    setting: Setting,
) -> _Valued:
    logged = valuation.log.logged
    with part(0, 0.5):
        rows = valuation.rows(target)
    unsupported = float(rows.unsupported.mean())
    whole = not np.isnan(rows.q_policy).any()
    found = diagnose(logged.reward, rows.weight, unsupported, logged.cluster)
    wanted = [one for one in map(asked, estimators) if one.name in ESTIMATORS]
    computed = [one for one in wanted if whole or not one.needs_model]
    names = [one.text for one in computed]
    headline = next((name for name in HEADLINES if name in names), names[0] if names else "")
    records, influence = [], None
    with part(0.5, 1):
        for one in steps(computed):
            named, is_headline = estimate(one, logged, rows), one.text == headline
            records.append(record(name_of(target), named, rows.weight, found, setting, headline=is_headline))
            if is_headline and target != "logged":
                influence = named.estimate.influence
    grouped = _group_weights(target, valuation.log, group)
    if grouped is not None:
        # Whether these weights miss 1 is judged group by group, by `GroupWeights.trusted`.
        found = diagnose(logged.reward, grouped.weight, unsupported, logged.cluster)
        evidence = found._replace(mean_weight_error=0.0)
        for name in [name for name in estimators if name in NEEDS_GROUPS]:
            named = estimate_with_groups(name, logged, rows, grouped)
            own = record(name_of(target), named, grouped.weight, evidence, setting, headline=not computed)
            told = {"groups": grouped.groups, "group_error": grouped.error, "group_p_value": grouped.p_value}
            records.append({**own, **told})
    spend = _spend_columns(rows, logged, setting.confidence)
    return _Valued([{**one, **spend} for one in records], influence)


def as_table(
    records: list[dict[str, object]], targets: Sequence[Target], estimators: Sequence[str]
) -> pl.DataFrame:
    """Rows of estimates as a table.

    Raises UsageError if there are none, because the estimators need to know more of the policies.
    """
    if not records:
        raise UsageError(
            f"Of '{name_of(targets[0])}' only the probability of the logged actions is known, which is too "
            f"little for {', '.join(estimators)}.",
            fix="Ask for an estimator that needs no other, such as ips (of slates: rips).",
        )
    return pl.DataFrame(records, infer_schema_length=None).with_columns(cs.float().fill_nan(None))


def _left_out(targets: Sequence[Target], table: pl.DataFrame, estimators: Sequence[str]) -> list[str]:
    """A sentence on each policy that some estimators could not value."""
    notes = []
    for name in map(name_of, targets):
        found = table.filter(pl.col("policy") == name)["estimator"].to_list()
        missing = [one for one in estimators if one not in found]
        if missing:
            notes.append(
                f"{name}: only the probability of the logged actions is known, which is too little for "
                f"{', '.join(missing)}."
            )
    return notes


def _group_weights(target: Target, log: PreparedLog, group: Integers32 | None) -> GroupWeights | None:
    policy = policy_of(target, log.actions)
    return None if group is None or policy is None else group_weights(log, policy, group)


def _spend_columns(rows: PolicyRows, logged: LoggedRows, confidence: float) -> dict[str, object]:
    """The spend per impression and its interval, and the value per unit spent; nothing without costs.

    Both are self-normalised, so that the weights' error cancels in their ratio.
    """
    if logged.cost is None:
        return {}
    spend, value = snips(logged.cost, rows.weight), snips(logged.reward, rows.weight)
    interval = value_mean(spend.influence, logged.cost, rows.weight, logged).interval(confidence)
    return {
        "spend": spend.value,
        "spend_low": interval.low,
        "spend_high": interval.high,
        "value_per_spend": value.value / spend.value if spend.value else None,
    }
