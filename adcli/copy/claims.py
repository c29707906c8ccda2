"""The record of a product, the rules that an ad breaks, personal data: the first layer of the checker.

>>> record = record_of(["Cotton bath towel, 500 GSM"])
>>> [(found.rule, found.span) for found in broken_rules("The best organic towel", record)]
[('absolute.best', 'best'), ('property.unsupported', 'organic')]
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from typing import NamedTuple

from adcli.copy.fact import Fact
from adcli.copy.lexicon import COLOURS, MATERIALS, SAME_WORD, STOP_WORDS
from adcli.copy.quantities import Quantity, codes, quantities
from adcli.copy.rules import ClaimRule, rules_of
from adcli.copy.wording import root, stem, words


class Finding(NamedTuple):
    """What is wrong with an ad."""

    rule: str  # the id of the rule that it breaks
    span: str  # the words of the ad that break it
    severity: str = "block"  # `block`: it may not run so; `warn`: a person should look
    layer: str = "rules"  # `rules`, `grounding` or `claims` (the model)
    source: str = ""  # the law, or what the words were compared with


class Record(NamedTuple):
    """All that is on record about one product, ready to be compared with what an ad says."""

    text: str
    stems: frozenset[str]
    quantities: tuple[Quantity, ...]
    codes: frozenset[str]
    facts: tuple[Fact, ...] = ()
    brand: str = ""
    denied: tuple[str, ...] = ()


_HOMOGLYPHS = str.maketrans("аеорсхуіѕ", "aeopcxyis")
_SPACED_LETTERS = re.compile(r"\b(?:[^\W\d_][ .*_-]){3,}[^\W\d_]\b")
_SPLIT_HAN = re.compile(r"(?<=[\u3400-\u9fff])[\s·.*_\-|]+(?=[\u3400-\u9fff])")
_EMAIL = re.compile(r"[\w.+-]+@[\w-]+\.[\w.]{2,}")
_LINK = re.compile(r"(?:https?://|www\.)\S+|\b[\w-]+\.(?:com|net|org|cn|in|co)\b", re.IGNORECASE)
_PHONE = re.compile(r"(?<![A-Za-z0-9_.])\+?(?:\d[ ()-]{0,2}){8,14}\d(?![A-Za-z0-9_])")
_MESSENGER = re.compile(
    r"(?:微信|威信|薇信|vx|qq|whatsapp|telegram|wechat)号?[:： ]{0,2}[\w@+-]{5,}", re.IGNORECASE
)

_PERSONAL = {
    "pii.email": _EMAIL, "pii.link": _LINK, "pii.phone": _PHONE, "pii.messenger": _MESSENGER,
}  # fmt: skip


def folded(text: str) -> str:
    """`text` as rules read it: NFKC, lower case, no invisible or look-alike letters, no s p a c e d words."""
    plain = unicodedata.normalize("NFKC", text)
    visible = "".join(character for character in plain if unicodedata.category(character) != "Cf")
    if any("a" <= character <= "z" for character in visible.lower()):
        visible = visible.translate(_HOMOGLYPHS)
    joined = _SPACED_LETTERS.sub(lambda found: re.sub(r"[ .*_-]", "", found[0]), visible)
    return _SPLIT_HAN.sub("", joined).lower().replace("’", "'").replace(" - ", " ")


def same_word(word: str) -> str:
    """One spelling of a word that has several (`wooden`, `wood`)."""
    return SAME_WORD.get(word, word)


def record_of(
    texts: Iterable[str],
    *,
    price: float | None = None,
    facts: Iterable[Fact] = (),
    brand: str = "",
    denied: tuple[str, ...] = (),
) -> Record:
    """The record of one product: its texts, price and facts, and what it answers No to."""
    whole = " . ".join(text for text in texts if text)
    stated = quantities(whole)
    if price is not None:
        stated.append(Quantity(price, price, "price", f"{price:g}"))
    stems = frozenset(same_word(word) for word in (*map(stem, words(whole)), *han_words(whole)))
    return Record(folded(whole), stems, tuple(stated), frozenset(codes(whole)), tuple(facts), brand, denied)


_HAN = sorted(
    (word for word in MATERIALS | COLOURS | set(SAME_WORD) if not word.isascii()), key=len, reverse=True
)
_HAN_PATTERN = re.compile("|".join(_HAN))


def han_words(text: str) -> list[str]:
    """The Chinese words for materials and colours in `text`, the longest at each place."""
    return _HAN_PATTERN.findall(text)


def broken_rules(text: str, record: Record, *, own_name: str = "", market: str = "us") -> list[Finding]:
    """The rules of a market that `text` breaks; a claim that the record proves breaks none.

    Args:
        text: One ad, or a part of it.
        record: The product's record.
        own_name: The product's own name; a term beside its neighbour there (`Best Dad`) is no claim.
        market: `us`, `eu` or `cn`.

    Raises:
        UsageError: If there is no such market.
    """
    plain, name = folded(text), f" {folded(own_name)} "
    return [
        Finding(rule.name, match[0].strip(" ,"), rule.severity, source=rule.source)
        for rule in rules_of(market)
        if rule.about is None or rule.about.search(f"{record.text} {plain}")
        for match in rule.pattern.finditer(plain)
        if not _is_excused(match, rule, plain)
        and not _is_named(match, plain, name)
        and not _is_proven(match, rule, record)
    ]


def _is_excused(match: re.Match[str], rule: ClaimRule, plain: str) -> bool:
    """Whether the ad's own words around `match` make it harmless (`best` in `your best friend`)."""
    contexts = rule.unless.finditer(plain) if rule.unless else ()
    return any(
        rule.whole
        or (context.start() <= match.start() and match.end() <= context.end())
        or match.start() <= context.start() <= match.end()  # or right after it: `made in` … `a small size`
        for context in contexts
    )


