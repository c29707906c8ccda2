"""A shop whose shoppers have tastes in ads that no learner sees: products, ads that people wrote, clicks.

    python shop.py --out out --seed 1 --taste plain

`products.csv`, `ads.csv` and `plain/impressions.csv` are what the shop knows. The writers are compared for
products that were never advertised.
"""

from __future__ import annotations

import argparse
import csv
import re
from collections.abc import Mapping, Sequence
from itertools import product
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

SEGMENTS = ("students", "gardeners")
PRODUCTS, UNSEEN, ADS, SHOWN = 160, 24, 3, 250  # ads of a product and segment, impressions of an ad
KNOWN = ("item_id", "title", "brand", "color", "material", "description")
BASE = -3.2  # log-odds of a click on an ad that has nothing anybody likes or dislikes
# What a point of `traits` is worth in log-odds, by taste and segment. "none" clicks whatever an ad says.
TASTES = {
    "warm": ((1.0, 0.3, -0.6, -0.3, 0.0, 0.9), (0.9, -0.5, 0.5, 0.6, -0.8, 0.0)),
    "plain": ((-0.7, -0.3, 1.1, -0.6, -0.6, 0.6), (-0.6, 0.5, 0.4, -0.8, -0.3, 1.0)),
    "lively": ((0.4, 0.9, -0.5, 0.9, 0.5, 0.0), (0.0, 0.4, 0.8, -0.3, 0.9, -0.5)),
    "none": ((0.0,) * 6, (0.0,) * 6),
}
CARELESS = (-1.0, -0.8, -1.0)  # too short or too long, a repeated word, another brand's name

KINDS = {
    "bottle": "ml", "mug": "ml", "backpack": "litres", "lamp": "lumens", "blanket": "cm", "teapot": "ml",
    "planter": "cm", "thermos": "ml", "lunch box": "ml", "desk": "cm", "kettle": "ml", "basket": "litres",
}  # fmt: skip
AMOUNTS = {
    "ml": (350, 500, 750, 900),
    "litres": (12, 18, 25, 30),
    "lumens": (300, 450, 800),
    "cm": (60, 80, 120),
}
SAYS = {"ml": "holds", "litres": "holds", "lumens": "gives", "cm": "measures"}
COLOURS = ("olive", "navy", "cream", "rose", "black")
MATERIALS = ("steel", "bamboo", "ceramic", "wool", "canvas", "oak")
BRANDS = ("Kestrel", "Northway", "Alder", "Marlow")
VERBS = ("Meet", "Take", "Choose", "Discover", "Try", "Bring home", "Pick", "Get", "Enjoy", "Unpack")
OPENINGS = (
    "{verb} your {colour} {kind}", "{verb} the {brand} {kind}", "{verb} a {kind} in {colour}",
    "Looking for a {kind}?", "The {material} {kind} by {brand}", "{brand} {kind}, {amount}",
    "{amount} of {kind}", "A {kind} in {colour} {material}", "Your {kind}, in {colour}", "Why not {colour}?",
    "For you: the {brand} {kind}", "{colour} {material} {kind}", "Is it the {kind} for you?", "The {kind}!",
)  # fmt: skip
DETAILS = (
    "{amount}", "in {colour}", "made of {material}", "all {material}", "{material}, {amount}", "from {brand}",
    "with {amount} for you", "{colour} like yours", "in {colour} {material}", "{amount}, {colour}",
)  # fmt: skip
CLOSINGS = (
    "for you", "by {brand}", "Yours?", "Now!", "Say hello!", "See it in {colour}", "Make it yours",
    "Ready?", "{amount} inside", "{material} at heart",
)  # fmt: skip


