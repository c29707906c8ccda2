"""The forms in which a product's facts can stand in a Chinese sentence, and the measure word of its noun.

>>> from adcli.copy.facts import product_facts
>>> skirt = product_facts({"item_id": "1", "title": "复古针织连衣裙", "material": "针织"})
>>> noun_for(skirt).measure, [phrase.text for phrase in phrases_of(skirt)["material"]]
('条', ['针织'])
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

from adcli.copy.fact import Fact
from adcli.copy.facts import ProductFacts
from adcli.generate.nouns import Noun
from adcli.generate.phrases import Phrase, Phrases

_FORMS = {
    "benefit": "benefit", "part": "with", "size": "measures", "certificate": "certificate",
    "compatibility": "fits", "audience": "whom", "quantity": "count", "warranty": "warranty",
    "occasion": "occasion", "offer": "offer",
}  # fmt: skip
_PATTERNS = re.compile(r"图案|格子|条纹|印花|碎花|线条|蝴蝶结|刺绣|卡通|撞色|斜纹")
_LONGEST = 12
MOST = 4


@lru_cache(maxsize=1)
def _measures() -> dict[str, str]:
    """The measure word by the ending of a noun, longer endings first."""
    read = tomllib.loads((Path(__file__).parent / "data" / "chinese.toml").read_text("utf-8"))
    endings = {ending: measure for measure, listed in read["measures"].items() for ending in listed.split()}
    return dict(sorted(endings.items(), key=lambda each: -len(each[0])))


def noun_for(product: ProductFacts) -> Noun:
    """The words for a product in Chinese; no noun where the title has none of Chinese."""
    kind = product.kind if product.kind and not product.kind.isascii() and " " not in product.kind else ""
    kind = {"裙": "裙子", "裤": "裤子"}.get(kind, kind)
    measure = next((its for ending, its in _measures().items() if kind.endswith(ending)), "款")
    return Noun(kind, product.brand, "", measure)


def phrases_of(product: ProductFacts) -> Phrases:
    """The phrases of each form, what sells first; what another of the form says already is left out."""
    found: dict[str, list[Phrase]] = {}
    for fact in product.facts:
        counts_itself = fact.slot == "quantity" and fact.value[-2:] == product.kind[-2:]
        if (
            fact.negated
            or counts_itself
            or fact.slot == "kind"
            or len(fact.value) > _LONGEST
            or fact.source == "review"
        ):
            continue
        for form, said in _forms(fact):
            known = found.setdefault(form, [])
            if not any(said in other.text or other.text in said for other in known):
                known.append(Phrase(said, (fact,)))
    return {form: tuple(known[:MOST]) for form, known in found.items()}


def _forms(fact: Fact) -> Iterator[tuple[str, str]]:
    """The forms of one fact, its values divided by `、`."""
    text = "".join("、".join(part.strip() for part in re.split(r"[,，]", fact.value)).split())
    if fact.slot in _FORMS:
        yield _FORMS[fact.slot], text
    elif fact.slot in ("material", "colour") and not fact.role:
        said = text if fact.slot == "colour" else text.removesuffix("制")
        yield fact.slot, said
        if "、" not in said:
            yield "adjective", said
    elif fact.slot == "style" and len(text) > 1 and text != "性感":
        yield "pattern" if _PATTERNS.search(f"{fact.source}{text}") else "style", text.removesuffix("图案")
        if "、" not in text and not _PATTERNS.search(f"{fact.source}{text}"):
            yield "adjective", text
    elif fact.slot == "function" and re.search(r"\d|[\u3400-\u9fff]{2}", text):
        yield "does", text if len(text) < 5 or re.search(r"\d", text) else f"支持{text}"
    elif fact.slot == "care" and text.startswith("可"):
        yield "care", text
    elif fact.slot in ("capacity", "power"):
        yield "amount", text
        if re.search(r"\d", text) and fact.slot == "capacity":
            yield "holds", text
