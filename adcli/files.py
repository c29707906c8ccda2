"""Outputs that appear whole or not at all: written beside the target, synced, renamed."""

from __future__ import annotations

import atexit
import ctypes
import glob
import hashlib
import os
import re
import secrets
import shutil
import socket
import stat
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import IO, Final

from adcli.errors import UsageError

FOREIGN_AFTER_S: Final = 7 * 24 * 3600.0
"""The age at which a leftover goes whose owner cannot be asked, because it runs elsewhere."""

MANIFEST_SUFFIX: Final = ".meta.json"

_TEMPORARY = re.compile(r"^\..+\.adcli-(?P<owner>[0-9a-f]{8}-\d+-\d+)-[0-9a-f]{8}\.(?P<kind>tmp|old)$")
_unfinished: list[tuple[int, Path]] = []
_HERE, _EXCHANGE = -100, 2  # AT_FDCWD and RENAME_EXCHANGE of renameat2(2)


def owner() -> str:
    """Who this process is among all that may share a folder, on any machine: `PLACE-PID-START`.

    A number of a process says nothing where another kernel or another PID namespace gave it, nor after the
    process ended and the number was given again; hence the place, and when the process started.
    """
    return f"{_place()}-{os.getpid()}-{_started(os.getpid())}"


def is_gone(owner: str) -> bool:
    """Whether this `owner` was a process of this machine and PID namespace that no longer runs."""
    place, pid, started = owner.split("-")
    return place == _place() and not (_is_running(int(pid)) and _started(int(pid)) == started)


