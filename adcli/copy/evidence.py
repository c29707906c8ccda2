"""What a model of claims reads: each sentence of an ad beside what the record says nearest to it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from adcli.copy.claims import Finding
from adcli.copy.facts import ProductFacts
from adcli.copy.grounding import NEW_WORD, rests_on
from adcli.copy.lexicon import STOP_WORDS
from adcli.copy.wording import is_chinese, root, sentences, words

SEPARATOR = " [SEP] "
MOST_EVIDENCE = 3
NAMES = ("unsupported", "supported")  # what the model of claims tells apart
_INVITES = re.compile(
    r"(?:see|order|shop|buy|find|get|browse|discover|take a closer|add|view|explore|learn|read)\b[^.]{0,40}"
    r"(?:shop|online|now|today|details|more|look|here|cart|page)\b[.!]?$",
    re.IGNORECASE,
)


class Claim(NamedTuple):
    """One sentence of an ad (the ad's number, its text), and with its evidence as a model reads it."""

    ad: int
    text: str
    with_evidence: str


def evidence_for(claim: str, product: ProductFacts) -> str:
    """What the record says nearest to a claim: the title, and the statements that share words with it."""
    said = {root(word) for word in words(claim)} - STOP_WORDS
    stated = list(dict.fromkeys([*sentences(product.prose), *(_fact(product))]))
    ranked = sorted(range(len(stated)), key=lambda index: (-_shared(said, stated[index]), index))
    return " ".join([f"{product.title}.", *(stated[index] for index in sorted(ranked[:MOST_EVIDENCE]))])


def _shared(said: set[str], statement: str) -> int:
    """How many roots of the claim a statement has, or has more of (`dim`: dimmable)."""
    its = {root(word) for word in words(statement)} - STOP_WORDS
    return sum(word in its or (len(word) > 2 and any(each.startswith(word) for each in its)) for word in said)


def _fact(product: ProductFacts) -> Iterator[str]:
    for fact in product.facts:
        if fact.source.startswith("attribute") or fact.source not in ("title", "description", "review"):
            yield f"{fact.slot}: {fact.said}"
    yield from (f"not {denied}" for denied in product.record.denied)


def pair_of(claim: str, evidence: str) -> str:
    """A claim and its evidence as one text, for an encoder that attends to both."""
    return f"{claim}{SEPARATOR}{evidence}"


def claims_of(ad: int, text: str, product: ProductFacts, found: Sequence[Finding]) -> list[Claim]:
    """The sentences of an English ad without a fault but new words, and that words can not vouch for."""
    if is_chinese(text):
        return []
    spans = [finding.span.lower() for finding in found if finding.span and finding.rule != NEW_WORD]
    return [
        Claim(ad, sentence, pair_of(sentence, evidence_for(sentence, product)))
        for sentence in sentences(text)
        if len(sentence.split()) > 1
        and not any(span in sentence.lower() for span in spans)
        and not _INVITES.match(sentence)
        and not rests_on(sentence, product.record)
    ]
