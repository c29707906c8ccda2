"""Reading bytes as a file of a given name."""

from __future__ import annotations

from typing import NamedTuple

import polars as pl
import pytest

from adcli.tables.read import TableStream, open_table
from adcli.tables.read_options import ReadOptions
from adcli.tables.unify import concatenated


class Read(NamedTuple):
    stream: TableStream
    frame: pl.DataFrame
    rejects: pl.DataFrame

    @property
    def reasons(self):
        return list(self.rejects.select("line", "reason").iter_rows())


@pytest.fixture
def read(tmp_path):
    """Reads contents as files; checks that rows read are rows accepted plus rows rejected."""

    def run(*contents, name="input.csv", tables=("events",), needs=(), **options):
        paths = []
        for number, content in enumerate(contents):
            path = tmp_path / f"{number}-{name}"
            path.write_bytes(content.encode() if isinstance(content, str) else content)
            paths.append(str(path))
        stream = open_table(paths, tables=tables, needs=needs, options=ReadOptions(**options))
        batches = list(stream.batches())
        frame = concatenated([batch.frame for batch in batches])
        rejects = pl.concat([batch.rejects for batch in batches])
        assert stream.rows_read == frame.height + rejects.height
        assert stream.rows_rejected == rejects.height
        return Read(stream, frame, rejects)

    return run
