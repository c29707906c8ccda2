"""Lines about a product, written around slots: values are copied from its facts, frames say the rest.

The frames stand in `data/english.toml` and `data/chinese.toml`. A frame is open where the product has a
phrase for each of its slots, so that an angle is there only where a fact of its kind is on record.

Source: Reiter & Dale, "Building Natural Language Generation Systems" (2000), chapter 5 (realisation).
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from itertools import chain, islice, product
from pathlib import Path
from typing import NamedTuple

from adcli.copy.ad import Line
from adcli.copy.channels import display_width
from adcli.copy.fact import Fact
from adcli.generate.nouns import Noun, with_article
from adcli.generate.phrases import Phrase, Phrases, joined

MOST_PREDICATES = 3
_CUT_SHORT = frozenset({"imperative", "use", "occasion"})
_GOES_ON = re.compile(r"(?:[.:] (?:it|\[it\|they\])|, which) \{P\}\.$")
TRIED = 40  # fillings of one frame
_SLOT = re.compile(r"\{(\w+)\}")
_NUMBER = re.compile(r"\[([^|\]]*)\|([^\]]*)\]")
_SENTENCE_START = re.compile(r"(?:^|(?<=[.?!] ))[a-z](?![a-z]*[A-Z])")
_NAMING = frozenset({"a", "the", "kind", "brand", "name", "P"})
_PLACE = {"capacity": 0, "power": 0, "size": 0, "function": 1, "style": 2, "colour": 3, "material": 4}
_TYPES = frozenset({"analog", "digital", "mechanical", "on-ear", "over-ear", "in-ear", "folding"})


class Frame(NamedTuple):
    """How a line is said.

    Attributes:
        angle: One of `ANGLES`.
        say: The line with its slots.
        lead: The forms that its first predicate may have; none is any.
        needs: Forms that must be on record although they fill no slot.
        kinds: The nouns it is for; none is any noun.
    """

    angle: str
    say: str
    lead: frozenset[str]
    needs: frozenset[str]
    kinds: frozenset[str]

    @property
    def opens(self) -> str:
        """Its first two words or slots, of a headline all: lines that have them in common open alike."""
        return " ".join(self.say.split()[:2]) if self.say.endswith((".", "。")) else self.say


class Predicate(NamedTuple):
    """What can be said with the phrases of one form; `kinds` as a frame's, `last` if it cannot lead."""

    form: str
    say: str
    kinds: frozenset[str]
    last: bool


class Grammar(NamedTuple):
    """The frames and predicates of one language."""

    predicates: tuple[Predicate, ...]
    descriptions: tuple[Frame, ...]
    headlines: tuple[Frame, ...]


@lru_cache(maxsize=2)
def grammar_of(language: str) -> Grammar:
    """The grammar of `english` or `chinese`."""
    read = tomllib.loads((Path(__file__).parent / "data" / f"{language}.toml").read_text("utf-8"))
    groups = {"": "", **read.get("groups", {})}

    def kinds(line: Mapping[str, str]) -> frozenset[str]:
        return frozenset(kind.strip() for kind in groups[line.get("of", "")].split(";")) - {""}

    def frames(lines: Sequence[Mapping[str, str]]) -> tuple[Frame, ...]:
        return tuple(
            Frame(
                line["angle"],
                line["say"],
                frozenset(line.get("lead", "").split()),
                frozenset(line.get("needs", "").split()),
                kinds(line),
            )
            for line in lines
        )

    predicates = tuple(
        Predicate(line["form"], line["say"], kinds(line), line.get("last", False))
        for line in read["predicate"]
    )
    return Grammar(predicates, frames(read["description"]), frames(read["headline"]))


