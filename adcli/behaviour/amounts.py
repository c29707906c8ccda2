"""What an amount of money belongs to: a unit, a line of an order, or the whole order."""

from __future__ import annotations

from typing import Final, Literal

import polars as pl

from adcli.errors import DataError

AmountLevel = Literal["unit", "line", "order"]
_ENOUGH_ORDERS, _ENOUGH_AMOUNTS = 5, 3  # that are equal on all lines, to be no coincidence
_CENT: Final = 0.01


def amount_level(purchases: pl.DataFrame, amount: str, order: str | None) -> AmountLevel:
    """What the column `amount` belongs to: from the numbers, and from its name where they allow both.

    An amount that is price x quantity is a line's, one that is the price whatever the quantity a unit's. One
    that differs between the lines of an order is no order's; one that is the same on all lines of each order
    is, where many orders say so or the column is called one of orders.

    Args:
        purchases: Rows of the events table.
        amount: `revenue`, of a row by its name, or `order_revenue`, of an order.
        order: The column of order numbers.

    Raises:
        DataError: If both a line and the whole order are possible.
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
    if order is None:
        return "line"
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
    if several.is_empty() or (several["amounts"] > 1).any():
        return "line"
    is_common = several.height >= _ENOUGH_ORDERS and several[amount].n_unique() >= _ENOUGH_AMOUNTS
    if amount == "order_revenue" or is_common or (several["amounts_given"] == 1).all():
        return "order"
    example = several.row(0, named=True)
    raise DataError(
        f"The amount {example[amount]} stands on all {example['lines']} lines of order {example[order]}: it "
        "may be each line's, or the whole order's.",
        fix="Say which: --amount line, or --amount order.",
    )
