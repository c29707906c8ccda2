"""Times in the ways that logs write them, as UTC microseconds."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final, Literal, NamedTuple

import polars as pl

from adcli.tables.time_texts import SLASHED, parse, parse_texts, rewritten

UTC: Final = pl.Datetime("us", "UTC")
DateOrder = Literal["dmy", "mdy", "ymd"]

_EPOCH: Final = "epoch"
EPOCH_UNITS: Final = {"epoch-s": 1_000_000, "epoch-ms": 1_000, "epoch-us": 1, "epoch-ns": 0}
EXCEL: Final = "excel"
_COMMON: Final = (
    "%Y-%m-%d %H:%M:%S%.f", "%Y-%m-%dT%H:%M:%S%.f%#z", "%Y-%m-%d", "%Y-%m-%d %H:%M:%S%.f%#z",
    "%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%d %H:%M", "%Y-%m-%d %H:%M:%S%.f UTC", "%d/%b/%Y:%H:%M:%S %z",
)  # fmt: skip
_COMPACT: Final = {  # how many digits, before an epoch is thought of; of those that fit as well, the first
    "%Y%m%d": 8, "%y%m%d%H": 8, "%Y%m%d%H": 10, "%Y%m%d%H%M": 12, "%Y%m%d%H%M%S": 14, "%Y%m%d%H%M%S%3f": 17,
}  # fmt: skip
_DIGITS: Final = r"^\d{8,19}(\.\d*)?$"
_HAS_ZONE: Final = r"(Z|UTC|GMT|:\d\d.*[+-]\d\d(:?\d\d)?)\]?$"
_EARLIEST, _LATEST = pl.date(1900, 1, 1), pl.date(2200, 1, 1)
_FIRST_COUNTED, _LAST_COUNTED = pl.date(1995, 1, 1), pl.date(2100, 1, 1)  # of digits alone
_EXCEL_EPOCH: Final = -25_569  # its day 0 is 1899-12-30
_DAY_US: Final = 86_400_000_000
_TRIED = 200
_ORDER_IN_WORDS: Final = {"dmy": "day/…/year", "mdy": "month/…/year", "ymd": "year/…/day"}
_SHORT = r"^(\d{1,2})/(\d{1,2})/(\d{4}|\d\d)\b"
_CLEAR_MAJORITY: Final = 20  # dates of one order for one of the other, before those that fit both follow them


@dataclass(frozen=True)
class TimeFormat:
    """How one column writes its times, decided once for all of it."""

    # the pattern that most of its values have; values of other known forms are read beside it
    usual: str = ""
    digits: str = _EPOCH  # how values of digits alone are read: a pattern, or as an epoch
    # what stands where in `03/04/24`; None where the column has nothing of the kind
    date_order: DateOrder | None = None
    timezone: str = "UTC"  # the zone of times that name none
    is_naive: bool = False  # whether there are any
    given: str | None = None  # the pattern that the user named, instead of looking

    def notes(self) -> list[str]:
        """What was decided and cannot be seen in the values, one clause each."""
        said = []
        if self.given is not None:
            said.append(f"read by --time-format {self.given}")
        elif self.digits in _COMPACT and self.digits != "%Y%m%d":
            said.append(f"digits alone are read as {self.digits}")
        if self.date_order is not None and self.given is None:
            said.append(f"read as {_ORDER_IN_WORDS[self.date_order]}")
        if self.is_naive and self.timezone != "UTC":
            said.append(f"times without a zone are of {self.timezone}")
        return said


class Seen(NamedTuple):
    """How many values of a kind there are, and the first of them."""

    number: int = 0
    first: str = ""

    def plus(self, values: pl.Series) -> Seen:
        """The same with some more."""
        return Seen(self.number + len(values), self.first or next(iter(values.head(1)), ""))


class TimeEvidence(NamedTuple):
    """What the values seen so far tell of how a column writes its times."""

    usual: str = ""  # the pattern that most of the first values have
    # for each reading of values of digits alone, how many it reads
    digits: tuple[int, ...] = (0,) * (len(_COMPACT) + 1)
    slashed: Seen = Seen()  # dates like `03/04/2024`
    either: Seen = Seen()  # those of them that are another day where the month comes first
    day_first: Seen = Seen()  # those that can only have their day first
    month_first: Seen = Seen()  # those that can only have their month first
    firsts: frozenset[int] = frozenset()  # all first numbers of dates with a year of two digits
    thirds: frozenset[int] = frozenset()  # all third numbers of them
    is_naive: bool = False  # whether some time names no zone

    def updated(self, values: pl.Series) -> TimeEvidence:
        """What is known after some more values."""
        if values.null_count() == len(values):
            return self
        if values.dtype.is_numeric():
            return self._replace(digits=_added(self.digits, _counts(_whole(values))))
        if values.dtype != pl.String:
            is_naive = isinstance(values.dtype, pl.Datetime) and values.dtype.time_zone is None
            return self._replace(is_naive=self.is_naive or is_naive or values.dtype == pl.Date)
        texts = values.drop_nulls().str.strip_chars()
        are_digits = texts.str.contains(_DIGITS)
        words = texts.filter(~are_digits)
        dates = rewritten(words).str.extract_groups(_SHORT).struct.unnest().drop_nulls()
        first, second = (dates.to_series(place).cast(pl.Int64) for place in (0, 1))
        shown = dates.select(pl.concat_str(pl.all(), separator="/")).to_series()
        short = dates.filter(dates.to_series(2).str.len_chars() == 2)
        return TimeEvidence(
            self.usual or _usual(words.head(_TRIED)),
            _added(self.digits, _counts(texts.filter(are_digits))),
            self.slashed.plus(shown.filter((first <= 31) & (second <= 31))),
            self.either.plus(shown.filter((first <= 12) & (second <= 12) & (first != second))),
            self.day_first.plus(shown.filter(first.is_between(13, 31) & second.is_between(1, 12))),
            self.month_first.plus(shown.filter(first.is_between(1, 12) & second.is_between(13, 31))),
            self.firsts | set(short.to_series(0).cast(pl.Int64)),
            self.thirds | set(short.to_series(2).cast(pl.Int64)),
            self.is_naive or bool((~words.str.contains(_HAS_ZONE)).any()),
        )

    @property
    def orders(self) -> list[DateOrder]:
        """What can stand where in `03/04/24`, likeliest first; all that there is no evidence against."""
        if not self.slashed.number:
            return []
        if self.is_contradictory:
            return ["dmy", "mdy"]
        if self.month_first.number > self.day_first.number:
            return ["mdy"]
        can_begin_with_years = bool(self.firsts) and max(self.thirds) <= 31 and not self.month_first.number
        if self.firsts and max(self.firsts) > 31:
            return ["ymd"]
        if can_begin_with_years and len(self.firsts) < len(self.thirds):  # years change least
            return ["ymd"]
        if not self.day_first.number:
            return ["mdy", "dmy"] if self.either.number else ["mdy"]
        is_doubtful = can_begin_with_years and len(self.firsts) == len(self.thirds)
        return ["dmy", "ymd"] if is_doubtful else ["dmy"]

    @property
    def is_contradictory(self) -> bool:
        """Whether some dates have their day first, others their month, and some can have either.

        A few that differ are rejected, and so are those of the rarer order where none can have either.
        """
        few, many = sorted((self.day_first.number, self.month_first.number))
        return self.either.number > 0 and few > 0 and many < _CLEAR_MAJORITY * few

    def decided(self) -> TimeFormat:
        """The format that this tells."""
        readings = (*_COMPACT, _EPOCH)
        digits = readings[self.digits.index(max(self.digits))] if any(self.digits) else _EPOCH
        return TimeFormat(self.usual, digits, next(iter(self.orders), None), is_naive=self.is_naive)


def read_times(values: pl.Series, form: TimeFormat) -> pl.Series:
    """(n,) the times in UTC, null where a value is no time that this format has."""
    if values.null_count() == len(values):
        return pl.Series(values.name, [None] * len(values), UTC)
    if form.given is not None and (values.dtype == pl.String or values.dtype.is_numeric()):
        return _by_given(values, form)
    if values.dtype == pl.String:
        return _from_text(values.str.strip_chars(), form)
    if values.dtype.is_numeric():
        return _from_digits(values if form.digits == _EPOCH else _whole(values), form)
    if values.dtype in (pl.Date, pl.Datetime):
        return _within(_as_utc(values, form), _EARLIEST, _LATEST)
    return pl.Series(values.name, [None] * len(values), UTC)


def usual_times(texts: pl.Series, form: TimeFormat) -> pl.Series | None:
    """(n,) the times of texts that all have the usual form; None where one has another."""
    usual = form.usual or _usual(texts.drop_nulls().head(_TRIED))
    if form.given is not None or not usual:
        return None
    times = _within(_as_utc(parse(texts, usual), form), _EARLIEST, _LATEST)
    return times if times.null_count() == texts.null_count() else None


def misordered(values: pl.Series, times: pl.Series, form: TimeFormat) -> pl.Series:
    """(n,) whether a text that was read as no time would be one with its day and month exchanged."""
    left = values.set(times.is_not_null(), None)
    other: DateOrder = "mdy" if form.date_order == "dmy" else "dmy"
    return read_times(left, replace(form, date_order=other)).is_not_null()


def _by_given(values: pl.Series, form: TimeFormat) -> pl.Series:
    given = form.given or ""
    if given in EPOCH_UNITS or given == EXCEL:
        numbers = values.cast(pl.Int64, strict=False) if values.dtype == pl.String else values
        is_left = numbers.is_null() & values.is_not_null()
        if is_left.any() or given == EXCEL:
            numbers = values.cast(pl.Float64, strict=False)
        return _within(_as_utc(_counted(numbers, given), form, zoned=given != EXCEL), _EARLIEST, _LATEST)
    return _within(_as_utc(parse(values.cast(pl.String).str.strip_chars(), given), form), _EARLIEST, _LATEST)


def _counted(numbers: pl.Series, unit: str) -> pl.Series:
    number = pl.col(numbers.name)
    if unit == EXCEL:
        micros = ((number + _EXCEL_EPOCH) * 86_400).round() * 1_000_000
    else:
        micros = number // 1_000 if unit == "epoch-ns" else (number * EPOCH_UNITS[unit]).round()
    return numbers.to_frame().select(micros.cast(pl.Int64, strict=False).cast(pl.Datetime("us"))).to_series()


def _from_text(texts: pl.Series, form: TimeFormat) -> pl.Series:
    usual = form.usual or _usual(texts.drop_nulls().head(_TRIED))
    if usual:
        times = _within(_as_utc(parse(texts, usual), form), _EARLIEST, _LATEST)
    else:
        times = _from_digits(texts.set(~texts.str.contains(_DIGITS), None), form)
    left = texts.filter(times.is_null() & texts.is_not_null()).unique()
    if left.is_empty():
        return times
    found = _by_form(left, form)
    known = found.is_not_null()
    if not known.any():
        return times
    others = texts.replace_strict(left.filter(known), found.filter(known), default=None, return_dtype=UTC)
    return times.zip_with(times.is_not_null(), others)


def _by_form(texts: pl.Series, form: TimeFormat) -> pl.Series:
    """(n,) times of texts of any known form."""
    times = _from_digits(texts.set(~texts.str.contains(_DIGITS), None), form)
    words = rewritten(texts.set(times.is_not_null(), None))
    for found in parse_texts(words, SLASHED[form.date_order or "mdy"]):
        times = times.zip_with(times.is_not_null(), _within(_as_utc(found, form), _EARLIEST, _LATEST))
    return times


def _from_digits(values: pl.Series, form: TimeFormat) -> pl.Series:
    """(n,) times of digits alone: texts, or numbers where they count from 1970."""
    if form.digits == _EPOCH:
        times = _as_utc(_since_1970(values), form, zoned=True)
    else:
        texts = values.cast(pl.String).str.replace(r"\.0*$", "")
        is_long = (texts.str.len_chars() == _COMPACT[form.digits]).fill_null(value=False)
        times = _as_utc(parse(texts.set(~is_long, None), form.digits), form)
    return _within(times, _FIRST_COUNTED, _LAST_COUNTED)


def _since_1970(values: pl.Series) -> pl.Series:
    """Times from seconds, milli-, micro- or nanoseconds since 1970, told apart by size."""
    numbers = values.cast(pl.Int64, strict=False) if values.dtype == pl.String else values
    if (numbers.is_null() & values.is_not_null()).any():
        numbers = values.cast(pl.Float64, strict=False)
        exact = values.cast(pl.Int64, strict=False)
        rest = _since_1970(numbers.set(exact.is_not_null(), None))
        whole = _since_1970(exact)
        return whole.zip_with(whole.is_not_null(), rest)
    number = pl.col(values.name)
    micros = (
        pl.when(number < 1e11)
        .then((number * 1_000_000).round())
        .when(number < 1e14)
        .then((number * 1_000).round())
        .when(number < 1e17)
        .then(number.round())
        .otherwise(number // 1_000)
    )
    return numbers.to_frame().select(micros.cast(pl.Int64, strict=False).cast(pl.Datetime("us"))).to_series()


def _whole(values: pl.Series) -> pl.Series:
    """(n,) whole numbers as text."""
    return values.cast(pl.Int64, strict=False).cast(pl.String)


def _counts(texts: pl.Series) -> tuple[int, ...]:
    """How many of some texts of digits each reading of them can be."""
    return tuple(
        len(texts) - _from_digits(texts, TimeFormat(digits=reading)).null_count()
        for reading in (*_COMPACT, _EPOCH)
    )


def _added(one: tuple[int, ...], other: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(map(sum, zip(one, other, strict=True)))


def _usual(sample: pl.Series) -> str:
    """The first common pattern that reads all of a sample, or else most of it; empty where none reads any."""
    if sample.is_empty():
        return ""
    unread = {form: parse(sample, form).null_count() for form in _COMMON}
    best = min(unread, key=lambda form: unread[form])
    return best if unread[best] < len(sample) else ""


def _as_utc(times: pl.Series, form: TimeFormat, *, zoned: bool = False) -> pl.Series:
    """Times with their zone in UTC; those without one are of the format's, if not `zoned`."""
    zone = getattr(times.dtype, "time_zone", None)
    times = times.cast(pl.Datetime("us", zone), strict=False)
    if zone is None:
        local = "UTC" if zoned else form.timezone
        times = times.dt.replace_time_zone(local, ambiguous="earliest", non_existent="null")
    return times.dt.convert_time_zone("UTC")


def _within(times: pl.Series, earliest: pl.Expr, latest: pl.Expr) -> pl.Series:
    time = pl.col(times.name)
    return (
        times.to_frame().select(pl.when(time.dt.date().is_between(earliest, latest)).then(time)).to_series()
    )