def lines_of(
    frames: Sequence[Frame],
    noun: Noun,
    phrases: Phrases,
    predicates: Sequence[Predicate] = (),
    *,
    columns: int,
) -> Iterator[Line]:
    """Every line that the open frames give in at most `columns`, those that state most first in each frame.

    Args:
        frames: Of descriptions or of headlines.
        noun: The words for the product.
        phrases: What its facts say, by form.
        predicates: What `{P}` can stand for.
        columns: Most display columns of a line.
    """
    able = [each for each in predicates if not each.kinds or noun.stems & each.kinds]
    for frame in _of_kind(frames, noun):
        slots = set(_SLOT.findall(frame.say))
        needed = (slots - _NAMING) | frame.needs
        has_noun = (noun.kind or not slots & {"a", "kind"}) and (noun.brand or "brand" not in slots)
        has_noun = has_noun and (noun.name or "name" not in slots)
        if needed <= phrases.keys() and has_noun:
            for said, facts in islice(_fillings(frame, noun, phrases, able), TRIED):
                text = _SENTENCE_START.sub(lambda found: found[0].upper(), said)
                says_which = facts or noun.brand or (noun.name and noun.name in text)
                if says_which and display_width(text) <= columns:
                    yield Line(text, frame.angle, facts, frame.opens)


def _of_kind(frames: Sequence[Frame], noun: Noun) -> Iterator[Frame]:
    """The frames for every noun and for this one; some name it whole, others by its last word."""
    named = {noun.kind} if any(noun.kind in frame.kinds for frame in frames) else noun.stems
    named = named | {f"={noun.kind}"}
    return (frame for frame in frames if not frame.kinds or named & frame.kinds)


def _fillings(
    frame: Frame, noun: Noun, phrases: Phrases, predicates: Sequence[Predicate]
) -> Iterator[tuple[str, tuple[Fact, ...]]]:
    """The frame with each choice of phrases in its slots, none saying what another says."""
    slots = _SLOT.findall(frame.say)
    asked = [slot for slot in slots if slot not in _NAMING]
    own = Phrase(f"{noun.kind} {noun.brand} {noun.name if 'name' in slots else ''}").roots
    counts = (
        (0,)
        if not noun.kind
        else (1, 0, 2)
        if "a" in slots or ("the" in slots and not noun.brand)
        else (0, 1)[: 1 + ("the" in slots)]
    )
    for chosen in product(*(phrases[slot] for slot in asked)):
        used = own.union(*(phrase.roots for phrase in chosen))
        if len(used) < len(own) + sum(len(phrase.roots) for phrase in chosen):
            continue
        filled = {slot: phrase.text for slot, phrase in zip(asked, chosen, strict=True)}
        for say, going_on in _goings_on(frame, noun, phrases, predicates, used):
            for count in counts:
                before = _adjectives(phrases, used | going_on.roots, count)
                if len(before) == count:
                    text = _named(say, noun, before)
                    facts = chain.from_iterable(part.facts for part in (*chosen, going_on, *before))
                    yield _put(text, filled | {"P": going_on.text}, noun), tuple(dict.fromkeys(facts))


def _put(say: str, filled: Mapping[str, str], noun: Noun) -> str:
    """`say` with the words for its slots, and with one of each `[one|several]`."""
    text = _SLOT.sub(lambda slot: filled[slot[1]], say)
    return _NUMBER.sub(lambda either: either[2 if noun.several else 1], text)


def _goings_on(
    frame: Frame, noun: Noun, phrases: Phrases, predicates: Sequence[Predicate], used: frozenset[str]
) -> Iterator[tuple[str, Phrase]]:
    """The line and what its `{P}` stands for; at last the line without what only goes on to say more."""
    if "{P}" not in frame.say:
        yield frame.say, Phrase("")
        return
    for predication in _predications(frame, noun, phrases, predicates, used):
        yield frame.say, predication
    if frame.angle in _CUT_SHORT and _GOES_ON.search(frame.say):
        yield _GOES_ON.sub(".", frame.say), Phrase("")