def _is_named(match: re.Match[str], plain: str, name: str) -> bool:
    """Whether `match` and the word before or after it stand so in the product's own name."""
    before = re.search(r"(\w+)\W+$", plain[: match.start()])
    after = re.match(r"\W+(\w+)", plain[match.end() :])
    beside = [f" {before[1]} {match[0]} "] if before else []
    beside += [f" {match[0]} {after[1]} "] if after else []
    return any(pair in name for pair in beside)


_REGISTERED = re.compile(r"注册|批准文号|国食健|备案|蓝帽")


def _is_proven(match: re.Match[str], rule: ClaimRule, record: Record) -> bool:
    """Whether the record says what the rule asks proof of."""
    said = match[0].strip()
    slots = {fact.slot for fact in record.facts if not fact.negated}
    if rule.proof in ("offer", "certificate") and rule.proof in slots:
        return _is_on_record(said, record)
    if rule.proof in ("own", "offer"):
        return _is_on_record(said, record)
    if rule.proof == "stem":
        return any(root(word) in record.text for word in words(said) if word not in STOP_WORDS)
    if rule.proof == "registration":
        return bool(_REGISTERED.search(record.text)) and said in record.text
    return bool(rule.proof) and rule.proof != "certificate" and bool(re.search(rule.proof, record.text))


def _is_on_record(said: str, record: Record) -> bool:
    stems = {same_word(stem(word)) for word in words(said) if word.isascii()} - STOP_WORDS
    flat = re.sub(r"[\W_]+", " ", record.text)
    return re.sub(r"[\W_]+", " ", said) in flat or bool(stems and said.isascii() and stems <= record.stems)


def personal_data(text: str) -> list[Finding]:
    """E-mail addresses, links, telephone numbers and names in messengers in `text`."""
    return [
        Finding(rule, match[0].strip(), source="GDPR art. 5; platform rules on contact data in text")
        for rule, pattern in _PERSONAL.items()
        for match in pattern.finditer(text)
        if rule != "pii.link" or "@" not in text[max(0, match.start() - 1) : match.start()]
    ]
