"""The journal of a stream: blocks of lines with their answers, appended before the answers go out.

A record is a header of fixed length (`#`, the payload's length, the checksum of all payloads so far, the
checksum of the header itself) and the payload, lines of JSON. A record that ends early was never answered and
is dropped; anything else that does not fit its checksum is damage, and said.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Literal, NamedTuple
from zlib import crc32

from adcli.errors import AdcliError, DataError
from adcli.files import sync_folder

Durable = Literal["process", "power"]
HEADER = 30


class Position(NamedTuple):
    """A place between two records: its byte, and the checksum of all payloads before."""

    offset: int = 0
    checksum: int = 0


START = Position()


def framed(payload: bytes, checksum: int = 0) -> bytes:
    """A record."""
    return _header(len(payload), crc32(payload, checksum)) + payload


def _header(length: int, checksum: int) -> bytes:
    start = b"#%010d %08x" % (length, checksum)
    return start + b" %08x\n" % crc32(start)


def records(path: Path, position: Position = START) -> Iterator[tuple[bytes, Position]]:
    """The whole records from a position on, each with the position after it.

    Raises DataError if a record is damaged.
    """
    with path.open("rb") as handle:
        handle.seek(position.offset)
        while len(header := handle.read(HEADER)) == HEADER:
            length, checksum = _read_header(header, path, position.offset)
            payload = handle.read(length)
            if len(payload) < length:
                return
            if crc32(payload, position.checksum) != checksum:
                raise _damage(path, position.offset)
            position = Position(position.offset + HEADER + length, checksum)
            yield payload, position


def _read_header(header: bytes, path: Path, offset: int) -> tuple[int, int]:
    try:
        length, checksum = int(header[1:11]), int(header[12:20], 16)
    except ValueError:
        raise _damage(path, offset) from None
    if header != _header(length, checksum):
        raise _damage(path, offset)
    return length, checksum


def _damage(path: Path, offset: int) -> DataError:
    return DataError(
        f"{path} is damaged: the record at byte {offset:,} does not fit its checksum.",
        fix=f"`truncate -s {offset} {path}` goes on with what stands before it, and loses the rest.",
    )


class Journal:
    """A journal that is written to.

    Args:
        path: Of the file; it is made if it is not there.
        position: The end of its last whole record; what stands behind that is cut off.
        durable: What an answered block survives: the end of this process, or of the machine's power as well.
    """

    def __init__(self, path: Path, position: Position, durable: Durable) -> None:
        self.path, self.position = path, position
        self._syncs = durable == "power"
        self._file = os.open(path, os.O_CREAT | os.O_WRONLY | os.O_APPEND, 0o644)
        os.ftruncate(self._file, position.offset)
        if self._syncs:
            os.fsync(self._file)
            sync_folder(path.parent)

    def append(self, payload: bytes) -> None:
        """Write a record. Raises AdcliError if it cannot be written; then nothing of it stays."""
        record = memoryview(framed(payload, self.position.checksum))
        try:
            left = record
            while left:
                left = left[os.write(self._file, left) :]
            if self._syncs:
                os.fdatasync(self._file)
        except OSError as error:
            os.ftruncate(self._file, self.position.offset)
            raise AdcliError(
                f"{self.path} cannot be written: {error.strerror}. All that was answered is kept.",
                fix="Make room and start again; lines without an answer must be sent again.",
            ) from error
        checksum = crc32(payload, self.position.checksum)
        self.position = Position(self.position.offset + len(record), checksum)

    def close(self) -> None:
        """Close the file."""
        os.close(self._file)
