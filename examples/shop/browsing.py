"""What shoppers do unasked: sessions of searches, views, carts and purchases; and reviews."""

from __future__ import annotations

import datetime as dt
import json

import numpy as np
import polars as pl
from catalogue import CATEGORIES, KINDS, Product, review
from world import DEVICE_SHARE, DEVICES, HOUR_SHARE, SECOND_TASTE

Row = tuple[dt.datetime, str, str, str, str, str, str, str, str, str]

HEADER = (
    "Timestamp",
    "VisitorID",
    "Session",
    "Event",
    "SKU",
    "SearchTerm",
    "UnitPrice",
    "Qty",
    "Revenue",
    "Device",
)
_SESSIONS_A_USER = 6.0
_BOT_VIEWS = 240


def browse(
    users: list[str],
    segment: np.ndarray,
    shop: list[Product],
    start: dt.datetime,
    days: int,
    rng: np.random.Generator,
) -> list[Row]:
    """The organic events of all users."""
    by_category = {name: [product for product in shop if product.category == name] for name in CATEGORIES}
    rows: list[Row] = []
    for number, (user, taste) in enumerate(zip(users, segment, strict=True)):
        for visit in range(1 + rng.poisson(_SESSIONS_A_USER - 1)):
            seconds = (
                86_400 * int(rng.integers(days))
                + 3_600 * int(rng.choice(24, p=HOUR_SHARE))
                + rng.uniform(0, 3_600)
            )
            category = CATEGORIES[_looked_at(int(taste), rng)]
            began = start + dt.timedelta(seconds=seconds)
            rows += _session(user, f"s{number:05d}-{visit}", began, by_category[category], rng)
    return rows


def crawl(bots: list[str], shop: list[Product], start: dt.datetime, rng: np.random.Generator) -> list[Row]:
    """A burst of product views by each bot, a quarter of a second apart, through the whole catalogue."""
    rows: list[Row] = []
    for bot in bots:
        began = start + dt.timedelta(days=float(rng.uniform(3, 20)))
        for view in range(_BOT_VIEWS):
            at = began + dt.timedelta(seconds=0.25 * view + rng.uniform(0, 0.05))
            product = shop[view % len(shop)]
            rows.append(
                (
                    at,
                    bot,
                    f"s-{bot}",
                    "detail_view",
                    product.item_id,
                    "",
                    f"{product.price:.2f}",
                    "",
                    "",
                    "desktop",
                )
            )
    return rows


def reviews(
    shop: list[Product], users: list[str], count: int, start: dt.datetime, rng: np.random.Generator
) -> list[str]:
    """Reviews as JSON lines, the popular products' more often."""
    weight = rng.gamma(1.2, size=len(shop))
    lines = []
    for number in rng.choice(len(shop), size=count, p=weight / weight.sum()):
        product = shop[number]
        stars, headline, body = review(product, rng)
        written = {
            "asin": product.item_id,
            "reviewer_id": str(rng.choice(users)),
            "stars": stars,
            "headline": headline,
            "body": body,
            "reviewed_at": (start + dt.timedelta(days=int(rng.integers(28)))).date().isoformat(),
        }
        lines.append(json.dumps(written, ensure_ascii=False))
    return lines


def _looked_at(taste: int, rng: np.random.Generator) -> int:
    """A category: mostly the one liked, at times the second, at times any."""
    luck = rng.random()
    if luck < 0.62:
        return taste
    return int(SECOND_TASTE[taste]) if luck < 0.82 else int(rng.integers(len(CATEGORIES)))


def _session(
    user: str, session: str, began: dt.datetime, shelf: list[Product], rng: np.random.Generator
) -> list[Row]:
    """One visit to one category: perhaps a search, then products seen, carted, bought."""
    device = str(rng.choice(DEVICES, p=DEVICE_SHARE))
    now = began
    rows: list[Row] = []

    def happen(event: str, product: Product | None = None, query: str = "", *, bought: bool = False) -> None:
        nonlocal now
        now += dt.timedelta(seconds=float(rng.exponential(45)), microseconds=int(rng.integers(1_000_000)))
        quantity = 1 + int(rng.random() < 0.12) if bought else 0
        price = f"{product.price:.2f}" if product else ""
        paid = f"{quantity * product.price:.2f}" if product and quantity else ""
        item_id = product.item_id if product else ""
        rows.append((now, user, session, event, item_id, query, price, str(quantity or ""), paid, device))

    seen = shelf[int(rng.integers(len(shelf)))]
    if rng.random() < 0.35:
        happen("search", query=str(rng.choice(KINDS[seen.kind].queries)))
    for _ in range(1 + rng.poisson(2.2)):
        happen("detail_view", seen)
        if rng.random() < 0.03:
            happen("wishlist_share", seen)
        if rng.random() < 0.22:
            happen("addtocart", seen)
            if rng.random() < 0.42:
                happen("transaction", seen, bought=True)
        seen = shelf[int(rng.integers(len(shelf)))]
    return rows


def as_log(rows: list[Row]) -> pl.DataFrame:
    """The events in order of time as text: most apps send UTC, an old one the offset of Berlin's winter."""
    ordered = sorted(rows, key=lambda row: (row[0], row[1]))
    texts = [(_stamp(row[0], is_old_app=row[2].endswith("7")), *row[1:]) for row in ordered]
    return pl.DataFrame(texts, schema=dict.fromkeys(HEADER, pl.String), orient="row")


def _stamp(time: dt.datetime, *, is_old_app: bool) -> str:
    if is_old_app:
        return (time + dt.timedelta(hours=1)).strftime("%Y-%m-%dT%H:%M:%S.%f+01:00")
    return time.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
