"""Vectors kept on disk between runs, found by what they were computed from.

    store = VectorStore(encoder.settings.fingerprint, encoder.dimension)
    for block in encode_cached_stream(encoder, texts, store):
        ...                                   # the second time nothing is computed

A segment is a file that one process appends blocks to: keys, vectors, a checksum for each. A block cut short
by a kill, or changed on disk, fails its checksum and its texts are computed again. Processes never write to
the same segment, so they need no lock. Beyond the size limit whole segments go, the longest unused first, but
none that this run uses: where it uses more than the limit, what comes last is not kept. `close` leaves the
store within the limit, whatever others have added meanwhile.
"""

from __future__ import annotations

import contextlib
import hashlib
import math
import os
import secrets
import struct
import zlib
from collections.abc import Collection, Sequence
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from adcli.core.cache import cache_directory
from adcli.core.encoding.key_index import KeyIndex, Keys

FloatArray = npt.NDArray[np.float32]
BoolArray = npt.NDArray[np.bool_]

BLOCK_HEADER = struct.Struct("<8sIIII")  # magic, rows, dimension, checksum of keys, checksum of vectors
MAGIC = b"adclivec"
KEY_BYTES = 16
SEGMENT_BYTES = 64 << 20  # at most; an eighth of the store's limit where that is less
DEFAULT_LIMIT_BYTES = 8 << 30
BLOCKS_IN_MEMORY_BYTES = 32 << 20  # of those read last: texts that repeat are asked for again and again
DIGESTS_IN_MEMORY = 1 << 14  # of texts, for the same reason


class BlockLocation(NamedTuple):
    """Where a block's vectors lie."""

    segment: Path
    offset: int
    rows: int
    checksum: int


