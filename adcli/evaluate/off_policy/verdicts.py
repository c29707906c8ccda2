"""The interval and the verdict of one estimate, as one row of a table."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from adcli.arrays import Floats
from adcli.evaluate.off_policy import intervals as intervals
from adcli.evaluate.off_policy.estimates import NamedEstimate
from adcli.evaluate.off_policy.intervals import Method
from adcli.numbers import plain, show
from adcli.policies.estimators import effective_sample_size, expected_clicks, log_smoothing_bound
from adcli.policies.evidence import Compared, Diagnostics, Gates, ValueKind, decided, invalidity, shortage
from adcli.policies.logged import LoggedRows
from adcli.policies.uncertainty import difference_mean, value_mean
from adcli.statistics.intervals import NO_INTERVAL, Interval
from adcli.statistics.means import clustered_mean, std_error
from adcli.statistics.verdicts import BETTER, INVALID, NO_DIFFERENCE, NOT_ENOUGH, Verdict

ESTIMATED = (
    "The propensities were estimated from the log, and a reason for showing an ad that is not in the context "
    "would bias every figure: log the propensities."
)
SUMS_OF_TERMS = frozenset({"ips", "dr"})
MOST_REPLACED = 0.01
FEWEST_ROWS = 10.0  # effective ones; the spread of fewer says nothing
FEWEST_CLICKS = 15.0
ROUGH = f"rough: fewer than {FEWEST_CLICKS:.0f} clicks"
CONSERVATIVE = "conservative"  # wider than the confidence stated, by construction
ITSELF = "This is the policy that made the log: the baseline itself."
NONE = f"none: fewer than {FEWEST_ROWS:.0f} effective impressions"


class Setting(NamedTuple):
    """What all estimates of a table share."""

    logged: LoggedRows
    method: Method
    confidence: float
    gates: Gates
    seed: int
    propensities_estimated: bool = False
    unit: str = "impression"

    @property
    def reading(self) -> ValueKind:
        """How the values are read."""
        return ValueKind(self.unit, self.logged.value_kind if self.unit == "impression" else "number")


class Judged(NamedTuple):
    """An estimate's interval and which it is, its difference to what the log earned, and the verdict."""

    interval: Interval
    method: str
    difference: Interval
    verdict: Verdict


def judged(named: NamedEstimate, weight: Floats, found: Diagnostics, setting: Setting) -> Judged:
    """The interval and the verdict of an estimate against what the log earned."""
    gates, confidence = setting.gates, setting.confidence
    compared = _compared(named, weight, setting)
    refused = (
        _itself(weight, named.name)
        or invalidity(found, gates)
        or shortage(compared, found, gates, confidence, setting.reading)
    )
    if named.name == "log-smoothing":
        return _judged_bound(weight, refused, setting)
    interval, method = interval_of(named, weight, setting)
    verdict = refused or _bias(named) or decided(compared, found.n, gates, confidence, setting.reading)
    if not found.effective_sample_size >= FEWEST_ROWS and setting.method != "bernstein":
        interval, method, compared = NO_INTERVAL, NONE, compared._replace(interval=NO_INTERVAL)
    return Judged(interval, method, compared.interval, _spoken(verdict, setting))


def _compared(named: NamedEstimate, weight: Floats, setting: Setting) -> Compared:
    """The difference of an estimate to what the log earned; a biased one's has its reference's error."""
    logged, reference = setting.logged, named.reference or named.estimate
    baseline = float(logged.reward.mean())
    gain = reference.influence - logged.reward
    if setting.method in ("skew", "clopper-pearson"):
        mean = difference_mean(reference.influence, named.residual, weight, logged)
        found, error = mean.interval(setting.confidence), mean.error
    else:
        found, error = _interval_by(setting.method, gain, weight, setting), std_error(gain, logged.cluster)
    difference = named.estimate.value - baseline
    return Compared(difference, _around(difference, found), error, baseline)


