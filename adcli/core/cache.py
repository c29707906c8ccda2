"""Where cached things live, and how a folder of them appears whole or not at all.

    cache_directory("models")      # -> ~/.cache/adcli/models, or below ADCLI_CACHE

Everything below this folder can be deleted at any time: it is computed again.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from adcli.errors import UsageError
from adcli.files import remove, sweep_stale, temporary_beside


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
    target.parent.mkdir(parents=True, exist_ok=True)
    sweep_stale(target.parent)
    temporary = temporary_beside(target)
    temporary.mkdir()
    try:
        build(temporary)
        temporary.rename(target)
    except OSError:
        if not target.exists():
            raise
    finally:
        remove(temporary)
    return target
