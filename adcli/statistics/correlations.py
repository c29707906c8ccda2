"""Rank correlations with their intervals."""

from __future__ import annotations

import math
from typing import Literal, NamedTuple

from adcli.arrays import Floats
from adcli.statistics.intervals import normal_quantile


class Correlation(NamedTuple):
    """A correlation and its interval; NaN where there is none."""

    value: float
    low: float
    high: float


def rank_correlation(
    one: Floats, other: Floats, kind: Literal["spearman", "kendall"], confidence: float
) -> Correlation:
    """Spearman's or Kendall's correlation of two columns, (n,) each with more than four rows.

    Source: Bonett and Wright (2000), Psychometrika 65, equations 3 (Spearman) and 2 (Kendall), on Fisher's z.
    """
    from scipy.stats import kendalltau, spearmanr

    if not (one.std() > 0 and other.std() > 0):
        return Correlation(math.nan, math.nan, math.nan)
    value = float((spearmanr if kind == "spearman" else kendalltau)(one, other).statistic)
    if abs(value) >= 1:
        return Correlation(value, math.nan, math.nan)
    variance = (1 + value**2 / 2) / (len(one) - 3) if kind == "spearman" else 0.437 / (len(one) - 4)
    margin = normal_quantile(confidence) * math.sqrt(variance)
    return Correlation(value, *(math.tanh(math.atanh(value) + way) for way in (-margin, margin)))
