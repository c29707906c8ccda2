"""Verdicts: the closed list of what a comparison can end in, each with a word and a shape."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from adcli.report.text import clean_text

# The mark is drawn beside the word, so that neither needs colour to be told apart.
VERDICT_MARKS: Mapping[str, str] = {
    "better": "up",
    "worse": "down",
    "no difference found": "equal",
    "not enough evidence": "open",
    "invalid": "cross",
}


class Verdict(NamedTuple):
    """One verdict sentence of a page.

    Args:
        kind: `better`, `worse`, `no difference found`, `not enough evidence` or `invalid: why`.
        sentence: What is so, with the figures it rests on.
        reason: Why the verdict is this one.
    """

    kind: str
    sentence: str
    reason: str = ""

    @property
    def mark(self) -> str:
        """The shape of the verdict's mark."""
        return verdict_mark(self.kind)


def verdict_mark(kind: str) -> str:
    """The shape that stands for a verdict; `open` for a word that is not on the list."""
    return VERDICT_MARKS.get(clean_text(kind).partition(":")[0].strip(), "open")
