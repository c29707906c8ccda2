"""A date and a time of day in two columns are one time."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Final, NamedTuple

import polars as pl

from adcli.tables.aliases import normalised
from adcli.tables.standard.times import TimeEvidence, read_times
from adcli.tables.unify import as_text

_CLOCK: Final = r"^\d{1,2}:\d{2}(:\d{2}([.,]\d+)?)?( ?[AaPp]\.?[Mm]\.?)?$"
_DIGITS: Final = r"^([01]\d|2[0-3])[0-5]\d([0-5]\d)?$"
_HOUR: Final = r"^([01]?\d|2[0-3])$"
_HOURS: Final = frozenset({"hour", "hourofday", "hr"})
_MIDNIGHT: Final = r"[T ]00:00(:00(\.0+)?)?Z?$"


class DateAndTime(NamedTuple):
    """Two source columns that are one time."""

    date: str
    time: str


def date_and_time(
    source: str | None, columns: Sequence[str], aliases: Sequence[str], sample: pl.DataFrame | None
) -> DateAndTime | None:
    """The two columns that together are a time, or None where one is enough.

    Args:
        source: The column that was taken for the time by its name.
        columns: The columns that are free, and it.
        aliases: The normalised names under which a time is known.
        sample: The first rows.
    """
    if sample is None or source is None or source not in sample.columns:
        return None
    others = [column for column in columns if column != source and column in sample.columns]
    if _are_clocks(sample[source]):
        dates = [column for column in others if normalised(column) in aliases and _are_days(sample[column])]
        return DateAndTime(min(dates, key=_distance_to(source)), source) if dates else None
    times = [column for column in others if _may_be_clock(column) and _are_clocks(sample[column])]
    if not times or not _are_days(sample[source]):
        return None
    return DateAndTime(source, min(times, key=_distance_to(source)))


def joined(dates: pl.Series, times: pl.Series) -> pl.Series:
    """(n,) both in one text; the date alone where there is no time of day."""
    if isinstance(dates.dtype, pl.Datetime):
        dates = dates.dt.date()
    days = as_text(dates).str.strip_chars().str.replace(_MIDNIGHT, "")
    clocks = as_text(times).str.strip_chars().replace(["", "-"], None)
    clocks = clocks.str.replace(r"^(\d\d)(\d\d)(\d\d)?$", "${1}:${2}:0${3}").str.replace(
        r":0(\d\d)$", ":${1}"
    )
    clocks = clocks.str.replace(r"^(\d{1,2})$", "${1}:00").str.replace(r"^(\d):", "0${1}:")
    both = pl.DataFrame({"days": days, "clocks": clocks})
    day, clock = pl.col("days"), pl.col("clocks")
    return (
        both.select(pl.when(clock.is_null()).then(day).otherwise(day + " " + clock))
        .to_series()
        .alias(dates.name)
    )


def source_values(
    frame: pl.DataFrame, sources: Mapping[str, str], clock: str | None, name: str
) -> pl.Series | None:
    """The values of the source of a standard column, or None where these rows have it not."""
    source = sources.get(name)
    if source is None or source not in frame.columns:
        return None
    if name == "event_time" and clock is not None and clock in frame.columns:
        return joined(frame[source], frame[clock])
    return frame[source]


def _may_be_clock(column: str) -> bool:
    name = normalised(column)
    return name.endswith("time") or name in {*_HOURS, "clock", "timeofday", "timelocal", "timeutc"}


def _are_clocks(values: pl.Series) -> bool:
    if values.dtype == pl.Time:
        return True
    if values.dtype != pl.String and not values.dtype.is_integer():
        return False
    texts = values.cast(pl.String).str.strip_chars().drop_nulls()
    texts = texts.filter(texts != "")
    form = _CLOCK if normalised(values.name) not in _HOURS else f"{_CLOCK}|{_HOUR}"
    return not texts.is_empty() and bool(texts.str.contains(f"{form}|{_DIGITS}").mean() > 0.5)  # type: ignore[operator]


def _are_days(values: pl.Series) -> bool:
    if values.dtype == pl.Date:
        return True
    if values.dtype == pl.String and values.str.contains(r"\d:\d\d|[T ]\d").mean():
        values = values.str.replace(_MIDNIGHT, "")
    times = read_times(values, TimeEvidence().updated(values).decided()).drop_nulls()
    return not times.is_empty() and bool((times.dt.truncate("1d") == times).all())


def _distance_to(source: str) -> Callable[[str], int]:
    """How far the name of a column is from that of another: `order_time` belongs to `order_date`."""
    own = normalised(source).removesuffix("date").removesuffix("time")

    def distance(column: str) -> int:
        other = normalised(column).removesuffix("time").removesuffix("date")
        return 0 if other == own else 1

    return distance
