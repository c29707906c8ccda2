"""What a log counts: impressions, clicks, conversions, cost and revenue of each user in each cell."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import polars as pl

from adcli.errors import DataError
from adcli.evaluate.columns import known_columns
from adcli.evaluate.rates.time_parts import with_time_parts

MONEY = pl.Decimal(38, 6)
COUNTS = ("impressions", "clicks", "carts", "conversions")
AMOUNTS = ("cost", "revenue")
RESULT_COLUMNS = frozenset(
    {"metric", "value", "ci_low", "ci_high", "numerator", "denominator", "users", "definition", "reason"}
    | {
        "cell",
        "units",
        "user",
        "known_user",
        "events",
        "led",
        "median_seconds",
        "unlinked",
        *COUNTS,
        *AMOUNTS,
    }
)
EVENT_OF_COUNT = {"impressions": "impression", "clicks": "click", "carts": "cart", "conversions": "purchase"}


class UnitCounts(NamedTuple):
    """Sums by cell and unit.

    Attributes:
        frame: One row per cell and unit: the `by` columns, `user`, `known_user`, and what was counted.
        counted: Which of `COUNTS` and `AMOUNTS` the log can say.
        has_users: Whether units are users; otherwise each row of the log is a unit of its own.
    """

    frame: pl.DataFrame
    counted: tuple[str, ...]
    has_users: bool


def count_units(log: pl.DataFrame, *, by: Sequence[str] = ()) -> UnitCounts:
    """Impressions, clicks, conversions and exact money of each user in each cell of `by`.

    Args:
        log: The impressions table (one row an impression) or the events table (one row an event).
        by: Columns whose values make the cells; `hour weekday day week month` are made from `event_time`.

    Raises:
        DataError: If the log is neither table, a `by` column is missing or names single users, a cost is
            negative, or a log of events holds more clicks than impressions.
    """
    if log.is_empty():
        raise DataError("The log has no rows.")
    log = with_time_parts(log, by)
    check_cells(log, by)
    _check_amounts(log)
    counts = _event_counts(log) if "event_type" in log.columns else _impression_counts(log)
    has_users = "user_id" in log.columns and log["user_id"].null_count() < log.height
    user = pl.col("user_id") if has_users else pl.lit(None, pl.String)
    rows = log.select(*by, user.alias("user"), *(value.alias(name) for name, value in counts.items()))
    _check_sums(rows, counts, is_events="event_type" in log.columns)
    return UnitCounts(_sum_by_unit(rows, [*by], list(counts)), tuple(counts), has_users)


def check_cells(log: pl.DataFrame, by: Sequence[str]) -> None:
    """Nothing.

    Raises:
        DataError: If a column of `by` is missing, is the users' own name, or one of the result's.
    """
    for name in by:
        if name in RESULT_COLUMNS:
            raise DataError(f"A breakdown cannot be by '{name}', which is a column of the result.")
        if name not in log.columns:
            raise DataError(
                f"There is no column '{name}' to break rates down by.", fix=known_columns(name, log.columns)
            )
        if name == "user_id":
            raise DataError(
                "A breakdown by user_id would list people one by one.", fix="Break down by a segment instead."
            )


def _impression_counts(log: pl.DataFrame) -> dict[str, pl.Expr]:
    if "click" not in log.columns:
        raise DataError(
            "Rates need either a column 'click' (impressions) or 'event_type' (events).",
            fix="Name it with --map click=COLUMN.",
        )
    counts = {"impressions": pl.lit(1, pl.Int64), "clicks": pl.col("click").cast(pl.Int64).fill_null(0)}
    if "conversion" in log.columns:
        counts["conversions"] = pl.col("conversion").cast(pl.Int64).fill_null(0)
    return counts | {name: _money(name) for name in AMOUNTS if name in log.columns}


def _event_counts(log: pl.DataFrame) -> dict[str, pl.Expr]:
    seen = set(log["event_type"].unique().to_list())
    counts = {
        name: (pl.col("event_type") == event).cast(pl.Int64)
        for name, event in EVENT_OF_COUNT.items()
        if event in seen
    }
    if "cost" in log.columns:
        counts["cost"] = _money("cost")
    if "revenue" in log.columns:
        counts["revenue"] = _money("revenue")
    elif "price" in log.columns and "purchase" in seen:
        quantity = (
            pl.col("quantity").cast(pl.Float64).fill_null(1.0) if "quantity" in log.columns else pl.lit(1.0)
        )
        paid = (pl.col("price").cast(pl.Float64) * quantity).round(6).cast(MONEY)
        counts["revenue"] = pl.when(pl.col("event_type") == "purchase").then(paid).fill_null(0)
    return counts


def _check_amounts(log: pl.DataFrame) -> None:
    for name in AMOUNTS:
        if name in log.columns and log.schema[name].is_float() and not log[name].is_finite().all():
            raise DataError(f"Column '{name}' holds NaN or infinite values.")


def _money(name: str) -> pl.Expr:
    return pl.col(name).cast(MONEY).fill_null(0)


def _check_sums(rows: pl.DataFrame, counts: dict[str, pl.Expr], *, is_events: bool) -> None:
    if "cost" in counts and (rows["cost"] < 0).any():
        raise DataError(f"Column 'cost' is negative in {(rows['cost'] < 0).sum():,} rows; spend cannot be.")
    for name in COUNTS:
        if name in counts and (rows[name] < 0).any():
            raise DataError(
                f"Column '{name.removesuffix('s')}' is negative in {(rows[name] < 0).sum():,} rows."
            )
    if "impressions" in counts and "clicks" in counts:
        clicks, impressions = int(rows["clicks"].sum()), int(rows["impressions"].sum())
        if clicks > impressions:
            cure = "Impression events seem to be missing from the log." if is_events else "A click is 0 or 1."
            raise DataError(f"There are {clicks:,} clicks above {impressions:,} impressions.", fix=cure)


def _sum_by_unit(rows: pl.DataFrame, by: list[str], counted: list[str]) -> pl.DataFrame:
    """One row per cell and known user; a row without a user stays a unit of its own."""
    sums = [pl.col(name).sum() for name in counted]
    known = rows.filter(pl.col("user").is_not_null()).group_by(*by, "user", maintain_order=True).agg(sums)
    unknown = rows.filter(pl.col("user").is_null()).select(known.columns)
    return pl.concat([known, unknown]).with_columns(pl.col("user").is_not_null().alias("known_user"))