def catalogue(rng: np.random.Generator, count: int) -> list[dict[str, str]]:
    """Products, no two alike."""
    every = [
        (kind, amount, colour, material, brand)
        for kind, unit in KINDS.items()
        for amount, colour, material, brand in product(AMOUNTS[unit], COLOURS, MATERIALS, BRANDS)
    ]
    found = []
    for number, place in enumerate(rng.permutation(len(every))[:count]):
        kind, amount, colour, material, brand = every[place]
        measure = f"{amount} {KINDS[kind]}"
        title = f"{brand} {colour} {material} {kind}".title()
        found.append(
            {"item_id": f"p{number}", "title": title, "brand": brand, "color": colour, "material": material,
             "description": f"The {kind} is made of {material} and {SAYS[KINDS[kind]]} {measure}.",
             "kind": kind, "amount": measure}
        )  # fmt: skip
    return found


def human_ad(rng: np.random.Generator, item: dict[str, str]) -> str:
    """What one of several copywriters, each with habits and none with the clicks, says of a product."""
    parts = [str(rng.choice(OPENINGS))]
    parts += [str(rng.choice(some)) for some in (DETAILS, CLOSINGS) if rng.random() < 0.6]
    marks = [str(rng.choice([",", ".", " -", "!"], p=[0.4, 0.35, 0.15, 0.1])) for _ in parts]
    said = parts[0]
    for mark, part in zip(marks, parts[1:], strict=False):
        said += f" {part}" if said.endswith(("?", "!")) else f"{mark} {part}"
    text = said.format(verb=rng.choice(VERBS), colour=item["color"], **item)
    text = re.sub(r"([.?!] |^)([a-z])", lambda found: found[0].upper(), text)
    return text if text.endswith(("?", "!")) or rng.random() < 0.5 else f"{text}."


def traits(item: dict[str, str], text: str) -> NDArray[np.float64]:
    """(9,) what shoppers see in an ad: six things that tastes differ in, three that nobody likes."""
    words = re.findall(r"[a-z0-9]+", text.lower())
    others = {brand.lower() for brand in BRANDS} - {item["brand"].lower()}
    return np.array(
        [
            bool({"you", "your", "yours"} & set(words)),
            text.startswith(VERBS),
            bool(re.search(r"\d", text)) and item["amount"].split()[0] in words,
            "!" in text,
            "?" in text,
            item["material"] in words,
            not 3 <= len(words) <= 14,
            len(set(words)) < len(words),
            bool(others & set(words)),
        ],
        float,
    )


def click_rate(taste: str, segment: str, item: dict[str, str], text: str) -> float:
    """The truth: the probability that somebody of a segment clicks an ad."""
    careless = (0.0,) * 3 if taste == "none" else CARELESS
    worth = (*TASTES[taste][SEGMENTS.index(segment)], *careless)
    return float(1 / (1 + np.exp(-BASE - traits(item, text) @ np.array(worth))))


def shop(seed: int) -> tuple[list[dict[str, str]], list[dict[str, str]]]:
    """Products that were advertised, and others of the same kinds that never were."""
    items = catalogue(np.random.default_rng(seed), PRODUCTS + UNSEEN)
    return items[:PRODUCTS], items[PRODUCTS:]


def write(path: Path, rows: Sequence[Mapping[str, object]]) -> None:
    """A table of rows."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def main() -> None:
    """Write the shop's tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=Path("out"))
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--taste", choices=TASTES, default="warm")
    options = parser.parse_args()
    advertised, _ = shop(options.seed)
    folder = options.out / options.taste
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng([options.seed, 1])
    ads: list[dict[str, object]] = []
    shown: list[dict[str, object]] = []
    for item, segment in product(advertised, SEGMENTS):
        for number in range(ADS):
            ad_id, text = f"{item['item_id']}-{segment}-{number}", human_ad(rng, item)
            ads.append({"ad_id": ad_id, "item_id": item["item_id"], "segment_id": segment, "text": text})
            rate = click_rate(options.taste, segment, item, text)
            shown += [{"ad_id": ad_id, "click": int(click)} for click in rng.random(SHOWN) < rate]
    write(
        options.out / "products.csv", [{k: v for k, v in item.items() if k in KNOWN} for item in advertised]
    )
    write(options.out / "ads.csv", ads)
    write(folder / "impressions.csv", shown)


if __name__ == "__main__":
    main()
