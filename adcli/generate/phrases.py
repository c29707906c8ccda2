"""The forms in which a product's facts can stand in a sentence: before the noun, after `with`, as a clause.

>>> from adcli.copy.facts import product_facts
>>> towel = product_facts({"item_id": "1", "title": "Acme Bath Towel", "material": "Cotton"})
>>> [phrase.text for phrase in phrases_of(towel)["adjective"]]
['cotton']

A fact whose words make no English in a form has no phrase there; a frame that needs the form is not open.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import combinations
from typing import NamedTuple

from adcli.copy.fact import Fact
from adcli.copy.facts import ProductFacts
from adcli.copy.lexicon import STOP_WORDS, lexicon
from adcli.copy.prose import base_form
from adcli.copy.wording import root, stem, words
from adcli.generate.nouns import listed_words, noun_for, with_article

__all__ = ["PAIRED", "Phrase", "Phrases", "joined", "noun_for", "phrases_of"]

MOST = 3  # phrases of a form that are tried in a frame
PAIRED = frozenset({"with", "quality", "care", "contains", "measures"})
"""Forms of which two phrases can be said with `and`."""


class Phrase(NamedTuple):
    """Words that can stand in a slot of a frame, and the facts that they state."""

    text: str
    facts: tuple[Fact, ...] = ()

    @property
    def roots(self) -> frozenset[str]:
        """The roots of its words, by which two phrases say the same."""
        return frozenset(root(word)[:5] for word in words(self.text) if word not in STOP_WORDS)


Phrases = Mapping[str, tuple[Phrase, ...]]
Forms = Iterator[tuple[str, str]]

_MEASURES = {"length": "long", "width": "wide", "height": "high", "diameter": "in diameter"}
_AMOUNT = re.compile(r"(?P<figure>\d[\d.,]*) ?(?P<unit>ml|l|ltr|litres?|liters?|w|watts?)", re.IGNORECASE)
_UNITS = {"ltr": "l", "watt": "W", "watts": "W", "w": "W", "inch": "inches", "in": "inches", "ft": "feet"}
_COUNTED = re.compile(r"(?:one|two|three|four|five|six|seven|eight|nine|ten|twelve|an?|the|no)\b(?![\w-])")
_ODD = re.compile(
    r"[/():;\"%|_&+]|\w [A-Z][a-z]|^(?:\w+ ){9,}|\b(?:type|etc|awsome)\b|\b(?:and|of|with|for|in|to|the|a)$"
)
_QUALITY = re.compile(r"(?:proof|ed|able|drying|cancelling|less|resistant|flexible|luminous|magnetic)$")
_FEATURE = re.compile(r"(?:^|[a-z] )(?:display|vision|alarm|clock|stopwatch|compass|movement|GPS|charging)$")
_POINTS = re.compile(r"\b(?:it|them|they|this|these|us|we)\b")  # at what stood before in the record
_UNSURE = re.compile(
    r"[A-Z]|\b(?:its?|your|their|our|those|these|this|that|all|only|minimum|months?|more|quality|is|are|any)\b"
)
_VAGUE = re.compile(r"\b(?:great|perfect|extra|optimum|super|best|nice|high|good|quality|beautiful|other)\b")


def phrases_of(product: ProductFacts) -> Phrases:
    """The phrases of each form, what sells first; what says no more than another in its form is left out."""
    found: dict[str, list[Phrase]] = {}
    named = {stem(word) for word in words(product.kind)}
    is_scented = bool(named & lexicon()["en"]["contains"])  # then its title's words name a scent or shade
    scents = {fact.value.lower() for fact in product.facts if fact.span.lower().startswith("scented ")}
    counts_unlike = "combo" in product.title.lower() and not named & {"combo", "set"}
    for fact in product.facts:
        text = _as_written(fact)
        if (
            (fact.slot == "ingredient" and fact.value.lower() in scents)
            or (fact.slot == "quantity" and counts_unlike)
            or (fact.slot == "part" and product.title.isupper())
            or (fact.slot == "capacity" and _holds_too_much(fact.value, product.kind))
            or _ODD.search(text)
            or (fact.negated and fact.slot != "ingredient")
            or (
                is_scented
                and (fact.slot == "material" or (fact.slot == "function" and fact.source == "title"))
            )
            or re.search(r"\b(\w+)\s+\1\b", text)
        ):
            continue
        for form, said in _BY_SLOT.get(fact.slot, _nothing)(fact, text):
            phrase, known = Phrase(said, (fact,)), found.setdefault(form, [])
            if phrase.roots and not any(phrase.roots <= other.roots for other in known):
                known[:] = [other for other in known if not other.roots < phrase.roots] + [phrase]
    return {
        form: tuple(_paired(known[:MOST]) if form in PAIRED else known[:MOST])
        for form, known in found.items()
    }


def _paired(phrases: Sequence[Phrase]) -> Iterator[Phrase]:
    """Two of the phrases at a time (`a black strap and a round dial`), then each alone."""
    for first, second in combinations(phrases, 2):
        if not first.roots & second.roots:
            yield Phrase(joined([first.text, second.text]), first.facts + second.facts)
    yield from phrases


def joined(parts: Iterable[str]) -> str:
    """`red`, `blue`, `white` → `red, blue and white`."""
    listed = list(parts)
    return listed[0] if len(listed) == 1 else f"{', '.join(listed[:-1])} and {listed[-1]}"


def _as_written(fact: Fact) -> str:
    """What an ad says of the fact, names with the capitals of the record (`Rainforest Alliance`)."""
    same = fact.span.lower() == fact.value.lower() and fact.source == "description" and not fact.role
    return fact.span if same and fact.slot in ("certificate", "origin") else fact.said


def _listed(text: str) -> list[str]:
    return [part.strip() for part in re.split(r", (?:and )?| and ", text) if part.strip()]


def _nothing(fact: Fact, text: str) -> Forms:
    yield from ()


def _verbs(*slots: str) -> frozenset[str]:
    return frozenset().union(*(lexicon()["en"][f"verb {slot}"] for slot in slots))


_AND_VERB = re.compile(rf"\band ({'|'.join(sorted(_verbs('benefit', 'function')))})\b")


def _clause(fact: Fact) -> Forms:
    """A fact whose words in the record are a clause of the thing: `brews 6 cups of strong coffee`."""
    said = fact.span[:1].lower() + fact.span[1:]
    first, _, rest = said.partition(" ")
    says_what = " " in rest or rest.endswith(("flat", "ly"))
    if (
        says_what
        and not _POINTS.search(rest)
        and first in _verbs("benefit", "function", "compatibility") | {"comes", "connects"}
    ):
        rest = _AND_VERB.sub(lambda verb: f"and [{verb[1]}|{base_form(verb[1])}]", rest)
        yield "does", f"[{first}|{base_form(first)}] {rest}"
        if first in listed_words("asked") and not re.match(r"(?:in|at|for|to|by|with|over|on)\b|.*\[", rest):
            yield "do", f"{base_form(first)} {rest}"


def _purpose(fact: Fact, text: str) -> Forms:
    """What it is for, where the record says it with `for`: `for vegetables and herbs`."""
    opened = re.fullmatch(r"(?:[Ii]deal |[Pp]erfect )?[Ff]or (.+)", fact.span)
    if opened and fact.source != "title" and len(opened[1].split()) < 8 and not _UNSURE.search(opened[1]):
        yield "use", opened[1]


def _is_of_part(fact: Fact) -> bool:
    return fact.role in lexicon()["en"]["part"]


def _matter(fact: Fact, text: str) -> Forms:
    listed = _listed(text)
    if _is_of_part(fact):
        said = text if fact.role in text else f"{text} {fact.role}"
        if len(listed) == 1:
            yield "with", with_article(said)
    elif not fact.role and set(listed) <= lexicon()["en"][fact.slot] and len(listed) < 4:
        yield "adjective", joined(listed)
        yield fact.slot, joined(listed)


def _style(fact: Fact, text: str) -> Forms:
    if _is_of_part(fact) and len(text.split()) <= 3 and fact.role not in fact.value:
        yield "with", with_article(text)
    elif not fact.role and text in lexicon()["en"]["style"]:
        yield "adjective", text


def _function(fact: Fact, text: str) -> Forms:
    listed = lexicon()["en"]["function"]
    if text in listed and _QUALITY.search(text):
        yield "adjective", re.sub(r" (resistant|drying|cancelling)$", r"-\1", text)
        yield "quality", re.sub(r" (resistant|drying|cancelling)$", r"-\1", text)
    elif _FEATURE.search(text) and fact.source != "description":  # where `saves night vision` has none
        yield "with", with_article(text)
    yield from _clause(fact)
    yield from _purpose(fact, text)


def _holds_too_much(value: str, kind: str) -> bool:
    """Whether a cup or glass is said to hold litres: the record is wrong."""
    litres = re.fullmatch(r"(\d+)[\d.]* ?l(?:tr|it\w+)?", value, re.IGNORECASE)
    is_cup = stem(kind.split()[-1].lower()) in ("mug", "cup", "glass", "glasses", "tumbler")
    return is_cup and litres is not None and int(litres[1]) > 1


def _part(fact: Fact, text: str) -> Forms:
    text = re.sub(r"s (closure|clasp)$", r" \1", text)
    if not _VAGUE.search(text) and len(text.split()) > 1:
        yield "with", text if _COUNTED.match(text) else with_article(text)


def _amount(fact: Fact, text: str) -> Forms:
    amount = _AMOUNT.fullmatch(fact.value)
    if re.match(r"\d+ hours\b|[\d,]+ lumens", text):
        yield "gives", text
    elif amount and not (amount["figure"].startswith("0") and amount["unit"].lower() == "ml"):
        unit = amount["unit"].lower()
        said = f"{amount['figure']} {_UNITS.get(unit, unit)}"
        yield "amount", said
        if fact.slot == "capacity" and not _is_of_part(fact):
            yield "holds", said
    elif re.fullmatch(r"\d+-\w+", text):
        yield "amount", text


def _size(fact: Fact, text: str) -> Forms:
    of_whole = fact.source in ("title", "description", f"attribute {fact.role.capitalize()}")
    measured = re.fullmatch(r"(\d[\d.,]*) ?(cm|m|inch|inches|in|ft|feet)", fact.value)
    if measured and fact.role in _MEASURES and of_whole:
        yield "measures", f"{measured[1]} {_UNITS.get(measured[2], measured[2])} {_MEASURES[fact.role]}"
    elif text in ("king", "queen", "double", "single"):
        yield "amount", f"{text}-size"


def _quantity(fact: Fact, text: str) -> Forms:
    if re.fullmatch(r"(?:set|pack) of \d+", text) and not text.endswith(" 1"):
        yield "count", with_article(text)
    elif re.fullmatch(r"\d+ [a-z]+s", text):
        yield "with", text


def _audience(fact: Fact, text: str) -> Forms:
    whom = _listed(text.removeprefix("for "))
    if len(whom) <= 2 and len(text.split()) < 8 and not text.startswith("from "):
        yield "whom", joined(whom)


def _fits(fact: Fact, text: str) -> Forms:
    yield from _clause(fact)
    yield from _purpose(fact, text)


def _occasion(fact: Fact, text: str) -> Forms:
    if re.search(r"\bgift", text):
        yield "gift", "gift"
    elif set(_listed(text)) <= {"casual", "formal"}:
        yield "wear", joined(_listed(text))
    else:
        yield from _purpose(fact, text)


def _ingredient(fact: Fact, text: str) -> Forms:
    if fact.negated:
        yield "without", fact.value
    elif text.lower() in lexicon()["en"]["ingredient"] - {"plant-based"}:
        yield "contains", text


def _care(fact: Fact, text: str) -> Forms:
    if re.search(r"(?:safe|washable)\b", text) and not text.startswith("not"):
        yield "care", re.sub(r"^(\w+)[ -]safe$", r"\1-safe", text)


def _warranty(fact: Fact, text: str) -> Forms:
    yield "warranty", with_article(re.sub(r"^(\w+)[ -](year|month|day)s?(?: of)?\b", r"\1-\2", text))


def _origin(fact: Fact, text: str) -> Forms:
    said = text[:1].lower() + text[1:]
    if re.match(r"\w+(?:ed|made|woven|grown)\b|hand-", said):
        yield "made", said


def _certificate(fact: Fact, text: str) -> Forms:
    if re.match(r"IP", text):
        yield "certificate", f"protected to {text}"
    elif re.search(r"(?<!quality )certified|tested|approved|listed|vegan|fair ?trade|^safe|^cleared", text):
        yield "certificate", text


def _offer(fact: Fact, text: str) -> Forms:
    yield "offer", text


def _benefit(fact: Fact, text: str) -> Forms:
    if fact.source == "review":
        yield "quote", fact.value
    else:
        yield from _clause(fact)


_BY_SLOT: Mapping[str, Callable[[Fact, str], Forms]] = {
    "material": _matter, "colour": _matter, "style": _style, "function": _function, "benefit": _benefit,
    "part": _part, "capacity": _amount, "power": _amount, "size": _size, "quantity": _quantity,
    "audience": _audience, "compatibility": _fits, "occasion": _occasion, "ingredient": _ingredient,
    "care": _care, "warranty": _warranty, "origin": _origin, "certificate": _certificate, "offer": _offer,
}  # fmt: skip
