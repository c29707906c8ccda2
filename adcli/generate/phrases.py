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

from adcli.copy.claims import same_word
from adcli.copy.fact import Fact
from adcli.copy.facts import ProductFacts
from adcli.copy.lexicon import STOP_WORDS, lexicon
from adcli.copy.naming import capitals
from adcli.copy.prose import base_form
from adcli.copy.wording import root, words
from adcli.generate.doubts import is_left_out, listed
from adcli.generate.nouns import is_mass, listed_words, noun_for, with_article

__all__ = ["PAIRED", "Phrase", "Phrases", "joined", "noun_for", "phrases_of"]

MOST = 3  # phrases of a form that are tried in a frame
LONGEST_PAIR = 14  # words
PAIRED = frozenset({"does", "with", "quality", "care", "contains", "measures"})
"""Forms of which two phrases can be said with `and`."""


class Phrase(NamedTuple):
    """Words that can stand in a slot of a frame, and the facts that they state."""

    text: str
    facts: tuple[Fact, ...] = ()

    @property
    def roots(self) -> frozenset[str]:
        """The roots of its words, by which two phrases say the same."""
        return frozenset(
            root(same_word(word))[:5]
            for word in words(self.text)
            if word not in STOP_WORDS and not word.isdigit()
        )


Phrases = Mapping[str, tuple[Phrase, ...]]
Forms = Iterator[tuple[str, str]]

_MEASURES = {"length": "long", "height": "high"}
_MEASURED = re.compile(r"(\d[\d.,]{0,4}) (cm|m|inch|inches|in|ft|feet)")
_AMOUNT = re.compile(
    r"(?P<figure>\d[\d.,]*) ?(?P<unit>ml|l|ltr|litres?|liters?|w|watts?|mah|gb|tb)", re.IGNORECASE
)
_UNITS = {
    "ltr": "l",
    "watt": "W",
    "watts": "W",
    "w": "W",
    "mah": "mAh",
    "gb": "GB",
    "tb": "TB",
    "inch": "inches",
    "in": "inches",
    "ft": "feet",
}
_COUNTED = re.compile(r"(?:one|two|three|four|five|six|seven|eight|nine|ten|twelve|an?|the|no)\b(?![\w-])")
_ODD = re.compile(
    r"[/():;\"%|_&+]|\w [A-Z][a-z]|^(?:\w+ ){11,}|\b(?:type|etc|awsome)\b|\b(?:and|of|with|for|in|to|the|a)$"
)
_DOUBLED = re.compile(r"\b(\w+)\s+\1\b")
_QUALITY = re.compile(
    r"(?:proof|ed|able|drying|cancelling|less|resistant|stick|slip|flexible|luminous|magnetic)$"
)
_FREE_OF = re.compile(r"[\w-]+[ -](?:proof|resistant|free|repellent)|[a-z]+(?:able|proof)")
_FEATURE = re.compile(
    r"(?:^|[a-z] )(?:display|chronograph|vision|alarm|clock|stopwatch|compass|movement|GPS|charging)$"
)
_POINTS = re.compile(
    r"\b(?:it|them|they|this|these|us|we)\b|\ball the\b|^(?:\w+ )?room$|\band (?:is|are)\b"
)  # at what stood before in the record
_MODEL = re.compile(r"(?=.*\d)[A-Z]\w+(?: [\w/-]+){1,7}")
_UNSURE = re.compile(
    r"[A-Z]|\b(?:its?|your|their|our|those|these|this|that|all|only|minimum|months?|more|quality|is|are|any)\b"
)
_VAGUE = re.compile(r"\b(?:great|perfect|extra|optimum|super|best|nice|high|good|quality|beautiful|other)\b")


