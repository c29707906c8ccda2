"""Inputs read by the executors of a Spark cluster, each some parts of them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from functools import partial

import polars as pl

from adcli.errors import UsageError
from adcli.tables.parts import Part
from adcli.tables.read import TableStream
from adcli.tables.records import part_read
from adcli.tables.sources import Span
from adcli.tables.spark import HERE, TOLD, Cluster, Made, Parcel, packed, unpacked

Share = Callable[[int, Iterator[pl.DataFrame]], Iterator[Parcel]]


def parts_on(cluster: Cluster, stream: TableStream) -> list[Part]:
    """The parts that executors read the inputs in.

    Raises UsageError if an input is a pipe, which executors cannot read.
    """
    if not stream.is_of_files:
        raise UsageError(
            "--engine spark: executors read files, and no standard input, URL or query.",
            fix="Save it to a file first.",
        )
    return stream.parts(cluster.cores)


def tasks_of(parts: Sequence[Part]) -> list[bytes]:
    """Parts, one a task."""
    return [json.dumps(part).encode() for part in parts]


def part_of(task: Parcel) -> Part:
    """The part that a task is."""
    part = Part(*json.loads(task.content))
    return part._replace(span=part.span and Span(*part.span))


def read_shared(
    cluster: Cluster,
    stream: TableStream,
    share: Share,
    *,
    reject: Callable[[pl.DataFrame], None],
    advance: Callable[[int], None] = lambda rows: None,
) -> tuple[Made, list[Parcel]]:
    """What `share` makes of the number of each part and the frames of its rows, and what that tells.

    Raises UsageError if an input is a pipe, which executors cannot read; DataError if an input turns out to
    be damaged.
    """
    parts = parts_on(cluster, stream)
    whole = stream.part(Part(0, len(stream.plans)))
    made = cluster.computed(tasks_of(parts), partial(_read, whole, share))
    told = made.told()
    lines = {}
    for one in (one for one in told if one.number < 0):
        read = part_read(json.loads(one.content))
        lines[one.part] = stream.take(parts[one.part], read)
        advance(read.rows_read)
    for parcel in made.parcels(HERE):
        reject(unpacked(parcel.content).with_columns(pl.col("line") + lines[parcel.part]))
    return made, [one for one in told if one.number >= 0]


def _read(whole: TableStream, share: Share, tasks: Iterator[Parcel]) -> Iterator[Parcel]:
    for task in tasks:
        stream = whole.part(part_of(task))
        rejects: list[pl.DataFrame] = []
        yield from share(task.part, _accepted(stream, rejects))
        yield from (Parcel(HERE, task.part, n, packed(rows)) for n, rows in enumerate(rejects))
        yield Parcel(TOLD, task.part, -1, json.dumps(stream.told()._asdict()).encode())


def _accepted(stream: TableStream, rejects: list[pl.DataFrame]) -> Iterator[pl.DataFrame]:
    for batch in stream.batches():
        if batch.rejects.height:
            rejects.append(batch.rejects)
        yield batch.frame
