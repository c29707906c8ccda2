"""Times in the ways that logs write them, as UTC microseconds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, NamedTuple

import polars as pl

UTC: Final = pl.Datetime("us", "UTC")
_EPOCH = "epoch"
_CLOCKS = (" %H:%M:%S%.f%#z", " %H:%M:%S%.f", " %H:%M", "")
_HOURLY: Final = ("%Y-%m-%d %H", "%Y-%m-%d;%H", "%y%m%d%H")  # whole hours, as advertising logs count them
_FORMATS: Final = (
    *(f"%Y-%m-%d{clock}" for clock in _CLOCKS),
    *(f"%Y-%m-%d{clock.replace(' ', 'T')}" for clock in (*_CLOCKS[:3], "T%H:%M%#z")),
    _EPOCH,
    "%Y-%m-%d %H:%M:%S%.f UTC",
    "%Y-%m-%d %H:%M:%S%.f GMT",
    *(f"%Y/%m/%d{clock}" for clock in _CLOCKS),
    "%Y%m%d",
    "%Y%m%d%H%M%S",
    "%Y%m%d%H%M%S%3f",
    "%Y%m%d %H:%M:%S",
    "%d/%b/%Y:%H:%M:%S %z",
    *(f"%d.%m.%Y{clock}" for clock in _CLOCKS[1:]),
    "%d %b %Y",
    "%d-%b-%Y",
    "%b %d, %Y",
    "%B %d, %Y",
    "%m %d, %Y",
    "%a, %d %b %Y %H:%M:%S %z",
    "%a %b %d %H:%M:%S %Y",
    "%a %b %d %H:%M:%S %z %Y",
    "%d-%b-%y",
    *_HOURLY,
)
_SLASHED = ("%H:%M:%S%.f", "%H:%M", "%I:%M:%S %p", "%I:%M %p")
_MONTH_FIRST: Final = tuple(
    f"%m/%d/{year}{clock}" for year in ("%Y", "%y") for clock in ("", *(f" {form}" for form in _SLASHED))
)
_DAY_FIRST: Final = tuple(form.replace("%m/%d", "%d/%m") for form in _MONTH_FIRST)
_DAY_BEFORE_MONTH: Final = r"^(1[3-9]|2\d|3[01])/(0?[1-9]|1[0-2])/"
_MONTH_BEFORE_DAY: Final = r"^(0?[1-9]|1[0-2])/(1[3-9]|2\d|3[01])/"
_EARLIEST, _LATEST = pl.date(1900, 1, 1), pl.date(2200, 1, 1)
_TRIED = 200


@dataclass(frozen=True)
class TimeFormat:
    """How one column writes its times, decided once for all of it.

    Attributes:
        usual: The format that most of its values have; values of other known formats are read beside it.
        day_first: Whether `03/04/2024` is in April; None where the column has nothing of the kind.
        assumed_from: A value that can be read in two ways while no value decides which.
    """

    usual: str = ""
    day_first: bool | None = None
    assumed_from: str | None = None


class TimeEvidence(NamedTuple):
    """What the values seen so far say about a column's times: an example each, or None."""

    usual: str = ""
    slashed: str | None = None
    day_first: str | None = None
    month_first: str | None = None

    def updated(self, values: pl.Series) -> TimeEvidence:
        """What is known after some more values."""
        if values.dtype != pl.String or values.null_count() == len(values):
            return self
        values = values.str.strip_chars()
        usual = self.usual or _usual_format(values.drop_nulls().head(_TRIED), (*_FORMATS, *_MONTH_FIRST))
        return TimeEvidence(
            usual,
            self.slashed or _first(values, r"^\d{1,2}/\d{1,2}/"),
            self.day_first or _first(values, _DAY_BEFORE_MONTH),
            self.month_first or _first(values, _MONTH_BEFORE_DAY),
        )

    @property
    def is_open(self) -> bool:
        """Whether there are dates that can be read in two ways, and no value decides which."""
        return self.slashed is not None and self.day_first is None and self.month_first is None

    def decided(self) -> TimeFormat:
        """The format that follows from this: the day first only if some value has a first number above 12."""
        if self.slashed is None:
            return TimeFormat(self.usual)
        usual = self.usual.replace("%m/%d", "%d/%m") if self.day_first else self.usual
        is_sure = self.day_first or self.month_first
        return TimeFormat(usual, self.day_first is not None, None if is_sure else self.slashed)


