"""Whom a policy serves and what it shows: value by group of users, exposure by group of items."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import polars as pl
import polars.selectors as cs
from numpy.typing import NDArray

from adcli.errors import DataError, did_you_mean
from adcli.evaluate.off_policy.amounts import Kind, level, value_kind
from adcli.evaluate.off_policy.differences import Difference
from adcli.evaluate.off_policy.embeddings import REST, group_labels
from adcli.evaluate.off_policy.gates import Gates, diagnose, invalidity, shortage
from adcli.evaluate.off_policy.intervals import skew_interval, std_error
from adcli.evaluate.off_policy.targets import Prepared, Target, name_of, policy_of, target_rows
from adcli.evaluate.off_policy.verdicts import doubted
from adcli.policies.estimators import snips
from adcli.policies.logged import LoggedRows
from adcli.policies.policy import Policy, chunks
from adcli.policies.rows import onto
from adcli.statistics.intervals import Interval
from adcli.statistics.multiplicity import adjust
from adcli.statistics.verdicts import BETTER, NO_DIFFERENCE, NOT_ENOUGH, WORSE, Verdict


class _Gap(NamedTuple):
    """The figure of a policy in a group, the log's own, and their difference with its error and p-value."""

    value: float
    interval: Interval
    logged: float
    difference: Interval
    error: float
    p_value: float


def value_by_group(
    prepared: Prepared,
    target: Target,
    column: str,
    *,
    min_users: int = 50,
    gates: Gates | None = None,
    confidence: float = 0.95,
    propensities_estimated: bool = False,
) -> pl.DataFrame:
    """What a policy earns in each group of impressions, against what the log earned there.

    The columns are `policy group value ci_low ci_high baseline_value difference difference_low
    difference_high p_value p_adjusted n stands verdict reason definition`. Values are self-normalised
    (`snips`), p-values adjusted for the number of groups (Holm); a difference `stands` that is still told
    from 0 then. Groups of fewer than `min_users` users are put together.

    Args:
        prepared: A log, from `prepare`.
        target: The policy.
        column: The column that groups the impressions (a segment, a country).
        min_users: The fewest users (impressions, where there are no users) of a group.
        gates: What an estimate must have for its verdict to be spoken.
        confidence: Of the intervals.
        propensities_estimated: Whether the propensities are not the log's own; then no verdict is spoken.

    Raises:
        DataError: If the column is missing.
    """
    logged, limits = prepared.logged, gates or Gates()
    unit, kind = "impression", value_kind(prepared.logged, "impression")
    rows = target_rows(target, prepared)
    names, group = _groups(prepared.impressions, column, logged.cluster, min_users)
    gaps, refusals, sizes = [], [], []
    for number in range(len(names)):
        own = group == number
        part, weight = logged.take(own), rows.weight[own]
        gap = _value_gap(part, weight, confidence)
        found = diagnose(part.reward, weight, float(rows.unsupported[own].mean()), part.cluster)
        refusals.append(
            invalidity(found, limits)
            or shortage(found, limits, gap.error, gap.logged, confidence, unit, kind)
        )
        gaps.append(gap)
        sizes.append(found.n)
    table = _table(name_of(target), names, gaps)
    verdicts = [
        refused or _verdict(name, gap, p, 1 - confidence, kind)
        for name, gap, p, refused in zip(names, gaps, table["p_adjusted"], refusals, strict=True)
    ]
    if propensities_estimated:
        verdicts = [doubted(verdict) for verdict in verdicts]
    return table.with_columns(
        n=pl.Series(sizes),
        stands=pl.Series([one.verdict in (BETTER, WORSE) for one in verdicts]),
        verdict=pl.Series([one.verdict for one in verdicts]),
        reason=pl.Series([one.reason for one in verdicts]),
        definition=pl.lit("weighted mean of the rewards of the group (snips); p adjusted over groups (Holm)"),
    )


