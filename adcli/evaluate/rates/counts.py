"""What a log counts: impressions, clicks, conversions, cost and revenue of each user in each cell."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import polars as pl

from adcli.behaviour.sales import settle_sales
from adcli.errors import DataError
from adcli.evaluate.columns import as_numbers, known_columns
from adcli.evaluate.rates.time_parts import PARTS, with_time_parts
from adcli.numbers import counted
from adcli.tables.aliases import normalised
from adcli.tables.numerals import MONEY, as_money
from adcli.tables.standard.orders import order_column
from adcli.tables.standard.tables import TABLES

COUNTS = ("impressions", "clicks", "carts", "conversions")
AMOUNTS = ("cost", "revenue")
ENTITIES = (("ad_id",), ("keyword", "query"), ("ad_group_id",), ("campaign_id",))  # of a report, finest first
_WORDS = {"date": "day", "date_start": "period"}
FEWEST_NAMES = 20  # values of a column, from which on it may be the users' own name
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
USER, ROW = "user", "row"
EVENT_OF_COUNT = {"impressions": "impression", "clicks": "click", "carts": "cart", "conversions": "purchase"}


class UnitCounts(NamedTuple):
    """Sums by cell and unit.

    Attributes:
        frame: One row per cell and unit: the `by` columns, `user`, `known_user`, and what was counted.
        counted: Which of `COUNTS` and `AMOUNTS` the log can say.
        unit: What a unit is: `USER`, `ROW` (of a log that knows no users), or what a report is clustered by.
        said: What one of the counts is made of, where its name does not say it.
    """

    frame: pl.DataFrame
    counted: tuple[str, ...]
    unit: str
    said: Mapping[str, str] = {}

    @property
    def has_users(self) -> bool:
        """Whether units are users."""
        return self.unit == USER


class _Counts(NamedTuple):
    """What each row of a log counts, by name, and what a count is made of."""

    exprs: Mapping[str, pl.Expr]
    said: Mapping[str, str] = {}


def count_units(log: pl.DataFrame, *, by: Sequence[str] = ()) -> UnitCounts:
    """Impressions, clicks, conversions and exact money of each user in each cell of `by`.

    A conversion is a purchase that stands, with the revenue that `adcli.behaviour.sales` finds (a log that
    went through `settle_sales` before is taken as it is); where the log has the numbers of orders, it is an
    order, counted once in each cell that it touches. A log of clicks may flag those that converted instead.

    Args:
        log: The impressions table (one row an impression), the events table (one row an event) or the table
            `report` (one row counts), whose units are ads and days.
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
    if is_report(log):
        return _report_units(log, by)
    if "event_type" in log.columns and "sold_for" not in log.columns:
        log = settle_sales(log).events
    log = as_numbers(log, _flags(log))
    exprs, said = _event_counts(log, by) if "event_type" in log.columns else _impression_counts(log)
    has_users = "user_id" in log.columns and log["user_id"].null_count() < log.height
    user = pl.col("user_id") if has_users else pl.lit(None, pl.String)
    rows = log.select(*by, user.alias("user"), *(value.alias(name) for name, value in exprs.items()))
    _check_sums(rows, exprs, is_events="event_type" in log.columns)
    unit = USER if has_users else ROW
    return UnitCounts(_sum_by_unit(rows, [*by], list(exprs)), tuple(exprs), unit, said)


def is_report(log: pl.DataFrame) -> bool:
    """Whether rows are counts (the table `report`), not single impressions or events."""
    names = set(log.columns)
    return bool({"impressions", "clicks"} & names) and not {"click", "event_type"} & names


def _report_units(log: pl.DataFrame, by: Sequence[str]) -> UnitCounts:
    """The counts of each cluster: of each ad, or the finest thing there is above it, on each day."""
    finest = next((names for names in ENTITIES if set(names) & set(log.columns)), ())
    clusters = [name for name in ("date", "date_start", *finest) if name in log.columns]
    exprs = {name: pl.col(name).fill_null(0) for name in (*COUNTS, *AMOUNTS) if name in log.columns}
    key = (pl.col(name).cast(pl.String).fill_null("") for name in clusters)
    unit = pl.concat_str(key, separator="\x00") if clusters else pl.lit(None, pl.String)
    rows = log.select(*by, unit.alias("user"), *(value.alias(name) for name, value in exprs.items()))
    _check_sums(rows, exprs, is_events=False)
    words = " and ".join(
        _WORDS.get(name, name.removesuffix("_id").replace("_", " ")) for name in reversed(clusters)
    )
    return UnitCounts(_sum_by_unit(rows, [*by], list(exprs)), tuple(exprs), words or ROW)


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
        if name == "user_id" or _names_users(log, name):
            raise DataError(
                f"A breakdown by {name} would list people one by one: it has about one user a value.",
                fix="Break down by a segment instead.",
            )


