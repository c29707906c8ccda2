"""The interval and the verdict of one estimate."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from adcli.evaluate.intervals import Interval
from adcli.evaluate.off_policy import intervals as intervals
from adcli.evaluate.off_policy.estimates import NamedEstimate
from adcli.evaluate.off_policy.gates import Diagnostics, Gates, invalidity, judge, shortage
from adcli.evaluate.off_policy.intervals import Method, std_error
from adcli.evaluate.verdicts import BETTER, NO_DIFFERENCE, NOT_ENOUGH, Verdict
from adcli.policies.estimators import log_smoothing_bound
from adcli.policies.logged import LoggedRows

SUMS_OF_TERMS = frozenset({"ips", "dr", "clipped-ips", "switch-dr", "dros", "sg-dr"})
MOST_REPLACED = 0.01


class Setting(NamedTuple):
    """What all estimates of a table share."""

    logged: LoggedRows
    method: Method
    confidence: float
    gates: Gates
    seed: int
    propensities_estimated: bool = False


class Judged(NamedTuple):
    """An estimate's interval and which it is, its difference to what the log earned, and the verdict."""

    interval: Interval
    method: str
    difference: Interval
    verdict: Verdict


def judged(named: NamedEstimate, weight: NDArray[np.float64], found: Diagnostics, setting: Setting) -> Judged:
    """The interval and the verdict of an estimate against what the log earned."""
    logged, gates, confidence = setting.logged, setting.gates, setting.confidence
    baseline = float(logged.reward.mean())
    gain = named.estimate.influence - logged.reward
    error = std_error(gain, logged.cluster)
    refused = _itself(weight, named.name) or invalidity(found, gates)
    widest = max(error, std_error(named.estimate.influence, logged.cluster))
    refused = refused or shortage(found, gates, widest, baseline, confidence)
    if named.name == "log-smoothing":
        return _judged_bound(weight, refused, setting)
    interval, method = interval_of(named, weight, setting)
    difference = interval_by("skew" if setting.method == "clopper-pearson" else setting.method, gain, setting)
    verdict = (
        refused or _bias(named, setting) or judge(difference, error, baseline, found.n, gates, confidence)
    )
    return Judged(interval, method, difference, verdict)


def interval_of(named: NamedEstimate, weight: NDArray[np.float64], setting: Setting) -> tuple[Interval, str]:
    """The interval of an estimate's value and the method it is by: the one asked for, where there is one."""
    logged, influence = setting.logged, named.estimate.influence
    binary = bool(np.isin(logged.reward, (0.0, 1.0)).all())
    exact = setting.method == "clopper-pearson" and named.name == "ips"
    flat = not np.ptp(influence)
    if binary and named.name != "dm" and (exact or flat):
        return intervals.clopper_pearson_interval(
            logged.reward, weight, confidence=setting.confidence
        ), "clopper-pearson"
    bounded = setting.method == "bernstein" and named.name in SUMS_OF_TERMS
    method: Method = setting.method if setting.method == "bootstrap" or bounded else "skew"
    found = interval_by(method, influence, setting)
    floor = min(0.0, named.estimate.value) if logged.reward.min() >= 0 else -np.inf
    return Interval(max(found.low, floor), found.high), method


def interval_by(method: Method, influence: NDArray[np.float64], setting: Setting) -> Interval:
    """The interval of a mean influence by one of the methods that need nothing else."""
    cluster, confidence = setting.logged.cluster, setting.confidence
    match method:
        case "bootstrap":
            return intervals.bootstrap_interval(influence, cluster, confidence=confidence, seed=setting.seed)
        case "bernstein":
            reach = float(np.ptp(influence))
            return intervals.bernstein_interval(influence, cluster, reach=reach, confidence=confidence)
        case _:
            return intervals.skew_interval(influence, cluster, confidence=confidence)


def _judged_bound(weight: NDArray[np.float64], refused: Verdict | None, setting: Setting) -> Judged:
    """The log-smoothing bound: one-sided, and sure at any sample size."""
    logged = setting.logged
    low = log_smoothing_bound(logged.reward, weight, confidence=setting.confidence)
    baseline = intervals.skew_interval(logged.reward, logged.cluster, confidence=setting.confidence)
    difference = Interval(low - baseline.high, float("nan"))
    words = f"The value is surely above {low:.4g}; what the log earned may be up to {baseline.high:.4g}."
    verdict = refused or Verdict(BETTER if difference.low > 0 else NOT_ENOUGH, words)
    return Judged(Interval(low, float("nan")), "log-smoothing bound", difference, verdict)


def _itself(weight: NDArray[np.float64], name: str) -> Verdict | None:
    if name == "dm" or not np.array_equal(weight, np.ones(weight.size)):
        return None
    return Verdict(NO_DIFFERENCE, "This is the policy that made the log: the baseline itself.")


def _bias(named: NamedEstimate, setting: Setting) -> Verdict | None:
    """Why the interval of an estimate does not cover the truth, if it does not."""
    if named.name == "dm":
        return Verdict(
            NOT_ENOUGH, "The direct method's interval leaves out the error of its model: read dr instead."
        )
    if named.doubt:
        return Verdict(NOT_ENOUGH, named.doubt)
    if named.estimate.replaced > MOST_REPLACED:
        return Verdict(
            NOT_ENOUGH,
            f"{named.estimate.replaced:.0%} of the weight was cut or handed to the model, a bias that the "
            "interval does not cover: read dr or snips instead.",
        )
    if setting.propensities_estimated:
        return Verdict(
            NOT_ENOUGH,
            "The propensities were estimated from the log, and a reason for showing an ad that is not in the "
            "context would bias every figure: log the propensities.",
        )
    return None
