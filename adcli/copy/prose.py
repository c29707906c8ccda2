"""Facts in sentences and titles: patterns (`data/patterns.toml`) first, then the words of the lexicon.

>>> text = "Watering can of enamel, 5 l, with a brass rose."
>>> [(fact.slot, fact.said) for fact in facts_in(text, kind="watering can")]
[('capacity', '5 l'), ('part', 'brass rose'), ('material', 'brass rose'), ('material', 'enamel')]

What a pattern has taken, later ones do not read again, so that a number belongs to what its clause says.
"""

from __future__ import annotations

import re
import tomllib
from functools import lru_cache
from typing import NamedTuple

from adcli.copy.fact import SAID_AS, Fact
from adcli.copy.lexicon import COLOURS, DATA, MATERIALS, STOP_WORDS, lexicon, spelled
from adcli.copy.matter import read_ingredients, read_matter
from adcli.copy.reading import EDGE, TAKEN, Reading, listed, protected, restored
from adcli.copy.wording import sentences, stem, words

_NOT_A_PART = lexicon()["en"]["ends_part"]
_BEFORE_A_PART = lexicon()["en"]["begins_part"]
_NO_PART = lexicon()["en"]["no_part"]
_NEGATION = re.compile(r"\b(?:no|not|without|never)\s+(?:(?:a|an|any)\s+)?$", re.IGNORECASE)


class Pattern(NamedTuple):
    """One line of the table of patterns."""

    slot: str
    find: re.Pattern[str]
    value: str
    role: str
    negated: bool


@lru_cache(maxsize=1)
def _patterns() -> dict[str, tuple[Pattern, ...]]:
    """The patterns for phrases and for measures, in order."""
    read = tomllib.loads(DATA.joinpath("patterns.toml").read_text("utf-8"))
    macros = read.pop("macros")
    return {
        stage: tuple(
            Pattern(
                line["slot"],
                re.compile(spelled(line["find"], macros), 0 if line.get("case") else re.IGNORECASE),
                line.get("value", ""),
                line.get("role", ""),
                line.get("negated", False),
            )
            for line in lines
        )
        for stage, lines in read.items()
    }


@lru_cache(maxsize=1)
def _verbs() -> tuple[re.Pattern[str], re.Pattern[str], dict[str, str]]:
    """What begins a clause that says what a thing does: after a stop or `that`, and after a part's name."""
    slots = {
        verb: name.removeprefix("verb ")
        for name, listed in lexicon()["en"].items()
        if name.startswith("verb ")
        for verb in listed
    }
    slots |= {base_form(verb): slot for verb, slot in slots.items()}
    third = "|".join(sorted((verb for verb in slots if verb.endswith("s")), key=len, reverse=True))
    every = "|".join(sorted(slots, key=len, reverse=True))
    parts = "|".join(sorted(map(re.escape, lexicon()["en"]["part"]), key=len, reverse=True))
    rest = r"\b(?! of\b)[^,.;:()\x00]*?(?=,? and (?:" + every + r")\b(?! out\b)|[,.;:()\x00]|$)"
    more = r"(?:, [a-z]+ and [a-z]+(?: [a-z]+)?(?=[,.;:()]|$))?"
    begun = rf"(?:(?:^|(?<=[,;.:] )|(?<= and ))(?P<verb>{third})|(?<=that )(?P<after>{every}))"
    verbs = "|".join(sorted(slots.keys() - lexicon()["en"]["noun_too"], key=len, reverse=True))
    of_part = rf"{EDGE}(?:{parts}) (?P<verb>{verbs})(?! (?:of|with)\b)"
    return (re.compile(begun + rest + more, re.IGNORECASE), re.compile(of_part + rest, re.IGNORECASE), slots)


def base_form(verb: str) -> str:
    """`verb` without the s of the third person: `reaches` → `reach`, `pours` → `pour`."""
    if verb.endswith(("ches", "shes", "sses", "xes", "goes")):
        return verb.removesuffix("es")
    return f"{verb.removesuffix('ies')}y" if verb.endswith("ies") else verb.removesuffix("s")


def facts_in(text: str, *, kind: str = "", source: str = "description") -> list[Fact]:
    """The facts that the sentences of `text` state about a thing of this kind.

    `text`: plain text; `kind`: the noun for the thing, which is no part of itself; `source`: what the facts
    are to name as their source.
    """
    found: list[Fact] = []
    for sentence in sentences(text):
        reading = Reading(protected(sentence), source)
        _read_phrases(reading)
        _read_clauses(reading)
        _read_measures(reading, kind)
        _read_parts(reading, kind)
        read_ingredients(reading, kind)
        read_matter(reading, kind)
        _read_uses(reading, kind)
        _read_words(reading, kind)
        found += reading.facts
    return found


