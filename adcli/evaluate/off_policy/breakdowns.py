"""A policy broken down: what it earns in groups of impressions, how often it shows groups of items."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from adcli.errors import DataError, did_you_mean
from adcli.evaluate.off_policy.gates import Gates
from adcli.evaluate.off_policy.groups import exposure_by_group, value_by_group
from adcli.evaluate.off_policy.targets import Prepared, Target, policy_of
from adcli.policies.context import OUTCOMES


def breakdown_table(
    prepared: Prepared,
    targets: Sequence[Target],
    by: Sequence[str],
    *,
    items: pl.DataFrame | None = None,
    min_users: int = 50,
    gates: Gates | None = None,
    confidence: float = 0.95,
    propensities_estimated: bool = False,
) -> pl.DataFrame:
    """Each policy in each group of each column: `metric by` and the columns of `value_by_group`.

    A column of the items, or of the actions themselves, gives the rows of metric `exposure`; one of the log
    those of metric `value`. Exposure is left out for policies of which only the probability of the logged
    actions is known, and the log's own policy where there are others: each is compared with it.

    Args:
        prepared: A log, from `prepare`.
        targets: The policies.
        by: The columns that make groups, each by itself.
        items: The table of items.
        min_users: The fewest users (impressions, where there are none) of a group of impressions.
        gates: What an estimate must have for its verdict to be spoken.
        confidence: Of the intervals.
        propensities_estimated: Whether the propensities are not the log's own.

    Raises:
        DataError: If a column is neither the log's nor the items', or holds what came of the ad.
    """
    compared = [one for one in targets if one != "logged"] or targets
    parts = []
    for column in by:
        of_items = column in prepared.actions.columns or (items is not None and column in items.columns)
        of_log = column in prepared.impressions.columns and column not in prepared.actions.columns
        if not of_items and not of_log:
            known = [*prepared.impressions.columns, *(items.columns if items is not None else ())]
            raise DataError(
                f"There is no column '{column}' to break down by.", fix=did_you_mean(column, known)
            )
        if of_log:
            _refuse_unfit(prepared.impressions[column])
        if of_items and items is not None and column in items.columns:
            _refuse_unfit(items[column])
        for target in compared:
            if of_log:
                value = value_by_group(
                    prepared,
                    target,
                    column,
                    min_users=min_users,
                    gates=gates,
                    confidence=confidence,
                    propensities_estimated=propensities_estimated,
                )
                parts.append(_labelled(value, "value", column))
            if of_items and policy_of(target, prepared.actions) is not None:
                exposure = exposure_by_group(prepared, target, items, column, confidence=confidence)
                parts.append(_labelled(exposure, "exposure", column))
    if not parts:
        raise DataError("How often groups of items are shown is known of no policy that is valued here.")
    return pl.concat(parts, how="diagonal")


def _refuse_unfit(values: pl.Series) -> None:
    if values.name in OUTCOMES:
        raise DataError(
            f"'{values.name}' is known after the ad was chosen, so its groups cannot be compared."
        )
    if values.dtype.is_nested():
        raise DataError(f"'{values.name}' holds vectors or lists, which make no groups.")


def _labelled(table: pl.DataFrame, metric: str, column: str) -> pl.DataFrame:
    return table.select(pl.lit(metric).alias("metric"), pl.lit(column).alias("by"), pl.all())


def with_breakdown(values: pl.DataFrame, groups: pl.DataFrame) -> pl.DataFrame:
    """A table of values followed by its breakdown: rows without a group are of all impressions."""
    whole = values.select(
        pl.lit("value").alias("metric"),
        pl.lit(None, pl.String).alias("by"),
        pl.lit(None, pl.String).alias("group"),
        pl.all(),
    )
    parts = groups.with_columns(
        estimator=pl.when(pl.col("metric") == "value").then(pl.lit("snips")), headline=pl.lit(value=False)
    )
    return pl.concat([whole, parts], how="diagonal")


def standing_gaps(groups: pl.DataFrame) -> list[str]:
    """The sentence of each gap that stands after adjustment for the number of groups."""
    rows = groups.filter("stands").select("policy", "by", "reason").iter_rows()
    return [f"{policy}, by {by}: {reason}" for policy, by, reason in rows]
