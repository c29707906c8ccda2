"""Sessions unlike the others: scored by an ensemble fitted on a sample, or by what a few labels say.

Unsupervised detectors know what is rare, not what is fraud: a few labels beat them all (Han et al., ADBench,
2022). With labels the score is a probability, by logistic regression over the features' tails.
"""

from __future__ import annotations

from typing import Final, NamedTuple, Protocol, Self

import numpy as np
import polars as pl

from adcli.arrays import Floats
from adcli.behaviour.anomaly_reasons import reason
from adcli.statistics.outliers import OutlierDetector

KEYS: Final = ("user_id", "session_id")
WANTED: Final = (*KEYS, "event_time", "event_type", "item_id", "ip", "price")
COLUMNS: Final = ("is_anomaly", "anomaly_score", "anomaly_why")
FITTED_ROWS: Final = 10_000  # sessions that the detector is fitted on
_MIN_GAPS: Final = 3
_NIGHT_ENDS: Final = 6


def session_features(events: pl.DataFrame) -> pl.DataFrame:
    """`user_id session_id` and what is known of each session, null where its events do not tell.

    `events`: of the events table in order of time, with `session_id`.
    """
    time = pl.col("event_time")
    gap = time.diff().dt.total_microseconds() / 1e6
    minutes = (time.max() - time.min()).dt.total_microseconds() / 6e7
    found = [
        pl.len().cast(pl.Float64).alias("events"),
        (pl.len() / (minutes + 1)).alias("rate"),
        pl.when(pl.len() > 1).then(gap.median()).alias("gap"),
        pl.when((pl.len() > _MIN_GAPS) & (gap.mean() > 0)).then(gap.std() / gap.mean()).alias("unevenness"),
        (time.dt.hour() < _NIGHT_ENDS).mean().alias("night"),
    ]
    if "item_id" in events.columns:
        found.append((pl.col("item_id").n_unique() / pl.len()).alias("distinct"))
    if "event_type" in events.columns:
        found.append((pl.col("event_type") == "purchase").mean().alias("bought"))
    if "ip" in events.columns:
        found.append(pl.col("ip").n_unique().cast(pl.Float64).alias("addresses"))
    if "price" in events.columns:
        found.append(pl.col("price").cast(pl.Float64).mean().alias("price_mean"))
    return events.group_by(KEYS, maintain_order=True).agg(found)


class Scorer(Protocol):
    """What gives (n, f) values (n,) scores."""

    def scores(self, values: Floats) -> Floats:
        """The higher, the less like the others."""


class SessionScores(NamedTuple):
    """How sessions are scored."""

    names: list[str]  # the features
    medians: list[float]  # of each, for sessions that do not tell
    detector: OutlierDetector  # fitted on a sample
    scorer: Scorer  # the detector, or a model of labels
    limit: float  # the score above which a session is an anomaly

    @classmethod
    def fit(
        cls, features: pl.DataFrame, *, contamination: float, labels: pl.DataFrame | None, seed: int
    ) -> Self:
        """The scores of sessions like these.

        `features`: of `session_features`; `contamination`: the share of sessions that are anomalies, where
        there are no labels; `labels`: `user_id is_anomaly`, of which users in `features` are anomalies and
        which are not.
        """
        known = features.drop(KEYS)
        names = [column.name for column in known if column.drop_nulls().n_unique() > 1]
        medians = [float(known[name].median() or 0.0) for name in names]  # type: ignore[arg-type]
        sample = known.sample(min(FITTED_ROWS, known.height), seed=seed)
        values = _matrix(sample, names, medians)
        detector = OutlierDetector.fit(values)
        if labels is None:
            limit = float(np.quantile(detector.scores(values), 1 - contamination))
            return cls(names, medians, detector, detector, limit)
        labelled = features.join(labels, on="user_id", how="inner")
        is_anomaly = labelled["is_anomaly"].to_numpy()
        scorer = LabelScorer(detector, _matrix(labelled, names, medians), is_anomaly)
        return cls(names, medians, detector, scorer, 0.5)

    def score(self, features: pl.DataFrame) -> pl.DataFrame:
        """`user_id session_id` and the columns of `COLUMNS`; `anomaly_why` of anomalies alone."""
        values = _matrix(features, self.names, self.medians)
        scores = self.scorer.scores(values)
        found = np.flatnonzero(scores > self.limit)
        lower, upper = self.detector.tails.shares(values[found])
        rows = features[found].select(self.names).rows()
        why = [reason(self.names, *told) for told in zip(lower, upper, rows, strict=True)]
        reasons = pl.DataFrame({"row": found, "anomaly_why": pl.Series(why, dtype=pl.String)})
        return (
            features.select(*KEYS, is_anomaly=pl.Series(scores > self.limit), anomaly_score=scores)
            .with_row_index("row")
            .join(reasons.cast({"row": pl.UInt32}), on="row", how="left", maintain_order="left")
            .drop("row")
        )


class LabelScorer:
    """The probability of being an anomaly: logistic regression over the tails of (n, f) labelled values."""

    def __init__(self, detector: OutlierDetector, values: Floats, is_anomaly: Floats) -> None:
        from sklearn.linear_model import LogisticRegression
        from sklearn.pipeline import make_pipeline
        from sklearn.preprocessing import StandardScaler

        self._detector = detector
        self._model = make_pipeline(StandardScaler(), LogisticRegression(C=0.1))
        self._model.fit(self._tails(values), is_anomaly)

    def scores(self, values: Floats) -> Floats:
        """(n,) probabilities."""
        return np.asarray(self._model.predict_proba(self._tails(values))[:, 1])

    def _tails(self, values: Floats) -> Floats:
        lower, upper = self._detector.tails.shares(values)
        return np.column_stack([-np.log(lower), -np.log(upper), self._detector.scores(values)])


def _matrix(features: pl.DataFrame, names: list[str], medians: list[float]) -> Floats:
    """(n, f) the features on a log scale, with the median for those not known."""
    filled = [pl.col(name).fill_null(median) for name, median in zip(names, medians, strict=True)]
    return np.asarray(np.log1p(features.select(filled).to_numpy().astype(np.float64)))
