"""What an amount of money belongs to: a unit, a line of an order, or the whole order."""

from __future__ import annotations

from typing import Final, Literal, NamedTuple

import polars as pl

from adcli.errors import DataError
from adcli.tables.numerals import MONEY

AmountLevel = Literal["unit", "line", "order"]
_ENOUGH_ORDERS, _ENOUGH_AMOUNTS = 5, 3  # that are equal on all lines, to be no coincidence
_CENT: Final = 0.01


def amount_level(purchases: pl.DataFrame, amount: str, order: str | None) -> AmountLevel:
    """What the column `amount` belongs to: from the numbers, and from its name where they allow both.

    An amount that is price x quantity is a line's, one that is the price whatever the quantity a unit's. One
    that differs between the lines of an order is no order's; one that is the same on all lines of each order
    is, where many orders say so or the column is called one of orders.

    `amount`: `revenue`, of a row by its name, or `order_revenue` or `order_total`, of an order. Raises
    DataError if both a line and the whole order are possible.
    """
    priced = purchases.filter(pl.col(amount).is_not_null())
    if {"price", "quantity"} <= set(priced.columns):
        value, price, quantity = (pl.col(name).cast(pl.Float64) for name in (amount, "price", "quantity"))
        several = priced.filter(pl.col("price").is_not_null(), quantity.abs() != 1, price != 0)
        if several.height:
            if several.select(((value - price * quantity).abs() < _CENT).all()).item():
                return "line"
            if several.select(((value - price).abs() < _CENT).all()).item():
                return "unit"
    is_orders = amount in ("order_revenue", "order_total")
    if order is None:
        return "order" if is_orders else "line"
    orders = (
        purchases.drop_nulls(order)
        .group_by(order, maintain_order=True)
        .agg(
            pl.len().alias("lines"),
            pl.col(amount).drop_nulls().len().alias("amounts_given"),
            pl.col(amount).drop_nulls().n_unique().alias("amounts"),
            pl.col(amount).drop_nulls().first(),
        )
    )
    several = orders.filter(pl.col("lines") > 1, pl.col("amounts_given") > 0)
    if several.is_empty() and is_orders:
        return "order"
    if several.is_empty() or (several["amounts"] > 1).any():
        return "line"
    is_common = several.height >= _ENOUGH_ORDERS and several[amount].n_unique() >= _ENOUGH_AMOUNTS
    if is_orders or is_common or (several["amounts_given"] == 1).all():
        return "order"
    example = several.row(0, named=True)
    raise DataError(
        f"The amount {example[amount]} stands on all {example['lines']} lines of order {example[order]}: it "
        "may be each line's, or the whole order's.",
        fix="Say which: --amount line, or --amount order.",
    )


class Goods(NamedTuple):
    """What the goods of an order cost, and in words what that was taken from."""

    amount: pl.Expr
    said: str


def goods_of_orders(orders: pl.DataFrame, stated: str) -> Goods:
    """Goods after discounts, shipping and tax apart, from the sums that a shop states of each order.

    Whether a subtotal is one before or after the order's discount, its total tells: which of both, with
    shipping and perhaps tax added, it is.

    `orders`: a row an order: `stated`, and of `order_total order_discount shipping tax` what there is;
    `stated`: `order_revenue`, a sum of goods, `order_total`, the sum of all, or `revenue`, taken as it is.
    """

    def known(name: str) -> bool:
        return name in orders.columns and orders[name].null_count() < orders.height

    amount = pl.col(stated).cast(MONEY)
    if stated == "order_total":
        apart = [name for name in ("shipping", "tax") if known(name)]
        less = f"less {' and '.join(apart)}" if apart else "which may hold shipping and tax"
        goods = amount - pl.sum_horizontal([pl.lit(0).cast(MONEY), *(_sum(name) for name in apart)])
        return Goods(
            goods, f"the total of an order, {less}" if not apart else f"the total of an order {less}"
        )
    if stated != "order_revenue":
        return Goods(amount, "the amount of a whole order")
    off = orders.filter(pl.col("order_discount") != 0) if known("order_discount") else orders.clear()
    if off.is_empty():
        return Goods(amount, "the goods of an order")
    if not known("order_total"):
        return Goods(amount, "the goods of an order, taken as after its discount")
    more = [_sum(name) if known(name) else pl.lit(0).cast(MONEY) for name in ("shipping", "tax")]
    rest = pl.col("order_total").cast(MONEY) - amount - more[0]
    is_after, is_before = (
        bool(off.select((_near(rest + lacks, 0) | _near(rest + lacks, more[1])).all()).item())
        for lacks in (pl.lit(0).cast(MONEY), _sum("order_discount").abs())
    )
    if is_before and not is_after:
        return Goods(amount - _sum("order_discount").abs(), "the goods of an order less its discount")
    return Goods(amount, f"the goods of an order, {'' if is_after else 'taken as '}after its discount")


def _sum(name: str) -> pl.Expr:
    return pl.col(name).cast(MONEY).fill_null(0)


def _near(one: pl.Expr, other: pl.Expr | int) -> pl.Expr:
    return (one - other).cast(pl.Float64).abs() < _CENT
