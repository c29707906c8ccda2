"""Which column numbers the orders of a log, in the exports of shop systems too."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import polars as pl

from adcli.tables.aliases import normalised

ORDER_ID_NAMES: Final = (
    "order_id", "invoice_no", "invoice_number", "invoice_id", "invoice", "order_no", "order_number",
    "amazon_order_id", "increment_id", "transaction_id", "basket_id", "receipt_id", "bill_no",
    "order_reference", "id_order",
)  # fmt: skip
_NAMES: Final = tuple(map(normalised, ORDER_ID_NAMES))
_BY_SYSTEM: Final = (  # of Shopify, Magento, PrestaShop: a name that says nothing but beside others
    ("name", {"financialstatus", "lineitemname", "lineitemdiscount", "lineitemfulfillmentstatus"}),
    ("id", {"purchasepoint", "grandtotalbase", "grandtotalpurchased"}),
    ("reference", {"newclient", "delivery", "payment"}),
)

NAMES_BESIDE: Final = frozenset[str]().union(*(others for _, others in _BY_SYSTEM))
"""Normalised names of columns beside which the number of an order has a name that says nothing."""


def order_column(columns: Sequence[str]) -> str | None:
    """The column of order numbers, if there is one; the best name first."""
    by_name = {normalised(column): column for column in reversed(columns)}
    for name, others in _BY_SYSTEM:
        if name in by_name and others & by_name.keys():
            return by_name[name]
    return next((by_name[name] for name in _NAMES if name in by_name), None)


def amounts_by_system(columns: Sequence[str]) -> dict[str, str]:
    """The columns of money whose names alone would mislead.

    Amazon's `item-price` is a line's, and so is Etsy's `Discount Amount` beside an `Item Total`, which is
    before it; of WooCommerce's discounts `discount_total` is the sum of all.
    """
    by_name = {normalised(column): column for column in reversed(columns)}
    found = {}
    if {"amazonorderid", "itemprice"} <= by_name.keys():
        found["revenue"] = by_name["itemprice"]
    if {"listingid", "itemtotal", "discountamount"} <= by_name.keys():
        found["discount"] = by_name["discountamount"]
    if {"ordersubtotal", "discounttotal"} <= by_name.keys():
        found["order_discount"] = by_name["discounttotal"]
    return found


def guests(column: str, values: pl.Series) -> pl.Series:
    """(n,) which values of a customer number are those of guests: WooCommerce numbers all of them 0."""
    is_number = normalised(column) in ("customerid", "customeruserid", "idcustomer")
    return (values == "0").fill_null(value=False) & is_number
