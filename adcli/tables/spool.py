"""A table kept in files, so that it may be larger than memory."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

import polars as pl

from adcli.tables.unify import common_schema, concatenated, fitted


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
        """The whole table, mapped from its files: what is not at work takes no memory."""
        import pyarrow as pa

        parts = [pl.from_arrow(pa.ipc.open_file(pa.memory_map(str(path))).read_all()) for path in self._paths]
        return concatenated([part for part in parts if isinstance(part, pl.DataFrame)])
