"""How much scores move when texts are typed a little differently and numbers are a little off."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import polars as pl

from adcli.errors import DataError
from adcli.evaluate.ab.metrics import check_columns
from adcli.evaluate.columns import as_numbers, cluster_numbers
from adcli.evaluate.figures import figures_table
from adcli.evaluate.model.perturbations import PERTURBATION, PERTURBED_ROW, UNCHANGED
from adcli.evaluate.model.score_metrics import SCORE_METRICS, MetricInfluence, figure_interval
from adcli.statistics.correlations import rank_correlation
from adcli.statistics.intervals import FloatArray, Interval, ratio_interval

FEWEST_ROWS = 4  # Fisher's interval needs more than three


class _Scores(NamedTuple):
    """The scores of the same rows, before and under one perturbation."""

    name: str
    before: FloatArray
    after: FloatArray
    label: FloatArray | None
    cluster: npt.NDArray[np.int64] | None


class RobustnessRow(NamedTuple):
    """By how much one perturbation moved one figure."""

    metric: str
    group: str
    value: float
    ci_low: float
    ci_high: float
    rows: int
    definition: str


def robustness_table(
    frame: pl.DataFrame,
    *,
    score: str,
    label: str = "click",
    user: str | None = None,
    confidence: float = 0.95,
) -> pl.DataFrame:
    """Change and rank correlation of the scores under each perturbation; with labels, what it does to AUC.

    Args:
        frame: What `perturbed_rows` made, scored.
        score: Column of the score.
        label: Column of what happened, 0 or 1; it may be missing.
        user: Column of the user, whose rows are one cluster; None takes `user_id` where there is one.
        confidence: Of the intervals.

    Returns:
        The fields of `RobustnessRow`; `group` is the perturbation.

    Raises:
        DataError: If a column is missing, rows do not pair, or a score is no number.
    """
    user = user or ("user_id" if "user_id" in frame.columns else None)
    found = [row for pair in _pairs(frame, score, label, user) for row in _score_rows(pair, confidence)]
    return figures_table(found, RobustnessRow)


def _pairs(frame: pl.DataFrame, score: str, label: str, user: str | None) -> Iterator[_Scores]:
    check_columns([score, PERTURBATION, PERTURBED_ROW], frame.columns)
    wanted = [PERTURBED_ROW, score, *(name for name in (label, user) if name in frame.columns)]
    rows = as_numbers(frame.select(PERTURBATION, *dict.fromkeys(wanted)), [score])
    if not rows[score].cast(pl.Float64).is_finite().fill_null(value=False).all():
        raise DataError(f"Column '{score}' holds missing, NaN or infinite values.")
    parts = {str(name): part for (name,), part in rows.group_by(PERTURBATION, maintain_order=True)}
    before = parts.pop(UNCHANGED, None)
    if before is None or not parts:
        raise DataError(
            f"Column '{PERTURBATION}' has to hold '{UNCHANGED}' and at least one perturbation.",
            fix="Score the whole file that --perturb-text and --perturb-number wrote.",
        )
    for name, part in parts.items():
        paired = before.join(
            part.select(PERTURBED_ROW, pl.col(score).alias("score after")),
            on=PERTURBED_ROW,
            how="inner",
            maintain_order="left",
        )
        if not paired.height == before.height == part.height:
            raise DataError(f"The rows of '{name}' are not those of '{UNCHANGED}': they do not pair.")
        if paired.height < FEWEST_ROWS:
            raise DataError(f"{paired.height} rows are too few to see how scores move.")
        known = label in paired.columns and paired[label].null_count() == 0
        yield _Scores(
            name,
            paired[score].cast(pl.Float64).to_numpy(),
            paired["score after"].cast(pl.Float64).to_numpy(),
            as_numbers(paired, [label])[label].cast(pl.Float64).to_numpy() if known else None,
            cluster_numbers(paired[user]) if user is not None else None,
        )


def _score_rows(scores: _Scores, confidence: float) -> Iterator[RobustnessRow]:
    moved = np.abs(scores.after - scores.before)
    rows = len(moved)
    change, ends = float(moved.mean()), _mean_interval(moved, scores.cluster, confidence)
    said = "mean absolute change of the score; jackknife interval with Hall's skew correction"
    yield RobustnessRow("score_change", scores.name, change, *ends, rows, said)
    said = "Spearman's, of scores before and after; Bonett and Wright's interval"
    correlation = rank_correlation(scores.before, scores.after, "spearman", confidence)
    yield RobustnessRow("rank_correlation", scores.name, *correlation, rows, said)
    if scores.label is None or not 0 < scores.label.mean() < 1:
        return
    both = np.concatenate([scores.before, scores.after])
    comparable = {"auc", "log_loss"} if both.min() >= 0 and both.max() <= 1 else {"auc"}
    for metric in SCORE_METRICS:
        if metric.name in comparable:
            one, other = (metric.figure(scores.label, side) for side in (scores.after, scores.before))
            difference = MetricInfluence(one.value - other.value, one.influence - other.influence)
            ends = figure_interval(difference, scores.cluster, confidence=confidence, scale="linear")
            said = f"{metric.name} after less before, paired by row"
            yield RobustnessRow(f"{metric.name}_change", scores.name, difference.value, *ends, rows, said)


def _mean_interval(values: FloatArray, cluster: npt.NDArray[np.int64] | None, confidence: float) -> Interval:
    if cluster is None:
        return ratio_interval(values, np.ones_like(values), confidence)
    sums, sizes = np.bincount(cluster, values), np.bincount(cluster, np.ones_like(values))
    return ratio_interval(sums.astype(np.float64), sizes.astype(np.float64), confidence)
