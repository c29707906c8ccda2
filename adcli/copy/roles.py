"""Facts from the semantic roles of prose: what a thing does, whatever the verb.

A clause is a fact if the thing itself does what it says: a verb of the third person or after `does not` whose
agent is the thing, a pronoun that stands for it, or left out (`Folds flat and does not fray.`). A predicate
that is no verb (`Ways to wear it.`) says nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple

from adcli.copy.fact import Fact
from adcli.copy.lexicon import STOP_WORDS
from adcli.copy.wording import is_chinese, sentences, stem, words

if TYPE_CHECKING:
    from adcli.core.roles.frames import Frame, Sentence

LabelRoles = Callable[[Sequence[str]], Sequence["Sentence"]]
"""Texts of sentences to their words with frames and syntax."""

SHORTEST, LONGEST = 2, 12  # words of a clause that an ad can say
_STANDS_FOR_IT = frozenset({"it", "this", "that", "which"})
_FINITE = frozenset({"root", "acl", "conj", "parataxis"})
_AGENTS = frozenset({"ARG0", "ARG1"})
_YOURS = frozenset({"you", "your", "yours"})
_SAYS_NOTHING = frozenset(
    {"is", "has", "comes", "makes", "does", "features", "includes", "contains", "offers"}
)


class Described(NamedTuple):
    """A product's noun, brand and prose, and what is known of it."""

    kind: str
    brand: str
    prose: str
    facts: tuple[Fact, ...]


def facts_of_roles(products: Sequence[Described], label: LabelRoles) -> list[list[Fact]]:
    """What the prose of each product says it does, beside the facts that are known.

    `products`: of one catalogue; `label`: reads roles.
    """
    asked = [
        (place, sentence)
        for place, product in enumerate(products)
        if not is_chinese(product.prose)
        for sentence in sentences(product.prose)
    ]
    more: list[list[Fact]] = [[] for _ in products]
    for (place, text), labelled in zip(asked, label([text for _, text in asked]), strict=True):
        known = (*products[place].facts, *more[place])
        more[place] += [fact for fact in _facts(labelled, text, products[place]) if _is_new(fact, known)]
    return more


def _facts(sentence: Sentence, text: str, product: Described) -> Iterator[Fact]:
    own = {stem(word) for word in words(product.kind)} | {word.lower() for word in words(product.brand)}
    spans = _spans(sentence.words, text)
    for frame in sentence.frames:
        first, last = _clause(sentence, frame)
        if SHORTEST <= last - first <= LONGEST and _is_of_thing(sentence, frame, first, own):
            value = text[spans[first][0] : spans[last - 1][1]]
            slot = "benefit" if _YOURS & set(words(value)) else "function"
            yield Fact(slot, value, span=value, source="description")


def _clause(sentence: Sentence, frame: Frame) -> tuple[int, int]:
    """The run of words from the verb, or from `does not` before it, to the end of what depends on it."""
    first = frame.predicate
    denied = [word for word, role in frame.roles if role == "ARGM-NEG" and word < first]
    if denied:
        first = min(denied)
        first -= first > 0 and sentence.words[first - 1].lower() == "does"
    _, last = sentence.phrase(frame.predicate)
    later = [other.predicate for other in sentence.frames if other.predicate > frame.predicate]
    joined = [place for place in later if sentence.relations[place : place + 1] == ("conj",)]
    marks = [place for place in range(frame.predicate, last) if sentence.words[place] in ";:()."]
    last = min([last, *marks, *(place - 1 for place in joined if place < last)])
    while last > first and not sentence.words[last - 1][0].isalnum():
        last -= 1
    return first, last


def _is_of_thing(sentence: Sentence, frame: Frame, first: int, own: set[str]) -> bool:
    """Whether it is the thing that does so."""
    if sentence.tags[frame.predicate] != "VERB":
        return False
    verb = sentence.words[frame.predicate].lower()
    is_third = verb.endswith("s") and not verb.endswith("ss") and verb not in _SAYS_NOTHING
    is_denied = first < frame.predicate and sentence.words[first].lower() == "does"
    if not (is_third or is_denied) or sentence.relations[frame.predicate] not in _FINITE:
        return False
    agents = [word for word, role in frame.roles if word < first and role in _AGENTS]
    return all(
        sentence.words[word].lower() in _STANDS_FOR_IT or stem(sentence.words[word].lower()) in own
        for word in agents
    )


def _is_new(fact: Fact, known: Sequence[Fact]) -> bool:
    """Whether no fact says half of it already."""
    said = {stem(word) for word in words(fact.value)} - STOP_WORDS
    return bool(said) and all(
        2 * len(said & {stem(word) for word in words(other.said)}) < len(said) for other in known
    )


def _spans(tokens: Sequence[str], text: str) -> list[tuple[int, int]]:
    """Where each word stands in its text."""
    spans, start = [], 0
    for token in tokens:
        begin = max(text.find(token, start), start)
        start = begin + len(token)
        spans.append((begin, start))
    return spans
