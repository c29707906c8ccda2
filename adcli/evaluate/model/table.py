"""How good predicted probabilities are: ranking, loss, calibration; overall and by group, with intervals."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
import polars as pl

from adcli.arrays import Floats, Integers
from adcli.errors import DataError
from adcli.evaluate.columns import USER, check_columns, finite_numbers, user_clusters
from adcli.evaluate.figures import figures_table
from adcli.evaluate.model.calibration import expected_calibration_error, reliability
from adcli.evaluate.model.score_metrics import SCORE_METRICS, figure_interval
from adcli.evaluate.suppression import suppressed_cells
from adcli.numbers import counted
from adcli.statistics.intervals import NO_INTERVAL, Interval
from adcli.statistics.verdicts import NOT_ENOUGH, Verdict, decide

# what a model that knows nothing scores, and whether lower is better
CHANCE = {"auc": (0.5, False), "normalised_entropy": (1.0, True)}
FEWEST = 10  # rows of the rarer label
FEWEST_IN_A_BIN = 5  # of the rarer label, below which a calibration error has no interval that holds


class ModelRow(NamedTuple):
    """One figure of one group, or one bin of the reliability."""

    metric: str
    group: str
    value: float = math.nan
    ci_low: float = math.nan
    ci_high: float = math.nan
    predicted: float = math.nan
    rows: int | None = None
    positives: int | None = None
    definition: str = ""
    verdict: str = ""
    reason: str = ""


class _Part(NamedTuple):
    """The rows of one group."""

    group: str
    label: Floats
    score: Floats
    cluster: Integers | None


def model_table(
    frame: pl.DataFrame,
    *,
    score: str,
    label: str = "click",
    by: Sequence[str] = (),
    bins: int = 10,
    min_users: int = 50,
    confidence: float = 0.95,
) -> pl.DataFrame:
    """AUC, log loss, normalised entropy, Brier score, calibration and reliability of predicted probabilities.

    Args:
        frame: One row per prediction; the rows of a `user_id` are one cluster.
        score: Column of the predicted probability; a score outside [0, 1] is only ranked (AUC).
        label: Column of what happened, 0 or 1.
        by: Columns whose values make groups, each column by itself.
        bins: Of the reliability and the calibration error, equally many rows each.
        min_users: Groups of fewer users (rows, without users) are hidden, as in `rate_table`.
        confidence: Of the intervals.

    Returns:
        The fields of `ModelRow`; `group` is `all`, `bin 3 of 10`, or `COLUMN=VALUE`.

    Raises:
        DataError: If a column is missing, holds NaN, or the label is not 0 or 1.
    """
    check_columns(by, frame.columns)
    rows = _checked(frame, score, label)
    whole = _part("all", rows, score, label)
    table = [
        *_figures(whole, confidence),
        *_calibration_error(whole, bins, confidence),
        *_reliability(whole, bins, confidence),
    ]
    for column in by:
        for group, part in _groups(rows, column, min_users):
            if part is None:
                why = f"hidden, so that no group of fewer than {min_users} users can be read or worked out"
                table.append(ModelRow("auc", group, verdict=NOT_ENOUGH, reason=why))
            else:
                own = _part(group, part, score, label)
                table.extend([*_figures(own, confidence), *_calibration_error(own, bins, confidence)])
    return figures_table(table, ModelRow)


def _checked(frame: pl.DataFrame, score: str, label: str) -> pl.DataFrame:
    if frame.is_empty():
        raise DataError("There are no predictions to judge.")
    rows = finite_numbers(frame, [score, label])
    if not rows[label].is_in([0.0, 1.0]).all():
        raise DataError(
            f"Column '{label}' holds other values than 0 and 1; it cannot be what happened or not."
        )
    return rows


def _part(group: str, rows: pl.DataFrame, score: str, label: str) -> _Part:
    return _Part(group, rows[label].to_numpy(), rows[score].to_numpy(), user_clusters(rows))


def _groups(rows: pl.DataFrame, column: str, min_users: int) -> Iterator[tuple[str, pl.DataFrame | None]]:
    ordered = rows.sort(column, nulls_last=True, maintain_order=True)
    cell = ordered[column].rle_id()
    who = ordered[USER] if USER in rows.columns else pl.Series(np.arange(rows.height))
    members = pl.DataFrame({"cell": cell, "value": ordered[column], "user": who}).unique(maintain_order=True)
    small, protecting = suppressed_cells(members, by=["value"], min_users=min_users)
    for number, part in enumerate(ordered.partition_by(column, maintain_order=True)):
        hidden = small[number] or protecting[number]
        yield f"{column}={part[column][0]}", None if hidden else part


def _figures(part: _Part, confidence: float) -> Iterator[ModelRow]:
    rows, positives = len(part.label), int(part.label.sum())
    probability = bool(part.score.min() >= 0 and part.score.max() <= 1)
    mean = float(part.score.mean())
    for metric in SCORE_METRICS:
        said = metric.definition + ("; clustered by user" if part.cluster is not None else "")
        about = ModelRow(
            metric.name, part.group, predicted=mean, rows=rows, positives=positives, definition=said
        )
        if nothing := _impossible(metric.name, rows, positives, probability=probability, mean=mean):
            yield about._replace(verdict=NOT_ENOUGH if metric.name in CHANCE else "", reason=nothing)
            continue
        figure = metric.figure(part.label, part.score)
        fewest = min(positives, rows - positives)
        ends = figure_interval(
            figure,
            part.cluster,
            confidence=confidence,
            scale=metric.scale,
            rarer=fewest if metric.name in CHANCE else math.inf,
        )
        judged = _verdict(metric.name, figure.value, ends, fewest, confidence)
        yield about._replace(
            value=figure.value,
            ci_low=ends.low,
            ci_high=ends.high,
            verdict=judged.verdict,
            reason=judged.reason,
        )


def _impossible(metric: str, rows: int, positives: int, *, probability: bool, mean: float) -> str:
    if metric in CHANCE and positives in {0, rows}:
        return f"all {rows:,} rows have the same label"
    if metric != "auc" and not probability:
        return "the scores are not probabilities, so only their order is judged"
    return "all predictions are 0" if metric == "calibration_ratio" and mean == 0 else ""


def _verdict(metric: str, value: float, ends: Interval, fewest: int, confidence: float) -> Verdict:
    few = f"only {counted(fewest, 'row')} of the rarer label"
    if metric not in CHANCE:
        return Verdict("", f"rough: {few}" if fewest < FEWEST else "")
    bound = "the figure lies at its bound, where there is no interval" if math.isnan(ends.low) else ""
    chance, lower_is_better = CHANCE[metric]
    verdict = decide(
        value - chance,
        Interval(ends.low - chance, ends.high - chance),
        confidence=confidence,
        lower_is_better=lower_is_better,
        caution=few if fewest < FEWEST else bound,
    )
    if fewest < FEWEST or bound:
        return verdict
    return verdict._replace(reason=f"against {chance:g} of a model that knows nothing {verdict.reason}")


def _calibration_error(part: _Part, bins: int, confidence: float) -> Iterator[ModelRow]:
    if part.score.min() < 0 or part.score.max() > 1:
        return
    error = expected_calibration_error(
        part.label, part.score, bins=bins, confidence=confidence, cluster=part.cluster
    )
    positives = int(part.label.sum())
    rarer = min(positives, len(part.label) - positives)
    low, high = error.interval if rarer >= FEWEST_IN_A_BIN * bins else NO_INTERVAL
    few = f"; no interval: only {counted(rarer, 'row')} of the rarer label" if math.isnan(low) else ""
    yield ModelRow(
        "ece",
        part.group,
        definition=f"mean distance of prediction and rate over {bins} bins of equally many rows",
        reason=f"{error.by_chance:.3g} would be expected of a perfect model, by chance{few}",
        value=error.value,
        ci_low=low,
        ci_high=high,
        rows=len(part.label),
        positives=positives,
    )


def _reliability(part: _Part, bins: int, confidence: float) -> Iterator[ModelRow]:
    if part.score.min() < 0 or part.score.max() > 1:
        return
    found = reliability(part.label, part.score, bins=bins, confidence=confidence, cluster=part.cluster)
    for i, one in enumerate(found):
        held = one.interval.low <= one.predicted <= one.interval.high
        yield ModelRow(
            "reliability",
            f"bin {i + 1} of {len(found)}",
            definition="rate of the bin; Wilson interval"
            + ("; clustered by user" if part.cluster is not None else ""),
            reason="" if held else f"predicted {one.predicted:.4g}, outside of the interval of the rate",
            value=one.observed,
            ci_low=one.interval.low,
            ci_high=one.interval.high,
            predicted=one.predicted,
            rows=one.rows,
            positives=round(one.observed * one.rows),
        )
