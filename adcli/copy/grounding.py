"""Whether what an ad says is on its product's record: the second layer of the checker.

    >>> from adcli.copy.claims import record_of
    >>> record = record_of(["Cotton bath towel, 500 GSM"])
    >>> [(found.rule, found.span) for found in ungrounded("Silk towel, 700 GSM", record)]
    [('number.unsupported', '700 GSM'), ('material.unsupported', 'silk')]

Numbers, materials, colours, brands, who made it, what the record denies; and every content word must be on
record, or belong to the product's scene, or be ordinary in ads.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from functools import lru_cache

from adcli.copy.claims import Finding, Record, folded, han_words, same_word
from adcli.copy.denials import contradictions, denied_in, denied_words
from adcli.copy.fact import MEASURED, SAID_AS, Fact
from adcli.copy.lexicon import COLOUR_IDIOMS, COLOURS, DATA, MATERIALS, STOP_WORDS, WELL_KNOWN_BRANDS, lexicon
from adcli.copy.naming import SAYS_LITTLE, things
from adcli.copy.parts import attached
from adcli.copy.quantities import Quantity, codes, is_stated, quantities
from adcli.copy.scenes import words_of
from adcli.copy.wording import root, sentences, stem, words

NEW_WORD = "word.ungrounded"
"""The rule of a word that is neither on record nor of the product's scene nor ordinary in ads."""
_SELF_CONTAINED = frozenset(
    {"weight", "capacity", "quantity", "power", "size", "other", "certificate", "warranty"}
)
_MAKER = re.compile(
    r"\b(?i:made|built|created|designed|engineered|crafted|produced|manufactured|developed|brought to you) "
    r"(?:\w+ )?by (?:the )?(?P<who>[A-Z][\w&'-]*(?: (?:& )?[A-Z][\w'-]*)*)|"
    r"\b(?:[Gg]enuine|[Oo]riginal|[Oo]fficial|[Aa]uthentic) (?P<own>[A-Z][\w&'-]+)|"
    r"\b(?P<by>[A-Z][\w&-]+)-(?:made|built|branded)\b"
)


def ungrounded(
    text: str, record: Record, *, brands: frozenset[str] = frozenset(), scenes: frozenset[str] = frozenset()
) -> list[Finding]:
    """What `text` states and `record` does not.

    Args:
        text: One ad, or a part of it.
        record: The product's record.
        brands: Brands of the whole catalogue in lower case; a brand that is not on record is another's.
        scenes: The product's scenes, whose words an ad may use; none checks no open words.
    """
    found = [
        *_numbers(text, record),
        *_roles(text, record),
        *_matter(text, record),
        *_foreign_brands(text, record, brands),
        *_makers(text, record),
        *contradictions(text, record),
        *_other_of_a_kind(text, record),
        *_matter_of_parts(text, record),
        *_audiences(text, record),
        *_other_thing(text, record),
    ]
    said = " ".join(span for _, span in found).lower()
    found += [each for each in _open_words(text, record, scenes) if each[1].lower() not in said]
    return [Finding(rule, span, layer="grounding", source="the product's record") for rule, span in found]


_UNCOUNTED = r"(?=\s*(?:[.,;:!?]|of (?:them|us|you|these|it)\b|$))"
"""What follows a number word that counts nothing of the product: `for two.`, `two of them`."""


def _numbers(text: str, record: Record) -> list[tuple[str, str]]:
    found = [
        quantity.text
        for quantity in quantities(text)
        if not is_stated(quantity, record.quantities)
        and not _counts_nothing(quantity, text)
        and not _is_about(quantity, text, record)
    ]
    found += sorted(codes(text) - record.codes)
    return [("number.unsupported", span) for span in found]


def _is_about(quantity: Quantity, text: str, record: Record) -> bool:
    """Whether the ad says that it rounds, and does so by no more than a fiftieth (`nearly 18 cm`: 17.78)."""
    is_rounded = re.search(
        rf"(?:nearly|almost|about|around|some|roughly) {re.escape(quantity.text)}", text.lower()
    )
    return bool(is_rounded) and any(
        known.dimension == quantity.dimension and math.isclose(known.value, quantity.value, rel_tol=0.02)
        for known in record.quantities
    )


def _counts_nothing(quantity: Quantity, text: str) -> bool:
    return quantity.text.isalpha() and bool(
        re.search(rf"\b{quantity.text}(?:{_UNCOUNTED}|-tone|-in-one)", text)
        or (re.search(rf"\b(?:a|one in a) {quantity.text}\b(?!s)", text) and quantity.number >= 100)
    )


