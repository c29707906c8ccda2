"""Figures of a predicted probability, each with what every row contributed to its error."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from adcli.arrays import Floats, Integers
from adcli.statistics.intervals import Interval, student_quantile

SMALLEST_PROBABILITY = 1e-15  # a prediction of 0 that came true costs 34.5, not infinity


class MetricInfluence(NamedTuple):
    """A figure and its influences: the mean of these is 0, and their spread is that of the figure."""

    value: float  # the figure
    influence: Floats  # (n,) by how much each row moves n x the figure


class ScoreMetric(NamedTuple):
    """A figure by its name."""

    name: str
    definition: str
    figure: Callable[[Floats, Floats], MetricInfluence]
    scale: str  # on which its interval is symmetric: linear, log or logit


def auc(label: Floats, score: Floats) -> MetricInfluence:
    """Area under the ROC curve; ties count a half.

    Source: DeLong, DeLong and Clarke-Pearson (1988), their placement values as influences.
    """
    from scipy.stats import rankdata

    positive = label == 1
    ones, zeros = int(positive.sum()), int((~positive).sum())
    ranks, within = rankdata(score), np.empty(len(score))
    within[positive], within[~positive] = rankdata(score[positive]), rankdata(score[~positive])
    placement = np.where(positive, (ranks - within) / zeros, 1 - (ranks - within) / ones)
    value = float(placement[positive].mean())
    # DeLong's variances divide by ones - 1 and zeros - 1
    weight = np.where(
        positive, 1 / math.sqrt(ones * max(ones - 1, 1)), 1 / math.sqrt(zeros * max(zeros - 1, 1))
    )
    return MetricInfluence(value, len(score) * weight * (placement - value))


def log_loss(label: Floats, score: Floats) -> MetricInfluence:
    """Mean of -log of the probability given to what happened, in nats."""
    return _mean(_losses(label, score))


def normalised_entropy(label: Floats, score: Floats) -> MetricInfluence:
    """Log loss over that of the constant prediction of the base rate; below 1 is better than the constant.

    Source: He et al. (2014), equation 1.
    """
    base = float(label.mean())
    entropy = -(base * math.log(base) + (1 - base) * math.log(1 - base))
    loss = _mean(_losses(label, score))
    slope = math.log((1 - base) / base)  # of the entropy in the base rate
    influence = loss.influence / entropy - loss.value / entropy**2 * slope * (label - base)
    return MetricInfluence(loss.value / entropy, influence)


def brier(label: Floats, score: Floats) -> MetricInfluence:
    """Mean squared distance of the prediction from what happened."""
    return _mean((score - label) ** 2)


def calibration_ratio(label: Floats, score: Floats) -> MetricInfluence:
    """What happened over what was predicted: sum of labels / sum of scores; 1 is calibrated overall."""
    predicted = float(score.mean())
    value = float(label.mean()) / predicted
    return MetricInfluence(value, (label - value * score) / predicted)


def _losses(label: Floats, score: Floats) -> Floats:
    sure = np.clip(score, SMALLEST_PROBABILITY, 1 - SMALLEST_PROBABILITY)
    return -(label * np.log(sure) + (1 - label) * np.log1p(-sure))


def _mean(values: Floats) -> MetricInfluence:
    value = float(values.mean())
    return MetricInfluence(value, values - value)


SCORE_METRICS = (
    ScoreMetric("auc", "area under the ROC curve; DeLong interval on the logit scale", auc, "logit"),
    ScoreMetric("log_loss", "mean -log of the probability given to what happened, in nats", log_loss, "log"),
    ScoreMetric("normalised_entropy", "log loss / entropy of the base rate; below 1 beats a constant",
                normalised_entropy, "log"),
    ScoreMetric("brier", "mean squared distance of prediction and outcome", brier, "log"),
    ScoreMetric("calibration_ratio", "outcomes / sum of predictions; below 1, the predictions are too high",
                calibration_ratio, "log"),
)  # fmt: skip


def figure_interval(
    figure: MetricInfluence,
    cluster: Integers | None,
    *,
    confidence: float,
    scale: str,
    rarer: float = math.inf,
) -> Interval:
    """The interval of a figure whose rows, or whose clusters of rows, are independent.

    `cluster` (n,) number of each row's user from 0 on, None: each row is its own; `scale`: `linear`, `log` or
    `logit`; `rarer`: rows of the rarer label, for a figure whose error is seen in those.
    """
    value, influence = figure
    rows = len(influence)
    sums = influence if cluster is None else np.bincount(cluster, influence)
    groups = len(sums)
    if groups < 2:
        return Interval(math.nan, math.nan)
    variance = groups / (groups - 1) * float(sums @ sums) / rows**2
    if variance == 0:
        return Interval(math.nan, math.nan)
    margin = student_quantile(confidence, max(min(groups, rarer) - 1, 1)) * math.sqrt(variance)
    if scale == "logit" and 0 < value < 1:
        middle, margin = math.log(value / (1 - value)), margin / (value * (1 - value))
        return Interval(1 / (1 + math.exp(margin - middle)), 1 / (1 + math.exp(-margin - middle)))
    if scale == "log" and value > 0:
        factor = math.exp(min(margin / value, 700.0))
        return Interval(value / factor, value * factor)
    return Interval(value - margin, value + margin) if scale == "linear" else Interval(math.nan, math.nan)
