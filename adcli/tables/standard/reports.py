"""Reports of counts, as ad platforms export them: what marks one, and which of its lines say totals."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import polars as pl

from adcli.tables.aliases import ALIASES, normalised, without_currency
from adcli.tables.report_names import MEASURED_TOGETHER
from adcli.tables.unify import as_text

MEASURES: Final = ("impressions", "clicks", "conversions", "cost", "cost_micros", "revenue")
NAMED: Final = (
    "date", "campaign_id", "ad_group_id", "ad_id", "keyword", "query", "placement", "device", "network",
    "country",
)  # fmt: skip
RESTATES: Final = "a total, which restates other rows"
_TOTAL: Final = (
    r"(?i)^\s*(?:(?:total|totale|totaal|gesamt|toplam) ?:.*|total of [\d,.]+ results?|total rows: ?\d+|"
    r"итого(?:[ :].*)?)$"
)
_MAY_BE_A_TOTAL: Final = (
    r"(?i)^\s*(?:(?:grand )?totals?|gesamt|summe)\s*$"  # or a query, or a campaign's name
)
_EMPTY: Final = ("", "-", "--", "—", "all")
_ACCOUNTS: Final = frozenset({"accountid", "profileid"})
_MICROS: Final = frozenset({"costmicros", "metricscostmicros"})


def is_report(sources: Mapping[str, str], sample: pl.DataFrame | None) -> bool:
    """Whether the rows of an input are counts.

    `sources`: its columns by the names of the table `report`; `sample`: its first rows.
    """
    measured = sources.keys() & set(MEASURES)
    if "impressions" in measured:
        return len(measured) > 1
    return "clicks" in measured and len(measured) > 1 and _counts_more_than_one(sources["clicks"], sample)


def _counts_more_than_one(source: str, sample: pl.DataFrame | None) -> bool:
    """Whether a column called like clicks holds counts and not the 0 and 1 of single impressions."""
    if sample is None or source not in sample.columns:
        return False
    digits = as_text(sample[source]).str.replace_all(r"[^\d.]", "")
    return bool((digits.cast(pl.Float64, strict=False) > 1).any())


def possible_user(
    columns: Sequence[str], sources: Mapping[str, str], sample: pl.DataFrame | None
) -> str | None:
    """The column that names users, where a row may be one impression of a user after all.

    An account is the advertiser's, and so is the customer of Google's API; several clicks are of no single
    impression.
    """
    names = {normalised(column): column for column in reversed(columns)}
    if "customer.id" in columns or _MICROS & names.keys():
        return None
    if "clicks" in sources and _counts_more_than_one(sources["clicks"], sample):
        return None
    users = {normalised(name) for name in ("user_id", *ALIASES["user_id"])} - _ACCOUNTS
    return next((names[name] for name in names if name in users), None)


def measured_together(columns: Sequence[str]) -> dict[str, str]:
    """The columns of conversions and of their money, where a report has both of one kind."""
    by_name = {normalised(without_currency(column)): column for column in reversed(columns)}
    for count, money in MEASURED_TOGETHER:
        if normalised(count) in by_name and normalised(money) in by_name:
            return {"conversions": by_name[normalised(count)], "revenue": by_name[normalised(money)]}
    return {}


def labelled_totals(raw: pl.DataFrame, named: Sequence[str]) -> pl.Series:
    """(n,) which rows say that they are totals, such as `Total: Account` in any of their columns.

    `raw`: the rows as they stand; `named`: the columns that say what a row's counts are of; a bare `Total` in
    one of them is a total where the others are empty.
    """
    texts = [name for name, dtype in raw.schema.items() if dtype == pl.String]
    if not texts:
        return pl.Series([False]).new_from_index(0, raw.height)
    says = [pl.col(name).str.contains(_TOTAL) for name in texts]
    names = [name for name in named if name in texts]
    if len(names) > 1:
        filled = pl.sum_horizontal(
            pl.col(name).str.strip_chars().str.to_lowercase().is_in(_EMPTY).not_() for name in names
        )
        may_say = pl.any_horizontal(pl.col(name).str.contains(_MAY_BE_A_TOTAL) for name in names)
        says.append(may_say & (filled == 1))
    return raw.select(pl.any_horizontal(mask.fill_null(value=False) for mask in says).alias("t")).to_series()
