"""Numbers with their units, in English and Chinese text, so that texts can be compared by what they state.

    >>> quantities("1 litre bottle, pack of 2")  # doctest: +NORMALIZE_WHITESPACE
    [Quantity(number=1.0, value=1000.0, dimension='volume', text='1 litre'),
     Quantity(number=2.0, value=2.0, dimension='count', text='pack of 2')]

It reads figures, English number words (`two`, `dozen`, `forty-five`, `half a litre`) and Chinese numerals
before a unit (`三秒`).
"""

from __future__ import annotations

import math
import re
import tomllib
import unicodedata
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple


class Quantity(NamedTuple):
    """One stated number: as written, in its dimension's base unit, and the words it was stated in."""

    number: float
    value: float
    dimension: str
    text: str


_READ = tomllib.loads((Path(__file__).parent / "data" / "units.toml").read_text("utf-8"))
UNITS: dict[str, tuple[str, float]] = {
    alias: (unit["of"], unit["is"]) for unit in _READ["unit"] for alias in unit["written"].split()
}
CURRENCIES = frozenset({"rupees", "dollars", "euros", "sterling", "yuan"})
_NUMBER_WORDS: dict[str, int] = _READ["numbers"]
_BEFORE = re.compile(
    r"(?:\b(?P<count>pack|set|combo|lot|bundle|box) of|(?P<currency>\brs\.?|\binr|[₹$€£¥])|\b(?P<spf>spf)|"
    r"\b(?P<density>gsm)|\((?P<unit>[a-z%°]{1,4})\))\s*:?\s*$",
    re.IGNORECASE,
)
_WORD_UNITS = sorted(
    (unit for unit in UNITS if unit.isascii() and unit[0].isalpha() and unit != "in"), key=len, reverse=True
)
_SIGN_UNITS = sorted(
    (unit for unit in UNITS if not (unit.isascii() and unit[0].isalpha())), key=len, reverse=True
)
_STATED = re.compile(
    r"(?<![A-Za-z0-9_])(?<!\d[.,])(?<![A-Za-z]-)(?P<number>\d{1,3}(?:,\d{2,3})+(?:\.\d+)?|\d+(?:\.\d+)?)"
    r"(?:(?P<unit>(?<=\d)in(?![A-Za-z])|[\s-]?(?:"
    + "|".join(map(re.escape, _WORD_UNITS))
    + r")(?![A-Za-z0-9])|"
    r"\s?(?:" + "|".join(map(re.escape, _SIGN_UNITS)) + r"))|(?![A-Za-z0-9_]))",
    re.IGNORECASE,
)
_HALVED = ("lit", "met", "kilo", "gallon", "pint", "pound", "inch", "year", "cent")
"""How units begin of which ads say `half a`; half an hour or half a day is often just a while."""
_TENS = "|".join(word for word, number in _NUMBER_WORDS.items() if 20 <= number < 100)
_ONES = "one|" + "|".join(word for word, number in _NUMBER_WORDS.items() if number < 10)
_WORDED = re.compile(
    rf"\b(?P<number>half an?(?= (?:{'|'.join(_HALVED)}))|(?:{_TENS})-(?:{_ONES})|"
    + "|".join(sorted(_NUMBER_WORDS, key=len, reverse=True))
    + r")\b(?:[\s-](?P<unit>"
    + "|".join(map(re.escape, _WORD_UNITS))
    + r")\b)?",
    re.IGNORECASE,
)
_TIMES = re.compile(r"(\d)\s*[x×*]\s*(?=\d)", re.IGNORECASE)
_CODE = re.compile(r"(?<![\w])(?=[\w-]*\d)(?=[\w-]*[^\W\d_])[\w-]+", re.ASCII)


_HAN_DIGITS = {character: value for value, character in enumerate("零一二三四五六七八九")} | {"两": 2}
_HAN_NUMERAL = re.compile(
    "(?!一[天周件个人杯])[一二两三四五六七八九十百]+(?="
    + "|".join(unit for unit in _SIGN_UNITS if "\u3400" <= unit[0] <= "\u9fff" and unit != "个")
    + ")"
)


def _as_figures(found: re.Match[str]) -> str:
    """`三十二` as `32`: digits, tens and hundreds."""
    total, digit = 0, 0
    for character in found[0]:
        if character in "十百":
            total += (digit or 1) * (10 if character == "十" else 100)
            digit = 0
        else:
            digit = _HAN_DIGITS[character]
    return str(total + digit)


def quantities(text: str) -> list[Quantity]:
    """The quantities stated in `text`, in reading order; a number without unit has the dimension ''."""
    plain = _TIMES.sub(r"\1 x ", _HAN_NUMERAL.sub(_as_figures, unicodedata.normalize("NFKC", text)))
    found = [
        (match.start(), _quantity(plain, match, float(match["number"].replace(",", ""))))
        for match in _STATED.finditer(plain)
    ]
    found += [
        (match.start(), _quantity(plain, match, _worded(match["number"].lower())))
        for match in _WORDED.finditer(plain)
    ]
    return [quantity for _, quantity in sorted(found, key=lambda item: item[0])]


def _worded(number: str) -> float:
    """The number that words say: `forty`, `forty-five`, `half a`."""
    tens, _, ones = number.partition("-")
    return (
        0.5
        if tens.startswith("half")
        else float(_NUMBER_WORDS[tens] + (_NUMBER_WORDS.get(ones, 1) if ones else 0))
    )


def _quantity(text: str, match: re.Match[str], number: float) -> Quantity:
    unit = (match["unit"] or "").strip(" -").lower()
    ahead = _BEFORE.search(text[max(0, match.start() - 12) : match.start()])
    if ahead and not unit:
        stated = (ahead[0] + match[0]).strip()
        unit = (ahead["unit"] or ahead["currency"] or "").lower()
        if not unit:
            return Quantity(number, number, ahead.lastgroup or "", stated)
        return Quantity(number, number * UNITS.get(unit, ("", 1.0))[1], UNITS.get(unit, ("", 1.0))[0], stated)
    dimension, factor = UNITS.get(unit, ("", 1.0))
    return Quantity(number, number * factor, dimension, match[0].strip())


def codes(text: str) -> set[str]:
    """Words of `text`, in lower case, that mix letters and digits and are no quantity (`BR-6428NC`, `4K`)."""
    plain = unicodedata.normalize("NFKC", text)
    return {word.lower() for word in _CODE.findall(plain) if not _is_quantity(word)}


def _is_quantity(word: str) -> bool:
    found = _STATED.match(word)
    return bool(found and found["unit"] and found.end() == len(word)) or bool(
        re.fullmatch(r"\d+(?:[-x]\d+)*", word, re.IGNORECASE)
    )


def is_stated(claim: Quantity, record: Iterable[Quantity]) -> bool:
    """Whether `record` states the number that `claim` states, in whichever unit of the same dimension.

    A claim without unit agrees with the same figure of any unit, a claimed count with a figure without unit
    (`Number of contents 3` supports `set of 3`), and an amount of money with a price of no stated currency
    (dimension `price`); any other unit must be the record's own.
    """
    for known in record:
        if known.dimension == claim.dimension and math.isclose(known.value, claim.value, rel_tol=1e-3):
            return True
        loose = (
            claim.dimension == ""
            or (claim.dimension == "count" and known.dimension == "")
            or (claim.dimension in CURRENCIES and known.dimension == "price")
        )
        if loose and known.number == claim.number:
            return True
    return False
