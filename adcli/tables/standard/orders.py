"""Which column numbers the orders of a log, in the exports of shop systems too."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from adcli.tables.aliases import normalised

ORDER_ID_NAMES: Final = (
    "order_id", "invoice_no", "invoice_number", "invoice_id", "invoice", "order_no", "order_number",
    "amazon_order_id", "increment_id", "transaction_id", "basket_id", "receipt_id", "bill_no",
    "order_reference",
)  # fmt: skip
_NAMES: Final = tuple(map(normalised, ORDER_ID_NAMES))
_BY_SYSTEM: Final = (  # of Shopify, Magento, PrestaShop: a name that says nothing but beside others
    ("name", {"financialstatus", "lineitemname", "lineitemdiscount", "lineitemfulfillmentstatus"}),
    ("id", {"purchasepoint", "grandtotalbase", "grandtotalpurchased"}),
    ("reference", {"newclient", "delivery", "payment"}),
)


def order_column(columns: Sequence[str]) -> str | None:
    """The column of order numbers, if there is one; the best name first."""
    by_name = {normalised(column): column for column in reversed(columns)}
    for name, others in _BY_SYSTEM:
        if name in by_name and others & by_name.keys():
            return by_name[name]
    return next((by_name[name] for name in _NAMES if name in by_name), None)


def line_amounts(columns: Sequence[str]) -> dict[str, str]:
    """The column whose name says a unit's price and which holds a line's amount: Amazon's `item-price`."""
    by_name = {normalised(column): column for column in reversed(columns)}
    is_amazon = {"amazonorderid", "itemprice"} <= by_name.keys()
    return {"revenue": by_name["itemprice"]} if is_amazon else {}
