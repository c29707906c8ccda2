"""The estimators by name: each with its definition, and whether its interval covers the truth."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from adcli.arrays import Floats
from adcli.errors import UsageError, require_known
from adcli.evaluate.off_policy.embeddings import LEAST_P_VALUE, GroupWeights
from adcli.policies import estimators as e
from adcli.policies.estimators import Estimate
from adcli.policies.logged import LoggedRows
from adcli.policies.rows import PolicyRows
from adcli.statistics.means import std_error

WIDTH = 1.96  # standard errors
SLACK = 6**0.5 - 1


class NamedEstimate(NamedTuple):
    """An estimate, what it is called, what exactly was computed, and why not to believe it, if anything.

    A biased estimate has an unbiased one for `reference`, whose interval it is given: its own spread would
    say nothing of its bias. `residual` is what that estimate's weights are applied to, shape (n,).
    """

    name: str
    estimate: Estimate
    definition: str
    doubt: str = ""
    reference: Estimate | None = None
    reference_name: str = ""
    residual: Floats | None = None


class TunedEstimate(NamedTuple):
    """An estimate and the parameter that gave it."""

    estimate: Estimate
    parameter: float


def slope(values: Sequence[float], widths: Sequence[float]) -> int:
    """The number of the estimator to use among several ordered from least to most biased.

    The last whose interval agrees with all before it: |v_i - v_j| <= width_i + (sqrt(6) - 1) width_j.

    Source: Su, Srinath and Krishnamurthy, "Adaptive estimator selection for off-policy evaluation" (2020).
    """
    chosen = 0
    for i in range(1, len(values)):
        agrees = all(abs(values[i] - values[j]) <= widths[i] + SLACK * widths[j] for j in range(i))
        if not agrees:
            break
        chosen = i
    return chosen


def tune(
    estimate: Callable[[float], Estimate], parameters: Sequence[float], logged: LoggedRows
) -> TunedEstimate:
    """The estimate whose parameter SLOPE chooses; `parameters` go from least to most biased."""
    tried = [estimate(parameter) for parameter in parameters]
    widths = [WIDTH * std_error(one.influence, logged.cluster) for one in tried]
    smallest = np.minimum.accumulate(widths)
    number = slope([one.value for one in tried], smallest.tolist())
    return TunedEstimate(tried[number], parameters[number])


def weight_limits(largest: float) -> list[float]:
    """Limits to cut weights at, from none to the mean weight, for weights up to `largest`."""
    return [float(limit) for limit in np.geomspace(max(largest, 1.0), 1.0, 12)]


def shrinkages(largest: float) -> list[float]:
    """Shrinkage parameters for weights up to `largest`, from nearly none to nearly the direct method."""
    return [float(value) for value in np.geomspace(1e4 * max(largest, 1.0) ** 2, 1e-2, 16)]


class Estimator(NamedTuple):
    """How an estimator is computed."""

    definition: str  # what is computed; its parameter follows
    # the estimate from the logged side and a policy's rows, and the parameter if there is one
    compute: Callable[..., Estimate]
    needs_model: bool = False  # whether it needs a reward model
    reference: str = ""  # of a biased one, the unbiased one that it departs from
    # the parameters that SLOPE chooses among, from the largest weight, least biased first
    tried: Callable[[float], Sequence[float]] | None = None


DEFAULT = ("ips", "snips", "dm", "dr")
NEEDS_GROUPS = ("mips", "offcem")
ESTIMATORS = {
    "ips": Estimator("mean of weight x reward", lambda log, rows: e.ips(log.reward, rows.weight)),
    "snips": Estimator("weighted mean of the rewards", lambda log, rows: e.snips(log.reward, rows.weight)),
    "dm": Estimator(
        "mean reward the model expects", lambda _, rows: e.dm(rows.q_policy), needs_model=True, reference="dr"
    ),
    "dr": Estimator(
        "dm + mean of weight x (reward - model)",
        lambda log, rows: e.dr(log.reward, rows.weight, rows.q_logged, rows.q_policy),
        needs_model=True,
    ),
    "sndr": Estimator(
        "dm + weighted mean of reward - model",
        lambda log, rows: e.sndr(log.reward, rows.weight, rows.q_logged, rows.q_policy),
        needs_model=True,
    ),
    "clipped-ips": Estimator(
        "ips with weights cut at",
        lambda log, rows, limit: e.clipped_ips(log.reward, rows.weight, limit),
        reference="ips",
        tried=weight_limits,
    ),
    "switch-dr": Estimator(
        "dr where the weight is at most, dm elsewhere:",
        lambda log, rows, limit: e.switch_dr(log.reward, rows.weight, rows.q_logged, rows.q_policy, limit),
        needs_model=True,
        reference="dr",
        tried=weight_limits,
    ),
    "dros": Estimator(
        "dr with optimistic shrinkage",
        lambda log, rows, shrinkage: e.dros(log.reward, rows.weight, rows.q_logged, rows.q_policy, shrinkage),
        needs_model=True,
        reference="dr",
        tried=shrinkages,
    ),
    "log-smoothing": Estimator(
        "ips with log(1 + s w r) / s, s = 1 / sqrt(n)",
        lambda log, rows: e.log_smoothing(log.reward, rows.weight),
    ),
}


class Asked(NamedTuple):
    """An estimator as asked for: `switch-dr`, or with its parameter `switch-dr=100`."""

    text: str
    name: str
    parameter: float | None

    @property
    def needs_model(self) -> bool:
        """Whether it needs a reward model."""
        return self.name == "offcem" or (self.name not in NEEDS_GROUPS and ESTIMATORS[self.name].needs_model)


def asked(text: str) -> Asked:
    """What an estimator's name asks for.

    Raises UsageError if there is none of this name, or its parameter is not one.
    """
    name, is_set, number = text.partition("=")
    known = (*ESTIMATORS, *NEEDS_GROUPS)
    require_known(name, known, f"'{name}' is none of {', '.join(known)}.", error=UsageError)
    if not is_set:
        return Asked(text, name, None)
    adjustable = [known for known, one in ESTIMATORS.items() if one.tried]
    if name not in adjustable:
        raise UsageError(f"'{name}' has no parameter; {', '.join(adjustable)} have.")
    try:
        parameter = float(number)
    except ValueError:
        parameter = float("nan")
    if not 0 < parameter < float("inf"):
        raise UsageError(f"'{text}': the parameter is to be a number above 0.")
    return Asked(text, name, parameter)


def estimate(wanted: Asked, logged: LoggedRows, rows: PolicyRows) -> NamedEstimate:
    """The estimate of one of `ESTIMATORS`, called as it was asked for; SLOPE sets a parameter not given."""
    estimator = ESTIMATORS[wanted.name]
    definition, parameter = estimator.definition, wanted.parameter
    if estimator.tried is None:
        found = estimator.compute(logged, rows)
    elif parameter is None:
        tried = estimator.tried(float(rows.weight.max()))
        found, parameter = tune(lambda one: estimator.compute(logged, rows, one), tried, logged)
        definition += f" {parameter:.4g} (chosen by SLOPE)"
    else:
        found = estimator.compute(logged, rows, parameter)
        definition += f" {parameter:g}"
    residual = logged.reward - rows.q_logged if estimator.needs_model else logged.reward
    named = NamedEstimate(wanted.text, found, definition, residual=residual)
    if not estimator.reference:
        return named if wanted.name != "log-smoothing" else named._replace(residual=None)
    unbiased = ESTIMATORS[estimator.reference].compute(logged, rows)
    return named._replace(reference=unbiased, reference_name=estimator.reference)


def estimate_with_groups(
    name: str, logged: LoggedRows, rows: PolicyRows, grouped: GroupWeights
) -> NamedEstimate:
    """MIPS or OffCEM: the weights of groups of actions in place of single ones.

    MIPS takes the action for irrelevant once its group is known. OffCEM leaves what is particular to the
    action to the reward model.

    Source: Saito and Joachims (2022); Saito, Ren and Joachims, "Off-policy evaluation for large action spaces
    via conjunct effect modeling" (2023).
    """
    misfit = ""
    if not grouped.trusted:
        misfit = (
            f"The weight of a group misses the policy's probability of it by {grouped.error:.1f} standard "
            "errors: the log's own choice among the groups could not be estimated."
        )
    if name == "offcem":
        found = e.dr(logged.reward, grouped.weight, rows.q_logged, rows.q_policy)
        definition = f"dr with the weights of {grouped.groups} groups of actions"
        return NamedEstimate(name, found, definition, misfit, residual=logged.reward - rows.q_logged)
    if not misfit and grouped.p_value < LEAST_P_VALUE:
        misfit = (
            f"Actions of the same group earn differently (p = {grouped.p_value:.2g}), which mips takes for "
            "impossible."
        )
    found = e.ips(logged.reward, grouped.weight)
    words = f"ips with the weights of {grouped.groups} groups of actions"
    return NamedEstimate(name, found, words, misfit, residual=logged.reward)
