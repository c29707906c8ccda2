"""Whether an off-policy estimate may be believed: what carries it, gates, and the verdict that can refuse."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from adcli.evaluate.off_policy.amounts import Kind, change, size
from adcli.evaluate.off_policy.intervals import std_error
from adcli.policies.estimators import effective_sample_size, matched_clicks
from adcli.statistics.intervals import Interval, normal_quantile
from adcli.statistics.verdicts import BETTER, NO_DIFFERENCE, NOT_ENOUGH, WORSE, Verdict, invalid

EXACT = 1e-6
POWER_QUANTILE = 0.8416212335729143  # of the normal distribution at 80 % power


class Gates(NamedTuple):
    """What an estimate must have for its verdict to be spoken.

    `max_unsupported` is the largest share of the policy's choices that the log may never show;
    `mean_weight_errors` the number of standard errors by which the mean weight may miss 1;
    `smallest_effect` the relative difference worth finding.
    """

    min_effective_sample_size: float = 200.0
    min_matched_clicks: float = 50.0
    max_weight_share: float = 0.1
    max_unsupported: float = 0.05
    mean_weight_errors: float = 4.0
    smallest_effect: float = 0.1


class Diagnostics(NamedTuple):
    """What carries an estimate.

    `matched_clicks` and `effective_sample_size` are numbers of equally weighted clicks and impressions,
    `max_weight_share` the largest part of the whole weight that one impression has, `mean_weight_error` how
    many standard errors the mean weight is from 1, `unsupported` the share of choices the log never shows.
    """

    n: int
    matched_clicks: float
    effective_sample_size: float
    max_weight: float
    max_weight_share: float
    mean_weight: float
    mean_weight_error: float
    unsupported: float


def diagnose(
    reward: NDArray[np.float64],
    weight: NDArray[np.float64],
    unsupported: float,
    cluster: NDArray[np.int64] | None,
) -> Diagnostics:
    """What carries the estimates made of these rewards and weights, shape (n,) each.

    Args:
        reward: The rewards.
        weight: Their weights.
        unsupported: The share of the policy's choices that the log never shows.
        cluster: The user of each row, None where there are none.
    """
    total, mean = float(weight.sum()), float(weight.mean())
    missing, error = mean - 1 + unsupported, std_error(weight, cluster)
    at_once = 0.0 if abs(missing) < EXACT else np.inf
    return Diagnostics(
        n=weight.size,
        matched_clicks=matched_clicks(reward, weight),
        effective_sample_size=effective_sample_size(weight),
        max_weight=float(weight.max()),
        max_weight_share=float(weight.max()) / total if total else 0.0,
        mean_weight=mean,
        mean_weight_error=missing / error if error > EXACT else at_once,
        unsupported=unsupported,
    )


def invalidity(found: Diagnostics, gates: Gates) -> Verdict | None:
    """The verdict of an estimate that is no estimate: choices the log never shows, or weights that miss 1."""
    if found.unsupported > gates.max_unsupported:
        return invalid(
            "no support",
            f"The policy chooses what this log never shows {found.unsupported:.1%} of the time, and nothing "
            f"can be known of that (at most {gates.max_unsupported:.0%} is let pass).",
        )
    if abs(found.mean_weight_error) > gates.mean_weight_errors:
        return invalid(
            "propensities",
            f"The weights average {found.mean_weight:.3f} where they should average 1, "
            f"{abs(found.mean_weight_error):.1f} standard errors away: the ads were not shown with these "
            "propensities.",
        )
    return None


def shortage(
    found: Diagnostics,
    gates: Gates,
    error: float,
    baseline: float,
    confidence: float,
    unit: str,
    kind: Kind,
) -> Verdict | None:
    """The verdict of an estimate that too little carries, with what would be enough; None if enough does."""
    short = _short(found, gates, unit)
    if not short:
        return None
    least = found.n * max(more for _, more in short)
    effect = gates.smallest_effect * abs(baseline)
    return Verdict(
        NOT_ENOUGH,
        f"Only {' and '.join(what for what, _ in short)} carry the estimate; "
        f"{enough(error, effect, found.n, confidence, kind, unit, least)}.",
    )


def _short(found: Diagnostics, gates: Gates, unit: str) -> list[tuple[str, float]]:
    """What the estimate has too little of, and how many times the rows it would take."""
    short = []
    clicks, size, share = found.matched_clicks, found.effective_sample_size, found.max_weight_share
    if clicks < gates.min_matched_clicks:
        more = gates.min_matched_clicks / max(clicks, 0.5)
        least = f"{gates.min_matched_clicks:.0f}"
        short.append((f"{clicks:.0f} matched clicks (at least {least})", more))
    if size < gates.min_effective_sample_size:
        more = gates.min_effective_sample_size / max(size, 0.5)
        short.append(
            (f"an effective {size:,.0f} {unit}s (at least {gates.min_effective_sample_size:.0f})", more)
        )
    if share > gates.max_weight_share:
        more = share / gates.max_weight_share
        short.append(
            (f"one {unit} with {share:.0%} of the weight (at most {gates.max_weight_share:.0%})", more)
        )
    return short


def judge(
    difference: Interval,
    error: float,
    baseline: float,
    n: int,
    gates: Gates,
    confidence: float,
    unit: str,
    kind: Kind,
) -> Verdict:
    """The verdict on a difference to the baseline that passed the gates.

    Args:
        difference: The interval of the policy's value minus the baseline's.
        error: The standard error of that difference.
        baseline: The baseline's value.
        n: The number of impressions.
        gates: For the smallest effect worth finding.
        confidence: Of the interval.
        unit: What the values are per: an impression, or a slate.
        kind: How the values are read.
    """
    bounds = (
        f"between {change(difference.low, kind)} and {change(difference.high, kind)} per {unit} "
        f"({confidence:.0%})"
    )
    if difference.low > 0:
        return Verdict(BETTER, f"The difference to the baseline is {bounds}.")
    if difference.high < 0:
        return Verdict(WORSE, f"The difference to the baseline is {bounds}.")
    effect = gates.smallest_effect * abs(baseline)
    if effect and max(-difference.low, difference.high) <= effect:
        return Verdict(
            NO_DIFFERENCE,
            f"The difference to the baseline is {bounds}, less than {gates.smallest_effect:.0%}.",
        )
    return Verdict(
        NOT_ENOUGH,
        f"The difference to the baseline is {bounds}; {enough(error, effect, n, confidence, kind, unit)}.",
    )


def enough(
    error: float, effect: float, n: int, confidence: float, kind: Kind, unit: str, least: float = 0.0
) -> str:
    """How many impressions, at least `least`, would show an effect at 80 % power, in words."""
    if not effect or not np.isfinite(error):
        return f"without a reward in the log no number of {unit}s can be named that would be enough"
    needed = _round(max(rows_needed(error, effect, n, confidence), least))
    return (
        f"about {needed} {unit}s like these would show a difference of {size(effect, kind)}, there are {n:,}"
    )


def rows_needed(error: float, effect: float, n: int, confidence: float = 0.95) -> float:
    """The number of rows at which an effect is found with 80 % power, given the error at n rows."""
    return n * ((normal_quantile(confidence) + POWER_QUANTILE) * error / effect) ** 2


def _round(rows: float) -> str:
    return f"{float(f'{rows:.2g}'):,.0f}"
