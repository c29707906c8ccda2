"""The table of measures of ads: one row a measure and group."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import polars as pl


class MetricRow(NamedTuple):
    """One measure of one group of ads, with its interval (NaN where none can be given) and what it is."""

    metric: str
    group: str
    value: float
    ci_low: float
    ci_high: float
    n: int
    definition: str


SCHEMA = {
    "metric": pl.String, "group": pl.String, "value": pl.Float64, "ci_low": pl.Float64, "ci_high": pl.Float64,
    "n": pl.Int64, "definition": pl.String,
}  # fmt: skip


def metric_table(rows: Iterable[MetricRow]) -> pl.DataFrame:
    """The rows as a frame, with null for what there is no number for."""
    return pl.DataFrame(list(rows), schema=SCHEMA, orient="row").with_columns(
        pl.col("value", "ci_low", "ci_high").fill_nan(None)
    )
