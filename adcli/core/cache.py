"""Where cached things live, and how a folder of them appears whole or not at all.

    cache_directory("models")      # -> ~/.cache/adcli/models, or below ADCLI_CACHE

Everything below this folder can be deleted at any time: it is computed again.
"""

from __future__ import annotations

import os
import secrets
import shutil
import time
from collections.abc import Callable
from pathlib import Path

from adcli.errors import UsageError

STALE_AFTER_S = 600.0


def cache_directory(*parts: str) -> Path:
    """The folder below `ADCLI_CACHE` for one kind of thing, made if need be.

    Without that variable it lies in the platform's cache folder.

    Raises:
        UsageError: If it can not be made.
    """
    import platformdirs

    root = os.environ.get("ADCLI_CACHE") or platformdirs.user_cache_dir("adcli")
    directory = Path(root).expanduser().joinpath(*parts)
    try:
        directory.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(
            f"The cache folder {directory} can not be made: {error.strerror}.",
            fix="Set ADCLI_CACHE to a folder that can be written.",
        ) from error
    return directory


def build_directory(target: Path, build: Callable[[Path], None]) -> Path:
    """`target`, filled by `build` if it is not there yet.

    `build` writes into a folder beside the target, which is then renamed: a killed run leaves no half
    folder, and of two processes that build at once the first to finish wins and the other takes its work.
    """
    if target.exists():
        return target
    sweep(target.parent)
    temporary = temporary_name(target)
    temporary.mkdir(parents=True)
    try:
        build(temporary)
        temporary.rename(target)
    except OSError:
        if not target.exists():
            raise
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    return target


def temporary_name(target: Path) -> Path:
    """A name beside `target` that tells which process writes it: `.NAME.adcli-PID-RANDOM.tmp`."""
    return target.with_name(f".{target.name}.adcli-{os.getpid()}-{secrets.token_hex(4)}.tmp")


def sweep(directory: Path) -> None:
    """Remove what killed processes left half written in `directory`.

    The folder may be shared by machines, where a process number says nothing: hence the age as well.
    """
    for path in directory.glob(".*.adcli-*.tmp"):
        pid = path.name.rsplit(".adcli-", 1)[1].split("-")[0]
        if pid.isdigit() and not is_alive(int(pid)) and _age_s(path) > STALE_AFTER_S:
            if path.is_dir():
                shutil.rmtree(path, ignore_errors=True)
            else:
                path.unlink(missing_ok=True)


def _age_s(path: Path) -> float:
    try:
        return time.time() - path.stat().st_mtime
    except FileNotFoundError:
        return 0.0


def is_alive(pid: int) -> bool:
    """Whether a process of this number runs on this machine."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:  # alive, but another user's
        return True
    return True