def _read_phrases(reading: Reading) -> None:
    for pattern in _patterns()["phrase"]:
        _take_all(reading, pattern)


def _take_all(reading: Reading, pattern: Pattern) -> None:
    for match in pattern.find.finditer(reading.left):
        if TAKEN in match[0]:
            continue
        value = match[pattern.value] if pattern.value else match[0]
        role = (match[pattern.role] or "") if pattern.role else ""
        negated = pattern.negated or bool(_NEGATION.search(reading.left[: match.start()]))
        reading.found(pattern.slot, value or match[0], match[0], role=role, negated=negated)
        reading.take(*match.span())


def _read_clauses(reading: Reading) -> None:
    """What the thing, or a part of it, does."""
    begun, of_part, slots = _verbs()
    for pattern in (of_part, begun):
        for match in pattern.finditer(reading.left):
            verb = next(verb for verb in match.groups() if verb).lower()
            if TAKEN in match[0] or len(match[0].split()) < 2 or len(match[0].split()) > 16:
                continue
            slot = slots[verb]
            value = match[0] if slot != "compatibility" else match[0].split(" ", 1)[1]
            reading.found(slot, value, match[0])
            reading.take(match.start("verb") if pattern is of_part else match.start(), match.end())


def _read_measures(reading: Reading, kind: str) -> None:
    """Amounts, each with what it measures: the part before or after it, unless that is the thing itself."""
    start = len(reading.facts)
    for pattern in _patterns()["measure"]:
        _take_all(reading, pattern)
    text = restored(reading.text)
    for place, fact in enumerate(reading.facts[start:], start):
        if fact.role in SAID_AS:
            reading.facts[place] = fact._replace(role=SAID_AS[fact.role])
        elif fact.slot in ("size", "weight", "capacity", "power"):
            reading.facts[place] = _with_role(fact, text, kind)


def _with_role(fact: Fact, text: str, kind: str) -> Fact:
    """The amount with the part it is measured on, or as what the thing fits (`14-inch laptop`)."""
    own = {stem(word) for word in words(kind)}
    after = re.search(rf"{re.escape(fact.span)}[ -]((?:\w+ )?(\w+))", text)
    before = re.search(rf"(\w+) of (?:up to )?{re.escape(fact.span)}", text)
    nouns = [match[match.lastindex or 0].lower() for match in (after, before) if match]
    if after and fact.slot == "size" and {stem(word) for word in words(after[1])} & _compatible() - own:
        return fact._replace(slot="compatibility", value=f"{fact.value} {after[1]}", role="")
    role = next(
        (noun for noun in nouns if noun in lexicon()["en"]["part"] and stem(noun) not in own), fact.role
    )
    return fact._replace(role=role)


@lru_cache(maxsize=1)
def _compatible() -> frozenset[str]:
    return frozenset(stem(phrase.split()[-1]) for phrase in lexicon()["en"]["compatible"])


def _read_parts(reading: Reading, kind: str) -> None:
    own = {stem(word) for word in words(kind)}
    for match in listed()["part"].finditer(reading.left):
        before = re.split(r"[,;:()\x00]", reading.left[: match.start()])[-1].split()
        first = len(before)
        while first and before[first - 1].lower() not in _NOT_A_PART and len(before) - first < 3:
            first -= 1
        described = before[first:]
        bounded = first == 0 or before[first - 1].lower() in _BEFORE_A_PART
        while described and described[0].lower() in STOP_WORDS | {"comes", "included"}:
            described = described[1:]
        after = reading.left[match.end() : match.end() + 12].strip()
        is_own = {stem(word) for word in match[0].lower().split()} & own
        says = bool(described) or "with" in [word.lower() for word in before] or "included" in after
        if (
            is_own
            or not says
            or not bounded
            or {stem(word.lower()) for word in described} & _NO_PART
            or re.match(r"(?:of|for|to) (?:most|all|up)|(?!Included)[A-Z][a-z]", after)
        ):
            continue
        phrase = " ".join([*described, match[0]])
        negated = bool(_NEGATION.search(reading.left[: match.start()])) or "no" in [
            w.lower() for w in before[max(0, first - 1) : first + 1]
        ]
        phrase = re.sub(r"^no ", "", phrase)
        comes_in = re.search(r"\bin an? $", reading.left[: match.start() - len(phrase) + len(match[0])])
        reading.found("part", phrase, f"{comes_in[0] if comes_in else ''}{phrase}", negated=negated)
        for made in listed()["material"].findall(" ".join(described)):
            reading.found("material", made, phrase, role=match[0].lower())
        without_matter = listed()["material"].sub(" ", " ".join(described))
        for colour in listed()["colour"].findall(without_matter):
            if colour.lower() not in lexicon()["en"]["material"]:
                reading.found("colour", colour, phrase, role=match[0].lower())
        start = match.start() - len(" ".join([*described, ""]))
        reading.take(max(0, start), match.end())


