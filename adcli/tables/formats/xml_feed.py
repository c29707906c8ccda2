"""Product feeds in XML: RSS 2.0 and Atom, as Google Merchant Center and Meta take them; an item is a row.

Elements are read one by one as they come. A document that declares entities is refused: a feed needs none,
and a few lines of them can stand for gigabytes.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final
from xml.parsers import expat

from adcli.errors import DataError
from adcli.tables.compression import Reader
from adcli.tables.formats.blocks import BLOCK_BYTES, MAX_LINE_BYTES, RawBatch, Rejects
from adcli.tables.formats.json_rows import MAX_DEPTH, JsonRow, batch_of

ROW_ELEMENTS: Final = frozenset({"item", "entry"})
_CHUNK: Final = 1 << 16
_FEED: Final = re.compile(r"<(?:[\w.-]+:)?(?:rss|feed|RDF)\b")
_DECLARED: Final = re.compile(rb"""<\?xml[^>]*\bencoding\s*=\s*["']([\w.-]+)["']""")


def is_feed(text: str) -> bool:
    """Whether the first lines of a text are those of a feed."""
    return text.lstrip("\ufeff \t\r\n").startswith("<") and _FEED.search(text) is not None


def declared_encoding(head: bytes) -> str | None:
    """The encoding that an XML declaration names."""
    found = _DECLARED.match(head.lstrip())
    return found[1].decode() if found else None


def read_feed(below: Reader, name: str) -> Iterator[RawBatch]:
    """The items of a feed, batch by batch. Raises DataError if it declares entities or nests too deep."""
    items = _Items(name)
    while not items.is_over:
        items.feed(below.read(_CHUNK))
        if items.is_over or items.size > BLOCK_BYTES:
            yield batch_of(items.rows, items.rejects, name)
            items.start_batch()


class _Items:
    """The items that a parser has come by since the last batch."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._parser = expat.ParserCreate("utf-8", namespace_separator=" ")
        self._parser.buffer_text = True
        self._parser.StartElementHandler = self._start
        self._parser.EndElementHandler = self._end
        self._parser.CharacterDataHandler = self._text
        self._parser.EntityDeclHandler = self._refuse_entity
        self._values: dict[str, str] | None = None  # of the item that is open
        self._inside: list[str] = []  # elements open in it
        self._texts: list[str] = []  # of the child that is open
        self._item_line = self._item_size = 0
        self.is_over = False
        self.start_batch()

    def start_batch(self) -> None:
        """Begin with no rows."""
        self.rows: list[JsonRow] = []
        self.rejects = Rejects()
        self.size = 0

    def feed(self, data: bytes) -> None:
        """Parse a piece; an empty one is the end."""
        try:
            self._parser.Parse(data, not data)
        except expat.ExpatError as error:
            reason = f"not XML: {expat.ErrorString(error.code)}; nothing after it can be read"
            self.rejects.add(error.lineno, reason, "")
            self.is_over = True
        self.is_over = self.is_over or not data

    def _start(self, qualified: str, attributes: dict[str, str]) -> None:
        name = qualified.rpartition(" ")[2]
        if self._values is None:
            if name in ROW_ELEMENTS:
                self._values, self._item_line, self._item_size = {}, self._parser.CurrentLineNumber, 0
            return
        self._inside.append(name)
        if len(self._inside) > MAX_DEPTH:
            raise DataError(f"{self._name}: its elements are nested more than {MAX_DEPTH} deep.")
        if name == "link" and "href" in attributes:  # of Atom
            self._text(attributes["href"])

    def _text(self, text: str) -> None:
        if self._inside:
            self._item_size += len(text)
            if self._item_size <= MAX_LINE_BYTES:
                self._texts.append(text)

    def _end(self, qualified: str) -> None:
        if self._values is None:
            return
        if not self._inside:
            self._end_item(self._values)
        elif len(self._inside) == 1:
            self._end_child(self._inside.pop(), self._values)
        else:
            self._inside.pop()
            self._texts.append(":")  # `US:Standard:4.95 USD`, as the same feed has it as text

    def _end_child(self, name: str, values: dict[str, str]) -> None:
        parts = "".join(self._texts).split(":") if ":" in self._texts else ["".join(self._texts)]
        text = ":".join(part.strip() for part in parts).strip(":")
        self._texts = []
        if text:
            values[name] = f"{values[name]}, {text}" if name in values else text

    def _end_item(self, values: dict[str, str]) -> None:
        raw = " ".join(values.values())[:200]
        if self._item_size > MAX_LINE_BYTES:
            self.rejects.add(self._item_line, f"an item too long (over {MAX_LINE_BYTES >> 20} MiB)", raw)
        elif values:
            self.rows.append(JsonRow(self._item_line, raw, dict(values)))
        else:
            self.rejects.add(self._item_line, "an item without content", "")
        self.size += self._item_size
        self._values = None

    def _refuse_entity(self, *_: object) -> None:
        raise DataError(
            f"{self._name}: the feed declares entities of its own, which is not read.",
            fix="Write the feed without a DOCTYPE.",
        )