def _predications(
    frame: Frame, noun: Noun, phrases: Phrases, predicates: Sequence[Predicate], used: frozenset[str]
) -> Iterator[Phrase]:
    """What `{P}` can be: each predicate that may lead, with two, one or none of other forms after it."""
    able = [
        (
            form,
            last,
            Phrase(say.replace(f"{{{form}}}", phrase.text), phrase.facts),
            phrase.roots | _verbs_of(say),
        )
        for form, say, _, last in predicates
        for phrase in phrases.get(form, ())
        if not phrase.roots & used and not _verbs_of(say) & _verbs_of(frame.say)
    ]
    has_better = any(not last for _, last, _, _ in able)
    for place, (form, last, lead, roots) in enumerate(able):
        if form not in frame.lead if frame.lead else last and has_better:
            continue
        run, forms, said = [lead], {form}, set(roots)
        for other, _, phrase, more in able[place + 1 :] + able[:place]:
            fits = other not in forms and not more & said and len(run) < MOST_PREDICATES
            if fits and sum(part.text.startswith("[is|are]") for part in [*run, phrase]) < MOST_PREDICATES:
                run, forms, said = [*run, phrase], forms | {other}, said | more
        for count in range(len(run), 0, -1):
            texts = sorted(
                (part.text for part in run[:count]), key=lambda text: ", " in text
            )  # lists at last
            yield Phrase(
                "，".join(texts) if noun.measure else _run(texts),
                tuple(chain.from_iterable(part.facts for part in run[:count])),
            )


def _run(predicates: Sequence[str]) -> str:
    """Predicates in a row, with a comma before the last `and` where an earlier one has its own."""
    *first, last = predicates
    if not first or (not any(" and " in each for each in first) and last.count("[") < 2):
        return joined(predicates)
    return f"{', '.join(first)}, and {last}"


def _verbs_of(say: str) -> frozenset[str]:
    """The words of four letters and more that a frame or predicate has of its own (`made`, `suits`)."""
    return frozenset(re.findall(r"[a-z]{4,}", _SLOT.sub("", say)))


def _adjectives(phrases: Phrases, said: frozenset[str], count: int) -> list[Phrase]:
    """The first `count` phrases that can stand before the noun and are not said yet, in English order."""
    able = [
        phrase
        for phrase in (*phrases.get("adjective", ()), *phrases.get("amount", ()))
        if not phrase.roots & said
    ]
    return sorted(able[:count], key=lambda each: 5 if each.text in _TYPES else _PLACE[each.facts[0].slot])


def _named(say: str, noun: Noun, adjectives: Sequence[Phrase]) -> str:
    """`say` with the product's noun phrases; the adjectives stand in the first one that takes any."""
    if noun.measure:
        return _named_in_chinese(say, noun, "".join(phrase.text for phrase in adjectives))
    before = " ".join(phrase.text for phrase in adjectives)
    brand = re.sub("(?i)^the ", "", noun.brand)
    described = f"{before} {noun.kind}".strip()
    after = noun.kind if "{a}" in say else described
    first, _, rest = noun.kind.partition(" ")
    if noun.brand and first == noun.brand.split()[-1].lower():
        the = f"the {brand} {after.replace(noun.kind, rest)}"
    elif noun.brand and noun.kind:
        the = f"the {brand} {after}"
    elif noun.name and not adjectives:
        the = f"the {noun.name}"
    else:
        the = f"[this|these] {after}"
    words = {"a": with_article(described), "the": the, **noun._asdict()}
    return _SLOT.sub(lambda slot: words.get(slot[1], slot[0]), say)


def _named_in_chinese(say: str, noun: Noun, before: str) -> str:
    """`say` with the noun and its measure word (`一条复古裙`, `这台空调`), or the brand before it."""
    after = noun.kind if "{a}" in say else f"{before}{noun.kind}"
    words = {
        "a": f"一{noun.measure}{before}{noun.kind}",
        "the": f"{noun.brand}{after}" if noun.brand else f"这{noun.measure}{after}",
        **noun._asdict(),
    }
    return _SLOT.sub(lambda slot: words.get(slot[1], slot[0]), say)
