"""What segments are: their size, revenue, recency, frequency, favourites, and what distinguishes them.

facts = segment_profiles(table, texts)       # a row for each segment, the largest first
"""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np
import polars as pl

from adcli.arrays import Floats, Integers
from adcli.behaviour.features import days
from adcli.embed.segment_names import SegmentTerms, category_weights, distinctive_terms, segment_mix
from adcli.embed.vectors import matrix
from adcli.statistics.retrieval import unit_vectors

FAVOURITES: Final = 3
TERMS: Final = 5
RATIO: Final = 1.5  # to the other segments, from which a mean distinguishes one
_COMPARED: Final = {
    "purchases": ("purchases", pl.Expr.mean),
    "revenue": ("revenue a user", pl.Expr.mean),
    "price_mean": ("typical price", pl.Expr.median),
    "events": ("events", pl.Expr.mean),
}


class _Segments(NamedTuple):
    """The rows, the (n,) number of each one's segment, and the segments' names, the largest first."""

    rows: pl.DataFrame
    labels: Integers
    names: list[str]


def segment_profiles(table: pl.DataFrame, texts: SegmentTerms) -> pl.DataFrame:
    """A row for each segment, the largest first.

    `table`: rows of the vectors table with `segment_name`: users' profiles, or products, reviews, queries.
    Returns `segment rows share`; of users also `revenue revenue_share revenue_per_user purchases_per_user
    days_since_last_event` (median, to the last event of all); then `categories products distinguished_by`.
    """
    segments = _segments(table)
    size = segments.rows.group_by("label").len("rows").sort("label")["rows"]
    columns = [
        pl.Series("segment", segments.names),
        size,
        (size / table.height).alias("share"),
        *(_customer_figures(segments) if "last_time" in table.columns else []),
        pl.Series("categories", _categories(segments, texts), pl.String),
        pl.Series("products", _favourites(segments, texts), pl.String),
        pl.Series("distinguished_by", _distinguished_by(segments, texts), pl.String),
    ]
    return pl.DataFrame(columns)


def _segments(table: pl.DataFrame) -> _Segments:
    sizes = (
        table.group_by("segment_name", maintain_order=True)
        .len()
        .sort("len", descending=True, maintain_order=True)
    )
    names = sizes["segment_name"].to_list()
    label = table["segment_name"].replace_strict(names, range(len(names)), return_dtype=pl.Int64)
    return _Segments(table.with_columns(label.alias("label")), label.to_numpy(), names)


def _customer_figures(segments: _Segments) -> list[pl.Series]:
    """Revenue, frequency and recency of segments of users."""
    age = days(pl.col("last_time").max() - pl.col("last_time"))
    figures = (
        segments.rows.with_columns(age.alias("age"))
        .group_by("label")
        .agg(
            pl.col("revenue").sum(),
            (pl.col("revenue").sum() / pl.len()).alias("revenue_per_user"),
            pl.col("purchases").mean().alias("purchases_per_user"),
            pl.col("age").median().alias("days_since_last_event"),
        )
        .sort("label")
        .drop("label")
    )
    whole = float(figures["revenue"].sum())
    if not whole:
        return [figures["purchases_per_user"], figures["days_since_last_event"]]
    share = (figures["revenue"] / whole).alias("revenue_share")
    return [figures["revenue"], share, *figures.drop("revenue")]


def _categories(segments: _Segments, texts: SegmentTerms) -> list[str]:
    """The categories of most weight in each segment, with their shares."""
    mix = segment_mix(texts.weights, segments.labels, len(segments.names))
    known, amounts = category_weights(mix, texts.categories)
    shares = amounts / np.maximum(amounts.sum(axis=1, keepdims=True), 1e-12)
    return [
        ", ".join(
            f"{known[at]} {100 * row[at]:.0f} %"
            for at in np.argsort(-row, kind="stable")[:FAVOURITES]
            if row[at] > 0
        )
        for row in shares
    ]


def _favourites(segments: _Segments, texts: SegmentTerms) -> list[str]:
    """Titles of most weight in segments of users; of other rows, those nearest to the segment's mean."""
    if "last_time" in segments.rows.columns:
        weights = np.asarray(segment_mix(texts.weights, segments.labels, len(segments.names)).todense())
    else:
        units = unit_vectors(matrix(segments.rows["embedding"]))
        means = [units[segments.labels == label].mean(axis=0) for label in range(len(segments.names))]
        own = segments.labels == np.arange(len(segments.names))[:, None]
        weights = np.where(own, unit_vectors(np.array(means)) @ units.T + 1, 0)
    return ["; ".join(texts.texts[at] for at in _largest(row)) for row in weights]


def _largest(values: Floats) -> list[int]:
    """Where the three largest values above 0 are."""
    order = np.argsort(-values, kind="stable")[:FAVOURITES]
    return [int(at) for at in order if values[at] > 0]


def _distinguished_by(segments: _Segments, texts: SegmentTerms) -> list[str]:
    """Terms, and the figures of users that differ most from those of the other segments."""
    terms = distinctive_terms(texts, segments.labels, len(segments.names), most=TERMS)
    figures = [_contrasts(segments, label) for label in range(len(segments.names))]
    return [
        "; ".join([", ".join(words), *others] if words else others)
        for words, others in zip(terms, figures, strict=True)
    ]


def _contrasts(segments: _Segments, label: int) -> list[str]:
    """The two averages of a segment that differ most from those of the others, as ratios."""
    if "last_time" not in segments.rows.columns or len(segments.names) < 2:
        return []
    own = pl.col("label") == label
    ratios = segments.rows.select(
        average(pl.col(name).filter(own)) / average(pl.col(name).filter(~own)).alias(name)
        for name, (_, average) in _COMPARED.items()
    ).row(0, named=True)
    finite = {name: ratio for name, ratio in ratios.items() if ratio and np.isfinite(ratio)}
    far = [name for name, ratio in finite.items() if max(ratio, 1 / ratio) >= RATIO]
    far.sort(key=lambda name: -abs(np.log(finite[name])))
    return [f"{_COMPARED[name][0]} {finite[name]:.2g} × that of the others" for name in far[:2]]
