"""Which material or colour a text says of which part of a thing.

>>> sorted(attached("A brass rose, a spout of copper; the handle is black"))
[('black', 'handle'), ('brass', 'rose'), ('copper', 'spout')]
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from adcli.copy.claims import folded, same_word
from adcli.copy.lexicon import STOP_WORDS, lexicon
from adcli.copy.wording import stem, words

_MATTER = frozenset(
    same_word(stem(phrase.split()[-1])) for slot in ("material", "colour") for phrase in lexicon()["en"][slot]
)
_PARTS = frozenset(stem(part) for part in lexicon()["en"]["part"] if " " not in part) - {"box"}
"""The parts of things; a box is as often what a thing is, or comes in."""
_SAID_OF = frozenset({"is", "are", "of", "in", "from", "comes", "come", "made", "whose"})
_PUT_ON = frozenset({"for", "on", "at"})
_UNKNOWN_MOST = 2  # words that may stand between `of` and the material: `of Japanese SK4 steel`


def attached(text: str, named: frozenset[str] = frozenset()) -> set[tuple[str, str]]:
    """The pairs of a material or colour and the part that it is said of, both as stems.

    `text`: an ad, or what is on record; `named`: stems of further parts that the record names.
    """
    parts = _PARTS | named
    found: set[tuple[str, str]] = set()
    for clause in re.split(r"[.;:!?]", folded(text)):
        tokens = [same_word(stem(word)) for word in words(clause)]
        for place, token in enumerate(tokens):
            if token in parts:
                its = {*_before(tokens[:place]), *_after(tokens[place + 1 :])}
                found |= {(matter, token) for matter in its if matter != token}
    return found


def _before(tokens: Sequence[str]) -> Iterator[str]:
    """Matter that stands right before a part, or that is put on it (`leather for the dial`)."""
    left = list(tokens)
    while left and left[-1] in ("the", "it", "a", "an", "each", "every", "its"):
        left.pop()
    if left and left[-1] in _PUT_ON and len(left) < len(tokens):
        left.pop()
    elif len(left) < len(tokens):
        return
    while left and left[-1] in _MATTER:
        yield left.pop()


def _after(tokens: Sequence[str]) -> Iterator[str]:
    """Matter that a part is said to be of: `is of steel`, `in black and white`."""
    if not tokens or tokens[0] not in _SAID_OF:
        return
    unknown = 0
    for place, token in enumerate(tokens):
        if token in _MATTER and tokens[place + 1 : place + 2] not in [[part] for part in _PARTS]:
            yield token
            unknown = _UNKNOWN_MOST
        elif token in _PARTS or unknown >= _UNKNOWN_MOST:
            return
        elif token not in STOP_WORDS | _SAID_OF:
            unknown += 1
