"""One sentence that facts are read from: what was found, and what is left of it."""

from __future__ import annotations

import re
from functools import lru_cache

from adcli.copy.fact import Fact
from adcli.copy.headings import lowered
from adcli.copy.lexicon import lexicon

TAKEN = "\x00"  # what stands for each letter of what was taken
EDGE = r"(?<![\w-])"  # where a word begins


@lru_cache(maxsize=1)
def listed() -> dict[str, re.Pattern[str]]:
    """Each list of the lexicon as one pattern of whole phrases, the longest first."""
    return {
        slot: re.compile(
            rf"{EDGE}(?:{'|'.join(sorted(map(re.escape, listed), key=len, reverse=True))})(?![\w-])",
            re.IGNORECASE,
        )
        for slot, listed in lexicon()["en"].items()
        if not slot.startswith("verb ")
    }


class Reading:
    """One sentence that is read, with what was taken from it blotted out."""

    def __init__(self, text: str, source: str) -> None:
        self.text, self.left, self.source = text, text, source
        self.facts: list[Fact] = []

    def take(self, start: int, end: int) -> None:
        """Blot out what lies between two places, so that nothing reads it again."""
        self.left = f"{self.left[:start]}{TAKEN * (end - start)}{self.left[end:]}"

    def found(self, slot: str, value: str, span: str, *, role: str = "", negated: bool = False) -> None:
        """Keep a fact."""
        value = restored(_trimmed(value))
        one = re.fullmatch(r"(?:pack|set|box) of (?:1|one)", value)
        if value and not one:
            self.facts.append(Fact(slot, value, role, restored(span).strip(" ,."), negated, self.source))


def protected(sentence: str) -> str:
    """`sentence` with the marks inside numbers (`1,150`, `2.6`) as signs that end no clause."""
    return re.sub(r"(?<=\d)\.(?=\d)", "․", re.sub(r"(?<=\d),(?=\d)", "‚", sentence))


def restored(text: str) -> str:
    """What `protected` was given."""
    return text.replace("․", ".").replace("‚", ",")


def _trimmed(value: str) -> str:
    text = re.sub(r"^(?:an?|the|its|and|with|for)\s+", "", value.strip(" ,.;:()\x00").replace(TAKEN, ""))
    first = text.split(" ", 1)[0]
    if text.isupper():
        return lowered(text)
    return text if first[1:] != first[1:].lower() else text[:1].lower() + text[1:]
