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
            return "combo" in product.title.lower() and not named & {
                "combo",
                "set",
            }  # it counts unlike things
        case "part":
            return product.title.isupper()
        case "capacity":
            return bool(named & {"combo", "set", "kit"}) or _holds_too_much(fact.value, product.kind)
        case "material":
            is_doubtful = "watch" in product.scenes or _is_contradicted(
                fact.value, f"{product.title} {_made_of(product.prose)}"
            )
            return is_scented or (not fact.role and is_doubtful)
        case "colour":
            return not fact.role and any(_is_other_colour(fact, other) for other in product.facts)
        case "function":
            return is_scented and fact.source == "title"
        case "audience":
            return fact.source.startswith("attribute") and _is_for_anybody(text, product.scenes)
        case "style":
            return text in ("analog", "digital") and not named & {"watch", "clock", "thermometer", "scale"}
        case "size":
            return bool(product.scenes & _UNSIZED) or named & {"cover", "mug"} == {"cover"}
    return False


def _is_other_colour(fact: Fact, other: Fact) -> bool:
    """Whether two headings give the whole thing colours that have no word in common."""
    both_whole = fact.slot == other.slot and not other.role and fact.source != other.source
    return both_whole and not set(words(fact.value)) & set(words(other.value))


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
    alike = own.union(*(family for family in families() if own & family))
    named &= MATERIALS - lexicon()["en"]["ambiguous"]
    return bool(named) and not named & alike


def _holds_too_much(value: str, kind: str) -> bool:
    """Whether a cup is said to hold litres, or a jug a hundred of them: the record is wrong."""
    litres = re.fullmatch(r"(\d+)[\d.]* ?l(?:tr|it\w+)?", value, re.IGNORECASE)
    is_cup = stem(kind.split()[-1].lower()) in ("mug", "cup", "glass", "glasses", "tumbler")
    return litres is not None and int(litres[1]) > (1 if is_cup else 99)
