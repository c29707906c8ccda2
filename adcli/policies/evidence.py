"""Whether an off-policy estimate may be believed: what carries it, gates, and the verdict that can refuse."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from adcli.arrays import Floats, Integers
from adcli.numbers import difference_kind, plain, show
from adcli.policies.estimators import effective_sample_size, expected_clicks, matched_clicks
from adcli.statistics.intervals import Interval, normal_quantile
from adcli.statistics.means import std_error
from adcli.statistics.verdicts import NOT_ENOUGH, Verdict, decide, invalid

EXACT = 1e-6
POWER_QUANTILE = 0.8416212335729143  # of the normal distribution at 80 % power


class Gates(NamedTuple):
    """What an estimate must have for its verdict to be spoken.

    `min_clicks` are counted by rate and effective sample size, and not by those that came: a log in which few
    came by chance would be let through less often, and its estimates with it. `max_unsupported` is the
    largest share of the policy's choices that the log may never show; `mean_weight_errors` the number of
    standard errors by which the mean weight may miss 1; `smallest_effect` the relative difference worth
    finding.
    """

    min_effective_sample_size: float = 200.0
    min_clicks: float = 50.0
    max_weight_share: float = 0.1
    max_unsupported: float = 0.05
    mean_weight_errors: float = 4.0
    smallest_effect: float = 0.1


class Diagnostics(NamedTuple):
    """What carries an estimate.

    `expected_clicks` are the log's rate of clicks times the effective sample size, `matched_clicks` those
    that came, as a number of equally weighted ones. `max_weight_share` is the largest part of the whole
    weight that one impression has, `mean_weight_error` how many standard errors the mean weight is from 1,
    `unsupported` the share of choices the log never shows.
    """

    n: int
    expected_clicks: float
    matched_clicks: float
    effective_sample_size: float
    max_weight: float
    max_weight_share: float
    mean_weight: float
    mean_weight_error: float
    unsupported: float


class Compared(NamedTuple):
    """A policy's value less what the log earned: the difference, its interval and its standard error."""

    difference: float
    interval: Interval
    error: float
    baseline: float


class ValueKind(NamedTuple):
    """How values are read: what they are per (an impression, a slate), and the kind of number they are."""

    unit: str
    kind: str


def diagnose(reward: Floats, weight: Floats, unsupported: float, cluster: Integers | None) -> Diagnostics:
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
        expected_clicks=expected_clicks(reward, weight),
        matched_clicks=matched_clicks(reward, weight),
        effective_sample_size=effective_sample_size(weight),
        max_weight=float(weight.max()),
        max_weight_share=float(weight.max()) / total if total else 0.0,
        mean_weight=mean,
        mean_weight_error=missing / error if error > EXACT else at_once,
        unsupported=unsupported,
    )


def judge(
    compared: Compared, found: Diagnostics, gates: Gates, confidence: float, reading: ValueKind
) -> Verdict:
    """The verdict on a policy against the log: refused where too little carries it, else decided."""
    return (
        invalidity(found, gates)
        or shortage(compared, found, gates, confidence, reading)
        or decided(compared, found.n, gates, confidence, reading)
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
    compared: Compared, found: Diagnostics, gates: Gates, confidence: float, reading: ValueKind
) -> Verdict | None:
    """The verdict of an estimate that too little carries, with what would be enough; None if enough does."""
    short = _short(found, gates, reading.unit)
    if not short:
        return None
    least = found.n * max(more for _, more in short)
    return Verdict(
        NOT_ENOUGH,
        f"Only {' and '.join(what for what, _ in short)} carry the estimate; "
        f"{enough(compared, found.n, gates, confidence, reading, least)}.",
    )


def _short(found: Diagnostics, gates: Gates, unit: str) -> list[tuple[str, float]]:
    """What the estimate has too little of, and how many times the rows it would take."""
    short = []
    clicks, size, share = found.expected_clicks, found.effective_sample_size, found.max_weight_share
    if clicks < gates.min_clicks:
        more = gates.min_clicks / max(clicks, 0.5)
        least = f"at least {gates.min_clicks:.0f}"
        short.append((f"{clicks:.0f} clicks (rate x effective sample size; {least})", more))
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


def decided(compared: Compared, n: int, gates: Gates, confidence: float, reading: ValueKind) -> Verdict:
    """The verdict on a difference that passed the gates."""
    verdict = decide(
        compared.difference,
        compared.interval,
        confidence=confidence,
        smallest_effect=gates.smallest_effect * abs(compared.baseline),
        kind=reading.kind,
        enough=enough(compared, n, gates, confidence, reading),
    )
    reason = verdict.reason.removeprefix("the difference")
    return verdict._replace(reason=f"The difference per {reading.unit}{reason}.")


def enough(
    compared: Compared, n: int, gates: Gates, confidence: float, reading: ValueKind, least: float = 0.0
) -> str:
    """How many impressions, at least `least`, would show the smallest effect at 80 % power, in words."""
    effect = gates.smallest_effect * abs(compared.baseline)
    if not effect or not np.isfinite(compared.error):
        return f"without a reward in the log no number of {reading.unit}s can be named that would be enough"
    needed = max(rows_needed(compared.error, effect, n, confidence), least)
    size = plain(show(effect, difference_kind(reading.kind))).lstrip("+")
    return (
        f"about {float(f'{needed:.2g}'):,.0f} {reading.unit}s like these would show a difference of {size}, "
        f"there are {n:,}"
    )


def rows_needed(error: float, effect: float, n: int, confidence: float = 0.95) -> float:
    """The number of rows at which an effect is found with 80 % power, given the error at n rows."""
    return n * ((normal_quantile(confidence) + POWER_QUANTILE) * error / effect) ** 2
