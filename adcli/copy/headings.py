"""What an attribute of a product states: heading and value to facts, by the table `data/headings.toml`.

>>> [(fact.slot, fact.value, fact.role) for fact in stated("Strap Material", "Leather")]
[('material', 'leather', 'strap')]
>>> stated("Model ID", "X-1")
[]
"""

from __future__ import annotations

import re
import tomllib
from functools import lru_cache
from typing import NamedTuple

from adcli.copy.fact import Fact
from adcli.copy.lexicon import DATA, lexicon
from adcli.copy.quantities import quantities
from adcli.copy.wording import stem

_LONGEST = 80
_AMOUNTS = {"mass": "weight", "volume": "capacity", "length": "size"}
_TERM = re.compile(r"0*([1-9]\d*|one|two|three|five|ten) ?-?(year|month|day)s?", re.IGNORECASE)
_NOTHING = re.compile(r"(?:0(?:\.0+)?|na|n/a|none|not applicable|nil|no)\b", re.IGNORECASE)
_PERSON = re.compile(r"(girl|boy|women|men|kid)'?s\b")


class Heading(NamedTuple):
    """One line of the table: which headings it is for, and the slot and role of their values."""

    pattern: re.Pattern[str]
    slot: str
    role: str


@lru_cache(maxsize=1)
def table() -> tuple[Heading, ...]:
    """The lines of `data/headings.toml`, in order."""
    read = tomllib.loads(DATA.joinpath("headings.toml").read_text("utf-8"))
    return tuple(
        Heading(re.compile(line["is"]), line["slot"], line.get("role", "")) for line in read["heading"]
    )


def stated(key: str, value: str) -> list[Fact]:
    """The facts that heading `key` with `value` states; none where no ad would say it."""
    heading, text = " ".join(key.lower().replace("_", " ").split()), value.strip(" .,;\\")
    if not text or _NOTHING.match(text) or (len(text) > _LONGEST and "contents" not in heading):
        return []
    for line in table():
        found = line.pattern.fullmatch(heading)
        if found:
            role = found.expand(line.role) if line.role else ""
            if role == "package" and "," in text:  # its first entry is the thing itself
                return [*_contents(key, text.partition(",")[2]), *_beside(key, text)]
            if role == "contents":
                return _contents(key, text)
            if role == "listed":
                return _listed(key, text)
            said = _value(line.slot, role, heading, text) if line.slot else None
            return [_fact(*said, key, text)] if said else []
    return _unlisted(key, heading, text)


def _fact(slot: str, value: str, role: str, key: str, span: str) -> Fact:
    return Fact(slot, value, role, span, negated=False, source=f"attribute {key}")


def _value(slot: str, role: str, heading: str, text: str) -> tuple[str, str, str] | None:
    """Slot, value and role of a value under a listed heading; None where it says nothing."""
    short = text.lower() if slot == "colour" else lowered(text)
    if short == "yes":
        return _confirmed(slot, heading)
    if role == "lumens":
        return (slot, f"{short} lumens", "") if short.isdigit() else None
    if slot in ("power", "function") and short.isdigit() and role != "SPF":
        return None
    if slot in ("size", "weight", "capacity"):
        return _amount(slot, role, short)
    if role == "package":
        several = re.fullmatch(r"0*([2-9]|[1-9]\d+) [a-z][a-z ]{2,30}", short)
        return (slot, several[1], "pack") if several else None
    if slot == "quantity":
        count = re.match(r"(?:pack of |set of )?0*(\d+)\b", short)
        number = int(count[1]) if count else 0
        counted = role in ("pack", "set")
        if not number or (counted and number < 2):
            return None
        return slot, str(number), role if counted or number != 1 else role.removesuffix("s")
    return _worded(slot, role, heading, short, is_name=text.isupper())


def _worded(slot: str, role: str, heading: str, short: str, *, is_name: bool) -> tuple[str, str, str] | None:
    """Slot, value and role of a value in words."""
    match slot:
        case "warranty":
            term = _TERM.search(short)
            return (slot, f"{term[1]} {term[2]} warranty", "") if term else None
        case "material":
            return slot, re.sub(r"^(?:100 ?% ?|pure )(?=[a-z ]+$)", "", short), role
        case "audience":
            return slot, _whom(short.removeprefix("for ")), ""
        case "style" if (is_name and not role) or len(short.split()) > 4:
            return None  # a maker's name for the thing tells a shopper nothing
        case "part":
            return slot, short if heading.rstrip("s") in short else f"{short} {heading}", ""
        case "function" if role == "movement":
            return slot, f"{short} movement", ""
        case "function" if role == "water resistance" and not re.search(r"\d ?m\b", short):
            return None
    return slot, short.lower() if slot == "style" else short, role


