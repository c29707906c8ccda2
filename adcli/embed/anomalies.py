"""Anomaly scores of rows, with reasons.

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

POSITION_DIMENSIONS: Final = 16
TAIL: Final = 0.025  # share of rows in a tail from which a feature is a reason
EXPLAINED: Final = 0.05  # share of rows with the highest scores, which get reasons
MAX_REASONS: Final = 3
MIN_GAPS: Final = 3
_NIGHT_ENDS = 6
_UNITS = ((86_400, "days"), (3_600, "h"), (60, "min"), (1, "s"))


class FeatureWording(NamedTuple):
    """Wording of a feature: when its value is high, when it is low, and the value."""

    high: str
    low: str
    value: str = "{:.3g}"


FEATURES: Final = {
    "events": FeatureWording("many events", "few events", "{:,.0f}"),
    "gap": FeatureWording("long gaps between events", "events close upon each other"),
    "unevenness": FeatureWording(
        "bursts of events", "events at even intervals", "coefficient of variation {:.2f}"
    ),
    "distinct": FeatureWording("hardly any item twice", "the same items over and over", "{:.0%} distinct"),
    "bought": FeatureWording("many purchases for so few other events", "few purchases", "{:.0%} of events"),
    "night": FeatureWording("active at night", "hardly active at night", "{:.0%} of events before 6:00 UTC"),
    "price": FeatureWording("a high price", "a low price", "{:,.2f}"),
    "price_mean": FeatureWording("high prices", "low prices", "typically {:,.2f}"),
    "revenue": FeatureWording("large revenue", "small revenue", "{:,.2f}"),
    "similarity": FeatureWording(
        "near copies of others", "unlike anything else", "cosine {:.2f} with the nearest"
    ),
    "position": FeatureWording("a vector far from all others", "a vector in the very middle"),
}


def interaction_features(events: pl.DataFrame) -> pl.DataFrame:
    """`user_id` and the `FEATURES` of each user's events.

    Args:
        events: Of `InteractionVectors`.
    """
    timed = events.filter(pl.col("event_time").is_not_null()).sort("user_id", "event_time")
    gap = pl.col("event_time").diff().dt.total_microseconds() / 1e6
    at_night = pl.col("event_time").dt.hour() < _NIGHT_ENDS
    return timed.group_by("user_id", maintain_order=True).agg(
        pl.len().cast(pl.Float64).alias("events"),
        pl.when(pl.len() > MIN_GAPS).then(gap.median()).alias("gap"),
        pl.when((pl.len() > MIN_GAPS) & (gap.mean() > 0)).then(gap.std() / gap.mean()).alias("unevenness"),
        (pl.col("vector").n_unique() / pl.len()).alias("distinct"),
        (pl.col("event_type") == "purchase").mean().alias("bought"),
        at_night.mean().alias("night"),
        pl.when(pl.col("price") > 0).then(pl.col("price").log()).mean().exp().alias("price_mean"),
        pl.col("revenue").sum(),
    )


def row_features(table: pl.DataFrame) -> pl.DataFrame:
    """The `FEATURES` of rows of the vectors table: price, and the cosine with the nearest other."""
    from adcli.embed.neighbors import nearest

    cosines = nearest(matrix(table["embedding"]), 1, seed=0).cosines
    similarity = pl.Series("similarity", cosines[:, 0] if cosines.size else np.ones(table.height, np.float32))
    return pl.DataFrame([*(table[name] for name in ("price",) if name in table.columns), similarity])


def anomalies(vectors: FloatArray, features: pl.DataFrame) -> pl.DataFrame:
    """(n rows) `anomaly_score`, and `anomaly_why` of the 5 % that score highest.

    Args:
        vectors: (n, d) unit vectors.
        features: (n rows) further numbers, by names of `FEATURES`; null where not known.
    """
    known = features.select(pl.all().cast(pl.Float64)).fill_nan(None)
    known = known.select(column for column in known if column.drop_nulls().n_unique() > 1)
    numbers = np.column_stack(
        [_log_scaled(known[name]) for name in known.columns] or [np.empty((len(vectors), 0))]
    )
    position = _position(vectors)
    distance = mahalanobis(np.column_stack([numbers, position]))
    tails = np.column_stack([numbers, mahalanobis(position)])
    score = tail_of_rank(ecod(tails)) + tail_of_rank(distance)
    names = [*known.columns, "position"]
    values = [*known.get_columns(), pl.Series("position", np.full(len(vectors), np.nan))]
    why = _reasons(tails, names, values, score)
    return pl.DataFrame({"anomaly_score": score, "anomaly_why": pl.Series(why, dtype=pl.String)})


def ecod(values: Float64Array) -> Float64Array:
    """(n,) ECOD score of the (n, f) values.

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


def _log_scaled(column: pl.Series) -> Float64Array:
    """A column, on a log scale where its tail is long, with the median for null."""
    values = column.fill_null(column.median()).to_numpy().astype(np.float64)
    return np.asarray(np.log1p(values)) if values.min() >= 0 and values.max() > 2 else values


def _position(vectors: FloatArray) -> Float64Array:
    """(n, up to 16) the leading principal components."""
    centred = vectors - vectors.mean(axis=0)
    dimensions = min(POSITION_DIMENSIONS, centred.shape[1], max(1, len(centred) // 4))
    components: FloatArray = centred @ fit_basis([centred], dimensions).components
    return components.astype(np.float64)


def _reasons(
    tails: Float64Array, names: list[str], values: list[pl.Series], score: Float64Array
) -> list[str | None]:
    """The reasons of the highest-scoring rows, in words; null for the others."""
    lower, upper = _tails(tails)
    share = np.minimum(lower, upper)
    highest = np.argsort(-score, kind="stable")[: max(1, int(len(score) * EXPLAINED))]
    why: list[str | None] = [None] * len(score)
    for row in highest:
        out = [column for column in np.argsort(share[row], kind="stable") if share[row, column] <= TAIL]
        wordings = [
            _worded(names[column], upper[row, column] < lower[row, column], values[column][int(row)])
            for column in out[:MAX_REASONS]
        ]
        why[row] = "; ".join(text for text in wordings if text) or "an unusual combination of ordinary traits"
    return why


def _worded(name: str, is_high: bool, value: float | None) -> str:
    if name == "position":
        return FEATURES[name].high if is_high else ""
    if value is None:
        return ""
    feature = FEATURES[name]
    shown = f"median {_duration(value)}" if name == "gap" else feature.value.format(value)
    return f"{feature.high if is_high else feature.low} ({shown})"


def _duration(seconds: float) -> str:
    """A duration in the unit that suits it: 0.3 s, 12 min, 4.5 h, 98 days."""
    unit, name = next((unit, name) for unit, name in _UNITS if seconds >= unit or unit == 1)
    return f"{seconds / unit:.3g} {name}"
