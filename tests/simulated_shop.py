"""A small shop whose structure is known: users keep to one of a few themes, which titles do not say.

shop = simulated_shop(seed=0)
shop.products, shop.events
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import NamedTuple

import numpy as np
import polars as pl
from models import WORDS

THEMES, ITEMS_OF_THEME = 5, 8
START = datetime(2024, 1, 1, tzinfo=UTC)


class Shop(NamedTuple):
    """Products, what users viewed, and texts whose label is one word's presence."""

    products: pl.DataFrame
    events: pl.DataFrame
    labelled: pl.DataFrame


def simulated_shop(*, seed: int = 0, users: int = 150, first_day: int = 0, days: int = 60) -> Shop:
    generator = np.random.default_rng(seed)
    titles: list[str] = []
    order = np.random.default_rng(0)  # the catalogue is the same for all seeds
    while len(titles) < THEMES * ITEMS_OF_THEME:
        title = " ".join(order.choice(WORDS, 3, replace=False))
        if title not in titles:
            titles.append(title)
    products = pl.DataFrame({"item_id": [f"i{n}" for n in range(len(titles))], "title": titles})
    rows = []
    for user in range(users):
        theme = int(generator.integers(THEMES))
        start = START + timedelta(days=first_day + float(generator.random()) * days)
        liked = theme * ITEMS_OF_THEME + generator.permutation(ITEMS_OF_THEME)[:5]
        rows += [
            {"event_time": start + timedelta(minutes=5 * place), "user_id": f"u{first_day}-{user}",
             "event_type": "view", "item_id": f"i{item}"}
            for place, item in enumerate(liked)
        ]  # fmt: skip
    events = pl.DataFrame(rows).sort("event_time")
    texts = list(dict.fromkeys(" ".join(generator.choice(WORDS[:20], 4, replace=False)) for _ in range(400)))
    told = ["yes" if "steel" in text or "red" in text or "water" in text else "no" for text in texts]
    return Shop(products, events, pl.DataFrame({"text": texts, "label": told}))