class VectorStore:
    """Vectors of one encoder with one set of settings.

    Args:
        fingerprint: Of all that a vector depends on beside its text.
        dimension: Numbers in a vector.
        limit_bytes: Size of the whole store, all encoders together, above which the longest unused part goes.
        directory: Where it lies; below the cache folder if None.
    """

    def __init__(
        self,
        fingerprint: str,
        dimension: int,
        *,
        limit_bytes: int = DEFAULT_LIMIT_BYTES,
        directory: Path | None = None,
    ) -> None:
        self._root = directory or cache_directory("vectors")
        self._directory = self._root / fingerprint
        self._dimension = dimension
        self._limit_bytes = limit_bytes
        self._segment_bytes = min(SEGMENT_BYTES, limit_bytes // 8)
        self._blocks: list[BlockLocation] = []
        self._index = KeyIndex()
        self._used: set[Path] = set()  # segments that this run has read or written
        self._in_memory: dict[int, FloatArray] = {}
        self._segment: Path | None = None
        self.is_writable = True
        for segment in sorted(self._directory.glob("*.vec")):
            with contextlib.suppress(OSError):  # just dropped by another process, or not ours
                self._read_keys(segment)

    def find(self, texts: Sequence[str]) -> tuple[BoolArray, FloatArray]:
        """Which of the texts are known, and (n, dimension) vectors, meaningless where they are not."""
        vectors = np.zeros((len(texts), self._dimension), np.float32)
        known, block, row = self._index.find(text_keys(texts))
        there = np.flatnonzero(known)
        by_block = there[np.argsort(block[there], kind="stable")]
        numbers, counts = np.unique(block[by_block], return_counts=True)
        for number, end, count in zip(numbers.tolist(), np.cumsum(counts), counts, strict=True):
            wanted, content = by_block[end - count : end], self._block(number)
            if content is None:
                known[wanted] = False
            else:
                vectors[wanted] = content[row[wanted]]
        return known, vectors

    def add(self, texts: Sequence[str], vectors: FloatArray) -> None:
        """Keep the vectors of these texts, in blocks that are whole or not there at all.

        A full disk ends keeping, not the run.
        """
        at_once = max(1, self._segment_bytes // (KEY_BYTES + self._dimension * 4) - 1)
        for start in range(0, len(texts), at_once):
            if self.is_writable:
                self._add_block(texts[start : start + at_once], vectors[start : start + at_once])

    def close(self) -> None:
        """Drop what is beyond the limit, now that nothing of it is needed."""
        with contextlib.suppress(OSError):  # a cache that may only be read
            self._make_room(0, spared=())

    def _add_block(self, texts: Sequence[str], vectors: FloatArray) -> None:
        keys = text_keys(texts)
        key_bytes, vector_bytes = keys.tobytes(), np.ascontiguousarray(vectors, "<f4").tobytes()
        checks = zlib.crc32(key_bytes), zlib.crc32(vector_bytes)
        header = BLOCK_HEADER.pack(MAGIC, len(texts), self._dimension, *checks)
        content = header + key_bytes + vector_bytes
        try:
            if not self._make_room(len(content), spared=self._used):
                return
            segment, offset = self._append(content)
        except OSError:
            self.is_writable = False
            return
        vectors_at = offset + BLOCK_HEADER.size + len(key_bytes)
        self._index.add(keys, len(self._blocks))
        self._blocks.append(BlockLocation(segment, vectors_at, len(texts), checks[1]))

    def _append(self, content: bytes) -> tuple[Path, int]:
        if self._segment is None or _size(self._segment) + len(content) > self._segment_bytes:
            self._directory.mkdir(parents=True, exist_ok=True)
            self._segment = self._directory / f"{os.getpid()}-{secrets.token_hex(6)}.vec"
            self._used.add(self._segment)
        with self._segment.open("ab") as stream:
            offset = stream.tell()
            stream.write(content)
        return self._segment, offset

    def _make_room(self, needed: int, *, spared: Collection[Path]) -> bool:
        """Drop the longest unused segments until so many further bytes fit, and tell whether they do."""
        segments = []
        for path in self._root.glob("*/*.vec"):
            with contextlib.suppress(FileNotFoundError):  # another process has just dropped it
                stat = path.stat()
                segments.append((stat.st_mtime_ns, path, stat.st_size))
        total = needed + sum(size for _, _, size in segments)
        for _, path, size in sorted(segments):
            if total > self._limit_bytes and path not in spared:
                path.unlink(missing_ok=True)
                total -= size
        return total <= self._limit_bytes

    def _read_keys(self, segment: Path) -> None:
        """Index the blocks of a segment up to the first that is not whole."""
        with segment.open("rb") as stream:
            size = os.fstat(stream.fileno()).st_size
            while len(header := stream.read(BLOCK_HEADER.size)) == BLOCK_HEADER.size:
                magic, rows, dimension, key_check, vector_check = BLOCK_HEADER.unpack(header)
                offset = stream.tell() + rows * KEY_BYTES
                end = offset + rows * dimension * 4
                if (magic, dimension) != (MAGIC, self._dimension) or end > size:
                    return
                keys = stream.read(rows * KEY_BYTES)
                if zlib.crc32(keys) != key_check:
                    return
                self._index.add(np.frombuffer(keys, "<u8").reshape(-1, 2), len(self._blocks))
                self._blocks.append(BlockLocation(segment, offset, rows, vector_check))
                stream.seek(end)

    def _block(self, number: int) -> FloatArray | None:
        """(rows, dimension) vectors of a block, as `_read_block` gives them, from memory if lately used."""
        content = self._in_memory.pop(number, None)
        if content is None:
            content = self._read_block(self._blocks[number])
        if content is not None:
            self._in_memory[number] = content
        while sum(block.nbytes for block in self._in_memory.values()) > BLOCKS_IN_MEMORY_BYTES:
            del self._in_memory[next(iter(self._in_memory))]
        return content

    def _read_block(self, block: BlockLocation) -> FloatArray | None:
        """(rows, dimension) vectors of a block, or None if they are gone or not what was written."""
        try:
            with block.segment.open("rb") as stream:
                stream.seek(block.offset)
                content = stream.read(block.rows * self._dimension * 4)
            self._touch(block.segment)
        except OSError:
            return None
        if zlib.crc32(content) != block.checksum:
            return None
        vectors = np.frombuffer(content, "<f4").reshape(block.rows, self._dimension)
        return vectors if np.isfinite(vectors).all() else None

    def _touch(self, segment: Path) -> None:
        """Mark a segment as used, once a run."""
        if segment not in self._used:
            with contextlib.suppress(OSError):  # a cache that may only be read
                os.utime(segment)
            self._used.add(segment)


def _size(segment: Path) -> float:
    """Bytes of a segment; infinitely many if another process has dropped it, which no more goes into."""
    try:
        return segment.stat().st_size
    except FileNotFoundError:
        return math.inf


def text_keys(texts: Sequence[str]) -> Keys:
    """(n, 2) halves of the 128-bit BLAKE2b hashes of the texts."""
    return np.frombuffer(b"".join(map(_digest, texts)), "<u8").reshape(-1, 2)


@lru_cache(maxsize=DIGESTS_IN_MEMORY)
def _digest(text: str) -> bytes:
    return hashlib.blake2b(text.encode(), digest_size=KEY_BYTES).digest()
