"""What semantic role labelling gives of a sentence: its predicates and what plays which role of each.

Source: Palmer, Gildea and Kingsbury, "The Proposition Bank" (2005), for predicates and their roles; Jurafsky
and Martin, "Speech and Language Processing" (3rd ed.), chapter 21, for roles of heads in place of spans.
"""

from __future__ import annotations

from typing import NamedTuple


class Frame(NamedTuple):
    """One predicate and its arguments.

    Attributes:
        predicate: Place of the predicate among the sentence's words.
        roles: Of each argument the place of its head word and the role, as `ARG1` or `ARGM-TMP`, in order.
    """

    predicate: int
    roles: tuple[tuple[int, str], ...]


class Sentence(NamedTuple):
    """Words, and what is known of how they hang together.

    Attributes:
        words: The words and marks.
        frames: One for each predicate, in order.
        heads: Of each word the place of the word it depends on, its own for a root; empty where not known.
        relations: Of each word what it is to its head, as Universal Dependencies name it; empty likewise.
        tags: Of each word its part of speech, as they name it; empty likewise.
    """

    words: tuple[str, ...]
    frames: tuple[Frame, ...] = ()
    heads: tuple[int, ...] = ()
    relations: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()

    def phrase(self, word: int) -> tuple[int, int]:
        """The run of words around a word that depend on it, directly or not: first and one past the last."""
        below = {word}
        for _ in self.heads:
            below |= {place for place, head in enumerate(self.heads) if head in below}
        first = last = word
        while first - 1 in below:
            first -= 1
        while last + 1 in below:
            last += 1
        return first, last + 1
