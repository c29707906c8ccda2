"""Rows unlike the others: how much, and why.

The score is an ensemble of two detectors that need no tuning: ECOD (Li et al., TKDE 2022), which adds up how
far out in its tail each feature is, and the Mahalanobis distance, which also sees unusual combinations. Each
gives a rank, and the score is -log(1 - rank of one) - log(1 - rank of the other): only what is far out in the
tail of a detector counts much.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt
import polars as pl

from adcli.embed.reduction import fit_basis
from adcli.embed.vectors import FloatArray, matrix

Float64Array = npt.NDArray[np.float64]

PLACE_DIMENSIONS: Final = 16
OUT: Final = 0.025  # share of rows in a tail from which on a feature is a reason
EXPLAINED: Final = 0.05  # share of rows, those that score highest, that get a reason
REASONS: Final = 3
LEAST_GAPS: Final = 3
_NIGHT_ENDS = 6
_UNITS = ((86_400, "days"), (3_600, "h"), (60, "min"), (1, "s"))


class Feature(NamedTuple):
    """How a feature is said: when its value is high, when it is low, and the value itself."""

    high: str
    low: str
    value: str = "{:.3g}"


FEATURES: Final = {
    "events": Feature("many events", "few events", "{:,.0f}"),
    "gap": Feature("long gaps between events", "events close upon each other"),
    "unevenness": Feature("bursts of events", "events at even intervals", "coefficient of variation {:.2f}"),
    "distinct": Feature("hardly anything looked at twice", "the same thing over and over", "{:.0%} distinct"),
    "bought": Feature("many purchases for so few other events", "few purchases", "{:.0%} of events"),
    "night": Feature("active at night", "hardly active at night", "{:.0%} of events before 6:00 UTC"),
    "price": Feature("a high price", "a low price", "{:,.2f}"),
    "price_mean": Feature("high prices", "low prices", "typically {:,.2f}"),
    "revenue": Feature("large revenue", "small revenue", "{:,.2f}"),
    "likeness": Feature("near copies of others", "unlike anything else", "cosine {:.2f} with the nearest"),
    "place": Feature("a place far from all others", "a place in the very middle"),
}


def behaviour_features(deeds: pl.DataFrame) -> pl.DataFrame:
    """How each user behaves: `user_id` and those of `FEATURES` that deeds tell.

    Args:
        deeds: The behaviour, as `contents_of` completes it.
    """
    timed = deeds.filter(pl.col("event_time").is_not_null()).sort("user_id", "event_time")
    gap = pl.col("event_time").diff().dt.total_microseconds() / 1e6
    at_night = pl.col("event_time").dt.hour() < _NIGHT_ENDS
    return timed.group_by("user_id", maintain_order=True).agg(
        pl.len().cast(pl.Float64).alias("events"),
        pl.when(pl.len() > LEAST_GAPS).then(gap.median()).alias("gap"),
        pl.when((pl.len() > LEAST_GAPS) & (gap.mean() > 0)).then(gap.std() / gap.mean()).alias("unevenness"),
        (pl.col("content").n_unique() / pl.len()).alias("distinct"),
        (pl.col("event_type") == "purchase").mean().alias("bought"),
        at_night.mean().alias("night"),
        pl.when(pl.col("price") > 0).then(pl.col("price").log()).mean().exp().alias("price_mean"),
        pl.col("revenue").sum(),
    )


def row_features(table: pl.DataFrame) -> pl.DataFrame:
    """What single rows of the vectors table tell: their price, and the cosine with the nearest other."""
    from adcli.embed.neighbors import nearest

    cosines = nearest(matrix(table["embedding"]), 1, seed=0).cosines
    likeness = pl.Series("likeness", cosines[:, 0] if cosines.size else np.ones(table.height, np.float32))
    return pl.DataFrame([*(table[name] for name in ("price",) if name in table.columns), likeness])


def anomalies(vectors: FloatArray, features: pl.DataFrame) -> pl.DataFrame:
    """(n rows) `anomaly_score`, and `anomaly_why` of the twentieth part that scores highest.

    Args:
        vectors: (n, d) unit vectors.
        features: (n rows) further numbers, by names of `FEATURES`; null where not known.
    """
    known = features.select(pl.all().cast(pl.Float64)).fill_nan(None)
    known = known.select(column for column in known if column.drop_nulls().n_unique() > 1)
    numbers = np.column_stack(
        [_stretched(known[name]) for name in known.columns] or [np.empty((len(vectors), 0))]
    )
    place = _place(vectors)
    distance = mahalanobis(np.column_stack([numbers, place]))
    tails = np.column_stack([numbers, mahalanobis(place)])
    score = tail_of_rank(ecod(tails)) + tail_of_rank(distance)
    names = [*known.columns, "place"]
    values = [*known.get_columns(), pl.Series("place", np.full(len(vectors), np.nan))]
    why = _reasons(tails, names, values, score)
    return pl.DataFrame({"anomaly_score": score, "anomaly_why": pl.Series(why, dtype=pl.String)})


def ecod(values: Float64Array) -> Float64Array:
    """(n,) how far out in the tails of their empirical distributions the (n, f) values are, together.

    Source: Li et al., "ECOD: Unsupervised Outlier Detection Using Empirical Cumulative Distribution
    Functions" (2022), equations 5 to 8.
    """
    from scipy.stats import skew

    lower, upper = _tails(values)
    left, right = -np.log(lower), -np.log(upper)
    leaning = skew(values, axis=0) if values.shape[1] else np.empty(0)
    either = np.where(leaning < 0, left, right)
    return np.asarray(np.maximum(np.maximum(left.sum(axis=1), right.sum(axis=1)), either.sum(axis=1)))


def mahalanobis(values: Float64Array) -> Float64Array:
    """(n,) squared distance of the (n, f) values to their mean, under their (shrunk) covariance.

    Source: Ledoit and Wolf, "A well-conditioned estimator for large-dimensional covariance matrices" (2004).
    """
    from sklearn.covariance import LedoitWolf

    if len(values) < 2:
        return np.zeros(len(values))
    spread = values.std(axis=0)
    standard = (values - values.mean(axis=0)) / np.where(spread > 0, spread, 1)
    fitted = LedoitWolf(assume_centered=True).fit(standard)
    distances: Float64Array = fitted.mahalanobis(standard)
    return distances


def tail_of_rank(scores: Float64Array) -> Float64Array:
    """(n,) -log of the share of rows that score as high: 0 for the lowest, log n for the highest."""
    from scipy.stats import rankdata

    return np.asarray(-np.log(rankdata(-scores, method="max") / len(scores)))


def _tails(values: Float64Array) -> tuple[Float64Array, Float64Array]:
    """(n, f) share of rows with a value as low, and as high."""
    from scipy.stats import rankdata

    return (
        np.asarray(rankdata(values, method="max", axis=0) / len(values)),
        np.asarray(rankdata(-values, method="max", axis=0) / len(values)),
    )


def _stretched(column: pl.Series) -> Float64Array:
    """Numbers of a column with a long tail on a log scale; unknown ones in the middle."""
    values = column.fill_null(column.median()).to_numpy().astype(np.float64)
    return np.asarray(np.log1p(values)) if values.min() >= 0 and values.max() > 2 else values


def _place(vectors: FloatArray) -> Float64Array:
    """(n, up to 16) where the rows lie in the directions they differ most in."""
    centred = vectors - vectors.mean(axis=0)
    dimensions = min(PLACE_DIMENSIONS, centred.shape[1], max(1, len(centred) // 4))
    place: FloatArray = centred @ fit_basis([centred], dimensions).directions
    return place.astype(np.float64)


def _reasons(
    tails: Float64Array, names: list[str], values: list[pl.Series], score: Float64Array
) -> list[str | None]:
    """Why each of the highest scoring rows scores high, in words; null for the others."""
    lower, upper = _tails(tails)
    share = np.minimum(lower, upper)
    highest = np.argsort(-score, kind="stable")[: max(1, int(len(score) * EXPLAINED))]
    why: list[str | None] = [None] * len(score)
    for row in highest:
        out = [column for column in np.argsort(share[row], kind="stable") if share[row, column] <= OUT]
        said = [
            _said(names[column], upper[row, column] < lower[row, column], values[column][int(row)])
            for column in out[:REASONS]
        ]
        why[row] = "; ".join(text for text in said if text) or "an unusual combination of ordinary traits"
    return why


def _said(name: str, is_high: bool, value: float | None) -> str:
    if name == "place":
        return FEATURES[name].high if is_high else ""
    if value is None:
        return ""
    feature = FEATURES[name]
    shown = f"median {_duration(value)}" if name == "gap" else feature.value.format(value)
    return f"{feature.high if is_high else feature.low} ({shown})"


def _duration(seconds: float) -> str:
    """A time in the unit that suits it: 0.3 s, 12 min, 4.5 h, 98 days."""
    unit, name = next((unit, name) for unit, name in _UNITS if seconds >= unit or unit == 1)
    return f"{seconds / unit:.3g} {name}"