def phrases_of(product: ProductFacts) -> Phrases:
    """The phrases of each form, what sells first; what says no more than another in its form is left out."""
    found: dict[str, list[Phrase]] = {}
    names = _names(product)
    for fact in product.facts:
        text = _as_written(fact)
        is_denied = fact.negated and fact.slot != "ingredient"
        if is_denied or _ODD.search(text) or _DOUBLED.search(text) or is_left_out(fact, text, product):
            continue
        for form, said in _BY_SLOT.get(fact.slot, _nothing)(fact, text):
            said = re.sub(r"[\w'-]+", lambda word: names.get(word[0], word[0]), said)
            phrase, known = Phrase(said, (fact,)), found.setdefault(form, [])
            if phrase.roots and not any(phrase.roots <= other.roots for other in known):
                known[:] = [other for other in known if not other.roots < phrase.roots] + [phrase]
    if is_mass(product.kind):
        found.pop("amount", None)  # nobody says `a 15 ml oil`
    found["spans"] = list(_spans(product))
    if found.get("spans"):
        found.pop("measures", None)
    found["care"] = sorted(found.get("care", ()), key=lambda each: not each.text.startswith("microwave"))
    return {
        form: tuple(_paired(known[:MOST]) if form in PAIRED else known[:MOST])
        for form, known in found.items()
        if known
    }


def _names(product: ProductFacts) -> dict[str, str]:
    """The words that have a capital within sentences (`Damascus`, `PBT`), by their lower case."""
    names: dict[str, str] = {}
    for text in (product.title, product.prose):
        spoken = re.findall(r"[^\W\d_][\w'-]*", text)
        within = re.findall(r"(?<=[a-z,;] )[A-Z][\w-]*", text)
        if 12 * len(within) < len(spoken):  # else it is all written so
            names |= {word.lower(): word for word in within if word.lower() not in spoken}
    known = frozenset().union(*lexicon()["en"].values())
    return {word: written for word, written in names.items() if word not in known}


def _spans(product: ProductFacts) -> Iterator[Phrase]:
    """Length or height by width, where both are of the whole thing and flat things are told by both."""
    if not product.scenes & {"bath", "bedding", "flooring", "walls"}:
        return
    sizes = {
        fact.role: fact
        for fact in product.facts
        if fact.slot == "size" and fact.source == f"attribute {fact.role.capitalize()}"
    }
    first, second = sizes.get("length") or sizes.get("height"), sizes.get("width")
    if first and second and not is_left_out(first, first.said, product):
        one, other = _MEASURED.fullmatch(first.value), _MEASURED.fullmatch(second.value)
        if one and other and one[2] == other[2]:
            yield Phrase(f"{one[1]} × {other[1]} {_UNITS.get(one[2], one[2])}", (first, second))


def _paired(phrases: Sequence[Phrase]) -> Iterator[Phrase]:
    """Two of the phrases at a time (`a black strap and a round dial`), then each alone."""
    for first, second in combinations(phrases, 2):
        if not first.roots & second.roots and len(f"{first.text} {second.text}".split()) <= LONGEST_PAIR:
            yield Phrase(joined([first.text, second.text]), first.facts + second.facts)
    yield from phrases


def joined(parts: Iterable[str]) -> str:
    """`red`, `blue`, `white` → `red, blue and white`."""
    listed = list(parts)
    return listed[0] if len(listed) == 1 else f"{', '.join(listed[:-1])} and {listed[-1]}"


def _as_written(fact: Fact) -> str:
    """What an ad says of the fact, names with the capitals of the record (`Rainforest Alliance`)."""
    if fact.slot in ("material", "part", "function", "quantity", "power", "audience", "style"):
        return capitals(fact.said.lower() if fact.value.isupper() else fact.said)
    if fact.slot == "compatibility":
        return fact.said.lower()  # its forms are of the span, where models have capitals
    same = fact.span.lower() == fact.value.lower() and fact.source == "description" and not fact.role
    return fact.span if same and fact.slot in ("certificate", "origin") else fact.said


def _nothing(fact: Fact, text: str) -> Forms:
    yield from ()


