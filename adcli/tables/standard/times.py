"""Times in the ways that logs write them, as UTC microseconds."""

from __future__ import annotations

from typing import Final

import polars as pl

UTC: Final = pl.Datetime("us", "UTC")
_EPOCH = "epoch"
_CLOCKS = (" %H:%M:%S%.f%#z", " %H:%M:%S%.f", " %H:%M", "")
_HOURLY: Final = ("%Y-%m-%d %H", "%y%m%d%H")  # whole hours, as advertising logs count them
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


class TimeReader:
    """Reads one column of times, and remembers from batch to batch how it writes them.

    Whether `03/04/2024` is in March or April is decided once, on the first batch: April only if some value
    there has a first number above 12.

    Attributes:
        is_day_first: That decision; None while no such value was seen.
        contradiction: A later value that shows that the decision was wrong, as nothing told before.
    """

    def __init__(self) -> None:
        self._usual = ""
        self._is_month_first_sure = False
        self.is_day_first: bool | None = None
        self.contradiction: str | None = None

    def read(self, values: pl.Series) -> pl.Series:
        """(n,) the times, null where a value is no time between 1900 and 2200."""
        if values.dtype == pl.String:
            return self._from_text(values)
        if values.dtype.is_integer() or values.dtype.is_float() or values.dtype.is_decimal():
            return _from_numbers(values)
        if values.dtype in (pl.Date, pl.Datetime):
            return _within_range(_as_utc(values))
        return pl.Series(values.name, [None] * len(values), UTC)

    def _from_text(self, values: pl.Series) -> pl.Series:
        if values.null_count() == len(values):
            return pl.Series(values.name, [None] * len(values), UTC)
        values = values.str.strip_chars()
        formats = self._formats(values)
        times = _parse(values, self._usual) if self._usual else None
        if times is None or times.null_count() == len(times):
            self._usual = _usual_format(values.drop_nulls().head(_TRIED), formats)
            times = _parse(values, self._usual)
        left = values.filter(times.is_null() & values.is_not_null()).unique()
        for form in formats:
            if left.is_empty():
                break
            found = _parse(left, form)
            if found.null_count() < len(found):
                known = found.is_not_null()
                others = values.replace_strict(
                    left.filter(known), found.filter(known), default=None, return_dtype=UTC
                )
                times = times.zip_with(times.is_not_null(), others)
                left = left.filter(~known)
        return times

    def _formats(self, values: pl.Series) -> tuple[str, ...]:
        if self.is_day_first is not True and values.str.contains(r"^\d{1,2}/\d{1,2}/").any():
            is_day_first = values.str.contains(_DAY_BEFORE_MONTH).fill_null(value=False)
            if self.is_day_first is None:
                self.is_day_first = bool(is_day_first.any())
            self._is_month_first_sure |= bool(values.str.contains(_MONTH_BEFORE_DAY).any())
            if not (self.is_day_first or self._is_month_first_sure) and is_day_first.any():
                self.contradiction = str(values.filter(is_day_first)[0])
        return (*_FORMATS, *(_DAY_FIRST if self.is_day_first else _MONTH_FIRST))


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
        values, form = values + "00", form + "%M"
    return _within_range(_as_utc(values.str.to_datetime(form, strict=False, time_unit="us", exact=True)))


def _from_numbers(values: pl.Series) -> pl.Series:
    """Times from seconds, milli-, micro- or nanoseconds since 1970, told apart by size; or from yyyymmdd."""
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
