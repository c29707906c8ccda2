"""A JSON array of objects, read element by element, so that it need not fit into memory."""

from __future__ import annotations

import codecs
import json
import re
from collections.abc import Iterator
from typing import NamedTuple

from adcli.tables.compression import Reader
from adcli.tables.formats.blocks import BLOCK_BYTES, MAX_LINE_BYTES, RawBatch, Rejects
from adcli.tables.formats.json_rows import DECODER, MAX_DEPTH, JsonRow, batch_of, checked

_RAW_OF_BAD_ELEMENT = 2000
_BETWEEN = re.compile(r"[\s,]*")
_NEXT_ELEMENT = re.compile(r"\}\s*,\s*(?=\{)|\n[\s,]*(?=\{)")


class _BadObject(NamedTuple):
    """An element that cannot be a row."""

    line: int
    reason: str
    raw: str


def read_json_array(below: Reader, name: str) -> Iterator[RawBatch]:
    """The rows of a JSON array of objects, batch by batch; the array may stand on one line or on many."""
    rows: list[JsonRow] = []
    rejects = Rejects()
    size = 0
    for found in _elements(below):
        if isinstance(found, _BadObject):
            rejects.add(*found)
        else:
            rows.append(found)
            size += len(found.raw)
        if size > BLOCK_BYTES:
            yield batch_of(rows, rejects, name)
            rows, rejects, size = [], Rejects(), 0
    yield batch_of(rows, rejects, name)


def _elements(below: Reader) -> Iterator[JsonRow | _BadObject]:
    """The objects of an array; after one that cannot be read, the next that begins a line or follows `},`."""
    text = _Window(below)
    text.at = _BETWEEN.match(text.held).end() + 1  # type: ignore[union-attr]  # it matches the empty string too
    is_bad = False
    while True:
        text.at = _BETWEEN.match(text.held, text.at).end()  # type: ignore[union-attr]
        if text.at == len(text.held):
            if text.fill():
                continue
            if not is_bad:
                yield _BadObject(text.line(), "the array is not closed: the input was cut off", "")
            return
        if text.held[text.at] == "]":
            yield from _after_array(text)
            return
        element = _element(text)
        is_bad = isinstance(element, _BadObject)
        yield element


def _element(text: _Window) -> JsonRow | _BadObject:
    while True:
        start, line = text.at, text.line()
        try:
            found, end = DECODER.raw_decode(text.held, start)
        except (json.JSONDecodeError, RecursionError) as error:
            if (
                isinstance(error, json.JSONDecodeError)
                and len(text.held) - start < MAX_LINE_BYTES
                and text.fill()
            ):
                continue
            reason = (
                error.msg if isinstance(error, json.JSONDecodeError) else f"nested more than {MAX_DEPTH} deep"
            )
            raw = text.held[start : start + _RAW_OF_BAD_ELEMENT].split("\n")[0]
            text.skip_to_next()
            return _BadObject(line, f"not JSON: {reason}", _printable(raw))
        break
    text.at = end
    raw = text.held[start:end]
    if not raw.isascii() and "\udcff" in raw:
        return _BadObject(line, "not in the encoding of the input", _printable(raw))
    values = checked(found, has_escapes="\\u" in raw)
    return (
        _BadObject(line, values, _printable(raw)) if isinstance(values, str) else JsonRow(line, raw, values)
    )


def _after_array(text: _Window) -> Iterator[_BadObject]:
    text.at += 1
    while True:
        rest = text.held[text.at :].strip()
        if rest:
            yield _BadObject(
                text.line(), "something stands after the array", _printable(rest[:_RAW_OF_BAD_ELEMENT])
            )
            return
        text.at = len(text.held)
        if not text.fill():
            return


class _Window:
    """The part of a text that is being looked at."""

    def __init__(self, below: Reader) -> None:
        self._below = below
        self._decoder = codecs.getincrementaldecoder("utf-8")("adcli-mark")
        self._lines_before = 1
        self._counted = 0
        self.held = ""
        self.at = 0
        self.fill()

    def line(self) -> int:
        """The number of the line that `at` stands on."""
        self._lines_before += self.held.count("\n", self._counted, self.at)
        self._counted = self.at
        return self._lines_before

    def fill(self) -> bool:
        """Hold more of the text and let go of what is behind; False at its end."""
        data = self._below.read(BLOCK_BYTES)
        more = self._decoder.decode(data, final=not data)
        self.line()
        self.held = self.held[self.at :] + more
        self.at = self._counted = 0
        return bool(data)

    def skip_to_next(self) -> None:
        """Go to where the next element may begin."""
        while (found := _NEXT_ELEMENT.search(self.held, self.at)) is None:
            self.at = max(self.at, len(self.held) - 1)
            if not self.fill():
                self.at = len(self.held)
                return
        self.at = found.end()


def _printable(text: str) -> str:
    return text.encode("utf-8", "backslashreplace").decode()
