"""Encodings of text inputs: recognised on the first bytes, recoded to UTF-8 while streaming."""

from __future__ import annotations

import codecs
import re
from typing import NamedTuple

from adcli.errors import UsageError
from adcli.tables.compression import Reader

_CHUNK = 1 << 20
_MOST = 0.8
_BOMS = (
    (codecs.BOM_UTF8, "utf-8", "UTF-8 with BOM"),
    (codecs.BOM_UTF32_LE, "utf-32-le", "UTF-32"),
    (codecs.BOM_UTF32_BE, "utf-32-be", "UTF-32"),
    (codecs.BOM_UTF16_LE, "utf-16-le", "UTF-16"),
    (codecs.BOM_UTF16_BE, "utf-16-be", "UTF-16"),
)
_LABELS = {"utf-8": "UTF-8", "gb18030": "GB18030", "cp1252": "Latin-1 (Windows-1252)", "iso8859-1": "Latin-1"}


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
    """The encoding that `--encoding` names.

    Raises:
        UsageError: If there is no such encoding.
    """
    try:
        info = codecs.lookup(name)
        "".encode(info.name)
    except (LookupError, TypeError, ValueError):
        raise UsageError(
            f"--encoding {name}: there is no such encoding.",
            fix="Common ones: utf-8, utf-16, gb18030, latin-1.",
        ) from None
    return Encoding(info.name, _LABELS.get(info.name, info.name))


def recognise_encoding(head: bytes, given: str | None) -> Encoding:
    """The encoding of a text that starts with `head`: as given, or by byte order mark, or by content."""
    for mark, codec, label in _BOMS:
        if head.startswith(mark) and (given is None or _is_same(given, codec)):
            return Encoding(codec, label, len(mark))
    if given is not None:
        return named_encoding(given)
    wide = _wide_codec(head)
    if wide:
        return Encoding(wide, "UTF-16 without BOM")
    if _is_utf8(head):
        return Encoding("utf-8", "UTF-8")
    codec = _legacy_codec(head)
    return Encoding(codec, _LABELS[codec])


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
    """UTF-16 without a byte order mark: Latin text has a zero in every second byte."""
    sample = head[: 4096 - 4096 % 2]
    pairs = len(sample) // 2
    if pairs < 4:
        return None
    even, odd = sample[0 : 2 * pairs : 2].count(0), sample[1 : 2 * pairs : 2].count(0)
    if odd > 0.6 * pairs and even < 0.05 * pairs:
        return "utf-16-le"
    if even > 0.6 * pairs and odd < 0.05 * pairs:
        return "utf-16-be"
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


def _legacy_codec(head: bytes) -> str:
    """GB18030 or Windows-1252, whichever the bytes beyond ASCII are likelier to be.

    Hanzi are pairs of them, an accented letter is a single one, or one of two inside a word of plain letters;
    where neither prevails, the letters themselves decide.
    """
    lines = [line for line in head.split(b"\n") if not line.isascii()][:2000]
    sample = b"\n".join(lines)[: 1 << 16]
    runs = re.findall(rb"([A-Za-z]?)([\x80-\xff]+)(?=([A-Za-z]?))", sample)
    paired = sum(
        len(run)
        for before, run, after in runs
        if len(run) % 2 == 0 and not (len(run) == 2 and before and after)
    ) / sum(len(run) for _, run, _ in runs)
    is_hanzi = paired > _MOST if not 1 - _MOST <= paired <= _MOST else _reads_as_hanzi(sample)
    if is_hanzi and _is_decodable(sample, "gb18030"):
        return "gb18030"
    return "cp1252" if _is_decodable(sample, "cp1252") else "iso8859-1"


def _reads_as_hanzi(sample: bytes) -> bool:
    from charset_normalizer import from_bytes

    found = from_bytes(sample, cp_isolation=["gb18030", "cp1252"], enable_fallback=False).best()
    return found is not None and found.encoding == "gb18030"


def _is_decodable(sample: bytes, codec: str) -> bool:
    try:
        codecs.getincrementaldecoder(codec)().decode(sample)
    except UnicodeDecodeError:
        return False
    return True