_NOT_A_USE = lexicon()["en"]["no_use"]


def _read_uses(reading: Reading, kind: str) -> None:
    """What, whom and when it is for."""
    own = {stem(word) for word in words(kind)}
    uses = re.compile(_spelled_uses(), re.IGNORECASE)
    for match in uses.finditer(reading.left):
        what = match["what"]
        first = what.split()[0].lower()
        vague = first in _NOT_A_USE or first[0].isdigit() or {stem(word) for word in words(what)} <= own
        vague |= reading.source == "description" and not _is_said_of_it(match, own)
        if TAKEN in what or len(what.split()) > 8 or vague:
            continue
        said = {stem(word) for word in words(what)}
        slot = next(
            (
                slot
                for slot in ("audience", "occasion", "compatible")
                if said & {stem(word) for phrase in lexicon()["en"][slot] for word in [phrase.split()[-1]]}
            ),
            "compatible" if reading.source == "title" else "function",
        )
        reading.found("compatibility" if slot == "compatible" else slot, what, match[0])
        reading.take(*match.span())


def _is_said_of_it(match: re.Match[str], own: set[str]) -> bool:
    """Whether a `for …` is the thing's use: it is led to, opens a clause, or follows the thing's noun."""
    before = match.string[: match.start()]
    led = r"(?i)(?:[,;:.(\x00]|\band|\b(?:suitable|great|good|fit|best|used?|meant|made))\s*$"
    opens = not before.strip() or re.search(led, before)
    return bool(
        match[0].lower().startswith(("ideal", "perfect"))
        or opens
        or own & {stem(word) for word in words(before)[:6]}
    )


@lru_cache(maxsize=1)
def _spelled_uses() -> str:
    macros = tomllib.loads(DATA.joinpath("patterns.toml").read_text("utf-8"))["macros"]
    return spelled(
        r"(?:\bfor|\bideal for|\bperfect for) (?P<what>{list})(?=[,.;:()!?\x00]|$| with | that | and an? )",
        macros,
    )


_WHOSE = re.compile(
    r"\b(?P<who>(?:baby )?(?:kids?|men|women|boys?|girls?|child(?:ren)?)(?:['’]s?|s['’]?|['’])?)(?= [\w-]+)",
    re.IGNORECASE,
)


_OF_AN_AGE = frozenset({"vintage", "antique", "retro", "modern", "rustic", "abstract"})
_LOOKS = frozenset({"design", "pattern", "print", "look", "finish", "style", "glaze"})


def _is_its_own(match: re.Match[str], kind: str, source: str) -> bool:
    """Whether a style is the thing's and no word of a design's name: it stands before its noun, or alone."""
    before, after = match.string[: match.start()], match.string[match.end() :]
    if source == "title":
        following = {stem(word) for word in words(after)[:1]}
        named = {stem(word) for word in words(kind)} | MATERIALS | COLOURS
        return match[0].lower() not in _OF_AN_AGE or bool(following & named)
    if match[0].lower() == "abstract":
        return False  # a description says it of art in general
    nouns = {stem(word) for word in words(kind)[-1:]} | _LOOKS
    then = {stem(word.lower()) for word in re.findall(r"[\w'-]+", re.split(r"[.;:,]", after)[0])[:3]}
    alone = re.search(r"(?:^|[,;:] |\b(?:is|are|and|also) )$", before) and re.match(
        r"$|[,.;:]| (?:and|with)\b", after
    )
    return bool(nouns & then or alone)


def _read_words(reading: Reading, kind: str) -> None:
    if reading.source == "title":
        for match in _WHOSE.finditer(reading.left):
            reading.found("audience", re.sub(r"['’]s?$", "", match["who"]), match[0])
        for match in re.finditer(
            rf"(?:^|(?<=, )|(?<=\x00, ))(?:{listed()['size'].pattern.removeprefix(EDGE)})(?=[,.]|$| \w+$)",
            reading.left,
            re.IGNORECASE,
        ):
            reading.found("size", match[0], match[0])
    for slot in ("function", "style", "certificate"):
        for match in listed()[slot].finditer(reading.left):
            if slot == "style" and not _is_its_own(match, kind, reading.source):
                continue
            negated = bool(_NEGATION.search(reading.left[: match.start()]))
            reading.found(slot, match[0], match[0], negated=negated)
            reading.take(*match.span())
