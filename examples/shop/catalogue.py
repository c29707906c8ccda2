"""What the shop sells, four products of each of thirty kinds, and what people say of them.

Each description carries facts that an advertisement can use (material, size, weight, run time); each kind has
its own words, so that a text encoder finds the categories without being told.
"""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import NamedTuple

import numpy as np


class Kind(NamedTuple):
    """One kind of thing: how a product of it is described, priced, searched, praised and faulted."""

    category: str
    noun: str
    price: list[float]
    title: str
    description: str
    slots: dict[str, list[str]]
    queries: list[str]
    praise: list[str]
    fault: list[str]


class Product(NamedTuple):
    """One thing for sale; `kind` is its number in `KINDS`, `quality` what reviewers make of it (0 to 1)."""

    item_id: str
    title: str
    description: str
    brand: str
    category: str
    price: float
    kind: int
    quality: float


_CONTENT = tomllib.loads((Path(__file__).parent / "kinds.toml").read_text(encoding="utf-8"))
BRANDS: dict[str, list[str]] = _CONTENT["brands"]
CATEGORIES = tuple(BRANDS)
KINDS = tuple(Kind(**kind) for kind in _CONTENT["kind"])

OPENINGS = {
    1: ("Disappointed.", "Sent it back.", "Would not buy again."),
    2: ("Not what I hoped for.", "Meh.", "For the price I expected more."),
    3: ("It is all right.", "Does the job, more or less.", "Mixed feelings."),
    4: ("Good.", "Happy with it.", "Would recommend."),
    5: ("Excellent!", "Love it!", "Exactly what I wanted."),
}


def products(rng: np.random.Generator) -> list[Product]:
    """The 120 products: each kind once for each brand of its category."""
    item_ids = iter(rng.choice(np.arange(100, 9_999), size=len(KINDS) * 4, replace=False))
    made = []
    for number, kind in enumerate(KINDS):
        low, high = kind.price
        for brand in BRANDS[kind.category]:
            filled = {slot: str(rng.choice(options)) for slot, options in kind.slots.items()}
            title = kind.title.format(**filled)
            text = kind.description.format(**filled)
            price = round(low + (high - low) * float(rng.beta(1.6, 2.2)), 0) - 0.01
            made.append(
                Product(
                    f"{next(item_ids):05d}",
                    f"{brand} {title[0].lower() + title[1:]}",
                    text[0].upper() + text[1:],
                    brand,
                    kind.category,
                    price,
                    number,
                    float(rng.beta(4, 2)),
                )
            )
    return made


def review(product: Product, rng: np.random.Generator) -> tuple[int, str, str]:
    """One review of a product: stars, title and text; better products earn more stars."""
    kind = KINDS[product.kind]
    stars = int(np.clip(round(1 + 4 * product.quality + rng.normal(0, 0.9)), 1, 5))
    good, bad = str(rng.choice(kind.praise)), str(rng.choice(kind.fault))
    said = {
        1: bad,
        2: f"{bad} I paid {product.price:.2f} for this.",
        3: f"{good} But: {bad[0].lower()}{bad[1:]}",
    }
    text = said.get(stars, f"{good} This {kind.noun} from {product.brand} is worth its price.")
    return stars, str(rng.choice(OPENINGS[stars])), text
