"""From what stood in a source column to the type of its standard column; what cannot be read is marked.

Nothing here fails: a value that cannot be read becomes null and is listed as a problem of its row.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from decimal import Decimal, InvalidOperation
from typing import Final, NamedTuple

import polars as pl

from adcli.tables.numerals import MONEY, read_numbers
from adcli.tables.standard.column_format import ColumnFormat
from adcli.tables.standard.tables import NEVER_NEGATIVE, NEVER_ZERO, Column, Kind
from adcli.tables.standard.times import UTC, misordered, read_times, usual_times
from adcli.tables.unify import as_text

_NUMBERS: Final = ("money", "decimal", "count", "number", "integer", "flag", "probability")
FREE_TEXT = frozenset(
    {"text", "title", "description", "headline", "query", "user_agent", "brand", "category"}
)
_NO_NAME = ("nan", "NaN", "null", "NULL", "None", "<NA>", "\\N", "-")
_UNUSUAL: Final = (  # an identifier without this stays as it is
    r"^(?:[\s'=<\\-]|$|(?i:nan|null|none)$|\d\.\d+E\+|-?\d+\.0$)|[\s,]"
)
_GUARD: Final = r"""^(?:'([0-9+=@-].*)|="(.*)")$"""
_CUT_SHORT: Final = r"^\d\.\d+E\+(1[1-9]|[2-9]\d)$"  # what spreadsheets make of long numbers: digits are lost
_NO_VALUE = (*_NO_NAME, "NA", "N/A", "n/a", "na", "none", "Null", "NAN", "nil", "--", "—", "–", "(not set)")
_GROUPS: Final = ",' \u00a0\u202f\u2019"
_HAS_FRACTION: Final = r"^\d+\.\d{1,2}$|^\d{4,}\.\d|\.\d{4,}$"
_EXCHANGED: Final = {"dmy": "month before its day", "mdy": "day before its month"}
_TRUE = ("1", "true", "t", "yes", "y", "1.0")
_FALSE = ("0", "false", "f", "no", "n", "0.0")


class Problem(NamedTuple):
    """Values of one column that cannot be taken: (n,) where, and what is wrong with them."""

    where: pl.Series
    what: str


class Coerced(NamedTuple):
    """A column in its standard type, null where it was empty or could not be read."""

    values: pl.Series
    problems: list[Problem]


def coerce(values: pl.Series, column: Column, form: ColumnFormat) -> Coerced:
    """A source column, written in `form`, as the standard column `column`."""
    undecoded = []
    if values.dtype == pl.Binary:
        texts = pl.Series(values.name, [_decoded(value) for value in values], pl.String)
        undecoded = _unread(values, texts, "bytes that are no text in UTF-8")
        values = texts
    if column.kind in _NUMBERS and (values.dtype.is_nested() or values.dtype.is_temporal()):
        nothing = pl.Series(column.name, [None], type_of(column, form)).new_from_index(0, len(values))
        return Coerced(nothing, _unread(values, nothing, "not a number"))
    made, problems = _COERCIONS[column.kind][1](values.alias(column.name), form)
    return Coerced(made.alias(column.name), [*undecoded, *problems])


def _string(values: pl.Series, form: ColumnFormat) -> Coerced:
    name = values.name
    if name in FREE_TEXT and values.dtype == pl.List(pl.String):
        values = values.list.drop_nulls().list.join(" > " if name == "category" else " ")
    elif values.dtype.is_nested() or values.dtype.is_float():
        values = as_text(values)
    if values.dtype != pl.String:
        return Coerced(as_text(values), [])
    if name in FREE_TEXT:
        return Coerced(_without(values, ("",)), [])
    if not values.str.contains(_UNUSUAL).any():
        return Coerced(values, [])
    values = named(values)
    if form.whole_decimals:
        values = values.str.replace(r"^(-?\d+)\.0$", "${1}")
    if name == "ip":  # of forwarded addresses: the first is the client's
        values = values.str.extract(r"^([^,\s]+)")
    cut = values.str.contains(_CUT_SHORT)
    return Coerced(
        values, [Problem(cut.fill_null(value=False), "cut short by a spreadsheet")] if cut.any() else []
    )


def _decoded(value: bytes | None) -> str | None:
    try:
        return None if value is None else value.decode()
    except UnicodeDecodeError:
        return None


def _time(values: pl.Series, form: ColumnFormat) -> Coerced:
    if values.dtype == pl.String and (usual := usual_times(values, form.time)) is not None:
        return Coerced(usual, [])
    values = _given(values)
    times = read_times(values, form.time)
    problems = _unread(values, times, "not a time")
    if problems and values.dtype == pl.String and form.time.date_order in _EXCHANGED:
        where = misordered(values, times, form.time)
        problems.insert(0, Problem(where, f"has its {_EXCHANGED[form.time.date_order]}, unlike this column"))
    return Coerced(times, problems)


def _money(values: pl.Series, form: ColumnFormat) -> Coerced:
    if values.dtype.is_float():  # the shortest that is the same number: 0.1, not 0.1000000000000000055
        values = _given(values).cast(pl.String)
    values, sums = _numeric(values, MONEY, form)
    problems = _unread(values, sums, "not a number")
    if values.dtype == pl.String and (fine := _may_be_fine(values)).any():
        rounded = pl.Series(
            [_is_rounded(*pair) for pair in zip(values.filter(fine), sums.filter(fine), strict=True)]
        )
        where = pl.Series([False]).new_from_index(0, len(values)).scatter(fine.arg_true(), rounded)
        problems.append(Problem(where, f"more than {MONEY.scale} decimals, which would be rounded"))
    if values.name in NEVER_NEGATIVE:
        problems.append(Problem((sums < 0).fill_null(value=False), "must not be negative"))
    return Coerced(sums, problems)


def _may_be_fine(texts: pl.Series) -> pl.Series:
    """(n,) whether numbers may have more decimals than money has."""
    longest = texts.str.len_bytes().max()
    is_long = isinstance(longest, int) and longest > MONEY.scale + 1
    return texts.str.contains(r"\.\d{19,}|[eE]-" if is_long else "[eE]-").fill_null(value=False)


def _is_rounded(text: str, kept: Decimal | None) -> bool:
    """Whether a number lost decimals."""
    try:
        return kept is not None and Decimal(text) != kept
    except InvalidOperation:  # written in another way; then it is no float's text and has few decimals
        return False


def _count(values: pl.Series, form: ColumnFormat) -> Coerced:
    """Whole numbers, in which any mark before each three digits groups them."""
    counts = _plain_counts(values)
    if counts is None:
        values = _given(values)
        texts = _ungrouped(values) if values.dtype == pl.String else values
        numbers = _finite(texts.cast(pl.Float64, strict=False))
        whole = (numbers == numbers.floor()).fill_null(value=False)
        counts = numbers.set(~whole, None).cast(pl.Int64, strict=False)
    problems = _unread(values, counts, "not a whole number")
    if values.name in NEVER_NEGATIVE:
        problems.append(Problem((counts < 0).fill_null(value=False), "must not be negative"))
    return Coerced(counts, problems)


def _plain_counts(values: pl.Series) -> pl.Series | None:
    """(n,) counts that are all digits; None where one is not, or has more than fractions are exact to."""
    if values.dtype != pl.String:
        return None
    counts = values.cast(pl.Int64, strict=False)
    is_plain = counts.null_count() == values.null_count() and counts.is_between(-(2**53), 2**53).all()
    return counts if is_plain else None


def _ungrouped(texts: pl.Series) -> pl.Series:
    """Counts without their marks of thousands; points are none where a count has a fraction like `900.00`."""
    points = "" if texts.str.contains(_HAS_FRACTION).any() else "."
    grouped = texts.str.contains(rf"^[-+]?\d{{1,3}}([{_GROUPS}{points}]\d{{3}})+$").fill_null(value=False)
    return texts.str.replace_all(rf"[{_GROUPS}{points}]", "").zip_with(grouped, texts)


def _number(values: pl.Series, form: ColumnFormat) -> Coerced:
    values, numbers = _numeric(values, pl.Float64(), form)
    numbers = _finite(numbers)
    return Coerced(numbers, _unread(values, numbers, "not a number"))


def _integer(values: pl.Series, form: ColumnFormat) -> Coerced:
    values = _given(values)
    if values.dtype == pl.String:
        values = values.str.replace(r"^(-?\d+)\.0$", "${1}")
    integers = values.cast(pl.Int64, strict=False)
    if values.dtype.is_float():
        integers = integers.set((values % 1 != 0).fill_null(value=False), None)
    return Coerced(integers, _unread(values, integers, "not a whole number"))


def _flag(values: pl.Series, form: ColumnFormat) -> Coerced:
    values = _given(values)
    texts = values.cast(pl.String, strict=False).str.to_lowercase()
    flags = texts.replace_strict(
        [*_TRUE, *_FALSE], [1] * len(_TRUE) + [0] * len(_FALSE), default=None, return_dtype=pl.Int8
    )
    return Coerced(flags, _unread(values, flags, "not 0 or 1"))


def _probability(values: pl.Series, form: ColumnFormat) -> Coerced:
    numbers, problems = _number(values, form)
    must_be_positive = values.name in NEVER_ZERO
    is_low = numbers <= 0 if must_be_positive else numbers < 0
    what = f"must be in {'(' if must_be_positive else '['}0, 1]"
    problems.append(Problem((is_low | (numbers > 1)).fill_null(value=False), what))
    return Coerced(numbers, problems)


def _vector(values: pl.Series, form: ColumnFormat) -> Coerced:
    lists = float_lists(values)
    lengths = lists.list.len()
    width = form.width
    fits = (
        (lengths == width) & (lists.list.eval(pl.element().is_finite().fill_null(value=False)).list.all())
    ).fill_null(value=False)
    vectors = lists.set(~fits, None) if not fits.all() else lists
    is_bad = values.is_not_null() & ~fits
    return Coerced(vectors.cast(pl.Array(pl.Float32, width)), [Problem(is_bad, f"not {width} numbers")])


def _list(values: pl.Series, form: ColumnFormat) -> Coerced:
    if isinstance(values.dtype, pl.List | pl.Array):
        lists = values.cast(pl.List(pl.String), strict=False)
    else:
        texts = _without(as_text(values), ("",))
        lists = pl.Series(
            values.name, [None if text is None else _items(text) for text in texts], pl.List(pl.String)
        )
    return Coerced(lists, [])


_COERCIONS: Final[dict[Kind, tuple[pl.DataType | None, Callable[[pl.Series, ColumnFormat], Coerced]]]] = {
    "string": (pl.String(), _string),
    "time": (UTC, _time),
    "money": (MONEY, _money),
    "decimal": (MONEY, _money),
    "count": (pl.Int64(), _count),
    "number": (pl.Float64(), _number),
    "integer": (pl.Int64(), _integer),
    "flag": (pl.Int8(), _flag),
    "probability": (pl.Float64(), _probability),
    "vector": (None, _vector),
    "list": (pl.List(pl.String()), _list),
}


def type_of(column: Column, form: ColumnFormat) -> pl.DataType:
    """The polars type of a standard column."""
    return _COERCIONS[column.kind][0] or pl.Array(pl.Float32, form.width)


def named(values: pl.Series) -> pl.Series:
    """Texts with null for all the ways of writing that there is no name, without guards of spreadsheets.

    A shop's export writes `'0987` or `="0987"` so that a spreadsheet keeps the zero.
    """
    texts = values.str.strip_chars()
    if texts.str.contains(_GUARD).any():
        texts = texts.str.replace(_GUARD, "${1}${2}")
    return _without(texts, ("", *_NO_NAME))


def _without(values: pl.Series, nothing: tuple[str, ...]) -> pl.Series:
    return values.set(values.is_in(nothing).fill_null(value=False), None)


def _given(values: pl.Series) -> pl.Series:
    """The values with null for all the ways of writing that there is none."""
    if values.dtype == pl.String:
        return _without(values.str.strip_chars(), ("", *_NO_VALUE))
    return values.fill_nan(None) if values.dtype.is_float() else values


def _unread(values: pl.Series, made: pl.Series, what: str) -> list[Problem]:
    where = values.is_not_null() & made.is_null()
    return [Problem(where, what)] if where.any() else []


def _finite(numbers: pl.Series) -> pl.Series:
    return numbers.set(~numbers.is_finite().fill_null(value=True), None)


def _numeric(values: pl.Series, dtype: pl.DataType, form: ColumnFormat) -> tuple[pl.Series, pl.Series]:
    """The values with null for all the ways of writing that there is none, and the numbers that they are."""
    if values.dtype == pl.String and form.number.decimal_mark != "comma":
        numbers = values.cast(dtype, strict=False)
        is_plain = dtype == MONEY or numbers.is_finite().all()
        if is_plain and numbers.null_count() == values.null_count():
            return values, numbers
    values = _given(values)
    if values.dtype == pl.String:
        return values, read_numbers(values, dtype, form.number)
    if values.dtype == pl.Boolean and dtype == MONEY:
        return values, pl.Series(values.name, [None] * len(values), dtype)
    return values, values.cast(dtype, strict=False)


def float_lists(values: pl.Series) -> pl.Series:
    """(n,) lists of numbers, from lists or from texts like `[1, 2]`; null where there is none."""
    numbers = pl.List(pl.Float32)
    if isinstance(values.dtype, pl.List | pl.Array):
        inner = values.dtype.inner
        if inner is not None and (inner == pl.String or pl.Series([], dtype=inner).dtype.is_numeric()):
            return values.cast(numbers, strict=False)
    elif values.dtype == pl.String:
        parts = values.str.strip_chars(" []()").str.replace_all(r"[\s,;]+", " ")
        return _without(parts, ("",)).str.split(" ").cast(numbers, strict=False)
    return pl.Series(values.name, [None] * len(values), numbers)


def _items(text: str) -> list[str | None]:
    try:
        found = json.loads(text) if text.startswith("[") else None
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, list):
        return [text]
    return [
        item if item is None or isinstance(item, str) else json.dumps(item, ensure_ascii=False)
        for item in found
    ]
