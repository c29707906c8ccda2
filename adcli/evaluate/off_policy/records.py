"""One estimate as one row of a table."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from adcli.evaluate.off_policy.estimates import NamedEstimate
from adcli.evaluate.off_policy.verdicts import Setting, judged
from adcli.policies.evidence import Diagnostics
from adcli.statistics.means import std_error


def record(
    policy: str,
    named: NamedEstimate,
    weight: NDArray[np.float64],
    found: Diagnostics,
    setting: Setting,
    *,
    headline: bool,
) -> dict[str, object]:
    """The row of an estimate.

    Args:
        policy: What the policy is called.
        named: The estimate.
        weight: The weight of each unit (an impression, a slate), shape (n,).
        found: What carries the estimate.
        setting: What the table's estimates share.
        headline: Whether this is the estimator to read.
    """
    logged = setting.logged
    baseline = float(logged.reward.mean())
    result = judged(named, weight, found, setting)
    return {
        "policy": policy,
        "estimator": named.name,
        "value": named.estimate.value,
        "ci_low": result.interval.low,
        "ci_high": result.interval.high,
        "std_error": std_error((named.reference or named.estimate).influence, logged.cluster),
        "n": found.n,
        "matched_clicks": found.matched_clicks,
        "effective_sample_size": found.effective_sample_size,
        "max_weight": found.max_weight,
        "verdict": result.verdict.verdict,
        "reason": result.verdict.reason,
        "difference": named.estimate.value - baseline,
        "difference_low": result.difference.low,
        "difference_high": result.difference.high,
        "baseline_value": baseline,
        "headline": headline,
        "definition": named.definition,
        "interval": result.method,
        "unsupported": found.unsupported,
        "mean_weight": found.mean_weight,
        "expected_clicks": found.expected_clicks,
    }
