"""How an attribute of a product is said in an ad: heading and value to the few words a person would write.

>>> stated("Strap Material", "Leather"), stated("Water Resistant", "Yes"), stated("Model ID", "X-1")
(Fact(heading='material', text='leather strap'), Fact(heading='feature', text='water resistant'), None)
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NamedTuple


class Fact(NamedTuple):
    """One fact: which kind of fact it is (`material`, `size`, `for`, …) and the words for it."""

    heading: str
    text: str


HEADINGS = ("material", "feature", "capacity", "pack", "for", "colour", "look", "size", "warranty", "other")
"""The kinds of facts, in the order in which ads name them."""

_UNSAID = re.compile(
    r"brand|品牌|model.*|.*\bcode|part number|series|sales package|in the box|.*warranty service.*|"
    r".*covered.*|.*care|type|类型|sub type|certification|collection|.*contents?|gift pack|box material|"
    r".*other dimensions|sku|asin|.*details|number of contents.*|pack of|system requirements|purpose|title|"
    r"name|.*url|.*timestamp|.*traits|.*humidity|key features|.*weight",
    re.IGNORECASE,
)
_PARTS = ("strap", "case / bezel", "dial", "blade", "handle", "bezel", "lid", "frame")
_DIMENSIONS = {
    "length": "long", "width": "wide", "height": "high", "depth": "deep", "diameter": "in diameter",
}  # fmt: skip
_FOR_WHAT = frozenset({
    "ideal for", "suitable for", "designed for", "applied for", "place of use", "hair type", "skin type",
    "gender",
})  # fmt: skip
_LOOKS = frozenset({"pattern", "dial shape", "sleeve", "neck", "fit", "strap type", "clasp type"})
_VALUE_ONLY = frozenset({
    "design", "style", "theme", "finish", "occasion", "character", "shape", "power source", "composition",
    "fragrance",
})  # fmt: skip

_NAMED = frozenset({"design", "style", "theme"})
"""Headings under which a value in capitals is a maker's name for the thing, which tells a shopper nothing."""


def stated(key: str, value: str) -> Fact | None:
    """The fact that heading `key` with `value` states, or None where no ad would say it."""
    heading = key.lower()
    short = lowered(value.strip(" .,;"))
    if (
        _UNSAID.fullmatch(key)
        or (heading in _NAMED and value.strip().isupper())
        or re.match(r"(?:0(?:\.0+)?|na)\b", short)
        or len(short) > 48
        or len(short.split()) > 7
        or (_is_amount(heading) and _is_bare_number(short))
    ):
        return None
    if heading in ("color", "colour", "颜色", "shade"):
        return Fact("colour", short)
    if heading.endswith((" color", " colour")):
        return Fact("colour", f"{short} {heading.rsplit(' ', 1)[0]}")
    if heading.endswith(("material", "fabric")) or heading == "材质":
        return _material(heading, short)
    if heading in _DIMENSIONS:
        return Fact("size", f"{short} {_DIMENSIONS[heading]}") if _has_figure(short) else None
    if heading in _FOR_WHAT:
        return Fact("for", f"for {_whom(short.removeprefix('for '))}")
    return _feature(key, heading, short) or _measure(key, heading, short) or _look(key, heading, short)


def lowered(value: str) -> str:
    """`value` in lower case, short capitals and codes as they are."""
    return " ".join(
        word if (word.isupper() and len(word) <= 4) or _has_figure(word) else word.lower()
        for word in value.split()
    )


def _has_figure(text: str) -> bool:
    return any(map(str.isdigit, text))


def _is_amount(heading: str) -> bool:
    return "capacity" in heading or heading in ("quantity", "volume")


def _is_bare_number(text: str) -> bool:
    """A figure without its unit, which tells a reader nothing."""
    return _has_figure(text) and not any(map(str.isalpha, text))


def _plural(found: re.Match[str]) -> str:
    return found[1] if found[1].endswith("men") else f"{found[1]}s"


def _whom(short: str) -> str:
    """`baby boy's, baby girl's` as people say it: `baby boys, girls`."""
    parts = [re.sub(r"(girl|boy|women|men|kid)'?s\b", _plural, part.strip()) for part in short.split(",")]
    first = f"{parts[0].split()[0]} " if parts[0] else ""
    return ", ".join([parts[0], *(part.removeprefix(first) for part in parts[1:])])


def _material(heading: str, short: str) -> Fact:
    part = next((part.split(" /")[0] for part in _PARTS if heading.startswith(part)), "")
    short = re.sub(r"\s*\+\s*", " + ", short)
    return Fact("material", short if part in short else f"{short} {part}")


def _feature(key: str, heading: str, short: str) -> Fact | None:
    if short == "yes":
        return Fact("feature", lowered(key))
    if heading == "mechanism":
        return Fact("feature", f"{short} movement")
    if heading in ("gsm", "thread count"):
        return Fact("feature", f"{short} {'GSM' if heading == 'gsm' else heading}")
    return None


def _measure(key: str, heading: str, short: str) -> Fact | None:
    if _is_amount(heading):
        return Fact("capacity", short)
    if "warranty" in heading or heading == "domestic term":
        term = re.search(r"0*([1-9]\d*) ?(year|month)", short)
        return Fact("warranty", f"{term[1]} {term[2]} warranty") if term else None
    if heading.startswith("number of "):
        counted = lowered(key)[len("number of ") :]
        counted = counted.removesuffix("s") if short == "1" else counted
        return Fact("other", short if counted.rstrip("s") in short else f"{short} {counted}")
    return None


def _look(key: str, heading: str, short: str) -> Fact | None:
    if heading in _LOOKS:
        part = heading.split()[0]
        return Fact("look", short if part in short else f"{short} {part}")
    if (
        heading in _VALUE_ONLY
        or heading.startswith(("other", "novelty", "features"))
        or not heading.isascii()
    ):
        return Fact("other" if heading.startswith("other") else "look", short)
    if len(heading.split()) <= 2 and len(short.split()) <= 3 and _has_figure(short):
        return Fact("other", short if heading in short else f"{short} {lowered(key)}")
    return None


def pack_of(attributes: Mapping[str, str]) -> list[Fact]:
    """`pack of 3` where the attributes say that there are several in it."""
    for key in ("Number of Contents in Sales Package", "Pack of", "Number of Contents in Set"):
        found = re.search(r"\d+", attributes.get(key, ""))
        if found and int(found[0]) > 1:
            return [Fact("pack", f"{'set' if key.endswith('Set') else 'pack'} of {found[0]}")]
    return []
