"""Compression by magic bytes: gzip, bzip2 and zstd, peeled while streaming, truncation and bombs refused."""

from __future__ import annotations

import bz2
import zlib
from collections.abc import Callable
from typing import Any, Protocol

import zstandard

from adcli.errors import DataError

_CHUNK = 1 << 16
_ZSTD_CHUNK = 1 << 10  # one KiB of zstd can be at most 32 MiB of data; its decompressor has no output limit
_ZSTD_WINDOW = 1 << 27
_BOMB_BYTES = 64 << 20
BOMB_RATIO = 1000
_MAX_LAYERS = 3
_MAGIC_BYTES = 10
_MAGIC = {"gzip": b"\x1f\x8b", "bzip2": b"BZh", "zstd": b"\x28\xb5\x2f\xfd"}


class Reader(Protocol):
    """What bytes are read from."""

    def read(self, size: int, /) -> bytes:
        """At most `size` bytes; empty at the end."""


def peel(raw: Reader, name: str) -> tuple[Peekable, tuple[str, ...]]:
    """The bytes below all layers of compression, and the names of the layers, outermost first."""
    layers: list[str] = []
    below: Reader = raw
    while True:
        below = Peekable(below)
        kind = _kind_of(below.peek(_MAGIC_BYTES))
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


def read_full(below: Reader, size: int) -> bytes:
    """So many bytes, or fewer where there are no more."""
    parts, missing = [], size
    while missing > 0 and (data := below.read(missing)):
        parts.append(data)
        missing -= len(data)
    return parts[0] if len(parts) == 1 else b"".join(parts)


class Peekable:
    """Bytes that can be looked at before they are read."""

    def __init__(self, below: Reader) -> None:
        self._below = below
        self._ahead = b""

    def peek(self, size: int) -> bytes:
        """The next bytes, at most `size`, without taking them."""
        self._ahead += read_full(self._below, size - len(self._ahead))
        return self._ahead[:size]

    def read(self, size: int) -> bytes:
        """The next bytes, at most `size`; empty at the end."""
        if self._ahead:
            data, self._ahead = self._ahead[:size], self._ahead[size:]
            return data
        return self._below.read(size)

    def drain(self) -> None:
        """Read to the end, so that what counts or hashes below has all of it."""
        while self.read(_CHUNK):
            pass


_MEMBERS: dict[str, Callable[[], Any]] = {
    "gzip": lambda: zlib.decompressobj(wbits=31),
    "bzip2": bz2.BZ2Decompressor,
    "zstd": lambda: zstandard.ZstdDecompressor(max_window_size=_ZSTD_WINDOW).decompressobj(),
}


class _Decompressed:
    """The bytes below one layer of compression, through all its members."""

    def __init__(self, below: Reader, kind: str, name: str) -> None:
        self._below = below
        self._kind = kind
        self._name = name
        self._member = _MEMBERS[kind]()
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
        held = getattr(self._member, "unconsumed_tail", b"")  # of gzip; bzip2 holds it by itself
        is_hungry = not held and getattr(self._member, "needs_input", True)
        data = self._below.read(self._chunk) if is_hungry else held
        self._taken += len(data) if is_hungry else 0
        if self._member.eof:
            self._start_member(self._member.unused_data + data)
            return
        if not data and is_hungry:
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
        self._member = _MEMBERS[self._kind]()
        self._give(data)

    def _give(self, data: bytes) -> None:
        try:
            limit = () if self._kind == "zstd" else (1 << 20,)
            self._ready = self._member.decompress(data, *limit)
        except (zlib.error, OSError, EOFError, ValueError, zstandard.ZstdError) as error:
            raise DataError(
                f"{self._name}: the {self._kind} data is damaged after {self._given:,} bytes: {error}.",
                fix="Fetch it again whole.",
            ) from None
        self._given += len(self._ready)
        refuse_bomb(self._name, self._taken, self._given)
