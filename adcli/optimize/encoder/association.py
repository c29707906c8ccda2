"""Which items belong together, and how strongly.

Items of one basket often co-occur by chance. What co-occurs more often than the items' numbers let expect
belongs together, and is learned from; the rest of its pairs is noise.

Source: Ochiai, "Zoogeographical studies on the soleoid fishes" (1957), for the coefficient, which is the
cosine of two items' occurrences; Karypis, "Evaluation of Item-Based Top-N Recommendation Algorithms" (2001);
Deshpande and Karypis, "Item-Based Top-N Recommendation Algorithms" (2004), section 4.2, for cosines.
"""

from __future__ import annotations

from typing import Final

import polars as pl

PARTNERS: Final = 50


def associated(pairs: pl.DataFrame, *, partners: int = PARTNERS) -> pl.DataFrame:
    """The pairs of each anchor with the positives it is associated with most, as often as they occur.

    `pairs`: `anchor positive source`; those of a query are all kept; `partners`: positives that are kept of
    each anchor.
    """
    items = pairs.filter(pl.col("source") != "query").select("anchor", "positive")
    both = pl.concat([items, items.select(anchor="positive", positive="anchor")])
    together = both.group_by("anchor", "positive").len("together")
    times = both.group_by("anchor").len("times")
    known = together.join(times, on="anchor").join(
        times.select(positive="anchor", times_positive="times"), on="positive"
    )
    coefficient = pl.col("together") / (pl.col("times") * pl.col("times_positive")).sqrt()
    best = (
        known.with_columns(coefficient.alias("coefficient"))
        .sort("anchor", "coefficient", "together", "positive", descending=[False, True, True, False])
        .group_by("anchor", maintain_order=True)
        .head(partners)
    )
    kept = pairs.join(best, on=["anchor", "positive"], how="left", maintain_order="left")
    return kept.filter((pl.col("source") == "query") | pl.col("coefficient").is_not_null()).select(
        pairs.columns
    )
