"""Reports of counts, as ad platforms export them: what marks one, and which of its lines say totals."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import polars as pl

from adcli.tables.aliases import ALIASES, normalised, without_currency
from adcli.tables.report_names import MEASURED_TOGETHER

MEASURES: Final = ("impressions", "clicks", "conversions", "cost", "cost_micros", "revenue")
RESTATES: Final = "a total, which restates other rows"
_TOTAL: Final = (
    r"(?i)^\s*(?:total:.*|gesamt:.*|(?:grand )?totals?|total of [\d,.]+ results?|"
    r"total rows: ?\d+|итого.*)\s*$"
)


def is_report(sources: Mapping[str, str], sample: pl.DataFrame | None) -> bool:
    """Whether the rows of an input are counts.

    Args:
        sources: Its columns by the names of the table `report`.
        sample: Its first rows.
    """
    measured = sources.keys() & set(MEASURES)
    if "impressions" in measured:
        return len(measured) > 1
    return "clicks" in measured and len(measured) > 1 and _counts_more_than_one(sources["clicks"], sample)


def _counts_more_than_one(source: str, sample: pl.DataFrame | None) -> bool:
    """Whether a column called like clicks holds counts and not the 0 and 1 of single impressions."""
    if sample is None or source not in sample.columns:
        return False
    digits = sample[source].cast(pl.String).str.replace_all(r"[^\d.]", "")
    return bool((digits.cast(pl.Float64, strict=False) > 1).any())


def user_column(columns: Sequence[str]) -> str | None:
    """The column that names users, if one does: then a row may be one impression after all."""
    users = {normalised(name) for name in ("user_id", *ALIASES["user_id"])}
    return next((column for column in columns if normalised(column) in users), None)


def measured_together(columns: Sequence[str]) -> dict[str, str]:
    """The columns of conversions and of their money, where a report has both of one kind."""
    by_name = {normalised(without_currency(column)): column for column in reversed(columns)}
    for count, money in MEASURED_TOGETHER:
        if normalised(count) in by_name and normalised(money) in by_name:
            return {"conversions": by_name[normalised(count)], "revenue": by_name[normalised(money)]}
    return {}


def labelled_totals(raw: pl.DataFrame) -> pl.Series:
    """(n,) which rows say that they are totals, such as `Total: Account` in any of their columns."""
    texts = [name for name, dtype in raw.schema.items() if dtype == pl.String]
    if not texts:
        return pl.Series([False]).new_from_index(0, raw.height)
    says = (pl.col(name).str.contains(_TOTAL).fill_null(value=False) for name in texts)
    return raw.select(pl.any_horizontal(says).alias("total")).to_series()
