"""What an ad says and its product's record denies, and the other way round.

>>> from adcli.copy.facts import product_facts
>>> pouch = product_facts({"title": "Acme Pouch", "description": "With a zip. Not waterproof."})
>>> [next(contradictions(text, pouch.record)) for text in ("A pouch without a zip", "Waterproof")]
[('negation.contradicted', 'zip'), ('negation.contradicted', 'waterproof')]
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from adcli.copy.claims import Record, folded
from adcli.copy.fact import Fact
from adcli.copy.lexicon import STOP_WORDS, lexicon
from adcli.copy.wording import root, stem, words

_CUE = (
    r"(?:no|not|without(?: any)?|never|isn't|aren't|doesn't|don't|can't|won't|cannot|zero|free of|free from|"
    r"lacks?|contains no|none|nothing|nor|left out|leaves? out|missing|minus|skips?|instead of|nobody|no one|"
    r"keep (?:it |them )?(?:away from|off|out of)|bare of)"
)
_AFTER = re.compile(
    rf"(?<![\w-]){_CUE}[\s-]+(?!only\b|just\b)(?P<said>[^,.;:!?()]{{0,40}})|(?P<free>[\w]+)-free\b"
)
_BEFORE = re.compile(
    rf"(?P<said>[^,.;:!?()]{{2,40}})(?:[?:,]| -) ?{_CUE}(?: here| at all| in it)?(?=[.!?;)]|$)|"
    r"(?P<about>[^,.;:!?()]{2,40}?) (?:is|are|was|were)?(?:n't| not)? ?"
    r"(?:sold separately|costs? extra|included\b(?<=not included)|in vain|left (?:out|away)|"
    r"part of it(?<=not part of it)|has no place|have no place)|"
    r"(?:look|search|ask) for (?P<sought>[^,.;:!?()]{2,40}?) (?:and|but) [a-z ]*none"
)
_LESS = re.compile(
    r"^(?:suitable|recommended|meant|made|intended|good|safe|fit|let it|use|do)?\s*(?:for|to|in|it)?\s+"
)
_PHRASE_END = re.compile(
    r"\b(?:for|in|on|with|at|to|by|from|which|that|but|than|when|if|and|or|before|until)\b"
)
_SAYS_NOTHING = frozenset({
    "else", "more", "need", "worry", "problem", "matter", "one", "longer", "fancy", "fuss", "time", "doubt",
    "suitable", "cover", "covered", "warranty", "applicable", "available", "use", "thing", "way", "have",
})  # fmt: skip
_APPLIANCES = frozenset(
    {"dishwasher", "microwave", "freezer", "induction", "oven", "dryer", "machine", "bleach", "iron"}
)
_DENIABLE = frozenset({
    "part", "ingredient", "function", "material", "care", "certificate", "compatibility", "style",
})  # fmt: skip
_PARTS = frozenset(stem(part) for part in lexicon()["en"]["part"] if " " not in part)
_GENERAL_VERBS = frozenset(
    {"keep", "make", "let", "give", "take", "help", "get", "go", "feel", "leave", "hold"}
)


_ONLY = re.compile(r"\b(?P<way>dry clean|hand wash|wash by hand|by hand)\w*(?: \w+)? only\b")
_BY_MACHINE = re.compile(r"(?<!not )(?:machine[ -]wash|dishwasher)")


def contradictions(text: str, record: Record) -> Iterator[tuple[str, str]]:
    """`negation.contradicted` with each thing that the record says, or denies, and `text` turns around."""
    stated = [set(_stems(fact.said)) for fact in record.facts if not re.search(rf"\b{_CUE}\b", fact.said)]
    denied = [value for value in _denied_on(record) if not any(value <= each for each in stated)]
    for sentence in re.split(r"[.!]\s+|[.!]$", text):
        plain = folded(sentence)
        missing, said = list(denied_in(plain)), set(_stems(plain))
        for value in denied:
            if _roots(value) <= _roots(said) and not any(_roots(value) & _roots(each) for each in missing):
                yield "negation.contradicted", " ".join(sorted(value))
        if (
            (only := _ONLY.search(plain))
            and only["way"] not in record.text
            and _BY_MACHINE.search(record.text)
        ):
            yield "negation.contradicted", only[0]
        if missing and plain.strip(" .!?") not in record.text:
            for core in _stated_on(record):
                if any(core <= each for each in missing) and not any(core & other for other in denied):
                    yield "negation.contradicted", " ".join(sorted(core))


def _stated_on(record: Record) -> Iterator[set[str]]:
    """The stems of each thing that the record says is so, any of which a denial turns around."""
    own = {word for fact in record.facts if fact.slot == "kind" for word in _stems(fact.value)}
    yield from (
        {part} for part in (_PARTS | _APPLIANCES - {"machine", "iron", "bleach"}) & record.stems - own
    )
    for fact in record.facts:
        if fact.slot in _DENIABLE and not fact.negated:
            yield from _cores(fact)


def _denied_on(record: Record) -> Iterator[set[str]]:
    """The stems of each thing that the record says is not so."""
    phrases = [piece for fact in record.facts for piece in _pieces(fact) if fact.negated]
    phrases += [
        re.sub(rf"^{_CUE}\s+", "", piece) for fact in record.facts for piece in _pieces(fact) if _opens(piece)
    ]
    for phrase in [*phrases, *record.denied]:
        if value := _key(phrase):
            yield value
    for match in (
        match for chunk in re.split(r"[.,;:!?()]| and | or ", record.text) for match in _AFTER.finditer(chunk)
    ):
        said = match["said"] or match["free"] or ""
        value = _key(_PHRASE_END.split(_LESS.sub("", f"{said} "))[0])
        if 0 < len(value) <= 2 and not re.match(r"zero|instead|without (?:its|the|your)\b", match[0]):
            yield value
    for match in re.finditer(r"(\w+) \(?not included", record.text):
        yield {stem(match[1]), "included"}


def _key(phrase: str) -> set[str]:
    """What tells a phrase: the appliance that it names, else all its words."""
    value = set(_stems(phrase)) - _SAYS_NOTHING
    return value & _APPLIANCES or value


def _pieces(fact: Fact) -> list[str]:
    return [piece.strip() for piece in re.split(r",| and | or ", folded(fact.value)) if piece.strip()]


def _opens(piece: str) -> bool:
    return bool(re.match(rf"(?:do )?{_CUE}\s", piece))


def _cores(fact: Fact) -> list[set[str]]:
    """The words that deny a fact: of a part the noun alone (`without a grip`), of what it does the verb."""
    values = [piece for piece in _pieces(fact) if not _opens(piece)]
    cores = [_key(piece) for piece in values]
    if fact.slot == "part":
        cores = [{_stems(piece)[-1]} for piece in values if _stems(piece)]
    if fact.slot == "function" and values:
        verb = stem(values[0].split()[0])
        if f"{verb}s" in lexicon()["en"]["verb function"] and verb not in _GENERAL_VERBS:
            cores.append({verb})
    return [core for core in cores if core]


def denied_words(record: Record) -> set[str]:
    """The stems of all that the record says is not so."""
    return set().union(*_denied_on(record))


def denied_in(plain: str) -> Iterator[set[str]]:
    """The stems of what each denial in a sentence denies."""
    for match in _AFTER.finditer(plain):
        if match["said"] and re.match(r"(?!.*-)\w{3,}ing (?:the|its|your|any|a)\b", match["said"]):
            continue  # what is not done to a part is no denial of the part
        yield set(_stems(match["said"] if match["said"] is not None else match["free"])[:6])
    for match in _BEFORE.finditer(plain):
        yield set(_stems(match["said"] or match["about"] or match["sought"])[-6:])


def _roots(stems: set[str]) -> set[str]:
    return {root(word) for word in stems}


def _stems(text: str) -> list[str]:
    return [stem(word) for word in words(text) if word not in STOP_WORDS or word in ("on", "off")]
