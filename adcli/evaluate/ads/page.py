"""The page of `evaluate ads`: the measures, and some of the ads for the eye."""

from __future__ import annotations

import polars as pl

from adcli.report import Page, Passage, Table

SHOWN = 40


def ads_page(table: pl.DataFrame, ads: pl.DataFrame) -> Page:
    """The page for a table made by `ad_table`, and the ads that it is about."""
    columns = [
        name for name in ("item_id", "channel", "headline", "description", "text") if name in ads.columns
    ]
    return Page(
        title=f"{ads.height:,} ads",
        tables=[
            Table("Measures", table.drop("definition")),
            Table("Ads", ads.select(columns), limit=SHOWN),
        ],
        method=[
            Passage(str(metric), str(definition))
            for metric, definition in table.select("metric", "definition")
            .unique("metric", maintain_order=True)
            .iter_rows()
        ],
    )
