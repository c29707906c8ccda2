"""A policy broken down: what it earns in groups of impressions, how often it shows groups of items."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from adcli.errors import DataError, did_you_mean
from adcli.evaluate.off_policy.groups import exposures_by_group, value_by_group
from adcli.evaluate.off_policy.targets import Target, Valuation, policy_of
from adcli.policies.context import OUTCOMES
from adcli.policies.prepared import PreparedLog


def breakdown_table(
    valuation: Valuation,
    targets: Sequence[Target],
    by: Sequence[str],
    *,
    items: pl.DataFrame | None = None,
    min_users: int = 50,
    confidence: float = 0.95,
) -> pl.DataFrame:
    """Each policy in each group of each column: `metric by` and the columns of `value_by_group`.

    A column of the items, or of the actions themselves, gives the rows of metric `exposure`; one of the log
    those of metric `value`. Exposure is left out for policies of which only the probability of the logged
    actions is known, and the log's own policy where there are others: each is compared with it.

    Args:
        valuation: A log, from `prepare_valuation`; what it keeps of each policy is not computed again.
        targets: The policies.
        by: The columns that make groups, each by itself.
        items: The table of items.
        min_users: The fewest users (impressions, where there are none) of a group of impressions.
        confidence: Of the intervals.

    Raises:
        DataError: If a column is neither the log's nor the items', or holds what came of the ad.
    """
    log = valuation.log
    compared = [one for one in targets if one != "logged"] or targets
    attributes = {*log.actions.columns, *(items.columns if items is not None else ())}
    of_items = [name for name in by if name in attributes]
    of_log = [name for name in by if _is_of_log(name, log)]
    for name in by:
        _refuse_unknown(name, [*of_items, *of_log], log, items)
    parts = []
    for target in compared:
        for column in of_log:
            value = value_by_group(valuation, target, column, min_users=min_users, confidence=confidence)
            parts.append(_labelled(value, "value", column))
        if of_items and policy_of(target, log.actions) is not None:
            shown = exposures_by_group(log, target, items, of_items, confidence=confidence)
            parts += [_labelled(table, "exposure", column) for column, table in shown.items()]
    if not parts:
        raise DataError("How often groups of items are shown is known of no policy that is valued here.")
    columns = pl.Enum(list(dict.fromkeys(by)))
    return pl.concat(parts, how="diagonal").sort(pl.col("by").cast(columns), maintain_order=True)


def _is_of_log(name: str, log: PreparedLog) -> bool:
    return name in log.impressions.columns and name not in log.actions.columns


def _refuse_unknown(name: str, known: Sequence[str], log: PreparedLog, items: pl.DataFrame | None) -> None:
    if name not in known:
        columns = [*log.impressions.columns, *(items.columns if items is not None else ())]
        raise DataError(f"There is no column '{name}' to break down by.", fix=did_you_mean(name, columns))
    if _is_of_log(name, log):
        _refuse_unfit(log.impressions[name])
    if items is not None and name in items.columns:
        _refuse_unfit(items[name])


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
    """The sentence of each gap of exposure that stands after adjustment for the number of groups."""
    standing = groups.filter("stands", pl.col("metric") == "exposure")
    rows = standing.select("policy", "by", "reason").iter_rows()
    return [f"{policy}, by {by}: {reason}" for policy, by, reason in rows]
