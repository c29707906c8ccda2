"""The attributes of a product, from whatever its record keeps them in.

Read are: a column of key–value pairs (JSON, or Ruby's `{"key"=>"Color", "value"=>"Red"}`), `类型#裙*颜色#红`,
attribute columns of their own (`color`, `material`), and a description that lists specifications in a row
(`Specifications of … Brand X Color Red`), for the headings that are usual in shops.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping

from adcli.copy.lexicon import DATA
from adcli.copy.wording import plain_text, specification_text

_PAIR = re.compile(
    r'\{\s*"key"\s*(?:=>|:)\s*"(?P<key>[^"]+)"\s*,\s*"value"\s*(?:=>|:)\s*"(?P<value>(?:[^"\\]|\\.)*)"\s*\}'
)
_KEYLESS = re.compile(r'\{\s*"value"\s*(?:=>|:)\s*"(?P<value>(?:[^"\\]|\\.)*)"\s*\}')
_FLAT_PAIR = re.compile(
    r'"(?P<key>[^"]{1,60})"\s*(?:=>|:)\s*(?:"(?P<value>(?:[^"\\]|\\.)*)"|(?P<number>-?[\d.]+|true|false))'
)
_HASH_PAIR = re.compile(r"(?P<key>[^#*\s]{1,20})#(?P<value>[^#*]+)")
_READ = tomllib.loads(DATA.joinpath("headings.toml").read_text("utf-8"))
_TEXT_COLUMNS, _NEGATIVE = frozenset(_READ["texts"]), frozenset(_READ["no"])
_ATTRIBUTE_COLUMNS: dict[str, str] = _READ["columns"]
_BY_LENGTH = sorted(" ".join(_READ["usual"].split()).split("; "), key=len, reverse=True)
_HEADING = re.compile(rf"(?<![\w-])(?P<key>{'|'.join(_BY_LENGTH)})(?![\w-]):?\s")


def attributes(record: Mapping[str, object]) -> dict[str, str]:
    """The attributes of one product by heading, in the order on record; those answered No are left out.

    `record`: one row of a products table, attributes and other columns beside the standard ones.
    """
    return {key: value for key, value in _answers(record).items() if value.lower() not in _NEGATIVE}


def denied(record: Mapping[str, object]) -> tuple[str, ...]:
    """What the record answers No to, in lower case (`Lid Included: No` → lid)."""
    return tuple(
        key.lower().removesuffix(" included")
        for key, value in _answers(record).items()
        if value.lower() in ("no", "false")
    )


def unheaded(record: Mapping[str, object]) -> list[str]:
    """Values that the record gives without a heading: known to be said, of nothing in particular."""
    given = [
        value for column, value in record.items() if isinstance(value, str) and column not in _TEXT_COLUMNS
    ]
    return [plain_text(match["value"]) for value in given for match in _KEYLESS.finditer(value)]


def _answers(record: Mapping[str, object]) -> dict[str, str]:
    found: dict[str, str] = {}
    for column, value in record.items():
        if isinstance(value, str) and value and column not in _TEXT_COLUMNS:
            known = _ATTRIBUTE_COLUMNS.get(column.lower())
            pairs = {known: value} if known else _structured(value)
            found.update({key: text for key, text in pairs.items() if key not in found})
    if not found:
        description = record.get("description")
        found = listed(description) if isinstance(description, str) else {}
    cleaned = {plain_text(key): plain_text(value) for key, value in found.items()}
    return {key: value for key, value in cleaned.items() if key and value}


def _structured(value: str) -> dict[str, str]:
    if "=>" in value or value.lstrip().startswith(("{", "[")):
        pairs = [(match["key"], match["value"]) for match in _PAIR.finditer(value)]
        pairs = pairs or [
            (match["key"], match["value"] or match["number"]) for match in _FLAT_PAIR.finditer(value)
        ]
        return _joined(pairs)
    return listed(value)


def _joined(pairs: list[tuple[str, str]]) -> dict[str, str]:
    """One entry a heading; further values of a heading follow the first after a comma."""
    found: dict[str, str] = {}
    for key, value in pairs:
        found[key] = (
            f"{found[key]}, {value}" if key in found and value not in found[key] else found.get(key, value)
        )
    return found


def listed(text: str) -> dict[str, str]:
    """The attributes that `text` lists: `类型#裙*颜色#红`, or usual headings with their values in a row."""
    if "#" in text and "*" in text:
        return _joined([(match["key"], match["value"]) for match in _HASH_PAIR.finditer(text)])
    specification = specification_text(plain_text(text))
    headings = list(_HEADING.finditer(specification))
    ends = [heading.start() for heading in headings[1:]] + [len(specification)] * bool(headings)
    pairs: dict[str, str] = {}
    for heading, end in zip(headings, ends, strict=True):
        value = specification[heading.end() : end].strip(" ,")
        if value and len(value) <= 120:
            pairs.setdefault(heading["key"], value)
    return pairs
