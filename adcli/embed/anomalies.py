"""Anomaly scores of rows, with reasons: the ensemble of `statistics.outliers` over features and vectors."""

from __future__ import annotations

from typing import Final

import numpy as np
import polars as pl

from adcli.arrays import Floats, Floats32
from adcli.behaviour.anomaly_reasons import reason
from adcli.embed.reduction import fit_basis
from adcli.embed.vectors import matrix
from adcli.statistics.outliers import Distance, Tails, rank_tail

POSITION_DIMENSIONS: Final = 16
EXPLAINED: Final = 0.05  # share of rows with the highest scores, which get reasons
MIN_GAPS: Final = 3
_NIGHT_ENDS = 6


def interaction_features(events: pl.DataFrame) -> pl.DataFrame:
    """`user_id` and the `behaviour.anomaly_reasons.FEATURES` of each user's events.

    `events`: of `InteractionVectors`.
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


def anomalies(vectors: Floats32, features: pl.DataFrame) -> pl.DataFrame:
    """(n rows) `anomaly_score`, and `anomaly_why` of the 5 % that score highest.

    `vectors` (n, d) unit vectors; `features` (n rows) further numbers, by names of `FEATURES`, null where not
    known.
    """
    known = features.select(pl.all().cast(pl.Float64)).fill_nan(None)
    known = known.select(column for column in known if column.drop_nulls().n_unique() > 1)
    numbers = np.column_stack(
        [_log_scaled(known[name]) for name in known.columns] or [np.empty((len(vectors), 0))]
    )
    position = _position(vectors)
    distance = _distances(np.column_stack([numbers, position]))
    tails = np.column_stack([numbers, _distances(position)])
    fitted = Tails.fit(tails)
    outlyingness = fitted.scores(tails)
    score = rank_tail(np.sort(outlyingness), outlyingness) + rank_tail(np.sort(distance), distance)
    names = [*known.columns, "position"]
    values = [*known.get_columns(), pl.Series("position", np.full(len(vectors), np.nan))]
    why = _reasons(*fitted.shares(tails), names, values, score)
    return pl.DataFrame({"anomaly_score": score, "anomaly_why": pl.Series(why, dtype=pl.String)})


def _distances(values: Floats) -> Floats:
    return Distance.fit(values).scores(values)


def _log_scaled(column: pl.Series) -> Floats:
    """A column, on a log scale where its tail is long, with the median for null."""
    values = column.fill_null(column.median()).to_numpy().astype(np.float64)
    return np.asarray(np.log1p(values)) if values.min() >= 0 and values.max() > 2 else values


def _position(vectors: Floats32) -> Floats:
    """(n, up to 16) the leading principal components."""
    centred = vectors - vectors.mean(axis=0)
    dimensions = min(POSITION_DIMENSIONS, centred.shape[1], max(1, len(centred) // 4))
    components: Floats32 = centred @ fit_basis([centred], dimensions).components
    return components.astype(np.float64)


def _reasons(
    lower: Floats, upper: Floats, names: list[str], values: list[pl.Series], score: Floats
) -> list[str | None]:
    """The reasons of the highest-scoring rows, in words; null for the others."""
    highest = np.argsort(-score, kind="stable")[: max(1, int(len(score) * EXPLAINED))]
    why: list[str | None] = [None] * len(score)
    for row in highest.tolist():
        why[row] = reason(names, lower[row], upper[row], [column[row] for column in values])
    return why
