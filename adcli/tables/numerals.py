"""Numbers as people write them: with a sign of currency, grouped, with a decimal point or comma."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal, NamedTuple

import polars as pl

_CURRENCY: Final = (
    r"^([-+]?)\s*(?:[$€£¥₹]|US\$|Rs\.?|USD|EUR|GBP|INR|CNY)\s*|\s*(?:[$€£¥₹]|USD|EUR|GBP|INR|CNY)$"
)
_GROUPED_BY_COMMA: Final = r"^[-+]?[1-9]\d{0,2}(,\d{2,3})*,\d{3}(\.\d*)?$"
_GROUPED_BY_POINT: Final = r"^[-+]?[1-9]\d{0,2}(\.\d{3})+(,\d*)?$"
_CERTAIN_POINT: Final = (
    r"^[-+]?([1-9]\d{0,2}(,\d{2,3})*,\d{3}\.\d*|\d+\.(\d{1,2}|\d{4,})|0\.\d+|[1-9]\d{0,2}(,\d{2,3})+,\d{3})$"
)
_CERTAIN_COMMA: Final = (
    r"^[-+]?([1-9]\d{0,2}(\.\d{3})+,\d*|\d+,(\d{1,2}|\d{4,})|0,\d+|[1-9]\d{0,2}(\.\d{3}){2,})$"
)
_ANY_COMMA: Final = r"^[-+]?\d+,\d+$"

DecimalMark = Literal["point", "comma", "mixed"]


@dataclass(frozen=True)
class NumberFormat:
    """How one column writes its numbers, decided once for all of it.

    Attributes:
        decimal_mark: What stands before the decimals. "mixed" where both certainly do: then `12,5` and `12.5`
            are read, and `1,234`, which can be either, is not.
        assumed_from: A value that can be read in two ways while no value decides which.
    """

    decimal_mark: DecimalMark = "point"
    assumed_from: str | None = None


class NumberEvidence(NamedTuple):
    """What the values seen so far say about a column's decimal mark: an example each, or None.

    `1,234` and `1.234` can be thousands or thousandths. The rest of the column decides: next to `1.234,50` or
    `12,5` the comma is the decimal mark, next to `1,234.50` or `12.5` the point.
    """

    point: str | None = None
    comma: str | None = None
    either: str | None = None

    def updated(self, values: pl.Series) -> NumberEvidence:
        """What is known after some more values."""
        if values.dtype != pl.String:
            return self
        text = _bare(values)
        is_point, is_comma = text.str.contains(_CERTAIN_POINT), text.str.contains(_CERTAIN_COMMA)
        is_either = text.str.contains(f"{_GROUPED_BY_COMMA}|{_GROUPED_BY_POINT}") & ~(is_point | is_comma)
        return NumberEvidence(
            self.point or _first(values, is_point),
            self.comma or _first(values, is_comma),
            self.either or _first(values, is_either),
        )

    @property
    def is_open(self) -> bool:
        """Whether there are numbers that can be read in two ways, and no value decides which."""
        return self.either is not None and self.point is None and self.comma is None

    def decided(self) -> NumberFormat:
        """The format that follows from this; the point where nothing does."""
        if self.point and self.comma:
            return NumberFormat("mixed")
        if self.comma:
            return NumberFormat("comma")
        return NumberFormat("point", None if self.point else self.either)


def read_numbers(values: pl.Series, dtype: pl.DataType, form: NumberFormat) -> pl.Series:
    """(n,) the numbers of a column of texts, null where a text is none."""
    numbers = values.cast(dtype, strict=False)
    has_commas = form.decimal_mark == "comma" or bool(values.str.contains(",", literal=True).any())
    is_left = values.is_not_null() & numbers.is_null()
    if not has_commas and not is_left.any():
        return numbers
    text = _bare(values)
    return (_plain(text, form) if has_commas else text).cast(dtype, strict=False)


def _bare(values: pl.Series) -> pl.Series:
    """The texts without signs of currency."""
    return values.str.replace(_CURRENCY, "${1}").str.replace(_CURRENCY, "${1}").str.strip_chars()


def _plain(text: pl.Series, form: NumberFormat) -> pl.Series:
    """The same numbers with a decimal point and without groups."""
    mark = form.decimal_mark
    point = f"{_CERTAIN_POINT}|{_GROUPED_BY_COMMA}" if mark == "point" else _CERTAIN_POINT
    comma = f"{_CERTAIN_COMMA}|{_GROUPED_BY_POINT}|{_ANY_COMMA}" if mark == "comma" else _CERTAIN_COMMA
    value = pl.col(text.name)
    return (
        text.to_frame()
        .select(
            pl.when(value.str.contains(comma))
            .then(value.str.replace_all(".", "", literal=True).str.replace(",", "."))
            .when(value.str.contains(point))
            .then(value.str.replace_all(",", "", literal=True))
            .otherwise(value)
        )
        .to_series()
    )


def _first(values: pl.Series, where: pl.Series) -> str | None:
    found = values.filter(where)
    return None if found.is_empty() else str(found[0])
