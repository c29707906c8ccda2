"""A log's counts added up on Spark: executors read parts of it, then add up all rows of some users each.

What only all rows decide together (which purchases stand, what an amount belongs to) is decided where the run
was started, out of those rows alone, which are few; all others reach it as sums.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Final

import polars as pl

from adcli.behaviour.currencies import converted
from adcli.evaluate.rates.counts import (
    AMOUNTS,
    COUNTS,
    PLACE,
    SummedLog,
    columns_of_rates,
    counted_rows,
    decided_together,
    is_report,
    row_counts,
    sum_by_unit,
    with_time_parts,
)
from adcli.tables.read import TableStream
from adcli.tables.spark import HERE, TOLD, Cluster, Parcel, packed, unpacked
from adcli.tables.spark_reading import read_shared
from adcli.tables.unify import concatenated

ROWS: Final = 0
SUMS: Final = 1
_TO: Final = "__to"
_PLACES_OF_A_PART: Final = 1 << 40


def add_up_on(
    cluster: Cluster,
    stream: TableStream,
    *,
    by: Sequence[str],
    to: str | None = None,
    rates: pl.DataFrame | None = None,
    reject: Callable[[pl.DataFrame], None],
    advance: Callable[[int], None] = lambda rows: None,
) -> tuple[SummedLog, Counter[str]]:
    """A log that is not in memory, fit for `count_units` with any of the columns `by`.

    Args:
        cluster: Whose executors read it.
        stream: The log.
        by: All columns that it may be broken down by.
        to: The currency that the money of the sums is converted to, if to any, at these `rates`.
        rates: As `behaviour.currencies.converted` takes them.
        reject: Takes the rows that are rejected.
        advance: Is told of rows read.

    Returns:
        The log, and how many rows have no value, of each column of money.
    """
    cells = list(dict.fromkeys([*by, "currency"]))
    share = partial(_split, cells, cluster.cores, to, rates)
    made, told = read_shared(cluster, stream, share, reject=reject, advance=advance)
    received: tuple[list[pl.DataFrame], ...] = ([], [])
    for parcel in made.exchanged(_summed, cluster.cores).parcels(HERE):
        received[parcel.number].append(unpacked(parcel.content))
    missing = sum((Counter[str](json.loads(one.content)) for one in told), Counter[str]())
    together, sums = map(concatenated, received)
    return SummedLog(together.sort(PLACE), sums), missing


def _split(
    cells: Sequence[str],
    partitions: int,
    currency: str | None,
    rates: pl.DataFrame | None,
    part: int,
    frames: Iterator[pl.DataFrame],
) -> Iterator[Parcel]:
    """The rows and sums of a part: what is decided together goes to one partition, sums by their user."""
    together, sums, height, missing = [], [], 0, Counter[str]()
    for frame in frames:
        place = pl.int_range(pl.len(), dtype=pl.Int64) + (part * _PLACES_OF_A_PART + height)
        log = with_time_parts(frame.with_columns(place.alias(PLACE)), cells)
        height += log.height
        missing.update({name: log[name].null_count() for name in AMOUNTS if name in log.columns})
        is_together = decided_together(log)
        together.append(log.select(columns_of_rates(log, cells)).filter(is_together))
        if is_report(log):
            continue
        alone = log.filter(~is_together)
        if currency is not None and rates is not None and "currency" in alone.columns:
            alone = converted(alone, currency, rates)
        sums.append(_sums(counted_rows(alone, row_counts(alone), [c for c in cells if c in alone.columns])))
    yield Parcel(TOLD, part, 0, json.dumps(missing).encode())
    yield Parcel(0, part, ROWS, packed(concatenated(together)))
    if sums:
        to = pl.coalesce(pl.col("user").hash(seed=0), PLACE) % partitions
        own = _sums(concatenated(sums)).with_columns(to.alias(_TO))
        for (partition,), summed in own.partition_by(_TO, as_dict=True, include_key=False).items():
            yield Parcel(int(partition), part, SUMS, packed(summed))


def _sums(rows: pl.DataFrame) -> pl.DataFrame:
    counted = [name for name in (*COUNTS, *AMOUNTS) if name in rows.columns]
    by = [name for name in rows.columns if name not in {*counted, "user", PLACE}]
    return sum_by_unit(rows.with_columns(pl.col(counted).fill_null(0)), by, counted).drop("known_user")


def _summed(parcels: Iterator[Parcel]) -> Iterator[Parcel]:
    """Add up what came of the users of a partition."""
    sums = []
    for parcel in parcels:
        if parcel.number == ROWS:
            yield parcel._replace(to=HERE)
        else:
            sums.append(unpacked(parcel.content))
    if sums:
        yield Parcel(HERE, 0, SUMS, packed(_sums(concatenated(sums))))