def exposure_by_group(
    prepared: Prepared, target: Target, items: pl.DataFrame | None, column: str, *, confidence: float = 0.95
) -> pl.DataFrame:
    """How often a policy shows each group of items, against how often the log did.

    The columns are those of `value_by_group` but `n` and `verdict`: to be shown more is neither better nor
    worse; `reason` is a sentence on each gap that stands after Holm's adjustment.

    Args:
        prepared: A log, from `prepare`.
        target: The policy; of a target column or "logged" only the log's own exposure is known.
        items: The table of items; not needed for a column of the actions themselves.
        column: The column that groups them (a brand, a seller, a category).
        confidence: Of the intervals.

    Raises:
        DataError: If a column is missing, or the policy's other actions are not known.
    """
    policy = policy_of(target, prepared.actions)
    if policy is None:
        raise DataError(f"Of '{name_of(target)}' only the probability of the logged actions is known.")
    labels = group_labels(prepared.actions, items, column)
    names = labels.unique().sort().to_list()
    group = labels.replace_strict(names, range(len(names)), return_dtype=pl.Int32).to_numpy()
    shown = _exposure(policy, prepared, group)
    gaps = []
    for number in range(len(names)):
        logged = (group[prepared.logged.action] == number).astype(np.float64)
        gaps.append(_gap(shown[:, number], logged, prepared.logged.cluster, confidence))
    table = _table(policy.name, names, gaps)
    sentences = [
        _sentence(name, gap, p, 1 - confidence)
        for name, gap, p in zip(names, gaps, table["p_adjusted"], strict=True)
    ]
    return table.with_columns(
        stands=pl.Series([_stands(p, 1 - confidence) for p in table["p_adjusted"]]),
        reason=pl.Series(sentences),
        definition=pl.lit(
            "probability that the policy shows one of the group; p adjusted over groups (Holm)"
        ),
    )


def _groups(
    impressions: pl.DataFrame, column: str, cluster: NDArray[np.int64] | None, min_users: int
) -> tuple[list[str], NDArray[np.int64]]:
    """The names of the groups that are large enough, and the number of each row's group.

    The others are put together; if they are still too few, the smallest of the large ones joins them.
    """
    if column not in impressions.columns:
        raise DataError(f"There is no column '{column}'.", fix=did_you_mean(column, impressions.columns))
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


def _value_gap(part: LoggedRows, weight: NDArray[np.float64], confidence: float) -> _Gap:
    return _gap(snips(part.reward, weight).influence, part.reward, part.cluster, confidence)


def _gap(
    influence: NDArray[np.float64],
    logged: NDArray[np.float64],
    cluster: NDArray[np.int64] | None,
    confidence: float,
) -> _Gap:
    dense = None if cluster is None else np.unique(cluster, return_inverse=True)[1].astype(np.int64)
    gain = influence - logged
    difference = Difference.of(gain, dense)
    return _Gap(
        float(influence.mean()),
        skew_interval(influence, dense, confidence=confidence),
        float(logged.mean()),
        difference.interval(confidence),
        std_error(gain, dense),
        difference.p_value(),
    )


def _exposure(policy: Policy, prepared: Prepared, group: NDArray[np.int32]) -> NDArray[np.float64]:
    """The probability that the policy shows each group, for each row, shape (n, groups)."""
    member = np.zeros((group.size, int(group.max()) + 1), dtype=np.float32)
    member[np.arange(group.size), group] = 1
    place = policy.actions.index(prepared.actions.frame)
    shown = np.empty((prepared.impressions.height, member.shape[1]))
    for rows in chunks(prepared.impressions.height, max(len(prepared.actions), len(policy.actions))):
        shown[rows] = onto(policy.probabilities(prepared.impressions[rows]), place) @ member
    return shown


def _table(policy: str, names: list[str], gaps: list[_Gap]) -> pl.DataFrame:
    p_values = np.array([gap.p_value for gap in gaps])
    return pl.DataFrame(
        {
            "policy": [policy] * len(names),
            "group": names,
            "value": [gap.value for gap in gaps],
            "ci_low": [gap.interval.low for gap in gaps],
            "ci_high": [gap.interval.high for gap in gaps],
            "baseline_value": [gap.logged for gap in gaps],
            "difference": [gap.value - gap.logged for gap in gaps],
            "difference_low": [gap.difference.low for gap in gaps],
            "difference_high": [gap.difference.high for gap in gaps],
            "p_value": p_values,
            "p_adjusted": adjust(p_values, "holm"),
        }
    ).with_columns(cs.float().fill_nan(None))


def _stands(p_adjusted: float | None, level: float) -> bool:
    return p_adjusted is not None and p_adjusted < level


def _verdict(name: str, gap: _Gap, p_adjusted: float | None, alpha: float, kind: Kind) -> Verdict:
    words = (
        f"In '{name}' the policy earns {level(gap.value, kind)} per impression where the log earned "
        f"{level(gap.logged, kind)}"
    )
    if _stands(p_adjusted, alpha):
        return Verdict(
            BETTER if gap.value > gap.logged else WORSE, f"{words} (p {p_adjusted:.2g}, adjusted)."
        )
    small = max(-gap.difference.low, gap.difference.high) <= Gates().smallest_effect * gap.logged
    return Verdict(NO_DIFFERENCE if small else NOT_ENOUGH, f"{words}, which may be chance.")


def _sentence(name: str, gap: _Gap, p_adjusted: float | None, level: float) -> str:
    if not _stands(p_adjusted, level):
        return f"'{name}' is shown about as often as before."
    more = "more" if gap.value > gap.logged else "less"
    return f"'{name}' is shown {more} often: {gap.value:.1%} of impressions instead of {gap.logged:.1%}."
