"""How much scores move when texts are typed a little differently and numbers are a little off.

The rows are written once more under each perturbation, scored by their owner, and compared.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
import polars as pl

from adcli.arrays import Floats, Integers
from adcli.errors import DataError
from adcli.evaluate.columns import as_numbers, check_columns, finite_numbers, user_clusters
from adcli.evaluate.figures import figures_table
from adcli.evaluate.model.score_metrics import SCORE_METRICS, MetricInfluence, figure_interval
from adcli.statistics.correlations import rank_correlation
from adcli.statistics.intervals import Interval, ratio_interval

UNCHANGED = "none"
PERTURBATION, PERTURBED_ROW = "perturbation", "perturbed_row"


def perturbed_rows(
    frame: pl.DataFrame,
    *,
    texts: Sequence[str] = (),
    numbers: Sequence[str] = (),
    noise: float = 0.05,
    seed: int = 0,
) -> pl.DataFrame:
    """All rows, then all of them again under each perturbation, for a model to score.

    Args:
        frame: Rows that can be scored.
        texts: Columns to mistype: one letter swapped, all upper case, doubled spaces.
        numbers: Columns to multiply by 1 + a normal error.
        noise: Standard deviation of that error.
        seed: Of the perturbations.

    Returns:
        The frame's columns, `perturbation` (`none` for the rows as they were) and `perturbed_row`, the number
        of the row from 0 on.

    Raises:
        DataError: If a column is missing, is no text or holds no numbers, or there is nothing to perturb.
    """
    check_columns([*texts, *numbers], frame.columns)
    if not texts and not numbers:
        raise DataError("There is no text and no number to perturb.")
    for name in texts:
        if frame.schema[name] != pl.String:
            raise DataError(f"Column '{name}' is no text that could be mistyped.")
    frame = as_numbers(frame, numbers)
    copies = {UNCHANGED: frame} | _perturbations(frame, texts, numbers, noise, seed)
    return pl.concat(
        [
            copy.with_columns(pl.lit(name).alias(PERTURBATION)).with_row_index(PERTURBED_ROW)
            for name, copy in copies.items()
        ],
        how="vertical_relaxed",
    ).select(*frame.columns, PERTURBATION, PERTURBED_ROW)


def mistype(text: str, rng: np.random.Generator) -> str:
    """The text with two neighbouring letters swapped somewhere."""
    if len(text) < 2:
        return text
    at = int(rng.integers(len(text) - 1))
    return text[:at] + text[at + 1] + text[at] + text[at + 2 :]


def _perturbations(
    frame: pl.DataFrame, texts: Sequence[str], numbers: Sequence[str], noise: float, seed: int
) -> dict[str, pl.DataFrame]:
    rng = np.random.default_rng(seed)
    made = {}
    if texts:
        swapped = [
            pl.Series(name, [None if t is None else mistype(t, rng) for t in frame[name]], pl.String)
            for name in texts
        ]
        made["a letter swapped"] = frame.with_columns(swapped)
        made["upper case"] = frame.with_columns(pl.col(name).str.to_uppercase() for name in texts)
        made["doubled spaces"] = frame.with_columns(pl.col(name).str.replace_all(" ", "  ") for name in texts)
    if numbers:
        made[f"numbers off by {noise:.0%}"] = frame.with_columns(
            pl.col(name).cast(pl.Float64) * pl.lit(pl.Series(1 + noise * rng.standard_normal(frame.height)))
            for name in numbers
        )
    return made


FEWEST_ROWS = 4  # Fisher's interval needs more than three


class _Scores(NamedTuple):
    """The scores of the same rows, before and under one perturbation."""

    name: str
    before: Floats
    after: Floats
    label: Floats | None
    cluster: Integers | None


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
    frame: pl.DataFrame, *, score: str, label: str = "click", confidence: float = 0.95
) -> pl.DataFrame:
    """Change and rank correlation of the scores under each perturbation; with labels, what it does to AUC.

    `frame`: what `perturbed_rows` made, scored, the rows of a `user_id` are one cluster; `label`: column of
    what happened, 0 or 1, it may be missing. Returns the fields of `RobustnessRow`; `group` is the
    perturbation. Raises DataError if a column is missing, rows do not pair, or a score is no number.
    """
    found = [row for pair in _pairs(frame, score, label) for row in _score_rows(pair, confidence)]
    return figures_table(found, RobustnessRow)


def _pairs(frame: pl.DataFrame, score: str, label: str) -> Iterator[_Scores]:
    check_columns([PERTURBATION, PERTURBED_ROW], frame.columns)
    rows = finite_numbers(frame, [score])
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
            paired[score].to_numpy(),
            paired["score after"].to_numpy(),
            as_numbers(paired, [label])[label].cast(pl.Float64).to_numpy() if known else None,
            user_clusters(paired),
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


def _mean_interval(values: Floats, cluster: Integers | None, confidence: float) -> Interval:
    if cluster is None:
        return ratio_interval(values, np.ones_like(values), confidence)
    sums, sizes = np.bincount(cluster, values), np.bincount(cluster, np.ones_like(values))
    return ratio_interval(sums.astype(np.float64), sizes.astype(np.float64), confidence)
