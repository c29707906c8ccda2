"""Cleaning on Spark: executors read parts of the inputs, then clean all rows of some users each.

The rows of one user, and so all that are equal, come into one partition; those without go by their time.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Final, NamedTuple

import polars as pl

from adcli.clean.parts import TOLD as TOLD_NAME
from adcli.clean.parts import Reading, load_part, read_part, told_of
from adcli.clean.pipeline import Step, cleaned_runs, stepped
from adcli.clean.requests import ADDED
from adcli.clean.rules import RuleCheck
from adcli.clean.runs import HIDDEN, KEY, LINE, PLACE, RunWriter, in_key_order, schema_of
from adcli.tables.parts import Part
from adcli.tables.read import TableStream
from adcli.tables.spark import HERE, TOLD, Cluster, Made, Parcel, packed, unpacked
from adcli.tables.spark_reading import part_of, parts_on, tasks_of
from adcli.tables.standard.tables import StandardTable
from adcli.tables.unify import common_schema, fitted

USER: Final = "user_id"
ROWS: Final = 0
_TO: Final = "__to"


class Cleaning(NamedTuple):
    """What a partition of all rows is cleaned by."""

    table: StandardTable  # the standard table
    schema: Mapping[str, pl.DataType]  # the columns of all rows, those of `runs.HIDDEN` among them
    # of each part, how many rows, and lines of the same file, are before it
    behind: Sequence[tuple[int, int]]
    fine_times: bool  # whether any time has a fraction of a second
    rules: RuleCheck | None  # those that ask for what only the whole log shows, among them
    steps: Sequence[Step]  # what comes after


def clean_on(
    cluster: Cluster,
    reading: Reading,
    *,
    spill: Path,
    steps: Sequence[Step] = (),
    reject: Callable[[pl.DataFrame], None],
    advance: Callable[[int], None] = lambda rows: None,
) -> Iterator[pl.DataFrame]:
    """What `clean_stream` gives, computed by the executors of a cluster; `spill` is a folder of this machine.

    Raises UsageError if an input is a pipe, which executors cannot read.
    """
    stream, rules = reading.stream, reading.rules
    parts = parts_on(cluster, stream)
    partitions = max(cluster.cores, len(parts))
    sent = reading._replace(stream=stream.part(Part(0, len(stream.plans))))
    made = cluster.computed(tasks_of(parts), partial(_read, sent, _place(stream, reading), partitions))
    cleaning = _account(made, reading, parts, steps, advance)
    for parcel in made.parcels(HERE):
        rows = unpacked(parcel.content)
        reject(rows.with_columns(pl.col("line") + cleaning.behind[parcel.part][1]))
    cleaned = made.exchanged(partial(_clean, cleaning), partitions)
    for parcel in cleaned.told():
        if rules is not None:
            rules.counts.update(json.loads(parcel.content))
    for parcel in cleaned.parcels(HERE):
        rows = unpacked(parcel.content)
        stream.reject(rows.height)
        reject(rows)
    writer = RunWriter(spill)
    for parcel in cleaned.parcels(ROWS):
        writer.add_hidden(unpacked(parcel.content))
    writer.flush()
    if not writer.runs:
        yield from (
            frame.drop(PLACE, KEY)
            for frame in stepped(iter([pl.DataFrame(schema=cleaning.schema)]), steps, reject)
        )
    for frame in in_key_order(writer.runs):
        yield frame.drop(PLACE, KEY)


def _account(
    made: Made, reading: Reading, parts: Sequence[Part], steps: Sequence[Step], advance: Callable[[int], None]
) -> Cleaning:
    """Count what the parts tell, and what follows from all of them for each partition."""
    told = made.told()
    behind, schemas, rows = [], [], 0
    for part, parcel, schema in zip(parts, told[0::2], told[1::2], strict=True):
        found = told_of(json.loads(parcel.content))
        lines = reading.stream.take(part, found.read)
        advance(found.read.rows_read)
        behind.append((rows, lines))
        rows += found.rows
        schemas.append(unpacked(schema.content).schema)
        if reading.rules is not None:
            reading.rules.counts.update(found.broken)
    rules = reading.rules and reading.rules.uncounted()
    stream = reading.stream
    return Cleaning(stream.table, common_schema(schemas), behind, stream.fine_times, rules, steps)


def _place(stream: TableStream, reading: Reading) -> list[str]:
    """The columns by which rows find their partition: the user, else the standard columns that all have."""
    names = stream.names | (set(ADDED) if reading.routes else set())
    if USER in names:
        return [USER]
    shared = set.intersection(*({*plan.mapping.columns, *plan.columns} for plan in stream.plans))
    return [name for name in stream.table.names if name in shared]


def _read(reading: Reading, place: list[str], partitions: int, tasks: Iterator[Parcel]) -> Iterator[Parcel]:
    """Read parts of the inputs: what that told, the rejected rows, and the others by partition."""
    for task in tasks:
        with tempfile.TemporaryDirectory(prefix="adcli-") as folder:
            own = Path(folder, "part")
            read_part(reading._replace(stream=reading.stream.part(part_of(task))), own)
            found = load_part(own)
            yield Parcel(TOLD, task.part, 0, (own / TOLD_NAME).read_bytes())
            yield Parcel(TOLD, task.part, 1, packed(pl.DataFrame(schema=schema_of(found.runs))))
            for number, frame in enumerate(in_key_order(found.rejects)):
                yield Parcel(HERE, task.part, number, packed(frame.drop(HIDDEN)))
            for number, run in enumerate(found.runs):
                for to, frame in _by_partition(run.read(), place, partitions):
                    yield Parcel(to, task.part, number, packed(frame))


def _by_partition(
    rows: pl.DataFrame, place: list[str], partitions: int
) -> Iterator[tuple[int, pl.DataFrame]]:
    """The rows of each partition, in their order."""
    hashes = rows.select(name for name in place if name in rows.columns).hash_rows(seed=0)
    if place == [USER] and USER in rows.columns:
        hashes = hashes.zip_with(rows[USER].is_not_null(), rows[KEY].hash(seed=0))
    marked = rows.with_columns((hashes % partitions).alias(_TO))
    for (to,), own in marked.partition_by(_TO, as_dict=True, include_key=False).items():
        yield int(to), own


def _clean(cleaning: Cleaning, parcels: Iterator[Parcel]) -> Iterator[Parcel]:
    """Clean all rows of a partition: the rows in order, those rejected, and which rules were broken."""
    rejected: list[pl.DataFrame] = []
    own = cleaning.rules and cleaning.rules.uncounted()
    with tempfile.TemporaryDirectory(prefix="adcli-") as folder:
        writer, partition = RunWriter(Path(folder)), 0
        for parcel in parcels:
            partition = parcel.to
            places, lines = cleaning.behind[parcel.part]
            frame = unpacked(parcel.content).with_columns(pl.col(PLACE) + places, pl.col(LINE) + lines)
            writer.add_hidden(fitted(frame, cleaning.schema))
        writer.flush()
        if not writer.runs:
            return
        frames = cleaned_runs(
            writer.runs, cleaning.table, fine_times=cleaning.fine_times, rules=own, reject=rejected.append
        )
        for number, frame in enumerate(stepped(frames, cleaning.steps, rejected.append)):
            yield Parcel(ROWS, partition, number, packed(frame))
            while rejected:
                yield Parcel(HERE, partition, number, packed(rejected.pop()))
    yield Parcel(TOLD, partition, 0, json.dumps(own.counts if own else {}).encode())