def _verbs(*slots: str) -> frozenset[str]:
    return frozenset().union(*(lexicon()["en"][f"verb {slot}"] for slot in slots))


_AND_VERB = re.compile(rf"\band ({'|'.join(sorted(_verbs('benefit', 'function')))})\b")


def _clause(fact: Fact) -> Forms:
    """A fact whose words in the record are a clause of the thing: `brews 6 cups of strong coffee`."""
    said = fact.span[:1].lower() + fact.span[1:]
    first, _, rest = said.partition(" ")
    says_what = (" " in rest or rest.endswith(("flat", "ly"))) and not re.match(
        r"(?:for|of|and|with)\b", rest
    )
    if (
        says_what
        and not _POINTS.search(rest)
        and first in _verbs("benefit", "function", "compatibility") | {"comes", "connects"}
    ):
        rest = re.sub(r" (?:too|also)$", "", rest)
        rest = _AND_VERB.sub(lambda verb: f"and [{verb[1]}|{base_form(verb[1])}]", rest)
        yield "does", f"[{first}|{base_form(first)}] {rest}"
        if first in listed_words("asked") and not re.match(r"(?:in|at|for|to|by|with|over|on)\b|.*\[", rest):
            yield "do", f"{base_form(first)} {rest}"


def _purpose(fact: Fact, text: str) -> Forms:
    """What it is for, where the record says it with `for`: `for vegetables and herbs`."""
    opened = re.fullmatch(r"(?:[Ii]deal |[Pp]erfect )?[Ff]or (.+)", fact.span)
    what = opened[1] if opened and fact.source != "title" and len(opened[1].split()) < 8 else ""
    is_making = re.fullmatch(r"\w+ing", what)  # `used for colouring` is how it is made, as often
    if what and not is_making and not _UNSURE.search(what):
        yield "use", what


def _is_of_part(fact: Fact) -> bool:
    return fact.role in lexicon()["en"]["part"]


_CONTAINERS = frozenset({"tube", "bag", "bottle", "box", "tin", "jar", "pouch", "case"})


def _matter(fact: Fact, text: str) -> Forms:
    several = listed(text)
    if fact.role in _CONTAINERS and fact.source == "description":
        return  # what it comes in is a part of its own
    if _is_of_part(fact):
        said = text if fact.role in text else f"{text} {fact.role}"
        if len(several) == 1:
            yield "with", with_article(said)
    elif (
        not fact.role
        and {same_word(each) for each in several} <= lexicon()["en"][fact.slot]
        and len(several) < 4
    ):
        several = list(dict.fromkeys(several))
        yield "adjective", joined(several)
        yield fact.slot, joined(same_word(each) if each.endswith("en") else each for each in several)


_SLEEVES = re.compile(r"(full|half|short|long)(?: sleeves?)?")


def _style(fact: Fact, text: str) -> Forms:
    its_own = _is_of_part(fact) and len(text.split()) <= 3 and fact.role not in fact.value
    if fact.role == "sleeve" and (length := _SLEEVES.fullmatch(fact.value)):
        yield "with", f"{length[1]} sleeves"
    elif its_own or (fact.role == "neck" and re.fullmatch(r"[a-z-]+(?: neck)?", fact.value)):
        yield "with", with_article(text)
    elif (
        fact.value in lexicon()["en"]["style"] - {"solid"}  # `solid cotton` would be pure cotton
        and (not fact.role or fact.value == "sleeveless")
    ):
        yield "adjective", capitals(fact.value)


def _function(fact: Fact, text: str) -> Forms:
    listed = lexicon()["en"]["function"]
    is_stated = fact.source.startswith("attribute") and _FREE_OF.fullmatch(text)
    if re.fullmatch(r"SPF ?\d+\+?", text):
        yield "amount", text
    elif fact.role == "water resistance":
        yield "certificate", f"water-resistant to {fact.value}"
    elif is_stated or (text in listed and _QUALITY.search(text)):
        said = re.sub(r" (resistant|drying|cancelling|proof|free)$", r"-\1", text)
        yield "adjective", said
        yield "quality", said
    elif _FEATURE.search(text) and fact.source != "description":  # where `saves night vision` has none
        yield "with", with_article(text)
    yield from _clause(fact)
    yield from _purpose(fact, text)


