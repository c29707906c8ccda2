"""Times written as text, brought into few forms: `DATE`, `DATE HH:MM:SS.f`, with AM or PM, with an offset."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

import polars as pl

_OFFSETS: Final = {
    "UTC": "+00:00", "GMT": "+00:00", "UT": "+00:00", "WET": "+00:00", "WEST": "+01:00",
    "CET": "+01:00", "CEST": "+02:00", "EET": "+02:00", "EEST": "+03:00", "MSK": "+03:00",
    "EST": "-05:00", "EDT": "-04:00", "CDT": "-05:00", "MST": "-07:00", "MDT": "-06:00",
    "PST": "-08:00", "PDT": "-07:00", "AKST": "-09:00", "AKDT": "-08:00", "HST": "-10:00",
    "JST": "+09:00", "KST": "+09:00", "HKT": "+08:00", "AEST": "+10:00", "AEDT": "+11:00",
    "AWST": "+08:00", "NZST": "+12:00", "NZDT": "+13:00",
}  # fmt: skip  # those with one meaning: CST, IST, BST and AST are times of several countries
_REWRITTEN: Final = (
    (r"\s+", " "),
    (r"(Z|[+-]\d\d:?\d\d)\[[^\]]+\]$", "${1}"),  # Java names the zone beside its offset
    (r"([+-]\d\d:?\d\d) [A-Z]{3,4}$", "${1}"),  # and so does Go
    (r"^[A-Z][a-z]{2}, ", ""),  # days of the week
    (r"^(\d{4})[/.](\d{1,2})[/.](\d{1,2})\b", "${1}-${2}-${3}"),
    (r"^(\d{4}-\d{1,2}-\d{1,2})[T;_-](\d)", "${1} ${2}"),
    (r"^(\d{4})(\d\d)(\d\d)[T_ ;-](\d\d):?(\d\d):?(\d\d)", "${1}-${2}-${3} ${4}:${5}:${6}"),
    (r"^(\d{4})(\d\d)(\d\d)[T_ ;-](\d\d):?(\d\d)$", "${1}-${2}-${3} ${4}:${5}"),
    (r"^(\d{4})(\d\d)(\d\d)[T_ ;-](\d\d)$", "${1}-${2}-${3} ${4}"),
    (r"^(\d\d?/[A-Z][a-z]{2}/\d{4}):", "${1} "),  # access logs
    (r"^([A-Z][a-z]{2}) ([A-Z][a-z]{2}) +(\d\d?) (\S+) (\S+ )?(\d{4})$", "${2} ${3}, ${6} ${4} ${5}"),
    (r"^(\d{1,2})-(\d{1,2})-(\d{4}|\d\d)\b", "${1}/${2}/${3}"),
    (r"^(\d{1,2}[/.]\d{1,2}[/.]\d{2,4}),", "${1}"),
    (r"^([A-Z][a-z]+\.? \d{1,2}, \d{4}),? ?(at )?(\d)", "${1} ${3}"),
    (r"^(\d{1,2}) ([A-Z][a-z]{2})[a-z]*\.? (\d{4}),?", "${1}-${2}-${3}"),
    (r"^(\d{1,2})/([A-Z][a-z]{2})/(\d{4})", "${1}-${2}-${3}"),
    (r"(:\d\d),(\d+)", "${1}.${2}"),  # decimals of a second after a comma
    (r" ?([AaPp])\.? ?[Mm]\.?\b\.?", " ${1}M"),
    (r"^(.*[-/., ]\d+) (\d{1,2})($| [AaPp]M|Z|[+-]\d\d:?\d\d$)", "${1} ${2}:00${3}"),  # hours alone
    (r"^([^:]* \d{1,2}:\d\d)($| |Z|[+-])", "${1}:00${2}"),  # minutes alone
    (r" ([+-]\d\d)", "${1}"),
)
_DATES: Final = (  # two digits of a year first: four would take them for the year 24
    "%Y-%m-%d", "%d.%m.%y", "%d.%m.%Y", "%d-%b-%y", "%d-%b-%Y", "%b-%d-%y", "%b-%d-%Y", "%b %d, %Y",
    "%B %d, %Y", "%m %d, %Y",
)  # fmt: skip
SLASHED: Final = {"dmy": ("%d/%m/%y", "%d/%m/%Y"), "mdy": ("%m/%d/%y", "%m/%d/%Y"), "ymd": ("%y/%m/%d",)}
_AFTER_SECONDS: Final = re.compile(r":\d\d(\.\d+)?((?:[^:%\d.][^:%]*(?::\d\d)?)?)$")
_FRACTIONS: Final = {0: "", 4: ".%3f", 7: ".%6f", 10: ".%9f"}  # by length, with the point
_CLOCKS: Final = {  # what a text contains, and the clock that it then ends with
    (False, False): "",
    (True, False): " %H:%M:%S%.f",
    (True, True): " %I:%M:%S%.f %p",
}


def rewritten(texts: pl.Series) -> pl.Series:
    """(n,) the same times in one of few forms."""
    value = pl.col(texts.name)
    for pattern, into in _REWRITTEN:
        value = value.str.replace(pattern, into)
    zone = value.str.extract(r"[\d:M] ?([A-Z]{2,4})$")
    offset = zone.replace_strict(
        list(_OFFSETS), list(_OFFSETS.values()), default=None, return_dtype=pl.String
    )
    plain = value.str.replace(r" ?[A-Z]{2,4}$", "")
    return (
        texts.to_frame()
        .select(pl.when(offset.is_not_null()).then(plain + offset).otherwise(value).alias(texts.name))
        .to_series()
    )


def parse_texts(texts: pl.Series, dates: Sequence[str]) -> list[pl.Series]:
    """The rewritten texts under each form that they can have: times with or without a zone, null elsewhere.

    `texts` (n,) as `rewritten` gives them; `dates`: the forms of date among them that are told apart by more
    than a single value.
    """
    clocked = texts.str.contains(r"\d:\d\d")
    halved = texts.str.contains(r"[AaPp]M")
    zoned = clocked & texts.str.contains(r"(Z|[+-]\d\d:?\d\d|[+-]\d\d)$")
    parsed = []
    for (has_clock, is_halved), clock in _CLOCKS.items():
        for has_zone in (False, True):
            mine = (clocked == has_clock) & (halved == is_halved) & (zoned == has_zone)
            part = texts.set(~mine.fill_null(value=False), None)
            for date in (*_DATES, *dates):
                if part.null_count() == len(part):
                    break
                found = parse(part, date + clock + ("%#z" if has_zone else ""))
                if found.null_count() < len(found):
                    parsed.append(found)
                    part = part.set(found.is_not_null(), None)
    return parsed


def parse(texts: pl.Series, form: str) -> pl.Series:
    """(n,) times by one pattern, in UTC where it has a zone; null where it does not fit."""
    if "%H" in form and "%M" not in form:  # an hour alone is no time for the parser
        texts, form = texts + " 00", form + " %M"
    first = texts.slice(texts.is_not_null().arg_max() or 0, 1)
    like_first = _like_first(first, form)
    if like_first is not None:
        known, naive = _parsed(first, form), _parsed(first, like_first)
        zone = getattr(known.dtype, "time_zone", None)
        known = known.dt.replace_time_zone(None)
        times = _parsed(texts, like_first) if known.null_count() + naive.null_count() == 0 else None
        if times is not None and times.null_count() == texts.null_count():
            in_zone: pl.Series = times + (known - naive).item()
            return in_zone.dt.replace_time_zone(zone)
    return _parsed(texts, form)


def _parsed(texts: pl.Series, form: str) -> pl.Series:
    is_cached = "%3f" not in form and "%6f" not in form  # such fine times do not come again
    return texts.str.to_datetime(form, strict=False, time_unit="us", exact=True, cache=is_cached)


def _like_first(first: pl.Series, form: str) -> str | None:
    """The pattern for texts with the decimals and the zone of the first, which is read six times as fast."""
    head, seconds, tail = form.partition("%S")
    is_open = tail != "" and "%p" not in tail and len(first) == 1
    found = _AFTER_SECONDS.search(first.item() or "") if is_open else None
    fraction = _FRACTIONS.get(len(found[1] or "")) if found else None
    return None if found is None or fraction is None else f"{head}{seconds}{fraction}{found[2]}"
