"""What a log counts: impressions, clicks, conversions, cost and revenue of each user in each cell."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import reduce
from operator import or_
from typing import NamedTuple

import polars as pl

from adcli.behaviour.sales import columns_of_sales, concerns_sales, settle_sales
from adcli.errors import DataError
from adcli.evaluate.columns import FALSE, as_numbers, known_columns
from adcli.numbers import counted
from adcli.tables.aliases import normalised
from adcli.tables.numerals import MONEY, as_money
from adcli.tables.standard.orders import order_column
from adcli.tables.standard.tables import TABLES
from adcli.tables.unify import concatenated

PLACE = "place of the row"  # no name that a column has
COUNTS = ("impressions", "clicks", "carts", "conversions")
AMOUNTS = ("cost", "revenue")
ENTITIES = (("ad_id",), ("keyword", "query"), ("ad_group_id",), ("campaign_id",))  # of a report, finest first
_WORDS = {"date": "day", "date_start": "period"}
FEWEST_NAMES = 20  # values of a column, from which on it may be the users' own name
RESULT_COLUMNS = frozenset(
    {"metric", "value", "ci_low", "ci_high", "numerator", "denominator", "users", "definition", "reason"}
    | {"cell", "units", "user", "known_user", "events", "led", "median_seconds", "unlinked"}
    | {*COUNTS, *AMOUNTS}
)
USER, ROW = "user", "row"
EVENT_OF_COUNT = {"impressions": "impression", "clicks": "click", "carts": "cart", "conversions": "purchase"}
PARTS = {
    "hour": pl.col("event_time").dt.hour().cast(pl.Int64),
    "weekday": pl.col("event_time").dt.weekday().cast(pl.Int64),  # 1 is Monday
    "day": pl.col("event_time").dt.date().cast(pl.String),
    "week": pl.col("event_time").dt.truncate("1w").dt.date().cast(pl.String),  # its Monday
    "month": pl.col("event_time").dt.strftime("%Y-%m"),
}


class UnitCounts(NamedTuple):
    """Sums by cell and unit."""

    # one row per cell and unit: the `by` columns, `user`, `known_user`, and what was counted
    frame: pl.DataFrame
    counted: tuple[str, ...]  # which of `COUNTS` and `AMOUNTS` the log can say
    # what a unit is: `USER`, `ROW` (of a log that knows no users), or what a report is clustered by
    unit: str
    said: Mapping[str, str] = {}  # what one of the counts is made of, where its name does not say it


class SummedLog(NamedTuple):
    """A log that executors have added up, but for the rows whose meaning all of them decide together."""

    rows: pl.DataFrame  # those rows, such as purchases, and all columns that rates are made of
    # what the others count, by user and the columns of any breakdown that is wanted
    sums: pl.DataFrame = pl.DataFrame()


class Counts(NamedTuple):
    """What each row of a log counts, by name, what a count is made of, and of which unit it is."""

    exprs: Mapping[str, pl.Expr]
    said: Mapping[str, str] = {}
    user: pl.Expr = pl.lit(None, pl.String)
    clusters: str = ""


def count_units(log: pl.DataFrame | SummedLog, *, by: Sequence[str] = ()) -> UnitCounts:
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
    log, sums = log if isinstance(log, SummedLog) else SummedLog(log)
    if log.is_empty() and sums.is_empty():
        raise DataError("The log has no rows.")
    log = with_time_parts(log, by)
    check_cells(log.columns, by)
    is_events = "event_type" in log.columns
    if is_events and "sold_for" not in log.columns:
        log = settle_sales(log).events
    log = as_numbers(log, _flags(log))
    found = (
        _report_counts(log) if is_report(log) else _event_counts(log, by) if is_events else row_counts(log)
    )
    rows = counted_rows(log, found, by)
    if sums.height:
        rows = concatenated([rows, sums])
    names = [name for name in (*COUNTS, *AMOUNTS) if name in rows.columns]
    frame = sum_by_unit(rows.with_columns(pl.col(names).fill_null(0)), [*by], names).drop(PLACE, strict=False)
    _check_clicks(frame, is_events=is_events)
    unit = found.clusters or (USER if frame["known_user"].any() else ROW)
    if unit == USER:
        check_users(frame, by)
    return UnitCounts(frame, tuple(names), unit, found.said)


def is_report(log: pl.DataFrame) -> bool:
    """Whether rows are counts (the table `report`), not single impressions or events."""
    names = set(log.columns)
    return bool({"impressions", "clicks"} & names) and not {"click", "event_type"} & names


def _report_counts(log: pl.DataFrame) -> Counts:
    """The counts of each cluster: of each ad, or the finest thing there is above it, on each day."""
    finest = next((names for names in ENTITIES if set(names) & set(log.columns)), ())
    clusters = [name for name in ("date", "date_start", *finest) if name in log.columns]
    exprs = {name: pl.col(name).fill_null(0) for name in (*COUNTS, *AMOUNTS) if name in log.columns}
    words = " and ".join(
        _WORDS.get(name, name.removesuffix("_id").replace("_", " ")) for name in reversed(clusters)
    )
    if not clusters:
        return Counts(exprs, clusters=ROW)
    key = (pl.col(name).cast(pl.String).fill_null("") for name in clusters)
    return Counts(exprs, {}, pl.concat_str(key, separator="\x00"), words)


def check_cells(columns: Sequence[str], by: Sequence[str]) -> None:
    """Raise DataError if a column of `by` is missing, is the users' own, or one of the result's."""
    for name in by:
        if name in RESULT_COLUMNS:
            raise DataError(f"A breakdown cannot be by '{name}', which is a column of the result.")
        if name not in columns:
            raise DataError(
                f"There is no column '{name}' to break rates down by.", fix=known_columns(name, columns)
            )
        if name == "user_id":
            raise _of_single_users(name)


def check_users(rows: pl.DataFrame, by: Sequence[str]) -> None:
    """Nothing.

    Raises DataError if a column of `by` has about one `user` a value, and about as many values as there are.
    """
    for name in by:
        pairs = rows.select(name, "user").drop_nulls().unique()
        values, users = pairs[name].n_unique(), pairs["user"].n_unique()
        if name not in PARTS and values >= max(FEWEST_NAMES, users / 2) and pairs.height < 1.5 * values:
            raise _of_single_users(name)


def _of_single_users(name: str) -> DataError:
    return DataError(
        f"A breakdown by {name} would list people one by one: it has about one user a value.",
        fix="Break down by a segment instead.",
    )


def row_counts(log: pl.DataFrame) -> Counts:
    """What each row counts by itself: of impressions all, of events all but what is sold.

    Raises DataError if the log is neither table.
    """
    user = pl.col("user_id") if "user_id" in log.columns else pl.lit(None, pl.String)
    if "event_type" in log.columns:
        seen = set(log["event_type"].unique().to_list())
        counts = {
            name: (pl.col("event_type") == event).cast(pl.Int64)
            for name, event in EVENT_OF_COUNT.items()
            if event in seen
        }
        if "cost" in log.columns:
            counts["cost"] = _money("cost")
        return Counts(counts, {}, user)
    if "click" not in log.columns:
        raise DataError(
            "Rates need either a column 'click' (impressions) or 'event_type' (events).",
            fix="Name it with --map click=COLUMN.",
        )
    counts = {"impressions": pl.lit(1, pl.Int64), "clicks": pl.col("click").cast(pl.Int64).fill_null(0)}
    if "conversion" in log.columns:
        counts["conversions"] = pl.col("conversion").cast(pl.Int64).fill_null(0)
    return Counts(counts | {name: _money(name) for name in AMOUNTS if name in log.columns}, {}, user)


def counted_rows(log: pl.DataFrame, counts: Counts, by: Sequence[str]) -> pl.DataFrame:
    """What each row counts, beside its user and the columns `by`.

    Raises DataError if a count is negative or money is not finite.
    """
    _check_amounts(log)
    beside = [*by, *(name for name in log.columns if name == PLACE)]
    known = log.with_columns(
        counts.user.alias("user"), *(one.alias(name) for name, one in counts.exprs.items())
    )
    rows = known.select(*beside, "user", *counts.exprs)
    for name in {*COUNTS, "cost"} & counts.exprs.keys():
        if below := int((rows[name] < 0).sum()):
            what = "; spend cannot be" if name == "cost" else ""
            raise DataError(
                f"Column '{name.removesuffix('s')}' is negative in {counted(below, 'row')}{what}."
            )
    return rows


def _event_counts(log: pl.DataFrame, by: Sequence[str]) -> Counts:
    """What each row of a log of settled sales counts."""
    plain = row_counts(log)
    counts, said = dict(plain.exprs), {}
    if "conversions" in counts and (order := order_column(log.columns)) is not None:
        first = pl.struct(*dict.fromkeys([*by, "event_type", "user_id", order])).is_first_distinct()
        counts["conversions"] *= (first | pl.col(order).is_null()).cast(pl.Int64)
        said["conversions"] = f"a conversion is an order ({order})"
    for flag in _flags(log):
        counts["conversions"] = pl.col(flag).cast(pl.Int64).fill_null(0)
        said["conversions"] = f"a conversion is an event with {flag}"
        if "revenue" in log.columns:
            counts["revenue"] = pl.when(counts["conversions"] > 0).then(_money("revenue")).otherwise(0)
    if "sold_for" in log.columns:
        counts["revenue"] = _money("sold_for")
        is_net = bool((log["sold_for"] < 0).any())
        said["revenue"] = f"revenue is what purchases cost, returns {'' if is_net else 'not '}deducted"
    return plain._replace(exprs=counts, said=said)


def columns_of_rates(log: pl.DataFrame, by: Sequence[str]) -> list[str]:
    """The columns that rates broken down `by` some are made of; all of a report."""
    if is_report(log):
        return log.columns
    others = (*by, PLACE, "click", "conversion", _conversion_flag(log), *AMOUNTS)
    return columns_of_sales(log.columns, [name for name in others if name is not None])


def decided_together(log: pl.DataFrame) -> pl.Series:
    """(n,) which rows of a log count what only all of them tell: sales, and events flagged converted."""
    if is_report(log):
        return pl.Series([True]).new_from_index(0, log.height)
    if "event_type" not in log.columns:
        return pl.Series([False]).new_from_index(0, log.height)
    masks = [concerns_sales(log)]
    if name := _conversion_flag(log):
        is_not = log[name].cast(pl.String).str.to_lowercase().is_in(["0", "0.0", *FALSE])
        masks.append(~is_not.fill_null(value=True))
    return reduce(or_, masks)


def _conversion_flag(log: pl.DataFrame) -> str | None:
    """The column that goes by a name of flags of conversions, if there is one; the best name first."""
    by_name = {normalised(column): column for column in reversed(log.columns)}
    aliases = map(normalised, TABLES["impressions"].aliases("conversion"))
    return next((by_name[name] for name in aliases if name in by_name), None)


def _flags(log: pl.DataFrame) -> list[str]:
    """The column that flags the converted, in a log of events that holds no purchases itself; none or one.

    Raises DataError if it holds anything but 0, 1 and nothing.
    """
    if "event_type" not in log.columns or (log["event_type"] == "purchase").any():
        return []
    name = _conversion_flag(log)
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


def _check_clicks(units: pl.DataFrame, *, is_events: bool) -> None:
    if "impressions" in units.columns and "clicks" in units.columns:
        clicks, impressions = int(units["clicks"].sum()), int(units["impressions"].sum())
        if clicks > impressions:
            cure = "Impression events seem to be missing from the log." if is_events else "A click is 0 or 1."
            raise DataError(f"There are {clicks:,} clicks above {impressions:,} impressions.", fix=cure)


def sum_by_unit(rows: pl.DataFrame, by: list[str], counted: list[str]) -> pl.DataFrame:
    """One row per cell and known user, by their first row; a row without a user stays a unit of its own."""
    sums = [pl.col(name).sum() for name in counted]
    order = [name for name in rows.columns if name == PLACE]
    groups = rows.filter(pl.col("user").is_not_null()).group_by(*by, "user", maintain_order=True)
    known = groups.agg(*sums, *(pl.col(name).min() for name in order)).sort(order)
    unknown = rows.filter(pl.col("user").is_null()).select(known.columns).sort(order)
    return pl.concat([known, unknown]).with_columns(pl.col("user").is_not_null().alias("known_user"))


def with_time_parts(log: pl.DataFrame, by: Sequence[str]) -> pl.DataFrame:
    """The log with those parts of its time, in UTC, that `by` names and that it does not hold itself.

    A report has no time but a date, in its account's zone; an hour is a column of its own there.
    """
    wanted = [name for name in by if name in PARTS and name not in log.columns]
    if "event_time" in log.columns:
        return log.with_columns(PARTS[name].alias(name) for name in wanted)
    if "date" not in log.columns:
        return log
    day = log.select(event_time=pl.col("date").cast(pl.Datetime("us")))
    return log.with_columns(day.select(PARTS[name].alias(name) for name in wanted if name != "hour"))
