"""Facts that were labelled by hand, and how what is extracted is matched with them."""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path

from adcli.copy.facts import ProductFacts, catalogue_facts
from adcli.copy.lexicon import SAME_WORD, STOP_WORDS
from adcli.copy.wording import stem

HERE = Path(__file__).parent
NUMBERS = {"one": "1", "two": "2", "three": "3", "four": "4", "five": "5", "six": "6", "seven": "7", "eight": "8", "nine": "9", "ten": "10", "twelve": "12"}  # fmt: skip


def labelled() -> list[dict]:
    return [json.loads(line) for line in (HERE / "facts_labelled.ndjson").read_text("utf-8").splitlines()]


def is_unseen(item_id: str) -> bool:
    """Whether a product is of the half that was not looked at while the extractor was built."""
    return hashlib.sha256(item_id.encode()).digest()[0] % 2 == 1


def own_products() -> list[dict]:
    return [dict(row["product"], item_id=row["item_id"]) for row in labelled() if "product" in row]


def products_by_shop(shared_data: Path) -> dict[str, dict[str, ProductFacts]]:
    import polars as pl

    frame = pl.read_csv(shared_data / "catalog" / "flipkart_1044_repaired.csv.gz", infer_schema=False)
    frame = frame.rename({"uniq_id": "item_id", "product_name": "title", "product_category_tree": "category"})
    lines = pl.read_csv(shared_data / "behaviour" / "online_retail_uci.csv.gz", infer_schema=False)
    named = (
        lines.drop_nulls("Description").group_by("StockCode").agg(pl.col("Description").mode().sort().first())
    )
    titles = dict(named.iter_rows())
    rows = labelled()
    retail = [
        {"item_id": row["item_id"], "title": titles[row["item_id"]]}
        for row in rows
        if row["shop"] == "online_retail"
    ]
    shops = {"flipkart": frame.to_dicts(), "online_retail": retail}
    shops |= {
        shop: [dict(row["product"], item_id=row["item_id"]) for row in rows if row["shop"] == shop]
        for shop in ("demo", "written")
    }
    return {
        shop: {product.item_id: product for product in catalogue_facts(its).products}
        for shop, its in shops.items()
    }


def _tokens(text: str) -> set[str]:
    plain = re.sub(r"(?<=\d),(?=\d{3})", "", text.lower())
    plain = re.sub(r"[-/]", " ", re.sub(r"(\d)([a-zµ°%])", r"\1 \2", plain))
    if re.search("[\u4e00-\u9fff]", plain):
        return set(re.findall(r"[\d.]+|[\u4e00-\u9fff]|[a-z]+", plain))
    found = {stem(word) for word in re.findall(r"[\d.]*\d|[a-zà-ÿ']+", plain)} - STOP_WORDS
    return {SAME_WORD.get(NUMBERS.get(word, word), NUMBERS.get(word, word)) for word in found}


def agrees(said: str, label: str) -> bool:
    """Whether two values share at least half of the shorter one's words, and no number of theirs differs."""
    left = _tokens(said)
    for alternative in (label, *label.split("/")):
        right = _tokens(alternative)
        numbers = [{word for word in side if word[0].isdigit()} for side in (left, right)]
        clash = all(numbers) and not (numbers[0] <= numbers[1] or numbers[1] <= numbers[0])
        if (
            left
            and right
            and not clash
            and 2 * len(left & right) >= min(len(left), len(right))
            and left & right
        ):
            return True
    return False


def is_kind(said: str, label: str) -> bool:
    """Whether the noun is one of the labelled ones, word for word, in the singular."""
    words = [
        [stem(word) for word in re.findall(r"[\w'-]+", text.lower())] for text in (said, *label.split("/"))
    ]
    return words[0] in words[1:]


def units(labels: list[list[str]]) -> list[set[int]]:
    """Labels that are one value in several slots, which count once."""
    found: list[set[int]] = []
    for place, (slot, value) in enumerate(labels):
        for unit in found:
            same = any(
                agrees(value, labels[i][1]) and (slot == "kind") == (labels[i][0] == "kind") for i in unit
            )
            if same and all(labels[i][0] != slot for i in unit):
                unit.add(place)
                break
        else:
            found.append({place})
    return found
