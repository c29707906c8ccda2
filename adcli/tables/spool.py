"""A table kept in files, so that it may be larger than memory."""

from __future__ import annotations

import mmap
from collections.abc import Iterable, Iterator
from pathlib import Path
from weakref import WeakSet

import polars as pl

from adcli.tables.unify import common_schema, concatenated, fitted

_MAPPED: WeakSet[mmap.mmap] = WeakSet()


def let_go() -> None:
    """Take what was read of mapped tables out of memory: whoever goes through one has it in parts only.

    What is needed again is read again.
    """
    for one in _MAPPED if hasattr(mmap, "MADV_DONTNEED") else ():
        one.madvise(mmap.MADV_DONTNEED)


class Spool:
    """Frames of one table, each in a file of a private folder; a column has one type in all of them."""

    def __init__(self, frames: Iterable[pl.DataFrame], folder: Path) -> None:
        schemas, self._paths = [], []
        for number, frame in enumerate(frames):
            path = folder / f"{number}.arrow"
            frame.write_ipc(path, compression="uncompressed")
            schemas.append(frame.schema)
            self._paths.append(path)
        self.schema = common_schema(schemas)

    def frames(self) -> Iterator[pl.DataFrame]:
        """The frames one by one, in their order."""
        for path in self._paths:
            yield fitted(pl.read_ipc(path), self.schema)

    def mapped(self) -> pl.DataFrame:
        """The whole table, mapped from its files: what is not at work takes no memory (`let_go`)."""
        return concatenated([_mapped(path) for path in self._paths])


def _mapped(path: Path) -> pl.DataFrame:
    import pyarrow as pa

    with path.open("rb") as file:
        pages = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    _MAPPED.add(pages)
    return pl.DataFrame(pl.from_arrow(pa.ipc.open_file(pa.py_buffer(pages)).read_all()))
