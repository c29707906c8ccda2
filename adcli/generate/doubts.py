"""Which facts on record an ad leaves out: they tell nobody apart, or may not be so.

>>> from adcli.copy.facts import product_facts
>>> statue = product_facts({"item_id": "1", "title": "Acme Brass Statue", "material": "Crystal"})
>>> [fact.said for fact in statue.facts if is_left_out(fact, fact.said, statue)]
['crystal']
"""

from __future__ import annotations

import re

from adcli.copy.claims import same_word
from adcli.copy.fact import Fact
from adcli.copy.facts import ProductFacts
from adcli.copy.lexicon import MATERIALS, families, lexicon
from adcli.copy.matter import METALS
from adcli.copy.wording import stem, words


def listed(text: str) -> list[str]:
    """The parts of `red, blue and white`."""
    return [part.strip() for part in re.split(r", (?:and )?| and ", text) if part.strip()]


def is_left_out(fact: Fact, text: str, product: ProductFacts) -> bool:
    """Whether the fact, though on record, says nothing or is not to be trusted of this kind of thing."""
    named = {stem(word) for word in words(product.kind)}
    is_scented = bool(named & lexicon()["en"]["contains"])  # then its title's words name a scent or shade
    match fact.slot:
        case "quantity":
            is_of_two = re.search(r" (?:&|and|with) ", product.title.removeprefix(product.brand))
            counts_unlike = is_of_two or any(map(_is_packed_along, product.facts))
            return bool(counts_unlike or named & _SEVERAL)
        case "part":
            return product.title.isupper()
        case "capacity":
            return bool(named & _SEVERAL) or _holds_too_much(fact.value, product.kind)
        case "material":
            is_doubtful = (
                "watch" in product.scenes
                or _is_of_part_only(fact, product)
                or _is_contradicted(fact.value, product.title)
                or _is_contradicted(fact.value, _made_of(product.prose))
            )
            return is_scented or (not fact.role and is_doubtful)
        case "colour":
            is_other = any(_is_other_colour(fact, other) for other in product.facts)
            return not fact.role and (is_other or _is_taken_for_metal(fact, product))
        case "ingredient":
            return bool(named & _SEVERAL)  # it is that of one of them
        case "function":
            return is_scented and fact.source == "title"
        case "audience":
            return fact.source.startswith("attribute") and _is_for_anybody(text, product.scenes)
        case "style":
            return text in ("analog", "digital") and not named & {"watch", "clock", "thermometer", "scale"}
        case "size":
            return bool(product.scenes & _UNSIZED) or named & {"cover", "mug"} == {"cover"}
    return False


_SEVERAL = frozenset({"combo", "set", "kit"})


def _is_packed_along(fact: Fact) -> bool:
    """Whether the record lists it as another thing in the package."""
    return fact.slot == "part" and bool(re.search(r"(?i)package|in the box|contents", fact.source))


def _is_of_part_only(fact: Fact, product: ProductFacts) -> bool:
    """Whether it is of the outside, the filling or a part that has a heading, and not of the rest."""
    of_parts = {other.role: set(words(other.value)) for other in product.facts if other.slot == "material"}
    said = set(words(fact.value)) - {"and"}
    is_outside = fact.source.lower() == "attribute outer material"
    if is_outside or said & of_parts.get("filling", set()):
        return not is_outside or not said <= of_parts.get("inner", set())
    headed = [
        bool(said & set(words(other.value)))
        for other in product.facts
        if other.slot == "material" and other.role and other.source.startswith("attribute")
    ]
    return fact.source == "description" and any(headed) and not all(headed)


def _is_other_colour(fact: Fact, other: Fact) -> bool:
    """Whether the record gives the whole thing colours elsewhere that have no word in common with these."""
    both_whole = fact.slot == other.slot and not other.role
    return both_whole and not set(words(fact.value)) & set(words(other.value))


def _is_taken_for_metal(fact: Fact, product: ProductFacts) -> bool:
    """Whether the colour of a thing that is often of metal would be read as one: `a gold idol`."""
    return bool(product.scenes & {"ornament", "jewellery", "watch"} and METALS & set(words(fact.value)))


_ON_BODY = frozenset({"fashion", "garment", "beauty", "watch", "footwear", "jewellery"})
_SHARED = frozenset({"home", "kitchen", "bedding", "walls", "flooring"})
_UNSIZED = frozenset({"watch", "garment", "beauty", "tech", "jewellery", "kitchen"})


def _is_for_anybody(text: str, scenes: frozenset[str]) -> bool:
    """Whether whom a shop files the thing under tells nobody apart: a quilt `for boys`, a soap for all."""
    whom = set(listed(text.removeprefix("for ")))
    if not {stem(word) for word in words(text)} & {stem(word) for word in lexicon()["en"]["audience"]}:
        return True
    is_own = scenes & _ON_BODY or ("baby" in scenes and not scenes & _SHARED)
    return not is_own or {"men", "women"} <= whom or ({"boys", "girls"} <= whom and "baby" not in scenes)


def _made_of(prose: str) -> str:
    return " ".join(re.findall(r"(?i)\bmade (?:out )?(?:of|from) ([\w ]{3,30})", prose))


def _is_contradicted(value: str, texts: str) -> bool:
    """Whether title or description name another material than the record does elsewhere: neither is sure."""
    own, named = ({same_word(stem(word)) for word in words(text)} for text in (value, texts))
    named &= MATERIALS - lexicon()["en"]["ambiguous"]
    own_kinds, named_kinds = own & _DISTINCT, named & _DISTINCT
    if own_kinds and named_kinds:
        return not own_kinds & named_kinds
    alike = own.union(*(family for family in families() if own & family))
    return bool(named) and not named & alike


_DISTINCT = frozenset().union(
    *(family - {"wood", "metal"} for family in families() if family & {"wood", "metal"})
)
"""Woods and metals: of two of them, one is no kind of the other."""


def _holds_too_much(value: str, kind: str) -> bool:
    """Whether a cup is said to hold litres, or a jug a hundred of them: the record is wrong."""
    litres = re.fullmatch(r"(\d+)[\d.]* ?l(?:tr|it\w+)?", value, re.IGNORECASE)
    is_cup = stem(kind.split()[-1].lower()) in ("mug", "cup", "glass", "glasses", "tumbler")
    return litres is not None and int(litres[1]) > (1 if is_cup else 99)
