"""Whether a file is what its platform takes: read back, and held to the documented columns and limits.

problems(Path("responsive-search-ads.csv").read_bytes(), file)       # [] if it can be uploaded
"""

from __future__ import annotations

import codecs
import csv
import io
import json
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple
from urllib.parse import parse_qs, urlsplit

from adcli.copy.channels import FIELDS, misfits
from adcli.generate.exports import ENCODING, ExportFile
from adcli.generate.links import is_page

_FORMULA = ("=", "+", "-", "@")
_UTM = ("utm_source", "utm_medium", "utm_campaign", "utm_content")


class Problem(NamedTuple):
    """What keeps a file from being taken: the line (the header is 1), the column or '', and what is wrong."""

    line: int
    column: str
    what: str


def problems(content: bytes, file: ExportFile) -> list[Problem]:
    """What is wrong with a file's content; nothing if the platform can take it.

    Args:
        content: The file's bytes.
        file: What it should be.
    """
    if not content.startswith(codecs.BOM_UTF8):
        return [Problem(1, "", "no byte order mark, without which a spreadsheet misreads it")]
    try:
        header, *rows = list(csv.reader(io.StringIO(content.decode(ENCODING), newline=""), strict=True))
    except (UnicodeDecodeError, csv.Error, ValueError) as error:
        return [Problem(1, "", f"it cannot be read: {error}")]
    found = [*_of_header(header, file)]
    first = 2
    if file.first_row and not found:
        first = 3
        if not rows or {k: v for k, v in zip(header, rows.pop(0), strict=False) if v} != dict(file.first_row):
            found.append(Problem(2, "", "the row that names the format version is missing"))
    for line, cells in enumerate(rows, start=first):
        if len(cells) != len(header):
            found.append(Problem(line, "", f"{len(cells)} cells under {len(header)} headers"))
        elif not any(problem.line == 1 for problem in found):
            row = dict(zip(header, cells, strict=True))
            found += [Problem(line, column, what) for column, what in _of_row(row, file)]
    return found if rows or found else [Problem(1, "", "no ad is in it")]


def _of_header(header: Sequence[str], file: ExportFile) -> Iterator[Problem]:
    for name in header:
        if header.count(name) > 1:
            yield Problem(1, name, "twice in the header")
        elif name not in file.documented:
            yield Problem(1, name, "no column that the platform documents")
    for name in file.columns:
        if name not in header:
            yield Problem(1, name, "missing")


def _of_row(row: Mapping[str, str], file: ExportFile) -> Iterator[tuple[str, str]]:
    for column, cell in row.items():
        if column in file.required and not cell.strip():
            yield column, "empty"
        if cell.lstrip().startswith(_FORMULA):
            yield column, "a formula to a spreadsheet"
        if any(unicodedata.category(character) in ("Cc", "Zl", "Zp") for character in cell):
            yield column, "a line break or control character"
        if (fixed := file.columns.get(column, "")).startswith("'") and cell != fixed[1:]:
            yield column, f"not '{fixed[1:]}'"
        if file.columns.get(column) == "final_url":
            yield from ((column, what) for what in _of_link(cell, file))
    texts: dict[str, list[str]] = {field: [] for field in FIELDS}
    for column, field in file.columns.items():
        kind = {"headline": "headlines", "description": "descriptions"}.get(field, field.partition(" ")[0])
        if kind in texts:
            texts[kind] += _texts(row[column], as_json=column in file.as_json)
    for fault in misfits(file.channel, **texts):
        kind, _, what = fault.partition(".")
        yield kind, what
    if any(text.lstrip().startswith(_FORMULA) for each in texts.values() for text in each):
        yield "", "a text that is a formula to a spreadsheet"


def _texts(cell: str, *, as_json: bool) -> list[str]:
    if not as_json:
        return [cell] if cell else []
    try:
        return [str(asset["text"]) for asset in json.loads(cell)]
    except (ValueError, TypeError, KeyError):
        return [""]


def _of_link(link: str, file: ExportFile) -> Iterator[str]:
    if not is_page(link):
        yield "no address of a page"
    elif file.channel.final_url and len(link) > file.channel.final_url:
        yield f"more than {file.channel.final_url} characters"
    else:
        tags = parse_qs(urlsplit(link).query)
        yield from (f"no {tag}" for tag in _UTM if tag not in tags)
