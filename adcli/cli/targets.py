"""What an output may be: a file or directory of our own, or a stream; never what the run reads."""

from __future__ import annotations

import os
import stat
from contextlib import suppress
from pathlib import Path
from typing import IO, NamedTuple

from adcli.errors import UsageError


class StreamOutput:
    """A device, a FIFO or an open descriptor such as /dev/stdout: written as it comes, and never replaced."""

    def __init__(self, target: Path) -> None:
        self.target = target
        descriptor = _descriptor(target)
        # a descriptor is shared as it is: opened again by its name, what was written there before would go.
        self.handle: IO[bytes] = (
            target.open("wb") if descriptor is None else os.fdopen(os.dup(descriptor), "wb")
        )

    def close(self) -> None:
        """Write what is left."""
        self.handle.close()

    abort = close  # what was sent is sent


def is_stream(target: Path) -> bool:
    """Whether an output is written through, because its name is no regular file's that could be replaced.

    Raises UsageError if it names a descriptor that is not open.
    """
    descriptor = _descriptor(target)
    try:
        mode = target.stat().st_mode if descriptor is None else os.fstat(descriptor).st_mode
    except OSError:
        if descriptor is not None:
            raise UsageError(f"{target}: nothing is open under this name.") from None
        return False
    return descriptor is not None or not (stat.S_ISREG(mode) or stat.S_ISDIR(mode))


def _descriptor(path: Path) -> int | None:
    """The open descriptor that a name such as /dev/stdout or /dev/fd/3 stands for, over symbolic links."""
    for _ in range(40):  # as many links as Linux follows
        if os.path.realpath(path.parent) in (f"/proc/{os.getpid()}/fd", "/dev/fd"):
            return int(path.name) if path.name.isdecimal() else None
        if not path.is_symlink():
            return None
        path = path.parent / path.readlink()
    return None


class _Place(NamedTuple):
    """Something that the run reads, and what it is called."""

    path: Path
    what: str
    is_directory: bool


class ReadPlaces:
    """All that a run reads, by name and by file on disk, so that no output takes its place."""

    def __init__(self) -> None:
        self._files: dict[tuple[int, int], str] = {}
        self._places: list[_Place] = []
        with suppress(OSError):
            self._note(os.fstat(0), "the file that standard input is read from")

    def add(self, path: Path, what: str = "an input") -> None:
        """Take note of a file, or of a directory with all that is in it."""
        is_directory = path.is_dir()
        for one in (path, *path.rglob("*")) if is_directory else (path,):
            with suppress(OSError):
                self._note(one.stat(), what)
        self._places.append(_Place(Path(os.path.realpath(path)), what, is_directory))

    def check(self, output: Path) -> None:
        """Make sure that an output takes the place of none of these; else UsageError."""
        taken = self._named(output) or self._found(output)
        if taken is not None:
            raise UsageError(
                f"{output} is {taken}; an output never overwrites one.", fix="Name another file."
            )

    def check_standard_output(self) -> None:
        """Make sure that standard output is not appended to what is read; else UsageError."""
        self.check(Path("/dev/stdout"))

    def _note(self, found: os.stat_result, what: str) -> None:
        if stat.S_ISREG(found.st_mode):
            self._files[found.st_dev, found.st_ino] = what

    def _named(self, output: Path) -> str | None:
        if _descriptor(output) is not None:
            return None
        real = Path(os.path.realpath(output))
        for place in self._places:
            if real == place.path or real in place.path.parents:
                return place.what
            if place.is_directory and place.path in real.parents:
                return f"part of {place.path.name}, which is {place.what}"
        return None

    def _found(self, output: Path) -> str | None:
        descriptor = _descriptor(output)
        try:
            found = output.stat() if descriptor is None else os.fstat(descriptor)
        except OSError:
            return None
        return self._files.get((found.st_dev, found.st_ino))