def _confirmed(slot: str, heading: str) -> tuple[str, str, str] | None:
    return (slot, "gift pack" if slot == "occasion" else heading, "") if slot not in ("style", "") else None


def _amount(slot: str, role: str, short: str) -> tuple[str, str, str] | None:
    """An amount in the slot of its unit (a `Quantity` of 3 g is a weight); a bare number says nothing."""
    figures = any(map(str.isdigit, short))
    measured = {_AMOUNTS.get(each.dimension, "") for each in quantities(short)}
    if figures and not measured & set(_AMOUNTS.values()):
        return None
    if not figures:
        return ("style" if role else slot, short, "") if slot == "size" else None
    slot = next((kind for kind in measured if kind), slot) if slot == "capacity" else slot
    first = re.split(r" / ", short)[0]
    return slot, first, role


def _unlisted(key: str, heading: str, text: str) -> list[Fact]:
    """Of a heading that no line knows: a feature that is confirmed, or a part."""
    if text.lower() == "yes" or text.lower().startswith("yes,"):
        last = heading.removesuffix(" included").split()[-1]
        is_part = {last, stem(last)} & lexicon()["en"]["part"] and heading not in lexicon()["en"]["function"]
        slot = "part" if is_part else "function"
        said = lowered(" ".join(key.replace("_", " ").split())).removesuffix(" included")
        return [_fact(slot, said, "", key, text)] if len(heading) < 25 else []
    if heading.startswith(("other features", "other body", "other functions", "novelty")):
        return _listed(key, text)
    return []


def _listed(key: str, text: str) -> list[Fact]:
    """What a row of features says that the thing does."""
    return [
        _fact("function", lowered(each.strip()), "", key, each.strip())
        for each in text.split(",")
        if 0 < len(each.split()) <= 4 and not re.search(r"dimension|case|glass|^\W*\d*$", each, re.IGNORECASE)
    ]


def _contents(key: str, text: str) -> list[Fact]:
    """What a set holds: amounts, ingredients, and the things in it."""
    listed = lexicon()["en"]
    amounts = {
        each.text: _AMOUNTS[each.dimension]
        for each in quantities(text)
        if each.dimension in ("mass", "volume")
    }
    found = [_fact(slot, amount, "", key, amount) for amount, slot in amounts.items()]
    for part in re.split(r"[,;]", text.lower()):
        name = re.sub(r"\(.*?\)|^\d+ (?:x )?|\d+ ?(?:ml|g|gms?)\b", "", part.strip()).strip()
        if any(map(str.isdigit, name)):
            continue
        slot = (
            "ingredient"
            if name in listed["ingredient"]
            else "part"
            if name and name.split()[-1] in listed["thing"]
            else ""
        )
        if slot and len(name.split()) <= 4 and "warranty" not in name:
            found.append(_fact(slot, name, "", key, part.strip()))
    return found


_BESIDE = re.compile(
    r"(?P<count>[1-9]\d?|one|two|four|six) (?:x )?(?P<name>[a-z]+(?: [a-z]+)?)", re.IGNORECASE
)


def _beside(key: str, text: str) -> list[Fact]:
    """What a package holds beside the thing itself, its first entry: `1 Flat Sheet, 2 Pillow Covers`."""
    found = [_BESIDE.fullmatch(part.strip()) for part in text.split(",")[1:]]
    return [
        _fact("part", each["name"].lower() if each["count"] == "1" else each[0].lower(), "", key, each[0])
        for each in found
        if each
        and each["name"].lower().split()[-1].rstrip("s") in lexicon()["en"]["thing"] | lexicon()["en"]["part"]
    ]


def lowered(value: str) -> str:
    """`value` in lower case, short capitals and codes as they are."""
    return " ".join(
        word
        if (word.isupper() and 1 < len(word) <= 4 and word not in ("YES", "NO"))
        or any(map(str.isdigit, word))
        else word.lower()
        for word in value.split()
    )


def _plural(found: re.Match[str]) -> str:
    return found[1] if found[1].endswith("men") else f"{found[1]}s"


def _whom(short: str) -> str:
    """`baby boy's, baby girl's` as people say it: `baby boys, girls`."""
    parts = [_PERSON.sub(_plural, part.strip()) for part in short.split(",")]
    first = f"{parts[0].split()[0]} " if len(parts[0].split()) > 1 else ""
    return ", ".join([parts[0], *(part.removeprefix(first) if first else part for part in parts[1:])])