def _part(fact: Fact, text: str) -> Forms:
    text = re.sub(r"^1 ", "", re.sub(r"s (closure|clasp)$", r" \1", text))
    if re.search(r"\b(?:guide|manual|cd|card)$", text):
        return  # paper that comes with everything
    if re.search(r"included$", fact.source, re.IGNORECASE):
        yield "along", with_article(text)
    elif re.search(r"package|in the box", fact.source, re.IGNORECASE) and len(text.split()) > 1:
        yield "along", text if text[0].isdigit() else with_article(text)
    elif fact.span.startswith("in ") and text.split()[-1] in _CONTAINERS:
        yield "packed", with_article(text)
    elif not _VAGUE.search(text) and len(text.split()) > 1:
        yield "with", text if _COUNTED.match(text) else with_article(text)


def _amount(fact: Fact, text: str) -> Forms:
    amount = _AMOUNT.fullmatch(fact.value)
    if re.match(r"\d+ hours\b|[\d,]+ lumens", text):
        yield "gives", text
    elif fact.role == "wireless speed" and (speed := re.fullmatch(r"(\d+) ?mbps", fact.value, re.IGNORECASE)):
        yield "with", f"a wireless speed of {speed[1]} Mbps"
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
    measured = _MEASURED.fullmatch(fact.value)
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
    whom = listed(text.removeprefix("for "))
    if re.search(r"\b(?:boy|girl|kid|child|man|woman)(?:$|[, ])", text):
        return  # one of them is a picture's
    if len(whom) == 2 and whom[0].split()[-1] == whom[1].split()[-1] and " " in whom[0]:
        whom[0] = whom[0].rpartition(" ")[0]  # `normal and oily skin`
    if len(whom) <= 2 and len(text.split()) < 8 and not text.startswith("from "):
        yield "whom", joined(whom)
        if re.search(r"\b(?:skin|hair)\b", text):
            yield "suits", joined(whom)


def _fits(fact: Fact, text: str) -> Forms:
    named = re.search(re.escape(fact.value), fact.span, re.IGNORECASE)  # with the record's capitals
    if named and fact.source != "description" and _MODEL.fullmatch(named[0]):
        yield "fits", f"the {named[0]}"  # a replacement is bought by what it is for
    yield from _clause(fact)
    yield from _purpose(fact, text)


def _occasion(fact: Fact, text: str) -> Forms:
    if re.search(r"\bgift", text):
        yield "gift", "gift"
    elif set(listed(text)) <= {"casual", "formal"}:
        yield "wear", joined(listed(text))
    else:
        yield from _purpose(fact, text)


def _ingredient(fact: Fact, text: str) -> Forms:
    if fact.negated:
        yield (
            "without",
            " or ".join(re.split(r", | or | and ", fact.value)[:2]),
        )  # a comma would end the denial
    elif set(listed(text.lower())) <= lexicon()["en"]["ingredient"] - {"plant-based"}:
        yield "contains", text


def _care(fact: Fact, text: str) -> Forms:
    if where := re.fullmatch(r"safe in (?:the )?(.+)", text):
        yield "safe", where[1]
    elif stated := re.match(r"(?!not\b)[\w -]*(?:safe|washable)\b", text):
        yield "care", re.sub(r"^(?:(\w+) and )?(\w+)[ -]safe$", _joined_safe, stated[0])


def _joined_safe(found: re.Match[str]) -> str:
    return f"{found[1]}- and {found[2]}-safe" if found[1] else f"{found[2]}-safe"


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
