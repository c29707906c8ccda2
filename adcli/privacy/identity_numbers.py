"""National identity numbers: how each looks, and the function of python-stdnum that checks it."""

from __future__ import annotations

import re
from functools import cache
from importlib import import_module
from typing import Final, NamedTuple


class IdentityNumber(NamedTuple):
    """One country's number."""

    module: str  # of `stdnum`
    shape: str  # how it is written, between what is neither letter nor digit
    is_plain: bool = False  # whether it looks like any number, so that a word before it must say what it is


NUMBERS: Final = (
    IdentityNumber("cn.ric", r"\d{17}[\dXx]|\d{6} \d{8} \d{3}[\dXx]"),
    IdentityNumber("us.ssn", r"\d{3}-\d{2}-\d{4}"),
    IdentityNumber("it.codicefiscale", r"[A-Z]{6}\d\d[A-EHLMPRST]\d\d[A-Z]\d{3}[A-Z]"),
    IdentityNumber("es.dni", r"\d{8}[- ]?[A-Z]"),
    IdentityNumber("es.nie", r"[XYZ][- ]?\d{7}[- ]?[A-Z]"),
    IdentityNumber("fr.nir", r"[12] ?\d\d ?[01]\d ?\d[\dAB] ?\d{3} ?\d{3} ?\d\d"),
    IdentityNumber("se.personnummer", r"\d{6}[-+]\d{4}|(?:19|20)\d{6}-?\d{4}"),
    IdentityNumber("fi.hetu", r"\d{6}[-+A-FU-Y]\d{3}[0-9A-Y]"),
    IdentityNumber("dk.cpr", r"\d{6}-\d{4}"),
    IdentityNumber("kr.rrn", r"\d{6}-\d{7}"),
    IdentityNumber("br.cpf", r"\d{3}\.\d{3}\.\d{3}-\d\d"),
    IdentityNumber("mx.curp", r"[A-Z]{4}\d{6}[HMX][A-Z]{5}[0-9A-Z]\d"),
    IdentityNumber("be.nn", r"\d\d\.\d\d\.\d\d-\d{3}\.\d\d"),
    IdentityNumber("in_.pan", r"[A-Z]{3}P[A-Z]\d{4}[A-Z]"),
    IdentityNumber("de.idnr", r"\d{2} ?\d{3} ?\d{3} ?\d{3}", is_plain=True),
    IdentityNumber("pl.pesel", r"\d{11}", is_plain=True),
    IdentityNumber("in_.aadhaar", r"\d{4}[ -]?\d{4}[ -]?\d{4}", is_plain=True),
    IdentityNumber("nl.bsn", r"\d{9}|\d{4}\.\d\d\.\d{3}", is_plain=True),
    IdentityNumber("no.fodselsnummer", r"\d{6} ?\d{5}", is_plain=True),
    IdentityNumber("tr.tckimlik", r"\d{11}", is_plain=True),
    IdentityNumber("ca.sin", r"\d{3}[ -]?\d{3}[ -]?\d{3}", is_plain=True),
    IdentityNumber("za.idnr", r"\d{13}", is_plain=True),
    IdentityNumber("ro.cnp", r"\d{13}", is_plain=True),
    IdentityNumber("jp.in_", r"\d{4}[ -]?\d{4}[ -]?\d{4}", is_plain=True),
    IdentityNumber("br.cpf", r"\d{11}", is_plain=True),
    IdentityNumber("us.ssn", r"\d{9}", is_plain=True),
    IdentityNumber("gb.nhs", r"\d{3} ?\d{3} ?\d{4}", is_plain=True),
)
# What stdnum does not know, by its shape alone: the United Kingdom's national insurance number, and those of
# Hong Kong, Singapore and Taiwan after a word that says so.
_BRITISH = r"[A-CEGHJ-PR-TW-Z][A-CEGHJ-NPR-TW-Z] ?\d\d ?\d\d ?\d\d ?[A-D]"
_ASIAN = r"[A-Z]{1,2}\d{6}\([\dA]\)|[STFGM]\d{7}[A-Z]|[A-Z][12]\d{8}"
TELLING_SHAPES: Final = "|".join([*(one.shape for one in NUMBERS if not one.is_plain), _BRITISH])
_PLAIN_SHAPES = "|".join([*(one.shape for one in NUMBERS if one.is_plain), _ASIAN])
TELLING: Final = re.compile(rf"(?<![0-9A-Za-z])(?:{TELLING_SHAPES})(?![0-9A-Za-z])")
PLAIN: Final = re.compile(rf"(?<![0-9A-Za-z])(?:{_PLAIN_SHAPES})(?![0-9A-Za-z])")


@cache
def _checks() -> list[tuple[re.Pattern[str], IdentityNumber]]:
    return [(re.compile(one.shape), one) for one in NUMBERS]


def is_identity_number(text: str, *, is_said: bool) -> bool:
    """Whether a text is a valid number of some country.

    `text`: as `TELLING` or `PLAIN` found it; `is_said`: whether a word before it says that it is one; else
    only numbers count that look like no other.
    """
    if re.fullmatch(_BRITISH, text) or (is_said and re.fullmatch(_ASIAN, text)):
        return True
    return any(
        _is_valid(one.module, text)
        for shape, one in _checks()
        if (is_said or not one.is_plain) and shape.fullmatch(text)
    )


def _is_valid(module: str, text: str) -> bool:
    number = import_module(f"stdnum.{module}")
    if module != "cn.ric":
        return bool(number.is_valid(text))
    compact = text.replace(
        " ", ""
    ).upper()  # stdnum asks for a county of today, which counties of birth may not be
    try:
        number.get_birth_date(compact)
    except number.ValidationError:
        return False
    return bool(number.calc_check_digit(compact) == compact[-1])
