"""What a lift test says of a campaign: the share of its value that its spend brings."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from adcli.errors import DataError
from adcli.optimize.budget.posterior import Lift
from adcli.statistics.intervals import normal_quantile
from adcli.statistics.verdicts import INVALID

_CALLED = {
    "conversions": ("conversions", "conversion", "converted", "purchases", "purchase", "orders"),
    "revenue": ("revenue", "sales", "value"),
}
_STATISTIC = ("difference", "difference_low", "difference_high", "statistic")
_NEEDED = ("relative", "relative_low", "relative_high")


def lifts_of(
    effects: pl.DataFrame, *, campaign: str | None, campaigns: Sequence[str], objective: str, name: str
) -> dict[str, Lift]:
    """The lift of each campaign tested, from the table of `evaluate ab`: with its ads against without them.

    `effects`: `metric variant relative relative_low relative_high`, and `verdict`; `campaign`: that was
    tested, None takes each whose id is an arm's name; `objective`: `conversions` or `revenue`. Raises
    DataError if no arm is a campaign, the objective was not measured, or the test's split is broken.
    """
    missing = [column for column in _NEEDED if column not in effects.columns]
    if missing:
        raise DataError(
            f"{name} has no column {missing[0]}.", fix="Give a table written by adcli evaluate ab."
        )
    effects = effects.with_columns(
        pl.col(column).cast(pl.Float64) for column in (*_NEEDED, *_STATISTIC) if column in effects.columns
    )
    if "verdict" in effects.columns and effects["verdict"].str.starts_with(INVALID).any():
        raise DataError(
            f"{name}: the test's split is broken, as its verdict says, so nothing follows from it."
        )
    measured = effects.filter(pl.col("metric").str.to_lowercase().is_in(_CALLED[objective]))
    arms = measured["variant"].unique().sort().to_list()
    if not arms:
        known = ", ".join(effects["metric"].unique().sort())
        raise DataError(f"{name}: the test did not measure {objective}; it has {known}.")
    if campaign is None and not set(arms) & set(campaigns):
        raise DataError(
            f"{name}: none of the arms {', '.join(arms)} is a campaign of the report.",
            fix=f"Say which was tested with --lift CAMPAIGN={name}.",
        )
    tested = {campaign: measured} if campaign else {
        one: measured.filter(pl.col("variant") == one) for one in arms if one in campaigns
    }  # fmt: skip
    return {one: _lift(rows, one, name) for one, rows in tested.items()}


def _lift(rows: pl.DataFrame, campaign: str, name: str) -> Lift:
    if rows.height != 1 or rows.select(_NEEDED).null_count().sum_horizontal().item():
        raise DataError(f"{name}: expected one row of the effect of '{campaign}', with its interval.")
    relative, low, high = rows.select(_NEEDED).row(0)
    std_error = (high - low) / 2 / _quantile(rows)
    return Lift(relative / (1 + relative), std_error / (1 + relative) ** 2)


def _quantile(row: pl.DataFrame) -> float:
    """How many standard errors the interval's ends are away, by the statistic; without it those of 95 %."""
    if set(_STATISTIC) <= set(row.columns):
        width = pl.col("difference_high") - pl.col("difference_low")
        found = row.select((width / 2 * pl.col("statistic") / pl.col("difference")).abs()).item()
        if found and 1 < found < 4:  # those of confidence 0.68 to 0.9999
            return float(found)
    return normal_quantile(0.95)
