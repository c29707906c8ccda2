"""An experiment summed up on Spark: executors read parts of its units, then sum up all of some units each."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Final, NamedTuple

import polars as pl

from adcli.errors import UsageError
from adcli.evaluate.ab.metrics import parse_metrics
from adcli.evaluate.ab.table import SummedUnits, wanted_of
from adcli.evaluate.ab.units import (
    NAME,
    UnitBatches,
    check_repeats,
    per_cluster,
    per_unit,
    prepare_units,
    sum_clusters,
    with_all,
)
from adcli.statistics.aggregates import Aggregates, read_summaries, summarise
from adcli.statistics.comparison import Metric
from adcli.tables.read import TableStream
from adcli.tables.spark import TOLD, Cluster, Parcel, packed, unpacked
from adcli.tables.spark_reading import read_shared
from adcli.tables.unify import concatenated

_TO: Final = "__to"


class Design(NamedTuple):
    """What the columns of the units mean; the names are those of `sum_units`."""

    unit: str | None
    cluster: str | None
    unit_count: str | None


def sum_units_on(
    spark: Cluster,
    stream: TableStream,
    design: Design,
    *,
    metrics: Sequence[str],
    covariates: Sequence[str] = (),
    lower_is_better: Sequence[str] = (),
    reject: Callable[[pl.DataFrame], None],
    advance: Callable[[int], None] = lambda rows: None,
) -> SummedUnits:
    """What `ab_table` needs of units that are not in memory.

    Raises DataError as `sum_units`; UsageError as `sum_units`, or if a metric is a quantile.
    """
    columns = sorted(stream.names)
    parsed = parse_metrics(metrics, columns, covariates=covariates, lower_is_better=lower_is_better)
    if quantiles := [metric.name for metric in parsed if metric.kind == "quantile"]:
        raise UsageError(
            f"--engine spark: '{quantiles[0]}' is a quantile, and executors add up sums.",
            fix="Leave one of them out.",
        )
    if design.unit_count:
        parsed = [per_unit(metric, design.unit_count) for metric in parsed]
    share = partial(_split, design, parsed, columns, spark.cores)
    made, _ = read_shared(spark, stream, share, reject=reject, advance=advance)
    summed = made.exchanged(partial(_sum, design, parsed), spark.cores)
    told = summed.told()
    rows, distinct = (
        sum(counts) for counts in zip(*(json.loads(one.content) for one in told[0::2]), strict=True)
    )
    check_repeats(rows, distinct, design.unit or "unit_id")
    wanted = wanted_of(_tested(design, parsed), design.unit_count)
    means = wanted._replace(shapes=())
    arms = read_summaries((unpacked(one.content) for one in told[1::2]), means)
    shapes = wanted._replace(columns=(), pairs=())
    shaped = summed.exchanged(partial(_shape, design, parsed, arms), spark.cores).told()
    found = read_summaries((unpacked(one.content) for one in shaped), shapes)
    whole = {name: arm._replace(shape=found[name].shape) for name, arm in arms.items()}
    return SummedUnits(whole, _tested(design, parsed), design.unit_count, design.cluster, lower_is_better)


def _tested(design: Design, metrics: list[Metric]) -> list[Metric]:
    return per_cluster(metrics, design.cluster) if design.cluster else metrics


def _split(
    design: Design,
    metrics: list[Metric],
    columns: Sequence[str],
    partitions: int,
    part: int,
    frames: Iterator[pl.DataFrame],
) -> Iterator[Parcel]:
    """The units of a part, as numbers: all of one cluster go to the same partition, and all of one name."""
    every = (with_all(frame, dict.fromkeys(columns, pl.Float64())) for frame in frames)
    pieces = prepare_units(UnitBatches(columns, every), metrics, **design._asdict())
    units = concatenated(list(pieces))
    key = design.cluster or NAME
    to = pl.col(key).hash(seed=0) % partitions if key in units.columns else pl.lit(part % partitions)
    marked = units.with_columns(to.alias(_TO))
    for (partition,), own in marked.partition_by(_TO, as_dict=True, include_key=False).items():
        yield Parcel(int(partition), part, 0, packed(own))


def _sum(design: Design, metrics: list[Metric], parcels: Iterator[Parcel]) -> Iterator[Parcel]:
    """How many units a partition has and how many names, their sums; and they, once more."""
    received = list(parcels)
    if not received:
        return
    units, partition = concatenated([unpacked(parcel.content) for parcel in received]), received[0].to
    distinct = units[NAME].n_unique() if NAME in units.columns else units.height
    yield Parcel(TOLD, partition, 0, json.dumps([units.height, distinct]).encode())
    units = units.drop(NAME, strict=False)
    if design.cluster:
        units, metrics = sum_clusters(units, metrics, design.cluster)
    wanted = wanted_of(metrics, design.unit_count)._replace(shapes=())
    yield Parcel(TOLD, partition, 1, packed(summarise(units, wanted)))
    yield Parcel(partition, partition, 0, packed(units))


def _shape(
    design: Design, metrics: list[Metric], arms: dict[str, Aggregates], parcels: Iterator[Parcel]
) -> Iterator[Parcel]:
    """The shape of what is left of a partition's units beside the means of all."""
    shapes = wanted_of(_tested(design, metrics), design.unit_count)._replace(columns=(), pairs=())
    for parcel in parcels:
        units = unpacked(parcel.content)
        yield Parcel(TOLD, parcel.part, 0, packed(summarise(units, shapes, around=arms)))
