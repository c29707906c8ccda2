"""A made-up catalogue to train the checker of claims on: many kinds of things, described in prose.

    python make_catalogue.py products.csv --products 140 --seed 7

No shop's data is in it; brands are syllables, and values are drawn. The products of `examples/shop`, which
are made up too, are added: they are described less regularly.
"""

from __future__ import annotations

import argparse
import csv
import json
import sys
import tomllib
from pathlib import Path
from random import Random

import numpy as np

WORDS = {
    name: [word.strip() for word in " ".join(listed.split()).split(";")]
    for name, listed in tomllib.loads((Path(__file__).parent / "words.toml").read_text("utf-8")).items()
}
AMOUNTS = (
    ("size", "{n} cm high", 8, 180), ("size", "{n} cm wide", 8, 160), ("size", "{n} mm thick", 2, 40),
    ("weight", "{n} g", 60, 950), ("weight", "{n} kg", 1, 20), ("capacity", "{n} ml", 30, 900),
    ("capacity", "{n} l", 1, 60), ("power", "{n} W", 5, 1800), ("power", "{n} lumens", 100, 1500),
    ("power", "{n} hours of battery", 4, 90), ("quantity", "set of {n}", 2, 12),
    ("quantity", "pack of {n}", 2, 24),
)  # fmt: skip


def brand(random: Random) -> str:
    """A name that is nobody's: two or three syllables, sometimes two words."""
    first = "".join(random.sample(WORDS["syllables"], random.choice((2, 2, 3)))).capitalize()
    return (
        f"{first} & {random.choice(WORDS['colours'] + WORDS['materials']).split()[-1].capitalize()}"
        if random.random() < 0.15
        else first
    )


def product(number: int, random: Random) -> dict[str, str]:
    """One product: a title with a fact or two, and prose with the others."""
    kind, name = random.choice(WORDS["kinds"]), brand(random)
    material, colour = random.choice(WORDS["materials"]), random.choice(WORDS["colours"])
    amounts = [
        shape.format(
            n=random.choice((random.randint(low, high), round(random.randint(low, high), -1) or low))
        )
        for _, shape, low, high in random.sample(AMOUNTS, 3)
    ]
    part, other = random.sample(WORDS["parts"], 2)
    part_matter = random.choice([each for each in WORDS["materials"] if each != material])
    if random.random() < 0.4:
        return {
            "item_id": f"m{number}",
            "title": f"{name} {kind}, {colour}",
            "brand": name,
            "category": "",
            "description": f"{random.choice(WORDS['benefits']).capitalize()}.",
            "specifications": json.dumps(
                specifications(random, (material, colour, part, part_matter, other))
            ),
        }
    statements = [
        f"{kind.capitalize()} of {material}, {amounts[0]}.",
        f"Comes as a {amounts[1]}." if amounts[1].startswith(("set", "pack")) else f"It is {amounts[1]}.",
        f"With a {part} of {part_matter} and a {random.choice(WORDS['colours'])} {other}.",
        f"The {part} is {random.randint(3, 40)} cm long.",
        f"{random.choice(WORDS['functions']).capitalize()}; {random.choice(WORDS['features'])}.",
        f"{random.choice(WORDS['benefits']).capitalize()}.",
        f"For {random.choice(WORDS['audiences'])}.",
        f"{random.choice(('Works with', 'Fits', 'Compatible with'))} {random.choice(WORDS['fits'])}.",
        f"{random.choice(('Without', 'Free of'))} {random.choice(WORDS['absent'])}.",
        f"{random.choice(WORDS['denials'])}.",
        f"{random.choice(('Made', 'Woven', 'Designed', 'Assembled'))} in {random.choice(WORDS['places'])}.",
        f"{random.choice(('Two', 'Three', 'Five', 'Ten'))} years of warranty.",
        f"{random.choice(WORDS['care'])}.",
        f"With {random.choice(WORDS['extras'])}.",
    ]
    prose = statements[:1] + random.sample(statements[1:], random.randint(5, 8))
    title = f"{name} {kind}, {random.choice((material, colour, amounts[2]))}"
    return {
        "item_id": f"m{number}",
        "title": title,
        "brand": name,
        "category": "",
        "description": " ".join(prose),
        "specifications": "",
    }


def specifications(random: Random, drawn: tuple[str, str, str, str, str]) -> dict[str, str]:
    """Attributes as shops list them, some answered No."""
    material, colour, part, part_matter, other = drawn
    listed = {
        "Material": material,
        "Color": colour,
        f"{part.capitalize()} Material": part_matter,
        f"{other.capitalize()} Color": random.choice(WORDS["colours"]),
        "Height": f"{random.randint(4, 90)} cm",
        "Width": f"{random.randint(4, 90)} cm",
        "Weight": f"{random.randint(50, 900)} g",
        "Capacity": f"{random.randint(50, 900)} ml",
        "Pack of": str(random.randint(2, 9)),
        "Ideal For": random.choice(("Men", "Women", "Boys, Girls", "Kids", "Men and Women")),
        "Warranty Summary": f"{random.randint(1, 5)} Year Manufacturer Warranty",
        "Fabric Care": random.choice(WORDS["care"]),
        **{
            heading: random.choice(("Yes", "Yes", "No"))
            for heading in (
                "Dishwasher Safe", "Microwave Safe", "Machine Washable", "Waterproof", "Rechargeable",
                "Reversible", "Foldable", "Lid Included", "Adjustable", "Battery Included",
            )
        },
    }  # fmt: skip
    return {heading: listed[heading] for heading in random.sample(sorted(listed), 9)}


def main() -> None:
    """Write the catalogue."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("output", type=Path)
    parser.add_argument("--products", type=int, default=140)
    parser.add_argument("--seed", type=int, default=7)
    given = parser.parse_args()
    random = Random(given.seed)
    rows = [product(number, random) for number in range(given.products)]
    sys.path.append(str(Path(__file__).parent.parent / "shop"))
    from catalogue import products

    shop = [made._asdict() for made in products(np.random.default_rng(given.seed))]
    rows += [{name: made.get(name, "") for name in rows[0]} for made in shop]
    with given.output.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(rows)


if __name__ == "__main__":
    main()