def _roles(text: str, record: Record) -> Iterator[tuple[str, str]]:
    """Numbers that the record has of something else: `20 cm handle` where the blade is of 20 cm."""
    own = {root(word) for fact in record.facts if fact.slot == "kind" for word in words(fact.value)}
    for sentence in sentences(text):
        said = {root(word) for word in words(sentence)}
        for quantity in quantities(sentence):
            holders = [fact for fact in record.facts if is_stated(quantity, quantities(fact.said))]
            if _counts_nothing(quantity, sentence):
                continue
            if holders and not any(_agrees(fact, quantity, sentence, said, own) for fact in holders):
                yield "number.role", quantity.text


def _agrees(fact: Fact, quantity: Quantity, sentence: str, said: set[str], own: set[str]) -> bool:
    """Whether the sentence says of the number what the fact says."""
    about = {root(word) for word in words(f"{fact.span} {fact.role} {fact.said}")} - {
        root(word) for word in STOP_WORDS
    }
    about -= {root(word) for word in words(quantity.text)}
    ways = MEASURED.keys() & set(words(sentence))
    if ways and fact.role in MEASURED:
        return fact.role in ways
    part = _part_of(quantity.text, sentence)
    if part and root(part) not in own:
        return root(part) in about
    way = SAID_AS.get(_following(quantity.text, sentence), "")
    if way and fact.role in MEASURED:
        return way == fact.role
    if fact.slot in _SELF_CONTAINED and (not fact.role or fact.role in _PLAIN_ROLES):
        return (
            bool(quantity.dimension)
            or _next_word(quantity.text, sentence) in about | {""}
            or fact.slot == "quantity"
        )
    if about & said or not about:
        return True
    parts = {root(part) for part in lexicon()["en"]["part"]}
    return fact.slot not in _NEEDS_WORDS and not about & parts and not (parts - own) & said


_NEEDS_WORDS = frozenset({"care", "compatibility", "audience"})
"""Whose numbers say nothing alone: `40 °C` is a way to wash."""


def _parts_of(record: Record) -> set[str]:
    """What the record's facts are facts of beside the thing itself."""
    return {fact.role.lower() for fact in record.facts} - _PLAIN_ROLES - {""}


_PLAIN_ROLES = frozenset({"pack", "set", "battery", "GSM", "thread count", *MEASURED})


def _part_of(stated: str, sentence: str) -> str:
    """The part that a number is said of: `20 cm handle`, `20 cm of handle`, `a handle of 20 cm`."""
    parts, number = lexicon()["en"]["part"], re.escape(stated)
    after = re.search(rf"{number}[ -](?:of (?:the |its )?)?([a-z]+)", sentence, re.IGNORECASE)
    before = re.search(
        rf"([a-z]+)(?::| of| is| are| measures?| has| runs to| comes to) (?:about |only |just )?{number}",
        sentence,
        re.IGNORECASE,
    )
    return next((match[1].lower() for match in (after, before) if match and match[1].lower() in parts), "")


def _following(stated: str, sentence: str) -> str:
    after = re.search(rf"{re.escape(stated)}[ -](in diameter|[a-z]+)", sentence, re.IGNORECASE)
    return after[1].lower() if after else ""


def _next_word(stated: str, sentence: str) -> str:
    after = re.search(rf"{re.escape(stated)}[ -]([a-z]+)", sentence, re.IGNORECASE)
    return root(after[1]) if after and after[1].lower() not in STOP_WORDS else ""


def _matter(text: str, record: Record) -> list[tuple[str, str]]:
    plain = re.sub(COLOUR_IDIOMS, " ", text, flags=re.IGNORECASE)
    said = (stem(word) for word in words(plain) if word.isascii())
    matter = {
        same_word(stem(word)) for fact in record.facts for word in (*words(fact.said), *han_words(fact.said))
    }
    found = []
    for word in dict.fromkeys((*said, *han_words(text))):
        same = same_word(word)
        kind = "material" if {word, same} & MATERIALS else "colour" if {word, same} & COLOURS else ""
        stated = bool({word, same} & matter) or not record.facts
        if kind and (
            same not in record.stems
            or not (
                stated
                or re.search(rf"material:? {word}\b", record.text)
                or _as_on_record(word, text, record)
                or _is_aside(word, text, record)
            )
        ):
            found.append((f"{kind}.unsupported", word))
    return sorted(found, key=lambda finding: finding[0] != "material.unsupported")


