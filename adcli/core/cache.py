"""Where cached things live, and how a folder of them appears whole or not at all.

    cache_directory("models")      # -> ~/.cache/adcli/models, or below ADCLI_CACHE

Everything below this folder can be deleted at any time: it is computed again.
"""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

from adcli.errors import UsageError
from adcli.files import remove, sweep_stale, temporary_beside


def cache_directory(*parts: str) -> Path:
    """The folder below `ADCLI_CACHE` for one kind of thing, made if need be; it may be one only to read.

    Without that variable it lies in the platform's cache folder; where it is not there and can not be made,
    in a folder of this user's among the temporary files. Raises UsageError if none can be made.
    """
    return _first_that(lambda directory: True, parts)


def writable_directory(*parts: str) -> Path:
    """As `cache_directory`, a folder to write into. Raises UsageError if there is none."""
    return _first_that(lambda directory: os.access(directory, os.W_OK), parts)


def _first_that(serves: Callable[[Path], bool], parts: tuple[str, ...]) -> Path:
    for root in _roots():
        directory = root.joinpath(*parts)
        with contextlib.suppress(OSError):
            if not root.exists():  # what is below is of the shop's texts
                root.mkdir(mode=0o700, parents=True, exist_ok=True)
            directory.mkdir(parents=True, exist_ok=True)
            if serves(directory):
                return directory
    raise UsageError(
        f"No cache folder can be written, neither {' nor '.join(map(str, _roots()))}.",
        fix="Set ADCLI_CACHE to one that can.",
    )


def _roots() -> Iterator[Path]:
    """The folder asked for, else a temporary one, if that is only this user's."""
    import platformdirs

    yield Path(os.environ.get("ADCLI_CACHE") or platformdirs.user_cache_dir("adcli")).expanduser()
    temporary = Path(tempfile.gettempdir()) / f"adcli-{os.getuid()}"
    with contextlib.suppress(OSError):
        temporary.mkdir(mode=0o700)  # and asked for itself: its name could be another's
    if temporary.is_dir() and not temporary.is_symlink() and temporary.stat().st_uid == os.getuid():
        yield temporary


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
