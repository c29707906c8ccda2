"""Outputs that appear whole or not at all: written beside the target, synced, renamed."""

from __future__ import annotations

import hashlib
import os
import re
import secrets
import shutil
import socket
import time
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import IO, Final

from adcli.errors import UsageError

FOREIGN_AFTER_S: Final = 7 * 24 * 3600.0
"""The age at which a leftover goes whose owner cannot be asked, because it runs elsewhere."""

_TEMPORARY = re.compile(r"^\..+\.adcli-(?P<owner>[0-9a-f]{8}-\d+-\d+)-[0-9a-f]{8}\.tmp$")


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
    """A fresh name in the target's folder that tells who writes it: `.NAME.adcli-OWNER-RANDOM.tmp`."""
    return target.with_name(f".{target.name}.adcli-{owner()}-{secrets.token_hex(4)}.tmp")


def sweep_stale(folder: Path) -> int:
    """The number of temporary files and folders removed whose owner is gone.

    Those of other machines and containers, which may run on, go only by age; those of a process that runs
    never.
    """
    swept = 0
    for entry in folder.iterdir():
        match = _TEMPORARY.match(entry.name)
        if match and (is_gone(match["owner"]) or _is_foreign_and_old(entry, match["owner"])):
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


def check_target(target: Path) -> None:
    """Make sure that an output can be written at `target`.

    Raises:
        UsageError: If its folder does not exist or cannot be written.
    """
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
            raise UsageError(f"{target} is a folder, not a file.", fix="Name a file with -o.")
        sweep_stale(target.parent)
        self.target = target
        self.temporary = temporary_beside(target)
        self.handle: IO[bytes] = self.temporary.open("wb")

    def seal(self) -> tuple[int, str]:
        """Size in bytes and SHA-256 of what was written, now safely on disk under its temporary name."""
        self.handle.flush()
        os.fsync(self.handle.fileno())
        self.handle.close()
        return self.temporary.stat().st_size, file_sha256(self.temporary)

    def commit(self, describe: Callable[[], None] = lambda: None) -> None:
        """Give the sealed file its name; then `describe` writes its manifest, so that none is ever wrong."""
        manifest_path(self.target).unlink(missing_ok=True)
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
        replaceable = not target.exists() or (
            target.is_dir() and (manifest_path(target).exists() or not any(target.iterdir()))
        )
        if not replaceable:
            raise UsageError(
                f"{target} exists and is not an output of adcli, so it is not replaced.",
                fix="Name another directory with -o.",
            )
        sweep_stale(target.parent)
        self.target = target
        self.temporary = temporary_beside(target)
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

    def commit(self, describe: Callable[[], None] = lambda: None) -> None:
        """Give the sealed directory its name, after `describe` wrote its manifest.

        In this order no directory of adcli's is ever without the manifest by which the next run knows that it
        may replace it.
        """
        if self.target.exists():
            old = temporary_beside(self.target)
            self.target.rename(old)
            describe()
            self.temporary.rename(self.target)
            remove(old)
        else:
            describe()
            self.temporary.rename(self.target)
        sync_folder(self.target.parent)

    def abort(self) -> None:
        """Leave no trace of this directory."""
        remove(self.temporary)


def manifest_path(output: Path) -> Path:
    """Where the manifest of an output lies: `OUTPUT.meta.json`."""
    return output.with_name(output.name + ".meta.json")


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
