"""Logs in the W3C extended format, as IIS and Amazon CloudFront write them, as page views.

A line `#Fields:` names the columns; times are UTC; blanks within a value are coded.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from urllib.parse import unquote_plus

import numpy as np
import polars as pl

from adcli.arrays import Integers
from adcli.errors import DataError
from adcli.tables.compression import Reader
from adcli.tables.formats.blocks import RawBatch, blocks
from adcli.tables.formats.log_lines import LogLines

FORM = "extended log of IIS or CloudFront"
_FIELDS = "#Fields:"
_NEEDED = {"date", "time", "c-ip", "cs-method", "cs-uri-stem", "sc-status"}
_NAMES = {
    "c-ip": "ip",
    "cs-method": "method",
    "sc-status": "status",
    "sc-bytes": "bytes",
    "cs-version": "protocol",
    "cs-protocol-version": "protocol",
    "cs(Referer)": "referrer",
    "cs(User-Agent)": "user_agent",
}


def fields_of(lines: list[str]) -> list[str] | None:
    """The columns that the head of a log names, if it is one of requests."""
    for line in lines[:10]:
        if line.startswith(_FIELDS):
            fields = line.removeprefix(_FIELDS).split()
            return fields if set(fields) >= _NEEDED and len(set(fields)) == len(fields) else None
        if not line.startswith("#"):
            return None
    return None


def read_extended_log(below: Reader, name: str, columns: tuple[str, ...]) -> Iterator[RawBatch]:
    """The requests of a log, batch by batch; a line with another number of values is rejected.

    Raises DataError if its fields change on the way.
    """
    fields: list[str] = []
    for block in blocks(below):
        lines = LogLines(block.data)
        text = lines.texts(np.arange(len(lines)))
        for place in text.str.starts_with(_FIELDS).arg_true():
            found = text[place].removeprefix(_FIELDS).split()
            if fields and found != fields:
                raise DataError(
                    f"{name}: line {block.first_line + place}: the fields change.",
                    fix="Split the file there.",
                )
            fields = found
        sign = "\t" if text.str.contains("\t", literal=True).any() else " "
        is_row = ~text.str.starts_with("#") & (text.str.strip_chars() != "")
        fits = is_row & (text.str.count_matches(sign, literal=True) == len(fields) - 1)
        bad = (is_row & ~fits).arg_true().to_numpy()
        why = "not a line of an extended log"
        block.rejects.extend((block.first_line + bad).tolist(), [why] * len(bad), lines.raws(bad))
        rows = np.flatnonzero(fits.to_numpy())
        values = text.filter(fits).str.split_exact(sign, len(fields) - 1).struct.unnest()
        frame = _requests(values.rename(dict(zip(values.columns, fields, strict=True))), columns)
        raws = partial(_raws, lines, rows)
        yield RawBatch(frame, block.first_line + rows, raws, block.rejects)


def _raws(lines: LogLines, rows: Integers, wanted: Integers) -> list[str]:
    """The lines of rows as they stood."""
    return lines.raws(rows[wanted])


def _requests(values: pl.DataFrame, columns: tuple[str, ...]) -> pl.DataFrame:
    """The values under the names that all web logs share."""
    values = values.with_columns(pl.all().replace("-", None))
    query = pl.col("cs-uri-query") if "cs-uri-query" in values.columns else pl.lit(None, pl.String)
    named = values.rename({field: name for field, name in _NAMES.items() if field in values.columns})
    named = named.with_columns(
        user_id="ip",
        event_time=pl.format("{}T{}Z", "date", "time"),
        url=pl.concat_str("cs-uri-stem", pl.lit("?") + query, ignore_nulls=True),
    )
    missing = [pl.lit(None, pl.String).alias(name) for name in columns if name not in named.columns]
    frame = named.with_columns(missing).select(columns)
    return frame.with_columns(
        pl.col("status", "bytes").cast(pl.Int64, strict=False),
        *(_decoded(frame[name]) for name in ("referrer", "user_agent")),
    )


def _decoded(values: pl.Series) -> pl.Series:
    """Blanks and percent signs as they were sent; each distinct value once."""
    coded = [value for value in values.drop_nulls().unique() if "%" in value or "+" in value]
    decoded = pl.Series([unquote_plus(value) for value in coded], dtype=pl.String)
    return values.replace(pl.Series(coded, dtype=pl.String), decoded)
