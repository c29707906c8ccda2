"""Where bytes come from: files, copies of what is elsewhere, standard input; hashed while they are read."""

from __future__ import annotations

import hashlib
import os
import stat
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, NamedTuple

from adcli.errors import DataError
from adcli.stores import url_of
from adcli.tables.compression import Peekable, peel

PEEK_BYTES = 1 << 20  # how much of an input is looked at to find out what it is

STDIN = "standard input"


class Span(NamedTuple):
    """A stretch of a text file from `start` to below `end`, read after the file's first `header` bytes."""

    header: int
    start: int
    end: int


class Origin(NamedTuple):
    """Where the file of an input comes from."""

    name: str  # what was named, without secrets; of a file in a directory, its path there
    place: Path | None  # what no output may take the place of
    folder: Path | None = None  # the directory whose manifest speaks of this file too, if it is in one
    # the columns that the folders in it name (`day=2026-01-01`), each with its value
    partition: tuple[tuple[str, str | None], ...] = ()
    query: str = ""  # the SQL whose rows it has


class Source:
    """One input: a file that can be opened again, or a pipe that is read once.

    Attributes:
        name: The path or URL as it was given, or "standard input".
        path: The file, or None where it is a pipe; of an object or a query a private copy.
        span: The part of the file that is read; None where it is all of it.
        origin: Where the file comes from, if it is none that was named.
    """

    def __init__(
        self, given: str, span: Span | None = None, folder: str = "", origin: Origin | None = None
    ) -> None:
        self.span = span
        self.path = None if given == "-" or is_pipe(Path(given)) else Path(folder, given)
        self.origin = origin or Origin(given, self.path)
        name = os.fsencode(self.origin.name).decode("utf-8", "backslashreplace")
        self.name = STDIN if given == "-" else name
        self._given, self._folder = given, folder
        self._waiting: _PlainStream | None = None
        self._hashed: _HashingReader | None = None
        self._spool: IO[bytes] | None = None

    def __reduce__(self) -> tuple[type[Source], tuple[str, Span | None, str, Origin]]:
        """Another process opens the input again, in whatever folder it works."""
        return Source, (self._given, self.span, self._folder or str(Path.cwd()), self.origin)

    def spanned(self, span: Span | None) -> Source:
        """The input, or a part of it."""
        return self if span is None else Source(self._given, span, self._folder, self.origin)

    @property
    def is_file(self) -> bool:
        """Whether it is a file that was named, and neither a pipe nor a copy that is gone after the run."""
        copied = self.origin.query or url_of(str(self.origin.place))
        return self.path is not None and not copied

    def as_json(self) -> dict[str, str]:
        """The query whose rows these are, if they are, for the manifest."""
        return {"query": self.origin.query} if self.origin.query else {}

    @property
    def lines(self) -> int:
        """Ends of lines in what was read of a span."""
        return self._hashed.lines if self._hashed else 0

    @property
    def size(self) -> int:
        """Size of the raw input, as far as it was read."""
        return self._hashed.size if self._hashed else 0

    @property
    def sha256(self) -> str:
        """Hash of the raw input, as far as it was read."""
        return self._hashed.sha256.hexdigest() if self._hashed else ""

    def peek(self) -> tuple[bytes, tuple[str, ...]]:
        """The first decompressed bytes, at most `PEEK_BYTES`, and the compressions found.

        Raises DataError if the input cannot be read.
        """
        self._waiting = self._waiting or self._open()
        try:
            return self._waiting.peek(PEEK_BYTES), self._waiting.compressions
        finally:
            if self.path is not None:
                self.close()

    def hashed(self) -> str:
        """SHA-256 of all that there is to read of a file."""
        reader = self._raw()
        try:
            while reader.read(PEEK_BYTES):
                pass
            return reader.sha256.hexdigest()
        finally:
            reader.close()

    def keep(self) -> None:
        """Copy the bytes of a pipe to disk, so that they can be read more than once."""
        if self.path is None and self._spool is None:
            with self.open() as stream:
                self._copy(stream)

    @contextmanager
    def open(self) -> Iterator[Peekable]:
        """The decompressed bytes from the start. Raises DataError if the input cannot be read."""
        if self._spool is not None:
            self._spool.seek(0)
            yield Peekable(self._spool)
            return
        stream = self._waiting or self._open()
        self._waiting = None
        try:
            yield stream
        finally:
            if self.name != STDIN:
                stream.close()

    @contextmanager
    def seekable(self) -> Iterator[IO[bytes]]:
        """A file to jump about in with the decompressed bytes: the input itself, or an unnamed copy."""
        if self._spool is None:
            with self.open() as stream:
                if self.path is not None and isinstance(stream, _PlainStream) and not stream.compressions:
                    stream.drain()
                    with self.path.open("rb") as handle:
                        yield handle
                    return
                self._copy(stream)
        if self._spool is not None:
            yield self._spool

    def _copy(self, stream: Peekable) -> None:
        spool = tempfile.TemporaryFile(prefix="adcli-")  # noqa: SIM115  # closed by close()
        while data := stream.read(PEEK_BYTES):
            spool.write(data)
        spool.flush()
        self._spool = spool

    def close(self) -> None:
        """Close what is still open."""
        if self._spool is not None:
            self._spool.close()
        if self._waiting is not None and self.name != STDIN:
            self._waiting.close()
        self._waiting = self._spool = None

    def _raw(self) -> _HashingReader:
        try:
            raw: IO[bytes] = (
                sys.stdin.buffer if self.name == STDIN else (self.path or Path(self._given)).open("rb")
            )
        except OSError as error:
            raise DataError(f"{self.name}: cannot be opened: {error.strerror}.") from None
        return _HashingReader(raw, self.name) if self.span is None else _SpanReader(raw, self.name, self.span)

    def _open(self) -> _PlainStream:
        self._hashed = self._raw()
        try:
            return _PlainStream(self._hashed, self.name)
        except DataError:
            self._hashed.close()
            raise


class _HashingReader:
    """A reader that hashes and counts what passes through it."""

    def __init__(self, raw: IO[bytes], name: str) -> None:
        self._raw = raw
        self._name = name
        self.sha256 = hashlib.sha256()
        self.size = 0
        self.lines = 0

    def read(self, size: int) -> bytes:
        try:
            data = self._raw.read(size)
        except OSError as error:
            raise DataError(f"{self._name}: cannot be read: {error.strerror}.") from None
        self.sha256.update(data)
        self.size += len(data)
        return data

    def close(self) -> None:
        self._raw.close()


class _SpanReader(_HashingReader):
    """The header lines of a file and a part of what is below them."""

    def __init__(self, raw: IO[bytes], name: str, span: Span) -> None:
        super().__init__(raw, name)
        self._span = span

    def read(self, size: int) -> bytes:
        header, start, end = self._span
        at = self._raw.tell()
        if header <= at < start:
            at = self._raw.seek(start)
        data = super().read(min(size, (header if at < header else end) - at))
        self.lines += data.count(b"\n") if at >= header else 0
        return data


class _PlainStream(Peekable):
    """The decompressed bytes of an input, each of which is hashed as it is read."""

    def __init__(self, raw: _HashingReader, name: str) -> None:
        self._raw = raw
        plain, self.compressions = peel(raw, name)
        super().__init__(plain)

    def close(self) -> None:
        """Close the file below."""
        self._raw.close()


def is_pipe(path: Path) -> bool:
    """Whether a path names what can be read once only."""
    try:
        mode = path.stat().st_mode
    except OSError:
        return False
    return stat.S_ISFIFO(mode) or stat.S_ISCHR(mode) or stat.S_ISSOCK(mode)
