"""Whom a policy serves and what it shows: value by group of users, exposure by group of items."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import polars as pl
import polars.selectors as cs

from adcli.arrays import Floats, Floats32, Integers, Integers32
from adcli.errors import DataError
from adcli.evaluate.off_policy.embeddings import membership
from adcli.evaluate.off_policy.targets import Target, Valuation, name_of, policy_of
from adcli.evaluate.off_policy.verdicts import doubted
from adcli.numbers import plain, show
from adcli.policies.action_features import REST, group_labels
from adcli.policies.estimators import snips
from adcli.policies.evidence import Compared, Gates, ValueKind, diagnose, invalidity, shortage
from adcli.policies.logged import LoggedRows
from adcli.policies.prepared import PreparedLog
from adcli.policies.rows import group_probabilities
from adcli.policies.uncertainty import difference_mean, value_mean
from adcli.statistics.intervals import ClusteredRatio
from adcli.statistics.means import clustered_mean
from adcli.statistics.multiplicity import adjust
from adcli.statistics.verdicts import BETTER, NO_DIFFERENCE, NOT_ENOUGH, WORSE, Verdict


class _Gap(NamedTuple):
    """The figure of a policy in a group, the log's own, and their difference, each with its error."""

    value: ClusteredRatio
    logged: float
    difference: ClusteredRatio


def value_by_group(
    valuation: Valuation, target: Target, column: str, *, min_users: int = 50, confidence: float = 0.95
) -> pl.DataFrame:
    """What a policy earns in each group of impressions, against what the log earned there.

    The columns are `policy group value ci_low ci_high baseline_value difference difference_low
    difference_high p_value p_adjusted n stands verdict reason definition`. Values are self-normalised
    (`snips`), p-values adjusted for the number of groups (Holm); a difference `stands` that still
    differs from 0 then. Groups of fewer than `min_users` users are put together.

    `valuation`: a log, from `prepare_valuation`; `column`: the column that groups the impressions (a segment,
    a country); `min_users`: the fewest users (impressions, where there are no users) of a group.
    """
    logged, limits = valuation.log.logged, Gates()
    reading = ValueKind("impression", logged.value_kind)
    rows = valuation.rows(target)
    names, group = _groups(valuation.log.impressions, column, logged.cluster, min_users)
    gaps, refusals, sizes = [], [], []
    for number in range(len(names)):
        own = group == number
        part, weight = logged.take(own), rows.weight[own]
        gap = _value_gap(part, weight)
        found = diagnose(part.reward, weight, float(rows.unsupported[own].mean()), part.cluster)
        compared = Compared(
            gap.difference.value, gap.difference.interval(confidence), gap.difference.error, gap.logged
        )
        refusals.append(invalidity(found, limits) or shortage(compared, found, limits, confidence, reading))
        gaps.append(gap)
        sizes.append(found.n)
    table = _table(name_of(target), names, gaps, confidence)
    verdicts = [
        refused or _verdict(row, 1 - confidence, reading.kind)
        for row, refused in zip(table.to_dicts(), refusals, strict=True)
    ]
    if valuation.log.estimated:
        verdicts = [doubted(verdict) for verdict in verdicts]
    return table.with_columns(
        n=pl.Series(sizes),
        stands=pl.Series([one.verdict in (BETTER, WORSE) for one in verdicts]),
        verdict=pl.Series([one.verdict for one in verdicts]),
        reason=pl.Series([one.reason for one in verdicts]),
        definition=pl.lit("weighted mean of the rewards of the group (snips); p adjusted over groups (Holm)"),
    )


def exposures_by_group(
    log: PreparedLog,
    target: Target,
    items: pl.DataFrame | None,
    columns: Sequence[str],
    *,
    confidence: float = 0.95,
) -> dict[str, pl.DataFrame]:
    """How often a policy shows each group of items, against how often the log did, by column.

    The columns are those of `value_by_group` but `n` and `verdict`: to be shown more is neither better nor
    worse; `reason` is a sentence on each gap that stands after Holm's adjustment. The policy's probabilities
    are computed once for all columns.

    Args:
        log: The log.
        target: The policy; of a target column or "logged" only the log's own exposure is known.
        items: The table of items; not needed for a column of the actions themselves.
        columns: The columns that group them (a brand, a seller, a category).
        confidence: Of the intervals.

    Raises:
        DataError: If a column is missing, or the policy's other actions are not known.
    """
    policy = policy_of(target, log.actions)
    if policy is None:
        raise DataError(f"Of '{name_of(target)}' only the probability of the logged actions is known.")
    labels = {column: group_labels(log.actions, items, column) for column in columns}
    groups = {column: own.rank("dense").to_numpy().astype(np.int32) - 1 for column, own in labels.items()}
    members = [membership(group) for group in groups.values()]
    shown = group_probabilities(log, policy, np.hstack(members))
    ends = np.cumsum([member.shape[1] for member in members])[:-1]
    return {
        column: _exposure_table(
            policy.name, labels[column], part, groups[column][log.logged.action], log.logged, confidence
        )
        for column, part in zip(columns, np.split(shown, ends, axis=1), strict=True)
    }


