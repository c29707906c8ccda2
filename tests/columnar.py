"""Tables as the bytes of a columnar file."""

import io

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq


def as_parquet(table, **options):
    handle = io.BytesIO()
    pq.write_table(_of_arrow(table), handle, **options)
    return handle.getvalue()


def as_arrow(table, write=pa.ipc.new_file):
    content, handle = _of_arrow(table), io.BytesIO()
    with write(handle, content.schema) as writer:
        writer.write_table(content)
    return handle.getvalue()


def _of_arrow(table):
    return table.to_arrow(compat_level=pl.CompatLevel.oldest()) if isinstance(table, pl.DataFrame) else table
