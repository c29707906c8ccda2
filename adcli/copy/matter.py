"""What a thing is made of, its colour and what it contains, where a sentence says that it is its own."""

from __future__ import annotations

import re
from functools import lru_cache

from adcli.copy.lexicon import COLOURS, lexicon
from adcli.copy.naming import things
from adcli.copy.reading import EDGE, Reading, listed
from adcli.copy.wording import stem, words

_EATEN_OR_WORN = lexicon()["en"]["contains"]
_ALWAYS_MATTER = frozenset({"copper", "paper", "carbon"})
METALS = frozenset({"gold", "golden", "silver", "bronze"})
"""Colours that are as often what a thing is made of."""
_OF_METAL = r"\b(?:of|from|solid|pure|sterling) $"


def read_ingredients(reading: Reading, kind: str) -> None:
    """What a thing for the skin or the table contains; of other things these words name something else."""
    if not {stem(word) for word in words(kind)} & _EATEN_OR_WORN:
        return
    one = listed()["ingredient"].pattern
    for match in re.finditer(
        rf"{one}(?:(?:,| and|, and) {one.removeprefix(EDGE)})*", reading.left, re.IGNORECASE
    ):
        reading.found("ingredient", match[0], match[0])
        reading.take(*match.span())


def read_matter(reading: Reading, kind: str) -> None:
    """Colours and materials of the thing itself: `of oak`, `in red`, before its noun, or a phrase alone."""
    own = (
        [match.span() for match in re.finditer(rf"(?i)\b(?:{re.escape(kind)})\b", reading.left)]
        if kind
        else []
    )
    for slot, (several, led) in _matter().items():
        for match in several.finditer(reading.left):
            start, end = match.span()
            inside = any(first <= start and end <= last for first, last in own)
            if not inside and _is_stated(slot, match, led, reading, kind):
                reading.found(
                    slot,
                    match[0],
                    match[0],
                    role=_part_before(reading.left[:start]) or _part_after(reading.left[end:]),
                )
                reading.take(start, end)


def _part_before(text: str) -> str:
    """The part that is of what follows (`cushions of`, `filled with`), or ''."""
    if re.search(r"\bfilled with (?:\w+ )?$", text, re.IGNORECASE):
        return "filling"
    inside = re.search(r"\b(?:inner|inside|interior)[ :]+$", text, re.IGNORECASE)
    found = re.search(r"(\w+) of $", text)
    is_part = found and found[1].lower() in lexicon()["en"]["part"]
    return "inside" if inside else found[1].lower() if found and is_part else ""


def _part_after(text: str) -> str:
    """The inside where it is that which is so (`red interior`)."""
    return "inside" if re.match(r" (?:inner|inside|interior)\b", text, re.IGNORECASE) else ""


_MADE = frozenset({"made", "out", "consists", "full", "fabric", "piece", "blend", "body"})


def _is_of_another(before: str) -> bool:
    """Whether what is `of` the material is a word for no thing (`alloy of`, `a touch of`)."""
    found = re.search(rf"([\w-]+) of (?:{_ADJECTIVE} ){{0,2}}$", before, re.IGNORECASE)
    head = stem(found[1].lower()) if found else "made"
    return head not in _MADE | things() | lexicon()["en"]["part"] and found is not None and not head.isdigit()


@lru_cache(maxsize=1)
def _matter() -> dict[str, tuple[re.Pattern[str], re.Pattern[str]]]:
    """Of colours and materials: one or several of them, and the words that lead to them."""
    found = {}
    for slot, opening in (("colour", "in"), ("material", "of|in|made of|made from|from|filled with")):
        one = listed()[slot].pattern.removeprefix(EDGE)
        found[slot] = (
            re.compile(rf"{EDGE}{one}(?:(?:,| and|&| &) {one})*", re.IGNORECASE),
            re.compile(rf"\b(?:{opening}) (?:{_ADJECTIVE} ){{0,2}}$", re.IGNORECASE),
        )
    return found


_ADJECTIVE = r"(?:an?|the|pure|soft|heavy|bright|recycled|brushed|organic|natural|[\w-]+ed)"


def _is_stated(slot: str, match: re.Match[str], led: re.Pattern[str], reading: Reading, kind: str) -> bool:
    """Whether a material's or colour's word, as it stands, says it of the thing and is not part of a name."""
    english, said = lexicon()["en"], match[0].lower()
    before, after = reading.left[: match.start()], reading.left[match.end() :]
    is_led = bool(led.search(before)) and not _is_of_another(before)
    begins = not before or before.endswith((", ", ": "))
    stops = not after or after[0] in ",.;:"
    noun = stem(kind.split()[-1].lower()) if kind else ""
    then = (
        bool(noun)
        and noun in {stem(word) for word in re.findall(r"[\w'-]+", after[:60])[:3]}
        and after[:1] == " "
    )
    plain = {part.strip() for part in re.split(r",|&| and ", said)}
    if slot == "colour" and plain <= english["material"] - COLOURS and not begins:
        return False
    doubtful = bool(plain & english["ambiguous"])
    last = before.split()[-1].lower() if before.split() else ""
    coordinated = last in ("and", "&") and not is_led
    doubted = doubtful and reading.source == "title" and slot == "material"
    if slot == "material" and plain <= METALS and not re.search(_OF_METAL, before, re.IGNORECASE):
        return False  # `silver wire`, `in gold`: as often the colour
    if is_led or (begins and stops):
        return not doubted or (begins and stops)
    if then or (reading.source == "title" and bool(noun) and stem(last) == noun):
        return not coordinated and not (doubted and said not in _ALWAYS_MATTER)
    return not doubtful and slot == "colour" and stops and not coordinated
