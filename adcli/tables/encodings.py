"""Encodings of text inputs: recognised on the first bytes, recoded to UTF-8 while streaming."""

from __future__ import annotations

import codecs
import re
import unicodedata
from typing import NamedTuple

from adcli.errors import DataError, UsageError, printable
from adcli.tables.compression import Reader
from adcli.tables.languages import ENCODINGS, Reading, readings

_CHUNK = 1 << 20
_SHOWN = 3
_ODD = ("Cc", "Cn", "Co", "Cs", "So")  # categories of characters that texts hardly have
_KANJI_IN = re.compile(rb"\x1b\$[@B]")  # how ISO-2022-JP says that Kanji follow
_BOMS = (
    (codecs.BOM_UTF8, "utf-8", "UTF-8 with BOM"),
    (codecs.BOM_UTF32_LE, "utf-32-le", "UTF-32"),
    (codecs.BOM_UTF32_BE, "utf-32-be", "UTF-32"),
    (codecs.BOM_UTF16_LE, "utf-16-le", "UTF-16"),
    (codecs.BOM_UTF16_BE, "utf-16-be", "UTF-16"),
)
_LABELS = {"utf-8": "UTF-8", "iso8859-1": "Latin-1", "iso2022_jp": "ISO-2022-JP", **ENCODINGS}


class Encoding(NamedTuple):
    """How the text of an input is encoded; `bom` counts the bytes of its byte order mark."""

    codec: str
    label: str
    bom: int = 0

    @property
    def is_utf8(self) -> bool:
        """Whether the bytes can be used as they are."""
        return self.codec == "utf-8"


def _mark_undecodable(error: UnicodeError) -> tuple[str, int]:
    """Stand-in for bytes that cannot be decoded; encoded, it becomes a byte that is never valid UTF-8."""
    if not isinstance(error, UnicodeDecodeError):
        raise error
    return "\udcff", error.end


codecs.register_error("adcli-mark", _mark_undecodable)


def named_encoding(name: str) -> Encoding:
    """The encoding that `--encoding` names. Raises UsageError if there is no such encoding."""
    try:
        info = codecs.lookup(name)
        "".encode(info.name)
    except (LookupError, TypeError, ValueError):
        raise UsageError(
            f"--encoding {name}: there is no such encoding.",
            fix="Common ones: utf-8, utf-16, gb18030, latin-1.",
        ) from None
    return Encoding(info.name, _LABELS.get(info.name, info.name))


def recognise_encoding(head: bytes, given: str | None, name: str) -> Encoding:
    """The encoding of the text `name` that starts with `head`: as given, by byte order mark, or by content.

    Raises DataError if it cannot be told.
    """
    for mark, codec, label in _BOMS:
        if head.startswith(mark) and (given is None or _is_same(given, codec)):
            return Encoding(codec, label, len(mark))
    wide = _wide_codec(head)
    if given is not None:
        found = named_encoding(given)
        if found.codec not in ("utf-16", "utf-32"):
            return found
        if not wide or found.codec != "utf-16":
            raise DataError(
                f"{name}: has no byte order mark, which --encoding {given} needs.",
                fix="Name the order too, such as utf-16-le.",
            )
    if wide:
        return Encoding(wide, "UTF-16 without BOM")
    if _is_utf8(head):
        return named_encoding("iso2022_jp" if _KANJI_IN.search(head) else "utf-8")
    taken, possible = readings(head)
    if taken is None:
        raise _doubtful(possible, name)
    return Encoding(taken.codec, _LABELS[taken.codec])


def _doubtful(possible: list[Reading], name: str) -> DataError:
    """What to say of a text that can be in several encodings, or in none that is known."""
    if not possible:
        return DataError(
            f"{name}: is not UTF-8, and no text of a language in another encoding that is known.",
            fix="Say how it is encoded with --encoding.",
        )
    shown = possible[:_SHOWN]
    place = next(
        (
            place
            for place, chars in enumerate(zip(*(one.text for one in shown), strict=False))
            if len(set(chars)) > 1
        ),
        0,
    )
    said = [
        f"{ENCODINGS[one.codec]} ('{_word_at(one.text, place)}': --encoding {one.codec})" for one in shown
    ]
    return DataError(
        f"{name}: is not UTF-8, and what it holds beyond ASCII can be {' or '.join(said)}.",
        fix="Say which with --encoding.",
    )


def _word_at(text: str, place: int) -> str:
    """The word of a text that a place is in."""
    before, after = text[:place].split("\n")[-1].split(" ")[-1], text[place:].split("\n")[0].split(" ")[0]
    return printable((before + after)[:20])


def to_utf8(below: Reader, encoding: Encoding) -> Reader:
    """The same text in UTF-8 without its byte order mark; an undecodable byte becomes an invalid one."""
    if encoding.bom:
        below.read(encoding.bom)
    return below if encoding.is_utf8 else _Recoded(below, encoding.codec)


class _Recoded:
    def __init__(self, below: Reader, codec: str) -> None:
        self._below = below
        self._decoder = codecs.getincrementaldecoder(codec)("adcli-mark")
        self._ready = b""
        self._is_done = False

    def read(self, size: int) -> bytes:
        while not self._ready and not self._is_done:
            data = self._below.read(_CHUNK)
            self._is_done = not data
            text = self._decoder.decode(data, final=self._is_done)
            self._ready = text.encode("utf-8", "surrogateescape")
        data, self._ready = self._ready[:size], self._ready[size:]
        return data


def _is_same(given: str, codec: str) -> bool:
    return named_encoding(given).codec.startswith((codec, codec[:6]))


def _wide_codec(head: bytes) -> str | None:
    """UTF-16 without a byte order mark: it alone has NULs, and in the right order it is all characters."""
    sample = head[: min(len(head), 4096) // 2 * 2]
    if len(sample) < 8 or b"\0" not in sample:
        return None
    for codec in ("utf-16-le", "utf-16-be"):
        text = sample.decode(codec, "replace")
        odd = sum(unicodedata.category(char) in _ODD and char not in "\t\r\n" for char in text)
        begins = any(map(str.isascii, text[:8]))  # with a name or a delimiter
        if begins and odd * 50 <= len(text) and sum(map(str.isascii, text)) * 10 > len(text):
            return codec
    return None


def _is_utf8(head: bytes) -> bool:
    """Whether it is UTF-8, perhaps cut inside a character, perhaps with a few damaged places."""
    try:
        codecs.getincrementaldecoder("utf-8")().decode(head)
    except UnicodeDecodeError:
        text = head.decode("utf-8", "replace")
        damaged = text.count("\ufffd")
        beyond_ascii = sum(not text_part.isascii() for text_part in text) - damaged
        return beyond_ascii > 4 * damaged
    return True