@cache
def _place() -> str:
    """Eight digits for this kernel, since its start, and the PID namespace in it."""
    known = [socket.gethostname()]
    with suppress(OSError):  # not on Linux: then a host has one namespace
        known.append(Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii"))
        known.append(str(Path("/proc/self/ns/pid").stat().st_ino))
    return hashlib.sha256("\0".join(known).encode()).hexdigest()[:8]


def _started(pid: int) -> str:
    """When a process started, in ticks since the kernel did; 0 where that cannot be known."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_bytes()
    except OSError:
        return "0"
    return stat.rpartition(b")")[2].split()[19].decode()  # field 22; the second, a name, may hold blanks


def _is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:  # it runs, but is another user's
        return True
    return True


def temporary_beside(target: Path) -> Path:
    """A fresh name in the target's folder that tells who writes it: `.NAME.adcli-OWNER-RANDOM.tmp`.

    What has it when the process or its command ends was not finished, and goes.
    """
    temporary = target.with_name(f".{target.name}.adcli-{owner()}-{secrets.token_hex(4)}.tmp")
    _unfinished.append((os.getpid(), temporary))
    return temporary


def private_folder(beside: Path | None = None) -> Path:
    """A folder beside an output, or among the user's temporary files, that is gone after the run."""
    beside = beside or Path(tempfile.gettempdir()) / "adcli"
    check_target(beside)
    sweep_stale(beside.parent)
    folder = temporary_beside(beside)
    folder.mkdir(mode=0o700)
    return folder


def remove_unfinished() -> None:
    """Remove what this process gave a temporary name, and no other since; an interrupt may come anywhere."""
    for pid, path in _unfinished:
        if pid == os.getpid():  # and not the process that this one is a fork of
            remove(path)
    _unfinished.clear()


def write_whole(target: Path, content: bytes) -> None:
    """Write a small file that others see whole or not at all."""
    temporary = temporary_beside(target)
    with temporary.open("wb") as handle:
        handle.write(content)
        handle.flush()
        os.fsync(handle.fileno())
    temporary.replace(target)


def sweep_stale(folder: Path) -> int:
    """The number of temporary files and folders removed whose owner is gone.

    Those of other machines and containers, which may run on, go only by age; those of a process that runs
    never.
    """
    swept = 0
    for entry in folder.iterdir():
        match = _TEMPORARY.match(entry.name)
        if (
            match
            and match["kind"] == "tmp"
            and (is_gone(match["owner"]) or _is_foreign_and_old(entry, match["owner"]))
        ):
            remove(entry)
            swept += 1
    return swept


def _is_foreign_and_old(path: Path, owner: str) -> bool:
    if owner.startswith(f"{_place()}-"):
        return False
    inside = [path, *path.rglob("*")] if path.is_dir() and not path.is_symlink() else [path]
    with suppress(FileNotFoundError):
        return time.time() - max(one.lstat().st_mtime for one in inside) > FOREIGN_AFTER_S
    return False


def remove(path: Path) -> None:
    """Remove a file or a folder, whichever it is, if it is there."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


def followed(path: Path) -> Path:
    """What a path names when symbolic links are followed, whether it is there or not.

    Raises UsageError if the links lead in a circle.
    """
    if not path.is_symlink():
        return path
    target = Path(os.path.realpath(path))
    if target.is_symlink():
        raise UsageError(f"{path}: this symbolic link leads back to itself.")
    return target


def check_target(target: Path) -> None:
    """Make sure that an output can be written at `target`.

    Raises UsageError if its folder does not exist or cannot be written.
    """
    target = followed(target)
    if not target.parent.is_dir():
        raise UsageError(f"{target}: the folder {target.parent} does not exist.", fix="Create it first.")
    if not os.access(target.parent, os.W_OK):
        raise UsageError(f"{target}: the folder {target.parent} cannot be written.")


class AtomicFile:
    """A file that takes its name only when it is complete.

    Use `handle` to write, then `commit()`; or `abort()`, which leaves what was there before.
    """

    def __init__(self, target: Path) -> None:
        check_target(target)
        if target.is_dir():
            raise UsageError(f"{target} is a folder, not a file.", fix="Name a file.")
        self.target = followed(target)
        sweep_stale(self.target.parent)
        self.temporary = temporary_beside(self.target)
        self.handle: IO[bytes] = self.temporary.open("wb")
        with suppress(OSError):
            self.temporary.chmod(stat.S_IMODE(self.target.stat().st_mode))

    def seal(self) -> tuple[int, str]:
        """Size in bytes and SHA-256 of what was written, now safely on disk under its temporary name."""
        self.handle.flush()
        os.fsync(self.handle.fileno())
        self.handle.close()
        return self.temporary.stat().st_size, file_sha256(self.temporary)

    def withdraw(self) -> None:
        """Take away the manifest of the file that will be replaced."""
        manifest_path(self.target).unlink(missing_ok=True)

    def commit(self, describe: Callable[[], None] = lambda: None) -> None:
        """Give the sealed file its name; then `describe` writes its manifest, so that none is ever wrong."""
        self.withdraw()
        self.temporary.replace(self.target)
        describe()
        sync_folder(self.target.parent)

    def abort(self) -> None:
        """Leave no trace of this file."""
        self.handle.close()
        remove(self.temporary)


class AtomicDirectory:
    """A directory that takes its name only when it is complete; replaces an earlier output of adcli only."""

    def __init__(self, target: Path) -> None:
        check_target(target)
        self.target = followed(target)
        _recover(self.target)
        check_replaceable(self.target)
        sweep_stale(self.target.parent)
        self.temporary = temporary_beside(self.target)
        self.temporary.mkdir()

    def seal(self) -> tuple[int, str]:
        """Size in bytes and SHA-256 of the directory's files, now safely on disk."""
        size = 0
        for path in sorted(self.temporary.rglob("*")):
            if path.is_file():
                with path.open("rb") as handle:
                    os.fsync(handle.fileno())
                size += path.stat().st_size
        return size, directory_sha256(self.temporary)

    def withdraw(self) -> None:
        """Nothing: the manifest is how the next run knows that it may replace the directory."""

    def commit(self, describe: Callable[[], None] = lambda: None) -> None:
        """Give the sealed directory its name; `describe` writes its manifest.

        No directory of adcli's is ever gone, or without a manifest. Between the two steps the manifest is
        another's, which a reader learns.
        """
        if self.target.is_dir() and any(self.target.iterdir()):
            _replace_directory(self.temporary, self.target)
            describe()
        else:
            describe()
            self.temporary.rename(self.target)
        sync_folder(self.target.parent)
        self.abort()

    def abort(self) -> None:
        """Leave no trace of this directory."""
        remove(self.temporary)


def check_replaceable(target: Path) -> None:
    """Make sure that a learned directory may take this name.

    Raises UsageError if something is there that is not an output of adcli.
    """
    if target.exists() and not (
        target.is_dir() and (manifest_path(target).exists() or not any(target.iterdir()))
    ):
        raise UsageError(
            f"{target} exists and is not an output of adcli, so it is not replaced.",
            fix="Name another directory with -o.",
        )


def _replace_directory(new: Path, old: Path) -> None:
    """Put `new` where `old` is; what was there has the name of a temporary afterwards, for the sweep.

    At one instant where the kernel and the file system can; elsewhere in two, between which the old one has a
    name that no sweep removes and that the next run gives back.
    """
    if _exchange(new, old):
        return
    kept = new.with_suffix(".old")
    old.rename(kept)
    new.rename(old)
    kept.rename(new)


def _exchange(one: Path, other: Path) -> bool:
    """Whether the names of two directories were swapped."""
    rename = getattr(ctypes.CDLL(None, use_errno=True), "renameat2", None)
    if rename is None:
        return False
    return bool(rename(_HERE, os.fsencode(one), _HERE, os.fsencode(other), _EXCHANGE) == 0)


def _recover(target: Path) -> None:
    """Give back its name to a directory whose run was killed between the two renames of its replacement."""
    for kept in target.parent.glob(f".{glob.escape(target.name)}.adcli-*.old"):
        match = _TEMPORARY.match(kept.name)
        if match is None or not is_gone(match["owner"]):
            continue
        if target.exists():
            remove(kept)
        else:
            kept.rename(target)


def manifest_path(output: Path) -> Path:
    """Where the manifest of an output lies: `OUTPUT.meta.json`, beside what a symbolic link leads to."""
    output = followed(output)
    return output.with_name(output.name + MANIFEST_SUFFIX)


def file_sha256(path: Path) -> str:
    """SHA-256 of a file's bytes, in hexadecimal."""
    with path.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()


def directory_sha256(folder: Path) -> str:
    """SHA-256 over the names and contents of a directory's files, in hexadecimal."""
    digest = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            digest.update(f"{path.relative_to(folder).as_posix()}\0{file_sha256(path)}\n".encode())
    return digest.hexdigest()


def sync_folder(folder: Path) -> None:
    """Make a rename inside `folder` survive a power cut."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


atexit.register(remove_unfinished)
