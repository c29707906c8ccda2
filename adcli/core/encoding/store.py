"""Vectors kept on disk between runs, found by what they were computed from.

    store = VectorStore(encoder.settings.fingerprint, encoder.dimension)
    for block in encode_cached_stream(encoder, texts, store):
        ...                                   # the second time nothing is computed

One SQLite database holds those of all encoders, safe under several processes and kills. A row changed on
disk fails its checksum, a file that is no database is begun anew: what they held is computed again.
Beyond the limit blocks of rows go, the longest unused first, but none that this run uses: where it uses
more than the limit, what comes last is not kept. `close` leaves the store within the limit, whatever
others have added meanwhile.
"""

from __future__ import annotations

import hashlib
import sqlite3
import time
import zlib
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

import numpy as np

from adcli.arrays import Flags, Floats32
from adcli.core.cache import cache_directory

DEFAULT_LIMIT_BYTES = 8 << 30
KEY_BYTES = 16
ROW_BYTES = 64  # beside its vector: key, checksum, block, their places in two indexes
PAGE_BYTES = 32_768  # of which vectors as wide as those of large models leave little empty
WAIT_S = 60.0  # for another process that writes
SCHEMA = """
    PRAGMA page_size = {page}; PRAGMA auto_vacuum = FULL; PRAGMA synchronous = OFF;
    PRAGMA max_page_count = {pages};
    CREATE TABLE IF NOT EXISTS blocks (id INTEGER PRIMARY KEY, used INTEGER);
    CREATE TABLE IF NOT EXISTS vectors (key BLOB PRIMARY KEY, block INTEGER, checksum INTEGER, vector BLOB);
    CREATE INDEX IF NOT EXISTS vectors_by_block ON vectors (block);
"""


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
        self._path = (directory or cache_directory("vectors")) / "vectors.sqlite"
        self._own = fingerprint.encode()
        self._dimension = dimension
        self._limit_bytes, self._row_bytes = limit_bytes, ROW_BYTES + 4 * dimension
        self._run = time.time_ns()
        self.is_writable = True
        self._open()

    def find(self, texts: Sequence[str]) -> tuple[Flags, Floats32]:
        """Which of the texts are known, and (n, dimension) vectors, meaningless where they are not."""
        vectors = np.zeros((len(texts), self._dimension), np.float32)
        keys = [self._key(text) for text in texts]
        rows = [row for row in self._rows(set(keys)) if len(row[1]) == 4 * self._dimension]
        found = np.frombuffer(b"".join(content for _, content in rows), "<f4").reshape(-1, self._dimension)
        at = {key: place for place, (key, _) in enumerate(rows)}
        place = np.array([at.get(key, -1) for key in keys], np.int64)
        known = np.append(np.isfinite(found).all(axis=1), False)[place]
        vectors[known] = found[place[known]]
        return known, vectors

    def add(self, texts: Sequence[str], vectors: Floats32) -> None:
        """Keep the vectors of these texts, each whole or not at all.

        A full disk or store ends keeping, not the run.
        """
        at_once = max(1, self._limit_bytes // 16 // self._row_bytes)
        for start in range(0, len(texts), at_once):
            if self.is_writable:
                self._add_block(texts[start : start + at_once], vectors[start : start + at_once])

    def _add_block(self, texts: Sequence[str], vectors: Floats32) -> None:
        keys, blobs = map(self._key, texts), [row.tobytes() for row in np.asarray(vectors, "<f4")]
        with self._changing() as database:
            self._make_room(len(texts) * self._row_bytes, before=self._run)
            block = database.execute("INSERT INTO blocks (used) VALUES (?)", (self._run,)).lastrowid
            rows = [(key, block, _checksum(key, blob), blob) for key, blob in zip(keys, blobs, strict=True)]
            database.executemany("INSERT OR REPLACE INTO vectors VALUES (?, ?, ?, ?)", rows)

    def close(self) -> None:
        """Drop what is beyond the limit, now that nothing of it is needed."""
        with self._changing():
            self._make_room(0, before=time.time_ns())
        self._database.close()

    def _open(self) -> None:
        pages = max(1, self._limit_bytes // PAGE_BYTES)
        with suppress(OSError):
            self._path.parent.mkdir(parents=True, exist_ok=True)
        for place in (self._path, self._path, ":memory:"):
            try:
                self._database = sqlite3.connect(place, WAIT_S, check_same_thread=False)
                self._database.executescript(SCHEMA.format(page=PAGE_BYTES, pages=pages))
            except sqlite3.DatabaseError as error:
                self._refused(error)
            else:
                self.is_writable = place != ":memory:"
                break

    @contextmanager
    def _changing(self) -> Iterator[sqlite3.Connection]:
        """What is changed together or not at all; where it can not be, keeping ends, and not the run."""
        try:
            with self._database:
                yield self._database
        except sqlite3.Error as error:
            self._refused(error)

    def _refused(self, error: sqlite3.Error) -> None:
        self.is_writable = False
        if type(error) is sqlite3.DatabaseError:  # it is none, or damaged: the next run begins it anew
            self._path.unlink(missing_ok=True)

    def _rows(self, keys: Collection[bytes]) -> list[tuple[bytes, bytes]]:
        """The keys that are there, and their vectors as bytes, if they are what was written."""
        rows: list[tuple[bytes, int, int, bytes]] = []
        with self._changing() as database:
            asked = f"SELECT * FROM vectors WHERE key IN ({', '.join('?' * len(keys))})"  # noqa: S608
            rows = database.execute(asked, tuple(keys)).fetchall()
            blocks = {(self._run, block, self._run) for _, block, _, _ in rows}
            database.executemany("UPDATE blocks SET used = ? WHERE id = ? AND used < ?", blocks)
        return [(key, content) for key, _, check, content in rows if check == _checksum(key, content)]

    def _make_room(self, needed: int, *, before: int) -> None:
        """Drop the longest unused of the blocks last used before a time, until so many further bytes fit."""
        unused = self._database.execute("SELECT id FROM blocks WHERE used < ? ORDER BY used, id", (before,))
        for block in unused.fetchall() if self._size() + needed > self._limit_bytes else ():
            self._database.execute("DELETE FROM vectors WHERE block = ?", block)
            self._database.execute("DELETE FROM blocks WHERE id = ?", block)
            if self._size() + needed <= self._limit_bytes:
                return

    def _size(self) -> int:
        """Bytes of the pages that are in use."""
        pages, free = (
            self._database.execute(f"PRAGMA {what}").fetchone()[0]
            for what in ("page_count", "freelist_count")
        )
        return int(pages - free) * PAGE_BYTES

    def _key(self, text: str) -> bytes:
        """The 128-bit BLAKE2b hash of a text, another for each set of settings."""
        return hashlib.blake2b(text.encode(), digest_size=KEY_BYTES, key=self._own).digest()


def _checksum(key: bytes, content: bytes) -> int:
    return zlib.crc32(content, zlib.crc32(key))
