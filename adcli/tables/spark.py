"""Spark, for tables too large for one machine: executors compute functions of adcli on Arrow batches.

    with Cluster("local[2]") as cluster:
        made = cluster.computed(tasks, read)          # each task on its own
        made = made.exchanged(add_up, 8)              # what goes to one of 8 partitions, together
        for parcel in made.parcels(HERE): ...

What is passed on is a parcel: bytes, such as a frame in Arrow's format, to one of the partitions or back to
where the run was started. A frame of any columns passes unchanged, since Spark never looks into it.
"""

from __future__ import annotations

import io
import json
import os
import sys
import tempfile
import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Final, NamedTuple, Self

import polars as pl
import pyarrow as pa

from adcli import errors
from adcli.errors import AdcliError, native_errors_into

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

HERE: Final = -1
TOLD: Final = -2
_FAILED: Final = -3
_SCHEMA: Final = pa.schema(
    [("to", pa.int32()), ("part", pa.int64()), ("number", pa.int64()), ("content", pa.binary())]
)
_AS_SQL: Final = "to int, part bigint, number bigint, content binary"
QUIET: Final[dict[str, bool | float | int | str | None]] = {
    "spark.driver.extraJavaOptions": "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC",  # Java only moves bytes
    "spark.sql.codegen.wholeStage": "false",
    "spark.sql.codegen.factoryMode": "NO_CODEGEN",
    "spark.sql.inMemoryColumnarStorage.compressed": "false",  # parcels are
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
    "spark.sql.execution.arrow.maxRecordsPerBatch": "1",  # a parcel is large
    "spark.sql.adaptive.enabled": "false",  # the partitions are chosen by what is in them
}
_LAST_LINES: Final = 3


class Parcel(NamedTuple):
    """Bytes that one computation hands to another."""

    to: int  # the partition that takes it; `HERE`, or `TOLD` for what is small and is wanted at once
    part: int  # the part of the work that it was made of
    number: int  # its place among those of the same part
    content: bytes  # the bytes


Compute = Callable[[Iterator[Parcel]], Iterator[Parcel]]


def packed(frame: pl.DataFrame) -> bytes:
    """A frame as bytes."""
    buffer = io.BytesIO()
    frame.write_ipc(buffer, compression="lz4")
    return buffer.getvalue()


def unpacked(content: bytes) -> pl.DataFrame:
    """The frame that was packed."""
    return pl.read_ipc(io.BytesIO(content))


class Cluster:
    """A session of Spark: the one that `spark-submit` has begun, or one of its own.

    `master`: where the executors are, as Spark names it; None for what Spark is configured to. Raises
    AdcliError if Spark is not installed, or does not start.
    """

    def __init__(self, master: str | None) -> None:
        warnings.filterwarnings("ignore", category=FutureWarning)  # of parts of pandas that are not used here
        try:
            from pyspark.sql import SparkSession
        except ImportError:
            raise AdcliError(
                "--engine spark needs PySpark.", fix="Install it: pip install 'adcli[spark]'."
            ) from None
        os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
        builder = SparkSession.builder.appName("adcli").config(map=QUIET)
        with _silent_jvm() as log:
            try:
                self._session = (builder.master(master) if master else builder).getOrCreate()
            except Exception as error:  # noqa: BLE001 - of many kinds, some of them Java's
                said = log.read_text(errors="replace").split("\n") if log else []
                last = " ".join(line.strip() for line in said if "rror" in line or "xception" in line)[:300]
                raise AdcliError(
                    f"Spark did not start: {last or error}.", fix="It needs Java 17 or newer."
                ) from None
        self.cores = int(self._session.sparkContext.defaultParallelism)

    def computed(self, tasks: Sequence[bytes], compute: Compute) -> Made:
        """What `compute` makes of each task, which is a parcel of its number."""
        parcels = [(number, number, 0, task) for number, task in enumerate(tasks)]
        frame = self._session.createDataFrame(parcels, _AS_SQL)
        return Made(frame).exchanged(compute, len(tasks))

    def close(self) -> None:
        """End the session."""
        self._session.stop()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class Made:
    """The parcels that executors made, or will make once they are wanted."""

    def __init__(self, frame: DataFrame) -> None:
        self._frame = frame

    def exchanged(self, compute: Compute, partitions: int) -> Made:
        """What `compute` makes of those that go to each of so many partitions."""
        from pyspark import StorageLevel

        def of_batches(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
            for parcel in _or_failed(compute, _parcels(batches)):
                yield pa.RecordBatch.from_pylist([parcel._asdict()], schema=_SCHEMA)

        going = self._frame.where("to >= 0").repartitionById(partitions, "to")
        made = going.mapInArrow(of_batches, _AS_SQL)
        return Made(made.persist(StorageLevel.DISK_ONLY))

    def told(self) -> list[Parcel]:
        """What all of it tells, by part and number; the rest is then made, and kept where it is.

        Raises AdcliError if a computation failed, with its sentence.
        """
        rows = self._collected(f"to = {TOLD} or to = {_FAILED}")
        for row in rows:
            if row.to == _FAILED:
                failed = json.loads(row.content)
                kind = getattr(errors, failed["kind"])
                raise kind(failed["message"], fix=failed["fix"])
        return rows

    def parcels(self, to: int = HERE) -> Iterator[Parcel]:
        """The parcels that go to one place, as they come."""
        frame = self._frame.where(f"to = {to}" if to < 0 else "to >= 0")
        for row in frame.toLocalIterator(prefetchPartitions=True):
            yield Parcel(row.to, row.part, row.number, bytes(row.content))

    def _collected(self, where: str) -> list[Parcel]:
        from pyspark.errors import PySparkException

        try:
            rows = self._frame.where(where).collect()
        except PySparkException as error:
            lines = [line.strip() for line in str(error).split("\n") if line.strip()]
            raise AdcliError(f"Spark could not compute this: {' '.join(lines[-_LAST_LINES:])}") from None
        return sorted(Parcel(row.to, row.part, row.number, bytes(row.content)) for row in rows)


def _parcels(batches: Iterable[pa.RecordBatch]) -> Iterator[Parcel]:
    for batch in batches:
        yield from (Parcel(**row) for row in batch.to_pylist())


def _or_failed(compute: Compute, parcels: Iterator[Parcel]) -> Iterator[Parcel]:
    """What is made, and at its end the error that people are to read, if there is one."""
    try:
        yield from compute(parcels)
    except (AdcliError, OSError) as error:
        if isinstance(error, OSError):
            error = AdcliError(f"{error.strerror or error}: {error.filename or 'on an executor'}.")
        failed = {"kind": type(error).__name__, "message": error.message, "fix": error.fix}
        yield Parcel(_FAILED, 0, 0, json.dumps(failed).encode())


@contextmanager
def _silent_jvm() -> Iterator[Path | None]:
    """What Java says goes to a file, in which its errors are found; not where `spark-submit` began it."""
    if "PYSPARK_GATEWAY_PORT" in os.environ:
        yield None
        return
    with tempfile.NamedTemporaryFile(prefix="adcli-", suffix=".log") as log, native_errors_into(log):
        yield Path(log.name)
