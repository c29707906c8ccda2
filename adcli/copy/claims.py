"""What an ad claims that its product's record does not say, and what advertising law asks proof of.

    >>> record = record_of(["Cotton bath towel, 500 GSM"])
    >>> [tuple(found) for found in unsupported_claims("Silk towel, 700 GSM", record)]
    [('number.unsupported', '700 GSM'), ('material.unsupported', 'silk')]

Each finding names its rule and the words that broke it. The rules read words, not meanings: a claim in words
they do not know passes, so an ad that breaks no rule is not thereby true.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from typing import NamedTuple

from adcli.copy.lexicon import COLOUR_IDIOMS, COLOURS, MATERIALS, SAME_WORD, WELL_KNOWN_BRANDS
from adcli.copy.quantities import Quantity, codes, is_stated, quantities
from adcli.copy.rules import BANNED, PROVABLE, ClaimRule
from adcli.copy.wording import stem, words


class Finding(NamedTuple):
    """One broken rule: its id and the words of the ad that broke it."""

    rule: str
    span: str


class Record(NamedTuple):
    """All that is on record about one product, ready to be compared with what an ad says."""

    text: str
    stems: frozenset[str]
    quantities: tuple[Quantity, ...]
    codes: frozenset[str]


_HOMOGLYPHS = str.maketrans("аеорсхуіѕ", "aeopcxyis")
_SPACED_LETTERS = re.compile(r"\b(?:[^\W\d_][ .*_-]){3,}[^\W\d_]\b")
_SPLIT_HAN = re.compile(r"(?<=[\u3400-\u9fff])[\s·.*_\-|]+(?=[\u3400-\u9fff])")
_EMAIL = re.compile(r"[\w.+-]+@[\w-]+\.[\w.]{2,}")
_LINK = re.compile(r"(?:https?://|www\.)\S+|\b[\w-]+\.(?:com|net|org|cn|in|co)\b", re.IGNORECASE)
_PHONE = re.compile(r"(?<![\w.])\+?(?:\d[ ()-]?){8,14}\d(?!\w)")


def folded(text: str) -> str:
    """`text` as rules read it: NFKC, lower case, no invisible or look-alike letters, no s p a c e d words."""
    plain = unicodedata.normalize("NFKC", text)
    visible = "".join(character for character in plain if unicodedata.category(character) != "Cf")
    if any("a" <= character <= "z" for character in visible.lower()):
        visible = visible.translate(_HOMOGLYPHS)
    joined = _SPACED_LETTERS.sub(lambda found: re.sub(r"[ .*_-]", "", found[0]), visible)
    return _SPLIT_HAN.sub("", joined).lower().replace("’", "'").replace(" - ", " ")


def _same_word(word: str) -> str:
    return SAME_WORD.get(word, word)


def record_of(texts: Iterable[str], *, price: float | None = None) -> Record:
    """The record of one product from its texts (title, brand, attributes, description) and its price."""
    whole = " . ".join(text for text in texts if text)
    stated = quantities(whole)
    if price is not None:
        stated.append(Quantity(price, price, "price", f"{price:g}"))
    stems = frozenset(_same_word(word) for word in (*map(stem, words(whole)), *_han_words(whole)))
    return Record(folded(whole), stems, tuple(stated), frozenset(codes(whole)))


def unsupported_claims(text: str, record: Record, *, brands: frozenset[str] = frozenset()) -> list[Finding]:
    """What `text` states and `record` does not: numbers, materials, colours, properties, offers, brands.

    Args:
        text: One ad, or a part of it.
        record: The product's record.
        brands: Brands of the whole catalogue in lower case; a brand that is not on record is another's.
    """
    return [
        *_unsupported_numbers(text, record),
        *_unsupported_words(text, record),
        *_unproven(text, record),
        *_foreign_brands(text, record, brands),
    ]


def _unsupported_numbers(text: str, record: Record) -> list[Finding]:
    found = [quantity.text for quantity in quantities(text) if not is_stated(quantity, record.quantities)]
    found += sorted(codes(text) - record.codes)
    return [Finding("number.unsupported", span) for span in found]


def _unsupported_words(text: str, record: Record) -> list[Finding]:
    plain = re.sub(COLOUR_IDIOMS, " ", text, flags=re.IGNORECASE)
    stated = (stem(word) for word in words(plain) if word.isascii())
    found = []
    for word in dict.fromkeys((*stated, *_han_words(text))):
        same = _same_word(word)
        kind = "material" if {word, same} & MATERIALS else "colour" if {word, same} & COLOURS else ""
        if kind and same not in record.stems:
            found.append(Finding(f"{kind}.unsupported", word))
    return sorted(found, key=lambda finding: finding.rule != "material.unsupported")


_HAN = sorted(
    (word for word in MATERIALS | COLOURS | set(SAME_WORD) if not word.isascii()), key=len, reverse=True
)
_HAN_PATTERN = re.compile("|".join(_HAN))


def _han_words(text: str) -> list[str]:
    """The Chinese words for materials and colours in `text`, the longest at each place."""
    return _HAN_PATTERN.findall(text)


def _unproven(text: str, record: Record) -> list[Finding]:
    plain = folded(text)
    return [
        Finding(rule.name, match[0].strip())
        for rule in PROVABLE
        for match in rule.pattern.finditer(plain)
        if not (rule.evidence or rule.pattern).search(record.text)
    ]


def _foreign_brands(text: str, record: Record, brands: frozenset[str]) -> list[Finding]:
    plain = folded(text)
    tokens = re.findall(r"[\w&'.-]+", plain)
    phrases = {" ".join(tokens[i : i + size]).strip(".'-") for size in (1, 2, 3) for i in range(len(tokens))}
    named = {phrase for phrase in phrases if phrase in brands or phrase in WELL_KNOWN_BRANDS}
    return [
        Finding("brand.foreign", phrase)
        for phrase in sorted(named)
        if not re.search(rf"(?<!\w){re.escape(phrase)}(?!\w)", record.text)
    ]


def banned_terms(text: str, *, own_name: str = "") -> list[Finding]:
    """The absolute and superlative claims in `text` that advertising law forbids or asks proof of.

    Args:
        text: One ad, or a part of it.
        own_name: The product's own name; a term beside its neighbour there (`Best Dad`) is no claim.

    Source: Advertising Law of the PRC (2021), articles 9, 16 and 28; FTC Act, section 5; Directive 2005/29/EC
    (unfair commercial practices), annex I.
    """
    plain, name = folded(text), f" {folded(own_name)} "
    return [
        Finding(rule.name, match[0].strip())
        for rule in BANNED
        for match in rule.pattern.finditer(plain)
        if not _is_excused(match, rule, plain) and not _is_named(match, plain, name)
    ]


def _is_excused(match: re.Match[str], rule: ClaimRule, plain: str) -> bool:
    """Whether `match` lies inside words that make the rule's term harmless (`best` in `your best friend`)."""
    contexts = rule.evidence.finditer(plain) if rule.evidence else ()
    return any(context.start() <= match.start() and match.end() <= context.end() for context in contexts)


def _is_named(match: re.Match[str], plain: str, name: str) -> bool:
    """Whether `match` and the word before or after it stand so in the product's own name."""
    before = re.search(r"(\w+)\W+$", plain[: match.start()])
    after = re.match(r"\W+(\w+)", plain[match.end() :])
    beside = [f" {before[1]} {match[0]} "] if before else []
    beside += [f" {match[0]} {after[1]} "] if after else []
    return any(pair in name for pair in beside)


def personal_data(text: str) -> list[Finding]:
    """E-mail addresses, links and telephone numbers in `text`."""
    return [
        Finding(rule, match[0].strip())
        for rule, pattern in (("pii.email", _EMAIL), ("pii.link", _LINK), ("pii.phone", _PHONE))
        for match in pattern.finditer(text)
        if rule != "pii.link" or "@" not in text[max(0, match.start() - 1) : match.start()]
    ]
