"""Which columns count something, by the words in their names."""

from __future__ import annotations

import re

WORD = re.compile(r"[^\W\d_]+")
HUMP = re.compile(r"(?<=[a-z])(?=[A-Z])")
CLICKS = frozenset({"click", "clicks", "clicked", "clk", "clks"})
IMPRESSIONS = frozenset({"impression", "impressions", "imp", "imps", "impr", "shown", "displays"})
COUNTED = (
    CLICKS
    | IMPRESSIONS
    | {"conversion", "conversions", "conv", "convs", "visit", "visits", "visitors", "view", "views", "viewed"}
    | {"order", "orders", "purchase", "purchases", "purchased", "transactions", "session", "sessions"}
    | {"pageviews", "carts", "installs", "signups", "leads", "users", "units", "items", "searches", "logins"}
)
NO_COUNT = frozenset(
    {"delta", "diff", "difference", "change", "net", "growth", "lift", "uplift", "residual", "adjusted"}
    | {"value", "revenue", "amount", "margin", "profit", "cost", "score", "trend", "zscore", "centered"}
    | {"log"}
)


def counts(column: str) -> bool:
    """Whether a column of this name counts: `conversions_7d`, `totalClicks`; not `order_value`."""
    words = _words(column)
    return bool(words & COUNTED) and not words & NO_COUNT


def counts_clicks(column: str) -> bool:
    """Whether a column of this name counts clicks: `clicks`, `n_clicks`, `Ad Clicks`."""
    return bool(_words(column) & CLICKS)


def counts_impressions(column: str) -> bool:
    """Whether a column of this name counts impressions."""
    return bool(_words(column) & IMPRESSIONS)


def _words(column: str) -> set[str]:
    return {word.casefold() for word in WORD.findall(HUMP.sub(" ", column))}
