"""Events of Google Analytics 4 as BigQuery exports them: what lies in `ecommerce` and `items` as columns."""

from __future__ import annotations

from typing import Any, Final

_SUMS: Final = ("purchase_revenue", "refund_value", "shipping_value", "tax_value")
_OF_AN_ITEM: Final = {
    "item_id": "item_id", "item_name": "item_name", "item_brand": "brand", "item_category": "category",
    "price": "price", "quantity": "quantity",
}  # fmt: skip
_WITH_LINES: Final = ("purchase", "refund")
_MOST_ITEMS: Final = 200  # that an event of GA4 may have
_NESTED: Final = ("ecommerce", "items", "event_params")
_NOT_SET: Final = (None, "", "(not set)")


def unpacked(event: dict[str, Any]) -> list[dict[str, Any]]:
    """The rows of an event: of a numbered purchase or refund one for each item, its sums on the first.

    An event of another kind has its item where there is but one; any other object is one row as it is.
    Source: support.google.com/analytics/answer/7029846 (2024).
    """
    parts = [event.get(name) for name in _NESTED]
    if "event_name" not in event or not any(isinstance(part, dict | list) for part in parts):
        return [event]
    ecommerce = parts[0] if isinstance(parts[0], dict) else {}
    items, params = ([one for one in part or () if isinstance(one, dict)] if isinstance(part, list) else []
                     for part in parts[1:])  # fmt: skip
    said = {str(one.get("key")): one["value"] for one in params if isinstance(one.get("value"), dict)}
    is_local = any(ecommerce.get(name) is not None for name in _SUMS[:2])
    sums = {name: ecommerce.get(name if is_local else f"{name}_in_usd") for name in _SUMS}
    is_usd = not is_local and any(value is not None for value in sums.values())
    number = ecommerce.get("transaction_id")
    if number in _NOT_SET:
        number = said.get("transaction_id", {}).get("string_value")
    currency = "USD" if is_usd else said.get("currency", {}).get("string_value")
    order = {"transaction_id": number, "currency": currency}
    has_lines = event["event_name"] in _WITH_LINES and number not in _NOT_SET
    lines = items if len(items) == 1 or (has_lines and len(items) <= _MOST_ITEMS) else []
    rows = [order | {name: item.get(key) for key, name in _OF_AN_ITEM.items()} for item in lines or [{}]]
    rows[0] |= sums
    further = {key: value for key, value in event.items() if key not in _NESTED}
    return [
        base | {key: value for key, value in row.items() if value not in _NOT_SET and key not in event}
        for base, row in zip((event, *[further] * (len(rows) - 1)), rows, strict=True)
    ]
