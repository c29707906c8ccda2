"""What customers bought: which purchases stand, and what each brought, the same for rates and profiles.

A purchase is money once: an order reported again, a cancelled, refunded or test order is no sale, and an
amount that belongs to a whole order is counted at its first line. Amounts of carts and checkouts are no
revenue.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

import polars as pl

from adcli.behaviour.amounts import AmountLevel, amount_level, goods_of_orders
from adcli.tables.aliases import normalised
from adcli.tables.numerals import MONEY, computed_money
from adcli.tables.standard.orders import NAMES_BESIDE, order_column

_ROW: Final = "number of the row"  # no name that a column has
_STATUS: Final = frozenset(
    {"financialstatus", "orderstatus", "paymentstatus", "status", "state", "currentstate", "orderstate"}
)
_STATUS_OF_LINE: Final = frozenset({"itemstatus"})
_CANCELLED_AT: Final = frozenset({"cancelledat", "canceledat", "cancelleddate", "cancelreason"})
_VALID: Final = frozenset({"valid"})
_TEST: Final = frozenset({"test", "istest", "testorder", "istestorder"})
_PAYMENT: Final = frozenset({"paymentmethod"})
_UPDATED: Final = ("lastupdateddate", "updatedat", "datemodified", "dateupd")
_NO_SALE: Final = (
    r"(?i)cancel|^void|^(?:wc-)?(?:refunded|failed|pending|on-hold)|^fully[ _-]?refunded|declined|expired|"
    r"unpaid|^authorized|^holded|draft|^incomplete|^abandoned|^trash|^fraud|await.*payment|payment error|"
    r"^annul|^storn|^rembours|^rimbors|^reembols|erstattet|erreur de paiement"
)
_IN_PART: Final = "(?i)^parti|^teil"  # refunded or cancelled in part
_YES: Final = ("1", "true", "yes", "y")
_NO: Final = ("0", "false", "no", "n")
_SEEN: Final = (
    "event_type", "event_time", "user_id", "item_id", "price", "quantity", "revenue", "order_revenue",
    "order_total", "order_discount", "shipping", "tax", "discount", "refund", "currency",
)  # fmt: skip
_NAMES_SEEN: Final = frozenset(
    {*_STATUS, *_STATUS_OF_LINE, *_CANCELLED_AT, *_VALID, *_TEST, *_PAYMENT, *_UPDATED, *NAMES_BESIDE}
)


def columns_of_sales(columns: Sequence[str], others: Sequence[str] = ()) -> list[str]:
    """Those of a log's columns that `settle_sales` looks at, and `others`."""
    seen = {*_SEEN, order_column(columns), *others}
    return [name for name in columns if name in seen or normalised(name) in _NAMES_SEEN]


def concerns_sales(events: pl.DataFrame) -> pl.Series:
    """(n,) which rows of a log `settle_sales` needs: purchases, what is given back, all lines of orders."""
    names = set(events.columns)
    kind = pl.col("event_type").cast(pl.String)
    found = [kind == "purchase"]
    if (order := order_column(events.columns)) is not None:
        found.append(pl.col(order).is_not_null())
    if "refund" in names:
        found.append(pl.col("refund") > 0)
    if "quantity" in names:
        found.append((kind == "other") & (pl.col("quantity").cast(pl.Float64) < 0))
    return events.select(pl.any_horizontal(found).fill_null(value=False).alias("sale")).to_series()


class Sales(NamedTuple):
    """A log whose purchases are sales."""

    # the log; a purchase that is no sale is of type `other`, and `sold_for` (Decimal) is what a row brought,
    # null where it brought nothing, below 0 where money was given back
    events: pl.DataFrame
    said: list[str]  # what the money was taken from and what is no sale, one clause each


def settle_sales(events: pl.DataFrame, *, net: bool = False, level: AmountLevel | None = None) -> Sales:
    """The purchases of a log that stand, and what they brought.

    `net`: whether refunds are subtracted, in the row that holds them; `level`: what an amount belongs to,
    where the user says so. Raises DataError if it is ambiguous whether an amount belongs to a line or to the
    whole order.
    """
    order = order_column(events.columns)
    rows = events.with_row_index(_ROW)
    purchases = rows.filter(pl.col("event_type") == "purchase")
    if purchases.is_empty():
        return Sales(events, [])
    said: list[str] = []
    newer = _superseded(purchases, order)
    said += _told(purchases.filter(newer), order, "exported again with a later update: the last one counts")
    purchases = purchases.filter(~newer)
    for why, no_sale in _no_sales(purchases.columns, order).items():
        mask = purchases.select(no_sale.fill_null(value=False).alias("no sale")).to_series()
        said += _told(purchases.filter(mask), order, f"{why}: no sale")
        purchases = purchases.filter(~mask)
    again = _reported_again(purchases, order)
    said += _told(purchases.filter(again), order, "reported again: counted once")
    purchases = purchases.filter(~again)
    sold, amount = _amounts(purchases, order, level)
    refunds = _refunds(rows, purchases, sold, order)
    if refunds.height:
        what = "subtracted" if net else "not subtracted (--net does)"
        said.append(f"refunds of {refunds['refund'].sum():,.2f} are {what}")
    if net:
        sold = pl.concat([sold, refunds.select(_ROW, sold_for=-pl.col("refund"))])
    is_sale = pl.col(_ROW).is_in(purchases[_ROW].implode())
    is_undone = (pl.col("event_type") == "purchase") & ~is_sale
    kind = pl.when(is_undone).then(pl.lit("other")).otherwise(pl.col("event_type").cast(pl.String))
    settled = rows.with_columns(kind.alias("event_type"))
    if (
        order is not None and "currency" in rows.columns
    ):  # which some shops say on an order's first line alone
        of_order = pl.when(pl.col(order).is_not_null()).then(
            pl.col("currency").drop_nulls().first().over(order)
        )
        settled = settled.with_columns(pl.coalesce("currency", of_order).alias("currency"))
    if amount:
        said.insert(0, f"revenue is {amount}")
        by_row = sold.drop_nulls().group_by(_ROW).agg(pl.col("sold_for").sum())
        settled = settled.join(by_row, on=_ROW, how="left", maintain_order="left")
    return Sales(settled.drop(_ROW), said)


