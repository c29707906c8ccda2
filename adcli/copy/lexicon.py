"""Small word lists, English and Chinese, that the checks of ads read: each is named in what it decides.

They are chosen for few false alarms, not for completeness: a word is here if it states something about a
product that can be true or false, or that advertising law asks proof of.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path

DATA = Path(__file__).parent / "data"


def _listed(text: str) -> frozenset[str]:
    """The words of a list."""
    return frozenset(text.split())


def spelled(pattern: str, lists: Mapping[str, str]) -> str:
    """`pattern` with each `{name}` as what `lists` has for it, in which names may stand too."""
    for name, listed in [*lists.items(), *lists.items()]:
        pattern = pattern.replace(f"{{{name}}}", listed)
    return pattern


@lru_cache(maxsize=1)
def lexicon() -> dict[str, dict[str, frozenset[str]]]:
    """The lists of `data/lexicon.toml` by language (`en`, `zh`) and name: phrases in lower case."""
    read = tomllib.loads(DATA.joinpath("lexicon.toml").read_text("utf-8"))
    chinese, verbs = read.pop("zh"), read.pop("verbs")
    del read["families"]
    english = {
        name: frozenset(" ".join(phrase.split()) for phrase in listed.split(";" if ";" in listed else None))
        for name, listed in read.items()
    }
    english |= {f"verb {slot}": _listed(listed) for slot, listed in verbs.items()}
    return {"en": english, "zh": {name: _listed(listed) for name, listed in chinese.items()}}


@lru_cache(maxsize=1)
def families() -> tuple[frozenset[str], ...]:
    """Materials that are kinds of one another (`teak` is wood; velvet may be of polyester)."""
    read = tomllib.loads(DATA.joinpath("lexicon.toml").read_text("utf-8"))
    return tuple(_listed(listed) for listed in read["families"].values())


def _single(slot: str) -> frozenset[str]:
    """The words of a slot that state it wherever they stand, English (stems) and Chinese."""
    english, chinese = lexicon()["en"], lexicon()["zh"]
    plain = {word for word in english[slot] if " " not in word} - english["ambiguous"]
    return frozenset(plain | {word for word in chinese[slot] if len(word) > 1 or slot == "material"})


MATERIALS = _single("material") | {"gold", "silver", "copper", "bronze", "terracotta"}
"""Words for what a thing is made of (stems)."""

COLOURS = _single("colour")  # words for a colour (stems)

COLOUR_IDIOMS = (
    r"green (?:choice|living|planet)|black friday|white[- ]glove|red carpet|out of the blue|"
    r"(?:grey|gray|black|blue|white|golden|green|red) "
    r"(?:mondays?|days?|mornings?|evenings?|afternoons?|nights?|sky|skies|sheep)|"
    r"glass(?:es)? of|golden (?:hour|rule)|ice cream|\bcream\b(?= for| with| that|[.,]| \d)"
)
"""Uses of a colour's word that state no colour."""

SAME_WORD: dict[str, str] = dict(pair.split("=") for pair in lexicon()["en"]["same_word"])
"""Spellings of one thing."""

WELL_KNOWN_BRANDS = lexicon()["en"]["well_known_brands"]
"""Brands that a language model likes to name although the product is another's."""

POSITIVE = lexicon()["en"]["positive"]
NEGATIVE = lexicon()["en"]["negative"]  # the small sentiment list: words of ads and reviews, by sign

STOP_WORDS = lexicon()["en"]["stop_words"]  # words without a topic
