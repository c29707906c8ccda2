"""Numbers as people write them: with a sign of currency, grouped, with a decimal point or comma."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal, NamedTuple

import polars as pl

MONEY: Final = pl.Decimal(38, 18)
"""Sums of money: exact to far less than what a bid costs, and as Spark holds decimals by default."""

DecimalMark = Literal["point", "comma", "mixed"]

_CODES: Final = (
    "USD|EUR|GBP|JPY|CNY|INR|CHF|CAD|AUD|NZD|SEK|NOK|DKK|PLN|CZK|HUF|RON|BGN|TRY|RUB|UAH|KZT|ILS|AED|SAR|EGP|"
    "ZAR|NGN|KES|BRL|MXN|ARS|CLP|COP|PEN|KRW|TWD|HKD|SGD|MYR|THB|IDR|PHP|VND|PKR|BDT"
)
_SIGN: Final = rf"(?:[A-Z]{{0,2}}[$€£¥₹₩₽₺₴₫₪₱฿]|(?:{_CODES})\b|Rs\.?|kr\.?|zł)"
_BEFORE: Final = rf"^([-+]?)\s*({_SIGN})\s*"
_AFTER: Final = rf"\s*({_SIGN})$"
_CURRENCY_OF: Final = {
    "€": "EUR", "£": "GBP", "₹": "INR", "Rs": "INR", "Rs.": "INR", "US$": "USD", "₩": "KRW", "₽": "RUB",
    "₺": "TRY", "₴": "UAH", "₫": "VND", "₪": "ILS", "₱": "PHP", "฿": "THB", "R$": "BRL",
    "zł": "PLN", "kr.": "kr",
}  # fmt: skip
_DOLLARS: Final = frozenset({"USD", "CAD", "AUD", "NZD", "HKD", "SGD", "TWD", "MXN", "ARS", "CLP", "COP"})
_CROWNS: Final = frozenset({"SEK", "NOK", "DKK"})
_BLANK_GROUPS: Final = "^[-+]?\\d{1,3}([ '\u2019\u00a0\u202f]\\d{3})+([.,]\\d*)?$"
_BLANKS: Final = "[ '\u2019\u00a0\u202f]"
_GROUPED_BY_COMMA: Final = r"^[-+]?[1-9]\d{0,2}(,\d{2,3})*,\d{3}(\.\d*)?$"
_GROUPED_BY_POINT: Final = r"^[-+]?[1-9]\d{0,2}(\.\d{3})+(,\d*)?$"
_CERTAIN_POINT: Final = (
    r"^[-+]?([1-9]\d{0,2}(,\d{2,3})*,\d{3}\.\d*|\d*\.(\d{1,2}|\d{4,})|\d{4,}\.\d+|0?\.\d+|"
    r"[1-9]\d{0,2}(,\d{2,3})+,\d{3})$"
)
_CERTAIN_COMMA: Final = (
    r"^[-+]?([1-9]\d{0,2}(\.\d{3})+,\d*|\d*,(\d{1,2}|\d{4,})|\d{4,},\d+|0?,\d+|[1-9]\d{0,2}(\.\d{3}){2,})$"
)
_ANY_COMMA: Final = r"^[-+]?\d*,\d+$"


@dataclass(frozen=True)
class NumberFormat:
    """How one column writes its numbers, decided once for all of it."""

    # what stands before the decimals. "mixed" where both certainly do: then `12,5` and `12.5` are read, and
    # `1,234`, which can be either, is not
    decimal_mark: DecimalMark = "point"
    currency: str | None = None  # the currency that its values name, by code or by sign

    def notes(self) -> list[str]:
        """What was decided and cannot be seen in the values, one clause each."""
        mark = {"comma": ["read with a decimal comma"], "mixed": ["has decimal points and commas both"]}
        money = [] if self.currency is None else [f"in {self.currency}"]
        return [*mark.get(self.decimal_mark, []), *money]


class NumberEvidence(NamedTuple):
    """What the values seen so far tell of how a column writes its numbers.

    `1,234` and `1.234` can be thousands or thousandths. The rest of the column decides: next to `1.234,50` or
    `12,5` the comma is the decimal mark, next to `1,234.50` or `12.5` the point.
    """

    point: str | None = None  # a value that certainly has a decimal point; None before there is any
    comma: str | None = None  # one that certainly has a decimal comma
    either: str | None = None  # one that can have either
    currencies: frozenset[str] = frozenset()  # the currencies that values name

    def updated(self, values: pl.Series) -> NumberEvidence:
        """What is known after some more values."""
        if values.dtype != pl.String:
            return self
        values = values.drop_nulls().str.strip_chars()
        text = _bare(values)
        is_point, is_comma = text.str.contains(_CERTAIN_POINT), text.str.contains(_CERTAIN_COMMA)
        is_either = text.str.contains(f"{_GROUPED_BY_COMMA}|{_GROUPED_BY_POINT}") & ~(is_point | is_comma)
        return NumberEvidence(
            self.point or _first(values, is_point),
            self.comma or _first(values, is_comma),
            self.either or _first(values, is_either),
            self.currencies | currencies_in(values),
        )

    @property
    def is_open(self) -> bool:
        """Whether there are numbers that can be read in two ways, and no value decides which."""
        return self.either is not None and self.point is None and self.comma is None

    def decided(self) -> NumberFormat:
        """The format that this tells; the point where nothing does."""
        mark: DecimalMark = "mixed" if self.point and self.comma else "comma" if self.comma else "point"
        return NumberFormat(mark, next(iter(sorted(self.currencies, reverse=True)), None))


def currency_of(values: pl.Series) -> pl.Series:
    """(n,) the currency that each text names, by code, or by sign where several have it; else null."""
    text = pl.col(values.name)
    sign = pl.coalesce(text.str.extract(_BEFORE, 2), text.str.extract(_AFTER, 1))
    return values.to_frame().select(sign.replace(_CURRENCY_OF).alias(values.name)).to_series()


def is_same_currency(one: str, other: str) -> pl.Expr:
    """Whether two columns may name the same currency: `$` is that of any dollars, `kr` that of any crowns."""
    signs = (("$", _DOLLARS), ("kr", _CROWNS))
    same = pl.col(one) == pl.col(other)
    for sign, codes in signs:
        family = [sign, *codes]
        both = pl.col(one).is_in(family) & pl.col(other).is_in(family)
        same |= both & ((pl.col(one) == sign) | (pl.col(other) == sign))
    return same


def currencies_in(values: pl.Series) -> frozenset[str]:
    """The currencies that texts name; a dollar sign is that of the dollars named beside it."""
    named = set(currency_of(values.unique()).drop_nulls().to_list())
    return frozenset(named - {"$"} if named & _DOLLARS else named)


def as_money(values: pl.Series) -> pl.Series:
    """(n,) numbers of any type as money; of a float, the shortest decimals that are the same float."""
    return (values.cast(pl.String) if values.dtype.is_float() else values).cast(MONEY, strict=False)


def computed_money(amount: pl.Expr) -> pl.Expr:
    """Money that was computed in floats, without the digits that computing in floats adds."""
    return amount.round_sig_figs(15).cast(pl.String).cast(MONEY)


def read_numbers(values: pl.Series, dtype: pl.DataType, form: NumberFormat) -> pl.Series:
    """(n,) the numbers of a column of texts, null where a text is none."""
    numbers = values.cast(dtype, strict=False)
    has_commas = form.decimal_mark == "comma" or bool(values.str.contains(",", literal=True).any())
    is_left = values.is_not_null() & numbers.is_null()
    if not has_commas and not is_left.any():
        return numbers
    return _plain(_bare(values), form).cast(dtype, strict=False)


def _bare(values: pl.Series) -> pl.Series:
    """The texts without signs of currency and without groups between blanks; `(5)` is -5, as in accounts."""
    text = pl.col(values.name).str.replace("\u2212", "-").str.replace(r"^\((.*)\)$", "-${1}")
    text = text.str.replace(_BEFORE, "${1}").str.replace(_AFTER, "").str.strip_chars()
    grouped = text.str.contains(_BLANK_GROUPS)
    plain = pl.when(grouped).then(text.str.replace_all(_BLANKS, "")).otherwise(text)
    return values.to_frame().select(plain).to_series()


def _plain(text: pl.Series, form: NumberFormat) -> pl.Series:
    """The same numbers with a decimal point and without groups; null where they contradict the format."""
    mark = form.decimal_mark
    point = f"{_CERTAIN_POINT}|{_GROUPED_BY_COMMA}" if mark == "point" else _CERTAIN_POINT
    comma = f"{_CERTAIN_COMMA}|{_GROUPED_BY_POINT}|{_ANY_COMMA}" if mark == "comma" else _CERTAIN_COMMA
    value = pl.col(text.name)
    without_commas = value.str.replace_all(",", "", literal=True)
    without_points = value.str.replace_all(".", "", literal=True).str.replace(",", ".")
    is_plain = value.str.contains(r"^[-+]?\d+$|[eE]")
    has_point = value.str.contains(point)
    if mark == "point":
        has_point |= value.str.contains(r"^[-+]?\d*\.\d*$")
    has_comma = value.str.contains(comma) if mark != "point" else pl.lit(value=False)
    plain = pl.when(is_plain).then(value).when(has_comma).then(without_points)
    if mark != "comma":
        plain = plain.when(has_point).then(without_commas)
    return text.to_frame().select(plain.otherwise(None)).to_series()


def _first(values: pl.Series, where: pl.Series) -> str | None:
    found = values.filter(where)
    return None if found.is_empty() else str(found[0])