def _as_on_record(word: str, text: str, record: Record) -> bool:
    """Whether `word` stands in `text` only within the brand's name, or beside a neighbour as on record."""
    if not word.isascii():
        return word in record.text
    brand = " ".join(words(record.brand))
    flat, said = (" ".join(words(folded(each))) for each in (record.text, text))
    if brand:
        flat, said = (re.sub(rf"\b{re.escape(brand)}\b", "|", each) for each in (flat, said))
    tokens = said.split()
    places = [place for place, token in enumerate(tokens) if stem(token) == word]
    return all(
        f" {' '.join(pair)} " in f" {flat} "
        for place in places
        for pair in [tokens[max(0, place - 1) : place + 1] if place else tokens[place : place + 2]]
    ) or all(f" {' '.join(tokens[place : place + 2])} " in f" {flat} " for place in places)


def _is_aside(word: str, text: str, record: Record) -> bool:
    """Whether `text` says `word` of something else than the thing itself (`cuts wood`)."""
    kinds = "|".join(re.escape(fact.value.split()[-1]) for fact in record.facts if fact.slot == "kind")
    said_of_it = (
        rf"\b(?:of|in|from|is|are|pure|real) (?:[\w-]+ ){{0,2}}{word}\b|\b{word} (?:[\w-]+ )?(?:{kinds})\b"
    )
    return bool(kinds) and word.isascii() and not re.search(said_of_it, folded(text))


def _foreign_brands(text: str, record: Record, brands: frozenset[str]) -> list[tuple[str, str]]:
    plain = folded(text)
    tokens = re.findall(r"[\w&'.-]+", plain)
    phrases = {" ".join(tokens[i : i + size]).strip(".'-") for size in (1, 2, 3) for i in range(len(tokens))}
    named = {phrase for phrase in phrases if phrase in brands or phrase in WELL_KNOWN_BRANDS}
    return [
        ("brand.foreign", phrase)
        for phrase in sorted(named)
        if not re.search(rf"(?<!\w){re.escape(phrase)}(?!\w)", record.text)
    ]


def _makers(text: str, record: Record) -> Iterator[tuple[str, str]]:
    """Whom the ad names as the maker, or a name before the thing, that is not the brand: `made by HP`."""
    brand = folded(record.brand)
    for match in _MAKER.finditer(text):
        who = next(name for name in match.groups() if name)
        if record.brand and folded(who) not in brand and brand not in folded(who):
            yield "brand.relation", match[0]
    kinds = [fact.value.split()[-1] for fact in record.facts if fact.slot == "kind" and fact.value]
    nouns = "|".join(map(re.escape, kinds)) or "(?!)"
    for match in re.finditer(
        rf"\b(?:[Aa]n?|[Tt]his|[Yy]our) ([A-Z][\w-]*) (?:[a-z-]+ ){{0,2}}(?:{nouns})\b", text
    ):
        if record.brand and folded(match[1]) not in brand and f"for {folded(match[1])}" in record.text:
            yield "brand.relation", match[0]


def _matter_of_parts(text: str, record: Record) -> Iterator[tuple[str, str]]:
    """A material or colour that the ad says of a part of which the record does not say it."""
    own = {stem(word) for fact in record.facts if fact.slot == "kind" for word in words(fact.value)}
    named = frozenset(stem(role) for role in _parts_of(record))
    known = attached(record.text, named).union(*(attached(fact.said, named) for fact in record.facts))
    for matter, part in sorted(attached(text, named) - known):
        if part in record.stems - own and {matter, part} <= record.stems:
            yield "matter.role", f"{matter} {part}"


def _other_of_a_kind(text: str, record: Record) -> Iterator[tuple[str, str]]:
    """A word of which the record has one that excludes it: `external` where it has `internal`."""
    plain = folded(text)
    missing = set().union(*denied_in(plain))
    for listed in lexicon()["en"]["exclusive"]:
        words_of_it = listed.split()
        said = {word for word in words_of_it if re.search(rf"(?<![\w-]){word}", plain)}
        known = {word for word in words_of_it if re.search(rf"(?<![\w-]){word}", record.text)}
        if known and not said & known:
            yield from (("value.contradicted", word) for word in sorted(said) if stem(word) not in missing)


_AUDIENCE = re.compile(
    r"\b(?:men|man|women|woman|boys?|girls?|kids?|child(?:ren)?|bab(?:y|ies)|toddlers?|infants?|ladies|"
    r"gentlemen|husband|wife)\b(?!-| and (?:parents|grown-ups|adults))"
)
_SAME_AUDIENCE = {
    "man": "men", "gentlemen": "men", "husband": "men", "woman": "women", "ladies": "women", "wife": "women",
    "child": "kid", "children": "kid", "babies": "baby", "toddler": "baby", "infant": "baby",
}  # fmt: skip