def read_times(values: pl.Series, form: TimeFormat) -> pl.Series:
    """(n,) the times in UTC, null where a value is no time between 1900 and 2200."""
    if values.dtype == pl.String:
        return _from_text(values.str.strip_chars(), form)
    if values.dtype.is_integer() or values.dtype.is_float() or values.dtype.is_decimal():
        return _from_numbers(values)
    if values.dtype in (pl.Date, pl.Datetime):
        return _within_range(_as_utc(values))
    return pl.Series(values.name, [None] * len(values), UTC)


def _from_text(values: pl.Series, form: TimeFormat) -> pl.Series:
    if values.null_count() == len(values):
        return pl.Series(values.name, [None] * len(values), UTC)
    formats = (*_FORMATS, *(_DAY_FIRST if form.day_first else _MONTH_FIRST))
    times = _parse(values, form.usual or formats[0])
    left = values.filter(times.is_null() & values.is_not_null()).unique()
    for other in formats:
        if left.is_empty():
            break
        found = _parse(left, other)
        if found.null_count() < len(found):
            known = found.is_not_null()
            others = values.replace_strict(
                left.filter(known), found.filter(known), default=None, return_dtype=UTC
            )
            times = times.zip_with(times.is_not_null(), others)
            left = left.filter(~known)
    return times


def _first(values: pl.Series, pattern: str) -> str | None:
    found = values.filter(values.str.contains(pattern).fill_null(value=False))
    return None if found.is_empty() else str(found[0])


def _usual_format(sample: pl.Series, formats: tuple[str, ...]) -> str:
    """The first format that reads all of a sample, or else the one that reads most."""
    unread: dict[str, int] = {}
    for form in formats:
        unread[form] = _parse(sample, form).null_count()
        if not unread[form]:
            return form
    return min(unread, key=lambda form: unread[form])


def _parse(values: pl.Series, form: str) -> pl.Series:
    if form == _EPOCH:
        digits = values.set(~values.str.contains(r"^\d{9,19}(\.\d*)?$").fill_null(value=False), None)
        whole = digits.str.contains(".", literal=True).fill_null(value=False)
        exact = _from_numbers(digits.set(whole, None).cast(pl.Int64, strict=False))
        return exact.zip_with(exact.is_not_null(), _from_numbers(digits.cast(pl.Float64, strict=False)))
    if form in _HOURLY:  # an hour alone is no time for the parser
        values, form = values.str.replace(r"([ ;])(\d)$", "${1}0${2}") + "00", form + "%M"
    return _within_range(_as_utc(values.str.to_datetime(form, strict=False, time_unit="us", exact=True)))


def _from_numbers(values: pl.Series) -> pl.Series:
    """Times from seconds, milli-, micro- or nanoseconds since 1970, by their size; or from yyyymmdd."""
    number = pl.col(values.name)
    micros = (
        pl.when(number < 1e8)
        .then(None)
        .when(number < 1e11)
        .then((number * 1_000_000).round())
        .when(number < 1e14)
        .then((number * 1_000).round())
        .when(number < 1e17)
        .then(number.round())
        .otherwise(number // 1_000)
    )
    dates = (
        pl.when(number.is_between(19_000_101, 21_991_231))
        .then(number.cast(pl.Int64, strict=False).cast(pl.String))
        .str.to_datetime("%Y%m%d", strict=False, time_unit="us")
    )
    frame = values.to_frame()
    times = frame.select(micros.cast(pl.Int64, strict=False).cast(pl.Datetime("us"))).to_series()
    compact = frame.select(dates).to_series()
    return _within_range(_as_utc(times.zip_with(times.is_not_null(), compact)))


def _as_utc(values: pl.Series) -> pl.Series:
    zone = getattr(values.dtype, "time_zone", None)
    times = values.cast(pl.Datetime("us", zone), strict=False)
    return times.dt.convert_time_zone("UTC") if zone else times.dt.replace_time_zone("UTC")


def _within_range(times: pl.Series) -> pl.Series:
    return (
        times.to_frame()
        .select(pl.when(pl.col(times.name).dt.date().is_between(_EARLIEST, _LATEST)).then(pl.col(times.name)))
        .to_series()
    )
