"""A row of the table of measures of ads."""

from __future__ import annotations

from typing import NamedTuple


class MetricRow(NamedTuple):
    """One measure of one group of ads, with its interval (NaN where none can be given) and what it is."""

    metric: str
    group: str
    value: float
    ci_low: float
    ci_high: float
    n: int
    definition: str