def _told(rows: pl.DataFrame, order: str | None, what: str) -> list[str]:
    """How many orders of some rows there are, and what they are; nothing where there are none."""
    number = rows.height if order is None else rows[order].n_unique()
    thing = "purchase" if order is None else "order"
    return [f"{number:,} {thing}{'s'[: number > 1]} {what}"] if number else []


def _no_sales(columns: Sequence[str], order: str | None) -> dict[str, pl.Expr]:
    """Which purchases are none, by why; what a file says on an order's first line holds for all its lines."""
    by_name = {normalised(name): name for name in columns}

    def whole(names: frozenset[str]) -> list[pl.Expr]:
        values = [pl.col(by_name[name]).cast(pl.String) for name in sorted(names & by_name.keys())]
        return values if order is None else [value.drop_nulls().first().over(order) for value in values]

    of_lines = [pl.col(by_name[name]).cast(pl.String) for name in sorted(_STATUS_OF_LINE & by_name.keys())]
    pattern = f"{_NO_SALE}|^closed" if "purchasepoint" in by_name else _NO_SALE  # Magento's word for refunded
    cancelled = [
        value.str.contains(pattern) & ~value.str.contains(_IN_PART) for value in (*whole(_STATUS), *of_lines)
    ]
    cancelled += [value.is_not_null() for value in whole(_CANCELLED_AT)]
    cancelled += [value.str.to_lowercase().is_in(_NO) for value in whole(_VALID)]
    total = next((name for name in ("order_total", "order_revenue") if name in columns), None)
    if "refund" in columns and total is not None:
        cancelled.append((pl.col("refund") >= pl.col(total)) & (pl.col(total) > 0))
        if order is not None:
            cancelled[-1] = cancelled[-1].any().over(order)
    tests = [value.str.to_lowercase().is_in(_YES) for value in whole(_TEST)]
    tests += [value.str.contains("(?i)bogus") for value in whole(_PAYMENT)]  # Shopify's gateway for tests
    found = {"cancelled, refunded or unpaid": cancelled, "made as a test": tests}
    return {why: pl.any_horizontal(masks) for why, masks in found.items() if masks}


def _superseded(purchases: pl.DataFrame, order: str | None) -> pl.Series:
    """(n,) which rows say what a later update of the same order says of the same thing."""
    by_name = {normalised(name): name for name in purchases.columns}
    updated = next((by_name[name] for name in _UPDATED if name in by_name), None)
    if order is None or updated is None:
        return pl.Series([False]).new_from_index(0, purchases.height)
    thing = [order, *(["item_id"] if "item_id" in purchases.columns else [])]
    time = pl.col(updated).cast(pl.String)
    older = (time < time.max().over(thing)) & pl.col(order).is_not_null()
    return purchases.select(older.fill_null(value=False).alias("older")).to_series()


def _reported_again(purchases: pl.DataFrame, order: str | None) -> pl.Series:
    """(n,) which rows report a whole order again, at a later time: a thank-you page that was loaded twice.

    Lines that are equal at one time are two of a thing.
    """
    nothing = pl.Series([False]).new_from_index(0, purchases.height)
    if order is None or "event_time" not in purchases.columns or purchases.is_empty():
        return nothing
    lines = [name for name in ("user_id", "item_id", "price", "quantity", "revenue", "order_revenue")
             if name in purchases.columns]  # fmt: skip
    line = pl.struct(lines).hash() if lines else pl.lit(0, pl.UInt64)
    lines_of = purchases.select(order, "event_time", line.alias("line")).drop_nulls(order)
    reports = (
        lines_of.group_by(order, "event_time")
        .agg(pl.col("line").sort().cast(pl.String).str.join(" "))
        .sort("event_time")
    )
    again = reports.filter(~pl.struct(order, "line").is_first_distinct()).select(order, "event_time")
    if again.is_empty():
        return nothing
    marked = again.with_columns(again=pl.lit(value=True))
    joined = purchases.select(order, "event_time").join(
        marked, on=[order, "event_time"], how="left", maintain_order="left"
    )
    return joined["again"].fill_null(value=False)


