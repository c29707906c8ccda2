"""Numbers as people write them: with a sign of currency, grouped, with a decimal point or comma."""

from __future__ import annotations

from typing import Final, Literal

import polars as pl

_CURRENCY: Final = (
    r"^([-+]?)\s*(?:[$€£¥₹]|US\$|Rs\.?|USD|EUR|GBP|INR|CNY)\s*|\s*(?:[$€£¥₹]|USD|EUR|GBP|INR|CNY)$"
)
_GROUPED_BY_COMMA: Final = r"^[-+]?[1-9]\d{0,2}(,\d{2,3})*,\d{3}(\.\d*)?$"
_GROUPED_BY_POINT: Final = r"^[-+]?[1-9]\d{0,2}(\.\d{3})+(,\d*)?$"
_SURELY_POINT: Final = (
    r"^[-+]?([1-9]\d{0,2}(,\d{2,3})*,\d{3}\.\d*|\d+\.(\d{1,2}|\d{4,})|0\.\d+|[1-9]\d{0,2}(,\d{2,3})+,\d{3})$"
)
_SURELY_COMMA: Final = (
    r"^[-+]?([1-9]\d{0,2}(\.\d{3})+,\d*|\d+,(\d{1,2}|\d{4,})|0,\d+|[1-9]\d{0,2}(\.\d{3}){2,})$"
)
_ANY_COMMA: Final = r"^[-+]?\d+,\d+$"


class NumberReader:
    """Reads one column of numbers, and remembers from batch to batch which mark stands before its decimals.

    `1,234` and `1.234` can be thousands or thousandths. The rest of the column tells: next to `1.234,50` or
    `12,5` the comma is the decimal mark, next to `1,234.50` or `12.5` the point. Where nothing tells, the
    point is, and `1,234` is 1234; where the column has both, a comma that could be either is not read.

    Attributes:
        guessed: A value that was read so although nothing told.
    """

    def __init__(self) -> None:
        self.guessed: str | None = None
        self._mark: Literal["point", "comma", "both"] | None = None

    def read(self, values: pl.Series, dtype: pl.DataType) -> pl.Series:
        """(n,) the numbers, null where a text is none."""
        numbers = values.cast(dtype, strict=False)
        has_commas = self._mark == "comma" or bool(values.str.contains(",", literal=True).any())
        is_left = values.is_not_null() & numbers.is_null()
        if not has_commas and not is_left.any():
            return numbers
        text = values.str.replace(_CURRENCY, "${1}").str.replace(_CURRENCY, "${1}").str.strip_chars()
        return (self._plain(text) if has_commas else text).cast(dtype, strict=False)

    def _plain(self, text: pl.Series) -> pl.Series:
        """The same numbers with a decimal point and without groups."""
        self._learn(text)
        point = f"{_SURELY_POINT}|{_GROUPED_BY_COMMA}" if self._mark == "point" else _SURELY_POINT
        comma = (
            f"{_SURELY_COMMA}|{_GROUPED_BY_POINT}|{_ANY_COMMA}" if self._mark == "comma" else _SURELY_COMMA
        )
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

    def _learn(self, text: pl.Series) -> None:
        if self._mark is not None:
            return
        is_point = bool(text.str.contains(_SURELY_POINT).any())
        is_comma = bool(text.str.contains(_SURELY_COMMA).any())
        self._mark = "both" if is_point and is_comma else "comma" if is_comma else "point"
        doubtful = text.filter(text.str.contains(_GROUPED_BY_COMMA))
        if not (is_point or is_comma) and len(doubtful):
            self.guessed = str(doubtful[0])