def _audiences(text: str, record: Record) -> Iterator[tuple[str, str]]:
    """Whom the ad is for, and the record does not name."""
    known = {audience for word in record.stems for audience in _named(word)}
    kinds = (
        "|".join(re.escape(fact.value.split()[-1]) for fact in record.facts if fact.slot == "kind") or "(?!)"
    )
    for match in _AUDIENCE.finditer(text.lower()):
        addressed = re.search(
            r"\b(?:for|by|with|like|of|to|on) (?:[a-z',-]+ ){0,4}$", text[: match.start()].lower()
        )
        of_the_thing = re.match(
            rf"(?:'s|s')? (?:[a-z-]+ )?(?:{kinds})|'s|'(?= )| (?:will|love)", text[match.end() :].lower()
        )
        if (addressed or of_the_thing) and not _named(match[0]) & known:
            yield "audience.unsupported", match[0]


def _named(word: str) -> set[str]:
    """The audience that `word` names, and those it counts among (`boy` → boy, kid)."""
    named = _SAME_AUDIENCE.get(stem(word), stem(word))
    return {named, "kid"} if named in ("boy", "girl", "baby") else {named}


_DETERMINERS = frozenset({"a", "an", "the", "this", "your"})
_PHRASE_END = re.compile(r"[.,;:!?]| (?:for|with|that|which|in|of|by|from|to|is|at|without)\b", re.IGNORECASE)


def _other_thing(text: str, record: Record) -> Iterator[tuple[str, str]]:
    """The noun that the ad begins with, where that is another thing and the ad never names the product."""
    kinds = {stem(word) for fact in record.facts if fact.slot == "kind" for word in words(fact.value)}
    phrase = words(_PHRASE_END.split(text.strip())[0])
    if (
        not kinds
        or len(phrase) < 2
        or phrase[0] in STOP_WORDS - _DETERMINERS
        or set(phrase[1:]) & STOP_WORDS
        or kinds & {stem(word) for word in words(text)}
    ):
        return
    noun = stem(phrase[-1])
    known = {stem(word) for fact in record.facts if fact.slot != "compatibility" for word in words(fact.said)}
    others = things() - SAYS_LITTLE - {"light"} - known
    if noun in others and not any(noun in kind or kind in noun for kind in kinds):
        yield "product.foreign", " ".join(phrase)


@lru_cache(maxsize=1)
def ordinary() -> frozenset[str]:
    """The roots of words that are ordinary in ads and state nothing about a product (`data/ordinary.txt`)."""
    listed = (DATA / "ordinary.txt").read_text("utf-8").split()
    return frozenset(root(word) for word in (*listed, *STOP_WORDS))


def _bases(word: str) -> set[str]:
    """What `word` may be inflected from: `looking` → look, `baked` → bake, `clipped` → clip."""
    found = set()
    for ending in ("ed", "ing", "es", "er", "ly"):
        if word.endswith(ending) and len(word) > len(ending) + 2:
            bare = word.removesuffix(ending)
            found |= {bare, f"{bare}e", bare[:-1] if bare[-1] == bare[-2] else bare}
    return found


def rests_on(sentence: str, record: Record) -> bool:
    """Whether all that `sentence` names beside the thing itself is on record, and denied by both or none."""
    plain = folded(sentence)
    named = [
        word
        for word in words(plain)
        if not _is_ordinary(word) or same_word(stem(word)) in MATERIALS | COLOURS
    ]
    kind = {stem(word) for fact in record.facts if fact.slot == "kind" for word in words(fact.value)}
    denied = denied_words(record)
    return (
        any(stem(word) not in kind for word in named)
        and all(same_word(stem(word)) in record.stems for word in named)
        and all(missing & denied for missing in denied_in(plain))
    )


def _is_ordinary(word: str) -> bool:
    return bool({root(form) for form in (word, *_bases(word))} & ordinary())


def _open_words(text: str, record: Record, scenes: frozenset[str]) -> Iterator[tuple[str, str]]:
    if not scenes or (not record.text.isascii() and not text.isascii()):
        return
    known = {root(word) for word in record.stems} | ordinary() | {root(word) for word in words_of(scenes)}
    amounts = {word for quantity in quantities(text) for word in words(quantity.text)}
    for word in dict.fromkeys(words(text)):
        if word in amounts:
            continue
        bare = root(same_word(stem(word)))
        if known & {root(form) for form in _bases(word)}:
            continue
        if len(word) < 3 or any(map(str.isdigit, word)):
            continue
        if (
            bare not in known
            and not any(
                bare.startswith(other) or other.startswith(bare)
                for other in known
                if len(other) > 4 and len(bare) > 4
            )
            and not (len(bare) > 3 and any(other.startswith(bare) for other in record.stems))
        ):
            yield NEW_WORD, word