def _amounts(
    purchases: pl.DataFrame, order: str | None, level: AmountLevel | None
) -> tuple[pl.DataFrame, str]:
    """What each standing purchase brought (`_ROW sold_for`), and what that was taken from."""
    stated = next(
        (name for name in ("revenue", "order_revenue", "order_total")
         if name in purchases.columns and purchases[name].null_count() < purchases.height), None,
    )  # fmt: skip
    quantity = (
        pl.col("quantity").cast(pl.Float64).fill_null(1.0) if "quantity" in purchases.columns else pl.lit(1.0)
    )
    discount, less = _discounts(purchases, order)
    priced = (
        computed_money(pl.col("price").cast(pl.Float64) * quantity) - discount
        if "price" in purchases.columns
        else pl.lit(None, MONEY)
    )
    if stated is None:
        known = "price" in purchases.columns
        return purchases.select(_ROW, sold_for=priced), f"price x quantity{less}" if known else ""
    amount = pl.col(stated).cast(MONEY)
    found = level or amount_level(purchases, stated, order)
    if found == "order":
        number = pl.col(_ROW).cast(pl.String)
        number = number if order is None else pl.coalesce(pl.col(order).cast(pl.String), number)
        is_told = pl.col(stated).is_not_null()
        is_first = is_told & pl.struct(number, is_told.alias("told")).is_first_distinct()
        goods = goods_of_orders(purchases.filter(is_first), stated)
        once = pl.when(is_first).then(goods.amount)
        return purchases.select(_ROW, sold_for=once), f"{goods.said}, once an order"
    if "discount" not in purchases.columns:
        discount, less = pl.lit(0).cast(MONEY), ""  # an amount that is stated is one after discounts
    if found == "unit":
        paid = computed_money(amount.cast(pl.Float64) * quantity) - discount
        return purchases.select(_ROW, sold_for=paid), f"the amount of a unit x quantity{less}"
    paid = pl.coalesce(amount - discount, priced)
    return purchases.select(_ROW, sold_for=paid), f"the amount of each line{less}"


def _discounts(purchases: pl.DataFrame, order: str | None) -> tuple[pl.Expr, str]:
    """What is off each row's price, and that in words; an order's discount is off its first line."""
    if "discount" in purchases.columns:
        return pl.col("discount").cast(MONEY).abs().fill_null(0), " less its discount"
    if "order_discount" not in purchases.columns:
        return pl.lit(0).cast(MONEY), ""
    off = pl.col("order_discount").cast(MONEY).abs().fill_null(0)
    if order is None:
        return off, " less its discount"
    differs = pl.col("order_discount").n_unique().over(order) > 1
    on_lines = purchases.filter(pl.col("order_discount").is_not_null(), pl.col(order).is_not_null())
    if on_lines.select(differs.any()).item():
        return off, " less its discount"
    is_told = pl.col("order_discount").is_not_null()
    is_first = pl.struct(order, is_told.alias("told")).is_first_distinct() | pl.col(order).is_null()
    return pl.when(is_told & is_first).then(off).otherwise(0).cast(MONEY), " less the discount of the order"


def _refunds(
    rows: pl.DataFrame, purchases: pl.DataFrame, sold: pl.DataFrame, order: str | None
) -> pl.DataFrame:
    """What was given back for purchases that stand (`_ROW refund`), as rows or lines below 0 say.

    Of what an order's goods brought no more can come back: the rest of a refund is its shipping and tax.
    """
    refunds = []
    if "refund" in rows.columns:
        known = rows.filter(pl.col("refund") > 0)
        if order is not None:
            known = known.filter(pl.col(order).is_null() | pl.col(order).is_in(purchases[order].implode()))
            known = known.filter(pl.struct(order, "event_type").is_first_distinct() | pl.col(order).is_null())
        if order is not None and known.height:
            brought = purchases.select(_ROW, order).join(sold, on=_ROW).group_by(order)
            most = brought.agg(pl.col("sold_for").sum())
            known = known.join(most, on=order, how="left", maintain_order="left")
            at_most = pl.min_horizontal(pl.col("refund").cast(MONEY), "sold_for")
            known = known.with_columns(refund=at_most)
        refunds.append(known.select(_ROW, pl.col("refund").cast(MONEY)))
    back = rows.filter(pl.col("event_type") == "other")
    if {"price", "quantity"} <= set(rows.columns):
        sent = back.filter(pl.col("quantity").cast(pl.Float64) < 0)
        worth = computed_money(pl.col("price").cast(pl.Float64) * -pl.col("quantity").cast(pl.Float64))
        refunds.append(sent.select(_ROW, refund=worth))
    return pl.concat(refunds) if refunds else pl.DataFrame(schema={_ROW: pl.UInt32, "refund": MONEY})
