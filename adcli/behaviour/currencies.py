"""Money of several currencies, which has no sum: what there is, and all of it in one."""

from __future__ import annotations

from typing import Final

import polars as pl

from adcli.errors import DataError
from adcli.tables.numerals import computed_money

_MONEY: Final = (
    "price", "revenue", "order_revenue", "order_total", "order_discount", "shipping", "tax", "discount",
    "refund", "cost", "sold_for",
)  # fmt: skip


def currencies(*frames: pl.DataFrame) -> list[str]:
    """The currencies that the amounts of a table, perhaps in pieces, are in, where it says so."""
    known = [frame["currency"].drop_nulls().unique() for frame in frames if "currency" in frame.columns]
    return sorted({currency for values in known for currency in values.to_list()})


def one_currency(*frames: pl.DataFrame) -> str:
    """The currency of all of a table's amounts; empty where that is not known, or they are in several."""
    found = currencies(*frames)
    return found[0] if len(found) == 1 else ""


def require_one_currency(frame: pl.DataFrame) -> None:
    """Make sure that a table's amounts have a sum. Raises DataError if they are in several currencies."""
    if len(found := currencies(frame)) > 1:
        raise DataError(
            f"The amounts are in {', '.join(found)}, which have no sum.",
            fix="Convert them with --currency and --rates, or take the events of one currency.",
        )


def converted(frame: pl.DataFrame, to: str, rates: pl.DataFrame) -> pl.DataFrame:
    """The table with all of its money in one currency.

    `frame`: a table with a column `currency`; `rates`: `currency rate`, how much of `to` one unit is worth,
    and `date` where it changes by the day. Raises DataError if a rate that is needed is not there, or there
    several times.
    """
    day = next((name for name in ("event_time", "date") if name in frame.columns), None)
    keys = [name for name in ("currency", "date") if name in rates.columns]
    if "date" in keys and day is None:
        raise DataError("The rates are by date, and the rows have none.", fix="Give one rate a currency.")
    dates = pl.col("date").cast(pl.Date) if "date" in keys else pl.lit(None, pl.Date).alias("date")
    table = rates.select("currency", dates, worth=pl.col("rate").cast(pl.Float64))
    if table.select("currency", "date").is_duplicated().any():
        raise DataError("The rates name a currency several times.", fix="Give one rate each, or each day.")
    days = pl.col(str(day)).cast(pl.Date).alias("date") if "date" in keys else dates
    worth = frame.select("currency", days).join(
        table, on=["currency", "date"], how="left", nulls_equal=True, maintain_order="left"
    )
    is_same = (pl.col("currency") == to).fill_null(value=True)  # where no currency is said, it is that
    factor = worth.select(pl.when(is_same).then(1.0).otherwise("worth")).to_series()
    if factor.null_count():
        lacking = worth.filter(factor.is_null()).row(0, named=True)
        when = f" on {lacking['date']}" if lacking["date"] else ""
        raise DataError(f"There is no rate of {lacking['currency']}{when}.", fix="Add it to --rates.")
    money = [name for name in _MONEY if name in frame.columns]
    in_one = (computed_money(pl.col(name).cast(pl.Float64) * factor).alias(name) for name in money)
    return frame.with_columns(*in_one, currency=pl.lit(to))
