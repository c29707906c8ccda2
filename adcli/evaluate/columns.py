"""Columns as numbers: text and flags that a file delivered, made fit for arithmetic or refused."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

import numpy as np
import polars as pl

from adcli.arrays import Integers
from adcli.errors import DataError, did_you_mean
from adcli.numbers import counted

IDENTIFIER = re.compile(r"(?:^|[\s_-])id$", re.IGNORECASE)
LEADING_ZERO = r"^\s*0\d"
USER = "user_id"
MOST_SHOWN = 12  # column names in a message
TRUE, FALSE = ("true", "yes", "t", "y"), ("false", "no", "f", "n")


def known_columns(wanted: str, columns: Iterable[str]) -> str:
    """What to say to who asked for a column that is not there."""
    names = list(columns)
    rest = f" and {len(names) - MOST_SHOWN} more" if len(names) > MOST_SHOWN else ""
    return did_you_mean(wanted, names) or f"The columns are: {', '.join(names[:MOST_SHOWN])}{rest}."


def check_columns(wanted: Iterable[str], columns: Sequence[str], *, of: str = "") -> None:
    """Raise DataError if a wanted column is not there; `of` says of what, where that is not plain."""
    for column in wanted:
        if column not in columns:
            where = f" ({of})" if of and of != column else ""
            raise DataError(f"There is no column '{column}'{where}.", fix=known_columns(column, columns))


def finite_numbers(frame: pl.DataFrame, columns: Sequence[str]) -> pl.DataFrame:
    """The frame with `columns` as finite floats.

    Raises DataError if one is not there, holds text that is no number, or a value missing, NaN or infinite.
    """
    check_columns(columns, frame.columns)
    numbers = as_numbers(frame, columns).with_columns(pl.col(columns).cast(pl.Float64))
    for name in columns:
        if not numbers[name].is_finite().fill_null(value=False).all():
            raise DataError(f"Column '{name}' holds missing, NaN or infinite values.")
    return numbers


def as_numbers(frame: pl.DataFrame, columns: Sequence[str]) -> pl.DataFrame:
    """The frame with `columns` as numbers: flags and yes/no words as 1 and 0, exact money as floats.

    Raises DataError if a text is no number, the first of which is shown, or a column of another kind.
    """
    schema = frame.schema
    unfit = [
        name for name in dict.fromkeys(columns) if not (schema[name].is_integer() or schema[name].is_float())
    ]
    return frame.with_columns(_number(frame, name) for name in unfit) if unfit else frame


def read_numbers(frame: pl.DataFrame) -> pl.DataFrame:
    """The frame with those text columns as numbers of which every value is one, as a CSV file delivers them.

    Identifiers stay texts: columns called `id` or `..._id`, and any with a number like 00123.
    """
    read = []
    for name, dtype in frame.schema.items():
        if dtype != pl.String or IDENTIFIER.search(name):
            continue
        text = frame[name].drop_nulls()
        number = text.str.strip_chars().cast(pl.Float64, strict=False)
        if text.len() and not number.null_count() and not text.str.contains(LEADING_ZERO).any():
            read.append(pl.col(name).str.strip_chars().cast(pl.Float64))
    return frame.with_columns(read)


def user_clusters(frame: pl.DataFrame) -> Integers | None:
    """(n,) the number of each row's user from 0 on; None where users are not known."""
    return cluster_numbers(frame[USER]) if USER in frame.columns else None


def cluster_numbers(user: pl.Series) -> Integers:
    """(n,) numbers of the users from 0 on; a row without one is a cluster of its own."""
    own = pl.lit("\x00") + pl.int_range(pl.len()).cast(pl.String)
    named = pl.DataFrame({"user": user.cast(pl.String)})
    return named.select(pl.coalesce("user", own).rank("dense") - 1).to_series().to_numpy().astype(np.int64)


def _number(frame: pl.DataFrame, name: str) -> pl.Series:
    column = frame[name]
    if column.dtype == pl.Boolean:
        return column.cast(pl.Int8)
    if column.dtype.is_decimal():
        return column.cast(pl.Float64)
    if column.dtype != pl.String:
        raise DataError(f"Column '{name}' is of the kind {column.dtype}, which is no number.")
    lowered = column.str.strip_chars().str.to_lowercase()
    number = pl.select(
        pl.when(lowered.is_in(TRUE))
        .then(1.0)
        .when(lowered.is_in(FALSE))
        .then(0.0)
        .otherwise(lowered.cast(pl.Float64, strict=False))
    ).to_series()
    if (unread := column.filter(number.is_null() & column.is_not_null())).len():
        raise DataError(
            f"Column '{name}' holds {counted(unread.len(), 'text')} that "
            f"{'is no number' if unread.len() == 1 else 'are no numbers'}, the first '{unread[0][:40]}'."
        )
    return number.alias(name)
