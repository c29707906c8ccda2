"""Compression by magic bytes: gzip, bzip2 and zstd, peeled while streaming, truncation and bombs refused."""

from __future__ import annotations

import bz2
import zlib
from collections.abc import Callable
from typing import Protocol

import zstandard

from adcli.errors import DataError

_CHUNK = 1 << 16
_ZSTD_CHUNK = 1 << 10  # one KiB of zstd can be at most 32 MiB of data; its decompressor has no output limit
_ZSTD_WINDOW = 1 << 27
_BOMB_BYTES = 64 << 20
BOMB_RATIO = 1000
_MAX_LAYERS = 3
_MAGIC = {"gzip": b"\x1f\x8b", "bzip2": b"BZh", "zstd": b"\x28\xb5\x2f\xfd"}


class Reader(Protocol):
    """What bytes are read from."""

    def read(self, size: int, /) -> bytes:
        """At most `size` bytes; empty at the end."""


class _Member(Protocol):
    """One member of compressed data: a gzip member, a bzip2 stream, a zstd frame."""

    @property
    def eof(self) -> bool:
        """Whether the member has ended."""

    @property
    def unused_data(self) -> bytes:
        """What came after its end."""

    def waiting(self) -> bool:
        """Whether there is more to give out before it takes more in."""

    def decompress(self, data: bytes, max_length: int) -> bytes:
        """What `data` decompresses to, at most `max_length` bytes where the library can limit it."""


def peel(raw: Reader, name: str) -> tuple[Reader, tuple[str, ...]]:
    """The bytes below all layers of compression, and the names of the layers, outermost first."""
    layers: list[str] = []
    below: Reader = raw
    while True:
        head = _read_up_to(below, 10)
        below = _Prefixed(head, below)
        kind = _kind_of(head)
        if kind is None:
            return below, tuple(layers)
        if len(layers) == _MAX_LAYERS:
            raise DataError(f"{name}: compressed more than {_MAX_LAYERS} times over.")
        layers.append(kind)
        below = _Decompressed(below, kind, name)


def refuse_bomb(name: str, taken: int, given: int) -> None:
    """Raise DataError where a few bytes became too many."""
    if given > _BOMB_BYTES and given > BOMB_RATIO * taken:
        raise DataError(
            f"{name}: expands more than {BOMB_RATIO:,}-fold ({taken:,} bytes so far became {given:,}): "
            "refused as a decompression bomb.",
            fix="If it is meant, decompress it first.",
        )


def _kind_of(head: bytes) -> str | None:
    for kind, magic in _MAGIC.items():
        if head.startswith(magic) and (kind != "bzip2" or head[4:10] in (b"1AY&SY", b"\x17rE8P\x90")):
            return kind
    return None


def _read_up_to(below: Reader, size: int) -> bytes:
    head = b""
    while len(head) < size and (data := below.read(size - len(head))):
        head += data
    return head


class _Prefixed:
    def __init__(self, head: bytes, below: Reader) -> None:
        self._head = head
        self._below = below

    def read(self, size: int) -> bytes:
        if self._head:
            data, self._head = self._head[:size], self._head[size:]
            return data
        return self._below.read(size)


class _Gzip(_Member):
    """One gzip member."""

    def __init__(self) -> None:
        self._zlib = zlib.decompressobj(wbits=31)

    @property
    def eof(self) -> bool:
        return self._zlib.eof

    @property
    def unused_data(self) -> bytes:
        return self._zlib.unused_data

    def decompress(self, data: bytes, max_length: int) -> bytes:
        return self._zlib.decompress(self._zlib.unconsumed_tail + data, max_length)

    def waiting(self) -> bool:
        return bool(self._zlib.unconsumed_tail)


class _Bzip2(_Member):
    """One bzip2 stream."""

    def __init__(self) -> None:
        self._bz2 = bz2.BZ2Decompressor()

    @property
    def eof(self) -> bool:
        return self._bz2.eof

    @property
    def unused_data(self) -> bytes:
        return self._bz2.unused_data

    def decompress(self, data: bytes, max_length: int) -> bytes:
        return self._bz2.decompress(data, max_length)

    def waiting(self) -> bool:
        return not self._bz2.needs_input


class _Zstd(_Member):
    """One zstd frame."""

    def __init__(self) -> None:
        self._zstd = zstandard.ZstdDecompressor(max_window_size=_ZSTD_WINDOW).decompressobj()

    @property
    def eof(self) -> bool:
        return self._zstd.eof

    @property
    def unused_data(self) -> bytes:
        return self._zstd.unused_data

    def decompress(self, data: bytes, max_length: int) -> bytes:
        return self._zstd.decompress(data)

    def waiting(self) -> bool:
        return False


_DECOMPRESSORS: dict[str, Callable[[], _Member]] = {"gzip": _Gzip, "bzip2": _Bzip2, "zstd": _Zstd}


class _Decompressed:
    """The bytes below one layer of compression, through all its members."""

    def __init__(self, below: Reader, kind: str, name: str) -> None:
        self._below = below
        self._kind = kind
        self._name = name
        self._member: _Member = _DECOMPRESSORS[kind]()
        self._chunk = _ZSTD_CHUNK if kind == "zstd" else _CHUNK
        self._ready = b""
        self._taken = 0
        self._given = 0
        self._is_done = False

    def read(self, size: int) -> bytes:
        while not self._ready and not self._is_done:
            self._advance()
        data, self._ready = self._ready[:size], self._ready[size:]
        return data

    def _advance(self) -> None:
        data = b"" if self._member.waiting() else self._below.read(self._chunk)
        self._taken += len(data)
        if self._member.eof:
            self._start_member(self._member.unused_data + data)
            return
        if not data and not self._member.waiting():
            raise DataError(
                f"{self._name}: the {self._kind} data ends too early: the file was cut off.",
                fix="Fetch it again whole.",
            )
        self._give(data)

    def _start_member(self, data: bytes) -> None:
        """Go on with the member after the one that ended; zero padding after the last is allowed."""
        while not (data := data.lstrip(b"\0")):
            data = self._below.read(self._chunk)
            self._taken += len(data)
            if not data:
                self._is_done = True
                return
        self._member = _DECOMPRESSORS[self._kind]()
        self._give(data)

    def _give(self, data: bytes) -> None:
        try:
            self._ready = self._member.decompress(data, 1 << 20)
        except (zlib.error, OSError, EOFError, ValueError, zstandard.ZstdError) as error:
            raise DataError(
                f"{self._name}: the {self._kind} data is damaged after {self._given:,} bytes: {error}.",
                fix="Fetch it again whole.",
            ) from None
        self._given += len(self._ready)
        refuse_bomb(self._name, self._taken, self._given)
