"""How much memory tables may take, so that no input, however small, takes all there is."""

from __future__ import annotations

import re
import resource
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

import polars as pl

from adcli.errors import DataError, UsageError

_SHARE: Final = 3  # of what is free, one part is for a table and the others for computing on it
_VIEW_BYTES: Final = 16  # of each text, which polars does not count
_SIZE = re.compile(r"(\d+(?:\.\d+)?) ?([KMGT]?)i?B?", re.IGNORECASE)


def free_bytes() -> int:
    """What this machine, or its control group, could still give."""
    import psutil

    found = [int(psutil.virtual_memory().available)]
    for name in ("memory.max", "memory/memory.limit_in_bytes"):  # of versions 2 and 1
        with suppress(OSError, ValueError):
            found.append(int(Path("/sys/fs/cgroup", name).read_text(encoding="ascii")))
    return min(found)


def table_bytes(given: str | None) -> int:
    """The most that a table may take, as `--memory` says (`4GB`), else a third of what is free.

    Raises UsageError if it says no size.
    """
    if given is None:
        return free_bytes() // _SHARE
    match = _SIZE.fullmatch(given)
    if match is None or not (size := int(float(match[1]) * 1024 ** " KMGT".index(match[2].upper() or " "))):
        raise UsageError(f"--memory {given}: expected a size such as 500MB or 4GB.")
    return size


def held(frames: Iterable[pl.DataFrame], most: int, what: str) -> list[pl.DataFrame]:
    """The frames of a table that is in memory as a whole.

    Raises DataError if together they take more than `most` bytes.
    """
    kept: list[pl.DataFrame] = []
    left = most
    for frame in frames:
        texts = sum(dtype == pl.String for dtype in frame.dtypes)
        left -= int(frame.estimated_size()) + _VIEW_BYTES * texts * frame.height
        if left < 0:
            raise DataError(
                f"{what} takes more than {most / 2**20:,.0f} MB of memory, the most that it may.",
                fix="Allow more with --memory, or give fewer columns or rows.",
            )
        kept.append(frame)
    return kept


@contextmanager
def allocating_at_most(most: int) -> Iterator[None]:
    """Let allocations fail that would take more than this in sum: a MemoryError. Only Linux can."""
    try:
        data = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[5])
    except OSError:
        yield
        return
    before = resource.getrlimit(resource.RLIMIT_DATA)
    limit = data * resource.getpagesize() + most
    if before[0] != resource.RLIM_INFINITY:
        limit = min(limit, before[0])
    resource.setrlimit(resource.RLIMIT_DATA, (limit, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_DATA, before)