def _names_users(log: pl.DataFrame, name: str) -> bool:
    """Whether a column has about one user a value, and about as many values as there are users."""
    if name in PARTS or "user_id" not in log.columns:
        return False
    pairs = log.select(name, "user_id").drop_nulls().unique()
    values, users = pairs[name].n_unique(), pairs["user_id"].n_unique()
    return values >= max(FEWEST_NAMES, users / 2) and pairs.height < 1.5 * values


def _impression_counts(log: pl.DataFrame) -> _Counts:
    if "click" not in log.columns:
        raise DataError(
            "Rates need either a column 'click' (impressions) or 'event_type' (events).",
            fix="Name it with --map click=COLUMN.",
        )
    counts = {"impressions": pl.lit(1, pl.Int64), "clicks": pl.col("click").cast(pl.Int64).fill_null(0)}
    if "conversion" in log.columns:
        counts["conversions"] = pl.col("conversion").cast(pl.Int64).fill_null(0)
    return _Counts(counts | {name: _money(name) for name in AMOUNTS if name in log.columns})


def _event_counts(log: pl.DataFrame, by: Sequence[str]) -> _Counts:
    """What each row of a log of settled sales counts."""
    seen = set(log["event_type"].unique().to_list())
    said = {}
    counts = {
        name: (pl.col("event_type") == event).cast(pl.Int64)
        for name, event in EVENT_OF_COUNT.items()
        if event in seen
    }
    if "purchase" in seen and (order := order_column(log.columns)) is not None:
        first = pl.struct(*dict.fromkeys([*by, "event_type", "user_id", order])).is_first_distinct()
        counts["conversions"] *= (first | pl.col(order).is_null()).cast(pl.Int64)
        said["conversions"] = f"a conversion is an order ({order})"
    for flag in _flags(log):
        counts["conversions"] = pl.col(flag).cast(pl.Int64).fill_null(0)
        said["conversions"] = f"a conversion is an event with {flag}"
        if "revenue" in log.columns:
            counts["revenue"] = pl.when(counts["conversions"] > 0).then(_money("revenue")).otherwise(0)
    if "cost" in log.columns:
        counts["cost"] = _money("cost")
    if "sold_for" in log.columns:
        counts["revenue"] = _money("sold_for")
        is_net = bool((log["sold_for"] < 0).any())
        said["revenue"] = f"revenue is what purchases cost, returns {'' if is_net else 'not '}deducted"
    return _Counts(counts, said)


def _named(log: pl.DataFrame, names: Sequence[str]) -> str | None:
    """The column that goes by one of these names, if there is one; the first name is the best."""
    by_name = {normalised(column): column for column in reversed(log.columns)}
    return next((by_name[name] for name in map(normalised, names) if name in by_name), None)


def _flags(log: pl.DataFrame) -> list[str]:
    """The column that flags the converted, in a log of events that holds no purchases itself; none or one.

    Raises:
        DataError: If it holds anything but 0, 1 and nothing.
    """
    if "event_type" not in log.columns or (log["event_type"] == "purchase").any():
        return []
    name = _named(log, TABLES["impressions"].aliases("conversion"))
    if name is None:
        return []
    values = as_numbers(log.select(name), [name])[name].drop_nulls()
    if not ((values == 0) | (values == 1)).all():
        raise DataError(f"Column '{name}' flags conversions, but holds other values than 0 and 1.")
    return [name]


def _check_amounts(log: pl.DataFrame) -> None:
    for name in AMOUNTS:
        if name in log.columns and log.schema[name].is_float() and not log[name].is_finite().all():
            raise DataError(f"Column '{name}' holds NaN or infinite values.")


def _money(name: str) -> pl.Expr:
    return pl.col(name).map_batches(as_money, return_dtype=MONEY).fill_null(0)


def _check_sums(rows: pl.DataFrame, counts: Mapping[str, pl.Expr], *, is_events: bool) -> None:
    if "cost" in counts and (rows["cost"] < 0).any():
        where = counted(int((rows["cost"] < 0).sum()), "row")
        raise DataError(f"Column 'cost' is negative in {where}; spend cannot be.")
    for name in COUNTS:
        if name in counts and (rows[name] < 0).any():
            where = counted(int((rows[name] < 0).sum()), "row")
            raise DataError(f"Column '{name.removesuffix('s')}' is negative in {where}.")
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
