"""The interval and the verdict of one estimate."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from adcli.evaluate.off_policy import intervals as intervals
from adcli.evaluate.off_policy.amounts import Kind, level, value_kind
from adcli.evaluate.off_policy.differences import Difference
from adcli.evaluate.off_policy.estimates import NamedEstimate
from adcli.evaluate.off_policy.gates import Diagnostics, Gates, invalidity, judge, shortage
from adcli.evaluate.off_policy.intervals import Method, std_error
from adcli.policies.estimators import effective_sample_size, log_smoothing_bound, matched_clicks
from adcli.policies.logged import LoggedRows
from adcli.statistics.intervals import Interval
from adcli.statistics.verdicts import BETTER, INVALID, NO_DIFFERENCE, NOT_ENOUGH, Verdict

ESTIMATED = (
    "The propensities were estimated from the log, and a reason for showing an ad that is not in the context "
    "would bias every figure: log the propensities."
)
SUMS_OF_TERMS = frozenset({"ips", "dr"})
MOST_REPLACED = 0.01
FEWEST_FOR_AN_INTERVAL = 15.0
ROUGH = f"rough: fewer than {FEWEST_FOR_AN_INTERVAL:.0f} matched clicks"
CONSERVATIVE = "conservative"  # wider than the confidence stated, by construction
ITSELF = "This is the policy that made the log: the baseline itself."


class Setting(NamedTuple):
    """What all estimates of a table share."""

    logged: LoggedRows
    method: Method
    confidence: float
    gates: Gates
    seed: int
    propensities_estimated: bool = False
    unit: str = "impression"
    sensitivity: float | None = None

    @property
    def kind(self) -> Kind:
        """How the values are read."""
        return value_kind(self.logged, self.unit)


class Judged(NamedTuple):
    """An estimate's interval and which it is, its difference to what the log earned, and the verdict."""

    interval: Interval
    method: str
    difference: Interval
    verdict: Verdict


def judged(named: NamedEstimate, weight: NDArray[np.float64], found: Diagnostics, setting: Setting) -> Judged:
    """The interval and the verdict of an estimate against what the log earned."""
    logged, gates, confidence, kind = setting.logged, setting.gates, setting.confidence, setting.kind
    baseline = float(logged.reward.mean())
    sure = named.held_to or named.estimate
    gain = sure.influence - logged.reward
    error = std_error(gain, logged.cluster)
    refused = _itself(weight, named.name) or invalidity(found, gates)
    widest = max(error, std_error(sure.influence, logged.cluster))
    refused = refused or shortage(found, gates, widest, baseline, confidence, setting.unit, kind)
    if named.name == "log-smoothing":
        return _judged_bound(weight, refused, setting)
    interval, method = interval_of(named, weight, setting)
    if setting.method == "bernstein":
        difference = interval_by("bernstein", gain, setting, weight)
    else:
        difference = Difference.of(gain, logged.cluster).interval(confidence)
    difference = _around(named.estimate.value - baseline, difference)
    verdict = (
        refused
        or _bias(named)
        or judge(difference, error, baseline, found.n, gates, confidence, setting.unit, kind)
    )
    return Judged(interval, method, difference, _spoken(verdict, setting))


def interval_of(named: NamedEstimate, weight: NDArray[np.float64], setting: Setting) -> tuple[Interval, str]:
    """The interval of an estimate's value and the method it is by: the one asked for, where there is one."""
    logged, name = setting.logged, named.held_to_name or named.name
    influence = (named.held_to or named.estimate).influence
    of = f", of {name}" if named.held_to else ""
    binary = bool(np.isin(logged.reward, (0.0, 1.0)).all())
    exact = setting.method == "clopper-pearson" and name == "ips" and logged.cluster is None
    flat = not np.ptp(influence)
    if binary and (exact or flat):
        found = intervals.clopper_pearson_interval(logged.reward, weight, confidence=setting.confidence)
        return _around(named.estimate.value, found), f"clopper-pearson{of} ({CONSERVATIVE})"
    bounded = setting.method == "bernstein" and name in SUMS_OF_TERMS
    method: Method = setting.method if setting.method == "bootstrap" or bounded else "skew"
    found = interval_by(method, influence, setting, weight)
    floor = 0.0 if logged.reward.min() >= 0 else -np.inf
    few = clicks_to_rest_on(logged.reward, weight) < FEWEST_FOR_AN_INTERVAL
    # MIPS' weights are estimated, which narrows its spread; a biased estimate's interval holds both centres
    wide = method == "bernstein" or name == "mips" or named.held_to is not None
    kept = f" ({ROUGH})" if few and method != "bernstein" else f" ({CONSERVATIVE})" if wide else ""
    said = f"{method}{of}{kept}"
    return _around(named.estimate.value, Interval(max(found.low, floor), found.high)), said


def clicks_to_rest_on(reward: NDArray[np.float64], weight: NDArray[np.float64]) -> float:
    """The matched clicks seen, or those to expect from the weights of all rows if these are fewer.

    A few clicks seldom fall on the rows of large weight; then they look more alike than they are, and an
    interval made of them alone is too narrow.
    """
    expected = float(np.mean(reward != 0)) * effective_sample_size(weight)
    return min(matched_clicks(reward, weight), expected)


def _around(value: float, interval: Interval) -> Interval:
    """An interval widened so far that it holds a value that was estimated in another way."""
    return Interval(min(interval.low, value), max(interval.high, value))


def interval_by(
    method: Method, influence: NDArray[np.float64], setting: Setting, weight: NDArray[np.float64]
) -> Interval:
    """The interval of a mean influence by one of the methods that need nothing else."""
    cluster, confidence = setting.logged.cluster, setting.confidence
    match method:
        case "bootstrap":
            return intervals.bootstrap_interval(influence, cluster, confidence=confidence, seed=setting.seed)
        case "bernstein":
            reach = max(float(np.ptp(influence)), float(weight.max() * np.ptp(setting.logged.reward)))
            return intervals.bernstein_interval(influence, cluster, reach=reach, confidence=confidence)
        case _:
            return intervals.skew_interval(influence, cluster, confidence=confidence)


def _judged_bound(weight: NDArray[np.float64], refused: Verdict | None, setting: Setting) -> Judged:
    """The log-smoothing bound: one-sided, and sure at any sample size."""
    logged = setting.logged
    low = log_smoothing_bound(logged.reward, weight, confidence=setting.confidence)
    baseline = intervals.skew_interval(logged.reward, logged.cluster, confidence=setting.confidence)
    difference = Interval(low - baseline.high, float("nan"))
    sure, own = level(low, setting.kind), level(baseline.high, setting.kind)
    words = f"The value is surely above {sure}; what the log earned may be up to {own}."
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


def _itself(weight: NDArray[np.float64], name: str) -> Verdict | None:
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
            f"bound (the interval is that of {named.held_to_name}): read dr or snips instead.",
        )
    return None