def interval_of(named: NamedEstimate, weight: Floats, setting: Setting) -> tuple[Interval, str]:
    """The interval of an estimate's value and the method it is by: the one asked for, where there is one."""
    logged, name = setting.logged, named.reference_name or named.name
    influence = (named.reference or named.estimate).influence
    of = f", of {name}" if named.reference else ""
    binary = bool(np.isin(logged.reward, (0.0, 1.0)).all())
    if binary and not np.ptp(influence):
        size = max(effective_sample_size(weight), 1.0)
        found = intervals.clopper_pearson_interval(
            size * float(influence.mean()), size, confidence=setting.confidence
        )
        said = f"clopper-pearson on the effective sample size{of} ({CONSERVATIVE})"
        return _around(named.estimate.value, found), said
    is_plain = name in ("ips", "snips") and logged.cluster is None and not np.ptp(weight)
    if setting.method == "clopper-pearson" and binary and is_plain:
        found = intervals.clopper_pearson_interval(
            float(logged.reward.sum()), logged.reward.size, confidence=setting.confidence
        )
        return found, f"clopper-pearson ({CONSERVATIVE})"
    method = setting.method
    if method == "clopper-pearson" or (method == "bernstein" and name not in SUMS_OF_TERMS):
        method = "skew"
    if method == "skew":
        found = value_mean(influence, named.residual, weight, logged).interval(setting.confidence)
    else:
        found = _interval_by(method, influence, weight, setting)
    floor = 0.0 if logged.reward.min() >= 0 else -np.inf
    few = expected_clicks(logged.reward, weight) < FEWEST_CLICKS
    # MIPS' weights are estimated, which narrows its spread; a biased estimate's interval holds both centres
    wide = method == "bernstein" or name == "mips" or named.reference is not None
    kept = f" ({ROUGH})" if few and method != "bernstein" else f" ({CONSERVATIVE})" if wide else ""
    return _around(named.estimate.value, Interval(max(found.low, floor), found.high)), f"{method}{of}{kept}"


def _around(value: float, interval: Interval) -> Interval:
    """An interval widened so far that it holds a value that was estimated in another way."""
    return Interval(min(interval.low, value), max(interval.high, value))


def _interval_by(method: Method, influence: Floats, weight: Floats, setting: Setting) -> Interval:
    """The interval of a mean influence by one of the methods that need nothing else."""
    cluster, confidence = setting.logged.cluster, setting.confidence
    match method:
        case "bootstrap":
            return intervals.bootstrap_interval(influence, cluster, confidence=confidence, seed=setting.seed)
        case "bernstein":
            width = max(float(np.ptp(influence)), float(weight.max() * np.ptp(setting.logged.reward)))
            return intervals.bernstein_interval(influence, cluster, width=width, confidence=confidence)
        case _:
            return intervals.normal_interval(influence, cluster, confidence=confidence)


def _judged_bound(weight: Floats, refused: Verdict | None, setting: Setting) -> Judged:
    """The log-smoothing bound: one-sided, and sure at any sample size."""
    logged, kind = setting.logged, setting.reading.kind
    low = log_smoothing_bound(logged.reward, weight, confidence=setting.confidence)
    baseline = clustered_mean(logged.reward, logged.cluster).interval(setting.confidence)
    difference = Interval(low - baseline.high, float("nan"))
    words = (
        f"The lower confidence bound of the value is {plain(show(low, kind))}; what the log earned may be up "
        f"to {plain(show(baseline.high, kind))}."
    )
    verdict = refused or Verdict(BETTER if difference.low > 0 else NOT_ENOUGH, words)
    method = f"log-smoothing bound ({CONSERVATIVE})"
    return Judged(Interval(low, float("nan")), method, difference, _spoken(verdict, setting))


def doubted(verdict: Verdict) -> Verdict:
    """A verdict that rests on estimated propensities: none, and why."""
    kept = verdict.verdict if verdict.verdict.startswith(INVALID) else NOT_ENOUGH
    return Verdict(kept, f"{ESTIMATED} {verdict.reason}")


def _spoken(verdict: Verdict, setting: Setting) -> Verdict:
    is_own = verdict.verdict == NO_DIFFERENCE and verdict.reason == ITSELF
    return doubted(verdict) if setting.propensities_estimated and not is_own else verdict


def _itself(weight: Floats, name: str) -> Verdict | None:
    if name == "dm" or not np.array_equal(weight, np.ones(weight.size)):
        return None
    return Verdict(NO_DIFFERENCE, ITSELF)


def _bias(named: NamedEstimate) -> Verdict | None:
    """Why the interval of an estimate does not cover the truth, if it does not."""
    if named.name == "dm":
        return Verdict(
            NOT_ENOUGH,
            "The direct method cannot see its model's error (its interval is that of dr): read dr instead.",
        )
    if named.doubt:
        return Verdict(NOT_ENOUGH, named.doubt)
    if named.estimate.replaced > MOST_REPLACED:
        return Verdict(
            NOT_ENOUGH,
            f"{named.estimate.replaced:.0%} of the weight was cut or handed to the model, a bias without a "
            f"bound (the interval is that of {named.reference_name}): read dr or snips instead.",
        )
    return None


def record(
    policy: str, named: NamedEstimate, weight: Floats, found: Diagnostics, setting: Setting, *, headline: bool
) -> dict[str, object]:
    """The row of an estimate.

    `weight`: the weight of each unit (an impression, a slate), shape (n,); `headline`: whether this is the
    estimator to read.
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
