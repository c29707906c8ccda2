"""Tables as directories of Parquet files whose folders are named `column=value`, as Hive does."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from pathlib import Path
from typing import Final

import polars as pl
import pyarrow as pa
import pyarrow.dataset as ds

from adcli.errors import UsageError, did_you_mean

NO_VALUE: Final = "__HIVE_DEFAULT_PARTITION__"  # what the folder of rows without a value is named

_OF_TIME: Final = {"month": "%Y-%m", "day": "%Y-%m-%d", "hour": "%Y-%m-%dT%H"}
_MOST: Final = 10_000
_ROW_GROUP: Final = 65_536


def write_partitions(parts: Iterable[pl.DataFrame], folder: Path, by: Sequence[str]) -> int:
    """Write a table into an empty folder, in it one for each value, and give the number of rows.

    Args:
        parts: The rows, in frames of one schema.
        folder: Where to.
        by: Columns, or `month`, `day` or `hour` of `event_time` where no column has that name.

    Raises:
        UsageError: If there is no such column, or it has more than 10,000 values.
    """
    frames = (_with_partition(part, by) for part in parts)
    first = next(frames, pl.DataFrame(schema=dict.fromkeys(by, pl.String)))
    schema = first.to_arrow(compat_level=pl.CompatLevel.oldest()).schema
    counts: list[int] = []

    def batches() -> Iterator[pa.RecordBatch]:
        for frame in chain([first], frames):
            counts.append(frame.height)
            yield from frame.to_arrow(compat_level=pl.CompatLevel.oldest()).cast(schema).to_batches()

    try:
        ds.write_dataset(
            pa.RecordBatchReader.from_batches(schema, batches()),
            folder,
            format="parquet",
            file_options=ds.ParquetFileFormat().make_write_options(
                compression="zstd", write_page_checksum=True
            ),
            partitioning=ds.partitioning(pa.schema([(name, pa.string()) for name in by]), flavor="hive"),
            basename_template="part-{i}.parquet",
            max_partitions=_MOST,
            max_open_files=500,
            min_rows_per_group=_ROW_GROUP // 4,
            max_rows_per_group=_ROW_GROUP,
            preserve_order=True,
        )
    except pa.ArrowInvalid as error:
        if "partitions" not in str(error):
            raise
        raise UsageError(
            f"--partition-by {' '.join(by)}: there would be more than {_MOST:,} folders.",
            fix="Choose a column of fewer values.",
        ) from None
    return sum(counts)


def _with_partition(frame: pl.DataFrame, by: Sequence[str]) -> pl.DataFrame:
    """A frame with the columns that its folders are named after, as text."""
    for name in by:
        if name not in frame.columns and (name not in _OF_TIME or "event_time" not in frame.columns):
            known = [*frame.columns, *_OF_TIME]
            raise UsageError(
                f"--partition-by {name}: there is no such column.", fix=did_you_mean(name, known)
            )
    return frame.with_columns(
        pl.col(name).cast(pl.String)
        if name in frame.columns
        else pl.col("event_time").dt.strftime(_OF_TIME[name]).alias(name)
        for name in by
    )