def _exposure_table(
    policy: str,
    labels: pl.Series,
    shown: Floats32,
    logged_group: Integers32,
    logged: LoggedRows,
    confidence: float,
) -> pl.DataFrame:
    gaps = []
    for number in range(shown.shape[1]):
        own, was = shown[:, number].astype(np.float64), (logged_group == number).astype(np.float64)
        gaps.append(
            _Gap(
                clustered_mean(own, logged.cluster),
                float(was.mean()),
                clustered_mean(own - was, logged.cluster),
            )
        )
    table = _table(policy, labels.unique().sort().to_list(), gaps, confidence)
    said = "probability that the policy shows one of the group; p adjusted over groups (Holm)"
    return table.with_columns(
        stands=pl.Series([_stands(p, 1 - confidence) for p in table["p_adjusted"]]),
        reason=pl.Series([_exposure_sentence(row, 1 - confidence) for row in table.to_dicts()]),
        definition=pl.lit(said),
    )


def _groups(
    impressions: pl.DataFrame, column: str, cluster: Integers | None, min_users: int
) -> tuple[list[str], Integers]:
    """The names of the groups that are large enough, and the number of each row's group.

    The others are put together; if they are still too few, the smallest of the large ones joins them.
    """
    user = pl.Series(np.arange(impressions.height) if cluster is None else cluster)
    keyed = pl.DataFrame({"group": impressions[column].cast(pl.String).fill_null(REST), "user": user})
    users = keyed.group_by("group").agg(pl.col("user").n_unique())
    sized = users.filter((pl.col("user") >= min_users) & (pl.col("group") != REST)).sort("user", "group")
    large = sorted(sized["group"].to_list())
    rest = keyed.filter(~pl.col("group").is_in(large))["user"].n_unique()
    if 0 < rest < min_users and large:
        large.remove(sized["group"][0])
    numbers = keyed["group"].replace_strict(
        large, range(len(large)), default=len(large), return_dtype=pl.Int64
    )
    names = large if len(large) == users.height else [*large, REST]
    return names, numbers.to_numpy()


def _value_gap(part: LoggedRows, weight: Floats) -> _Gap:
    influence = snips(part.reward, weight).influence
    if part.cluster is not None:
        part = part._replace(cluster=np.unique(part.cluster, return_inverse=True)[1].astype(np.int64))
    return _Gap(
        value_mean(influence, part.reward, weight, part),
        float(part.reward.mean()),
        difference_mean(influence, part.reward, weight, part),
    )


def _table(policy: str, names: list[str], gaps: list[_Gap], confidence: float) -> pl.DataFrame:
    p_values = np.array([gap.difference.p_value() for gap in gaps])
    intervals = [gap.value.interval(confidence) for gap in gaps]
    differences = [gap.difference.interval(confidence) for gap in gaps]
    return pl.DataFrame(
        {
            "policy": [policy] * len(names),
            "group": names,
            "value": [gap.value.value for gap in gaps],
            "ci_low": [interval.low for interval in intervals],
            "ci_high": [interval.high for interval in intervals],
            "baseline_value": [gap.logged for gap in gaps],
            "difference": [gap.difference.value for gap in gaps],
            "difference_low": [interval.low for interval in differences],
            "difference_high": [interval.high for interval in differences],
            "p_value": p_values,
            "p_adjusted": adjust(p_values, "holm"),
        }
    ).with_columns(cs.float().fill_nan(None))


def _stands(p_adjusted: float | None, level: float) -> bool:
    return p_adjusted is not None and p_adjusted < level


def _verdict(row: dict[str, Any], level: float, kind: str) -> Verdict:
    value, logged, p_adjusted = row["value"], row["baseline_value"], row["p_adjusted"]
    words = (
        f"In '{row['group']}' the policy earns {plain(show(value, kind))} per impression where the log "
        f"earned {plain(show(logged, kind))}"
    )
    if _stands(p_adjusted, level):
        return Verdict(
            BETTER if value > logged else WORSE, f"{words} (adjusted p {plain(show(p_adjusted, 'p_value'))})."
        )
    largest = max(-row["difference_low"], row["difference_high"])
    is_small = largest <= Gates().smallest_effect * logged
    return Verdict(NO_DIFFERENCE if is_small else NOT_ENOUGH, f"{words}: the difference may be 0.")


def _exposure_sentence(row: dict[str, Any], level: float) -> str:
    name, value, logged = row["group"], row["value"], row["baseline_value"]
    if not _stands(row["p_adjusted"], level):
        return f"'{name}' is shown about as often as before."
    more = "more" if value > logged else "less"
    return f"'{name}' is shown {more} often: {value:.1%} of impressions instead of {logged:.1%}."
