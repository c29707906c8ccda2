"""Number and article of English noun phrases.

>>> [with_article(phrase) for phrase in ("oak handle", "USB hub", "LED bulb", "running socks")]
['an oak handle', 'a USB hub', 'an LED bulb', 'running socks']
"""

from __future__ import annotations

import re
import tomllib
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

from adcli.copy.facts import ProductFacts
from adcli.copy.lexicon import COLOURS, MATERIALS, lexicon
from adcli.copy.naming import NOT_A_KIND, SAYS_LITTLE, spoken, things
from adcli.copy.wording import stem, words


class Noun(NamedTuple):
    """The words for a product in its ads: its noun ('' where that is not sure), brand and name.

    `measure` is the Chinese measure word of the noun; '' in English.
    """

    kind: str
    brand: str
    name: str
    measure: str = ""

    @property
    def several(self) -> bool:
        """Whether verbs go with it in the plural."""
        return is_plural(self.kind or self.name)

    @property
    def stems(self) -> frozenset[str]:
        """The noun, and its last word in the singular: what a frame's `kinds` may name it by."""
        return frozenset({self.kind, *(stem(word) for word in self.kind.split()[-1:])})


@lru_cache(maxsize=8)
def listed_words(name: str) -> frozenset[str]:
    """A list of words of `data/english.toml`."""
    read = tomllib.loads((Path(__file__).parent / "data" / "english.toml").read_text("utf-8"))
    return frozenset(read["words"][name].split())


_LETTERS = re.compile(r"[A-Z]{2,}\b|[A-Z]\b")


def is_plural(phrase: str) -> bool:
    """Whether the noun that `phrase` ends in is plural (`running socks`, `scissors`)."""
    head = re.split(r" (?:of|with|for|in) ", phrase)[0]
    last = head.split()[-1].lower() if head.split() else ""
    if last in listed_words("alike") or last.endswith(("ss", "us", "is")):
        return False
    return last.endswith("s") or last in ("men", "women", "children", "people", "feet", "antennae")


def is_mass(phrase: str) -> bool:
    """Whether the noun that `phrase` ends in is not counted (`tea`)."""
    return bool(phrase.split()) and phrase.split()[-1].lower() in listed_words("mass")


def with_article(phrase: str) -> str:
    """`phrase` with a or an before it; none before a plural or what is not counted."""
    if is_plural(phrase) or is_mass(phrase):
        return phrase
    first = phrase.split()[0] if phrase.split() else ""
    if _LETTERS.match(first):  # spelled by its letters: an LED, a USB
        spelled = first[0] in "AEFHILMNORSX" and first not in listed_words("acronyms")
        return f"{'an' if spelled else 'a'} {phrase}"
    sounds = re.match(r"(?:[aeio]|u(?!s|ni|k\b|ti)|hour|heir|honest|8|11\b|18\b)", first, re.IGNORECASE)
    return f"{'an' if sounds else 'a'} {phrase}"


_PLAIN_NAME = re.compile(r"(?:[^\W\d_]+(?:['’&.-][^\W\d_]+)*(?: & )? ?){2,8}")


LONGEST_BRAND = 4  # words; what is longer is a title in the brand's column


def noun_for(product: ProductFacts) -> Noun:
    """The words for a product; no noun where its title ends in words that name no thing that is known."""
    parts = [stem(word.lower()) for word in product.kind.split()] or [""]
    head = parts[-2] if parts[-1] in SAYS_LITTLE and len(parts) > 1 else parts[-1]
    compounds = lexicon()["en"]["modifier"] if head != parts[-1] else frozenset()
    further = things() & {stem(word) for word in words(product.title)} - {*parts} - SAYS_LITTLE
    if _is_of_several(product) and (further or parts[-1] not in SAYS_LITTLE):
        return Noun("", product.brand, "")
    tail = stem(product.name.partition(",")[0].split()[-1].lower()) if product.name.strip(", ") else ""
    is_another = tail in listed_words("nouns") and tail not in parts  # `Fairy Cake Placemats` is no cake
    source = next((fact.source for fact in product.facts if fact.slot == "kind"), "")
    is_another |= source == "title" and _goes_on(product)
    is_sure = (
        source.startswith("title and") or head in things() | listed_words("nouns") | compounds
    ) and not is_another
    of_kind = {stem(word) for word in words(product.kind)}
    its = {stem(word) for word in words(product.brand)}
    brand = "" if its <= of_kind or len(its) > LONGEST_BRAND else product.brand.rstrip("!?. ")
    return Noun(_noun_of(product.kind) if is_sure else "", brand, _name_of(product, is_sure))


def _is_of_several(product: ProductFacts) -> bool:
    """Whether things of several kinds are sold as one, of each of which only some facts are true."""
    counted = any(re.search(r"(?i)contents in (?:combo )?set", fact.source) for fact in product.facts)
    return counted or "combo" in words(product.title)


def _goes_on(product: ProductFacts) -> bool:
    """Whether the title has a further noun right after the one that was found (`Tripod Walking Stick`)."""
    after = re.search(rf"(?i)\b{re.escape(product.kind)} ([a-z][a-z'-]+)", product.title)
    further = stem(after[1].lower()) if after else ""
    said = {stem(word) for fact in product.facts if fact.slot != "kind" for word in words(fact.value)}
    return bool(further) and further not in said | NOT_A_KIND | SAYS_LITTLE | COLOURS | MATERIALS


def _name_of(product: ProductFacts, is_sure: bool) -> str:
    """The title as a name that can stand after `the`; '' where it is none (`Mug Red Apples Design`)."""
    shouted = product.title.isupper()
    name = " ".join(opening(word.lower()) for word in product.name.split()) if shouted else product.name
    is_cut = any(map(str.isdigit, product.title)) and "&" in name
    bare = re.sub(rf"(?i)^{re.escape(product.brand)}\b\s*", "", name) if product.brand else name
    odd = is_cut or not _PLAIN_NAME.fullmatch(name) or re.search(r"\b(?:[A-Z]{3,}|\w)\b", bare)
    ends_in_noun = stem(name.split()[-1].lower()) == stem(product.kind.split()[-1].lower())
    return name if ends_in_noun and not odd and (is_sure or product.brand) else ""


def _noun_of(kind: str) -> str:
    """A kind as a noun in a sentence: lower case, and modifiers in the singular (`cushions cover`)."""
    *before, last = re.sub("(?i)^neck (?=t-shirt)", "", spoken(kind)).split() or [""]
    singular = [
        stem(word) if stem(word) in things() and word not in ("glasses", "clothes") else word
        for word in before
    ]
    return " ".join([*singular, last])


def opening(text: str) -> str:
    """`text` with a capital at its beginning."""
    return text[:1].upper() + text[1:]


_SMALL = frozenset({"a", "an", "and", "as", "at", "by", "for", "in", "of", "on", "or", "the", "to",
                    "ml", "cm", "mm", "m", "kg", "g", "l"})  # fmt: skip


def titled(text: str) -> str:
    """`text` as a headline: words with a capital, small words and units as they are."""
    parts = text.split()
    return " ".join(
        word
        if word in _SMALL and place
        else "-".join(opening(part) if part.islower() else part for part in word.split("-"))
        for place, word in enumerate(parts)
    )
