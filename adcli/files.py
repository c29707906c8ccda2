"""Outputs that appear whole or not at all: written beside the target, synced, renamed."""

from __future__ import annotations

import hashlib
import os
import re
import secrets
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import IO

from adcli.errors import UsageError

_TEMPORARY = re.compile(r"^\.(?P<name>.+)\.adcli-(?P<pid>\d+)-[0-9a-f]{8}\.tmp$")


def temporary_beside(target: Path) -> Path:
    """A fresh name in the target's folder that a later run recognises as a leftover."""
    return target.parent / f".{target.name}.adcli-{os.getpid()}-{secrets.token_hex(4)}.tmp"


def sweep_stale(folder: Path) -> int:
    """The number of temporary files removed whose process no longer runs."""
    swept = 0
    for entry in folder.iterdir():
        match = _TEMPORARY.match(entry.name)
        if match and not _is_running(int(match["pid"])):
            remove(entry)
            swept += 1
    return swept


def _is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


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
