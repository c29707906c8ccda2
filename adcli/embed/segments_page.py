"""The page of `embed --segments K --report`: the segments' figures, what marks them, and a map."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import polars as pl

from adcli.arrays import Floats32
from adcli.embed.segment_names import SegmentTerms
from adcli.embed.segment_profiles import segment_profiles
from adcli.embed.vectors import matrix
from adcli.numbers import show
from adcli.report import Page, Passage, Plot, Table, map_plot
from adcli.statistics.verdicts import Verdict

MAX_POINTS: Final = 1_500
PERPLEXITY: Final = 30.0
_FIGURES: Final = (
    "segment", "rows", "share", "revenue", "revenue_share", "revenue_per_user", "purchases_per_user",
    "days_since_last_event",
)  # fmt: skip
_KINDS: Final = {"share": "rate", "revenue_share": "rate", "revenue": "money", "revenue_per_user": "money"}
_NOUNS: Final = {"user": "users", "product": "products", "review": "reviews", "query": "queries"}
METHOD: Final = (
    Passage(
        "Segments",
        "K-means on vectors of length 1. A name is the category with at least half of a segment's weight, "
        "and terms by pointwise divergence (Tomokiyo and Hurst, 2003).",
    ),
    Passage(
        "Figures",
        "Recency is the median of the days from a user's last event to the last event of all; frequency is "
        "purchases a user; favourites are what has most weight in the profiles, each user counting as one. "
        "Of segments of products, typical titles are those nearest to the segment's mean vector.",
    ),
    Passage(
        "The map",
        "t-SNE by cosine (van der Maaten and Hinton, 2008): near points are alike; distances between far "
        "points and sizes of groups have no meaning.",
    ),
)


def segments_page(table: pl.DataFrame, texts: SegmentTerms, *, seed: int) -> Page:
    """The page for rows that have segments.

    `table`: rows of the vectors table with `segment_name`; `texts`: texts of the same rows.
    """
    facts = segment_profiles(table, texts)
    noun = _NOUNS.get(table["kind"][0], "rows")
    favourites = facts.select("segment", "categories", "products", "distinguished_by")
    products = "favourite_products" if noun == "users" else "typical_titles"
    return Page(
        title=f"Segments of {noun}",
        summary=_summary(facts, noun),
        verdicts=[_sentence(row, noun) for row in facts.to_dicts()],
        tables=[
            Table(
                "Size and value",
                facts.select(name for name in _FIGURES if name in facts.columns).rename({"rows": noun}),
                kinds={**_KINDS, noun: "count"},
            ),
            Table("What they like, and what distinguishes them", favourites.rename({"products": products})),
        ],
        plots=[_map(table, noun, seed)],
        method=METHOD,
    )


def _summary(facts: pl.DataFrame, noun: str) -> str:
    """Who they are, in two sentences."""
    first = facts.row(0, named=True)
    sizes = (
        f"{facts['rows'].sum():,} {noun} in {facts.height} segments, the largest {first['segment']} "
        f"({show(first['share'], 'rate')})."
    )
    if "revenue_share" not in facts.columns:
        return sizes
    best = facts.sort("revenue_share", descending=True, maintain_order=True).row(0, named=True)
    return (
        f"{sizes} Most revenue comes from {best['segment']}: {show(best['revenue_share'], 'rate')} of it, "
        f"from {show(best['share'], 'rate')} of the users."
    )


def _sentence(row: dict[str, Any], noun: str) -> Verdict:
    """How large a segment is, and of users what they bring and when they were last seen."""
    said = [f"{row['rows']:,} {noun} ({show(row['share'], 'rate')})"]
    if "revenue_share" in row:
        said.append(f"{show(row['revenue_share'], 'rate')} of the revenue")
        said.append(f"{show(row['revenue_per_user'], 'money')} a user")
    if "days_since_last_event" in row:
        said.append(f"{row['purchases_per_user']:.3g} purchases a user")
        said.append(f"last seen {row['days_since_last_event']:.0f} days ago")
    return Verdict("", sentence=f"{row['segment']}: {', '.join(said)}.", subject=f"{row['segment']}:")


def _map(table: pl.DataFrame, noun: str, seed: int) -> Plot:
    rows = np.unique(np.linspace(0, table.height - 1, min(table.height, MAX_POINTS)).astype(int))
    shown = table[rows]
    points = projection(matrix(shown["embedding"]), seed=seed)
    title = f"Map of the {noun}" if len(rows) == table.height else f"Map of {len(rows):,} of the {noun}"
    return map_plot("segments", title, points[:, 0], points[:, 1], shown["segment_name"].to_list())


def projection(vectors: Floats32, *, seed: int) -> Floats32:
    """(n, 2) t-SNE of (n, d) vectors by cosine; of fewer than five, their first two numbers."""
    if len(vectors) < 5:
        return np.pad(vectors, ((0, 0), (0, 2)))[:, :2]
    from sklearn.manifold import TSNE
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped, unused-ignore]

    perplexity = min(PERPLEXITY, (len(vectors) - 1) / 3)
    fitted = TSNE(perplexity=perplexity, metric="cosine", init="random", random_state=seed)
    with threadpool_limits(1):  # sums in one order, so that a re-run is the same
        return np.asarray(fitted.fit_transform(vectors), np.float32)
