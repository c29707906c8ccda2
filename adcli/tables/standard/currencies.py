"""The currency of each row, where no column says it but the amounts do: `19.99 EUR`, `$5`."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import polars as pl

from adcli.tables.numerals import currency_of, is_same_currency
from adcli.tables.standard.coerce import Problem

CURRENCY: Final = "currency"


def named_currencies(values: pl.Series) -> pl.Series:
    """(n,) the currency that each amount names, or null."""
    nothing = pl.Series(values.name, [None], pl.String).new_from_index(0, len(values))
    if values.dtype != pl.String:
        return nothing
    is_text = values.is_not_null() & values.cast(pl.Float64, strict=False).is_null()
    return nothing.scatter(is_text.arg_true(), currency_of(values.filter(is_text)))


def currency_of_rows(named: Iterable[pl.Series], known: Iterable[str]) -> pl.Series:
    """(n,) the currency of each row by its amounts; where they name none, the only one that others name."""
    others = sorted(set(known))
    single = pl.lit(others[0] if len(others) == 1 else None, pl.String)
    return pl.select(pl.coalesce(*named, single).alias(CURRENCY)).to_series()


def contradictions(named: pl.Series, currency: pl.Series) -> Problem:
    """Where an amount names another currency than that of its row."""
    both = pl.select(named.alias("named"), currency.alias("currency"))
    differ = both.select(~is_same_currency("named", "currency").fill_null(value=True)).to_series()
    return Problem(differ, "in another currency than the others")
