"""The estimators by name: each with its definition, and whether its interval covers the truth."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from adcli.errors import UsageError, did_you_mean
from adcli.evaluate.off_policy.embeddings import LEAST_P_VALUE, GroupWeights
from adcli.evaluate.off_policy.tuning import shrinkages, tune, weight_limits
from adcli.policies import estimators as e
from adcli.policies.estimators import Estimate, Rows
from adcli.policies.logged import LoggedRows
from adcli.policies.rows import PolicyRows


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
    residual: Rows | None = None


Compute = Callable[[LoggedRows, PolicyRows], NamedEstimate]
WithParameter = Callable[[float], Estimate]


class Adjustable(NamedTuple):
    """An estimator that cuts or shrinks weights by a parameter: how, and the unbiased one it departs from.

    `compute` makes the estimate of each parameter from the rows, `tried` the parameters that SLOPE chooses
    among from the largest weight, least biased first.
    """

    what: str
    compute: Callable[[LoggedRows, PolicyRows], WithParameter]
    tried: Callable[[float], Sequence[float]]
    reference: str
    largest: float = np.inf

    def valued(
        self, name: str, logged: LoggedRows, rows: PolicyRows, parameter: float | None
    ) -> NamedEstimate:
        """The estimate with a parameter, or with the one that SLOPE chooses."""
        computed = self.compute(logged, rows)
        if parameter is None:
            found = tune(computed, self.tried(float(rows.weight.max())), logged)
            estimate, words = found.estimate, f"{self.what} {found.parameter:.4g} (chosen by SLOPE)"
        else:
            estimate, words = computed(parameter), f"{self.what} {parameter:g}"
        unbiased = SIMPLE[self.reference](logged, rows)
        return unbiased._replace(
            name=name,
            estimate=estimate,
            definition=words,
            reference=unbiased.estimate,
            reference_name=self.reference,
        )


DEFAULT = ("ips", "snips", "dm", "dr")
NEEDS_GROUPS = ("mips", "offcem")


def _ips(logged: LoggedRows, rows: PolicyRows) -> NamedEstimate:
    found = e.ips(logged.reward, rows.weight)
    return NamedEstimate("ips", found, "mean of weight x reward", residual=logged.reward)


def _snips(logged: LoggedRows, rows: PolicyRows) -> NamedEstimate:
    found = e.snips(logged.reward, rows.weight)
    return NamedEstimate("snips", found, "weighted mean of the rewards", residual=logged.reward)


def _dm(logged: LoggedRows, rows: PolicyRows) -> NamedEstimate:
    unbiased = _dr(logged, rows)
    return unbiased._replace(
        name="dm",
        estimate=e.dm(rows.q_policy),
        definition="mean reward the model expects",
        reference=unbiased.estimate,
        reference_name="dr",
    )


def _dr(logged: LoggedRows, rows: PolicyRows) -> NamedEstimate:
    found = e.dr(logged.reward, rows.weight, rows.q_logged, rows.q_policy)
    residual = logged.reward - rows.q_logged
    return NamedEstimate("dr", found, "dm + mean of weight x (reward - model)", residual=residual)


def _sndr(logged: LoggedRows, rows: PolicyRows) -> NamedEstimate:
    found = e.sndr(logged.reward, rows.weight, rows.q_logged, rows.q_policy)
    residual = logged.reward - rows.q_logged
    return NamedEstimate("sndr", found, "dm + weighted mean of reward - model", residual=residual)


def _log_smoothing(logged: LoggedRows, rows: PolicyRows) -> NamedEstimate:
    estimate = e.log_smoothing(logged.reward, rows.weight)
    return NamedEstimate("log-smoothing", estimate, "ips with log(1 + s w r) / s, s = 1 / sqrt(n)")


SIMPLE: dict[str, Compute] = {"ips": _ips, "snips": _snips, "dm": _dm, "dr": _dr, "sndr": _sndr}
ADJUSTABLE: dict[str, Adjustable] = {
    "clipped-ips": Adjustable(
        "ips with weights cut at",
        lambda logged, rows: lambda limit: e.clipped_ips(logged.reward, rows.weight, limit),
        weight_limits,
        "ips",
    ),
    "switch-dr": Adjustable(
        "dr where the weight is at most, dm elsewhere:",
        lambda logged, rows: (
            lambda limit: e.switch_dr(logged.reward, rows.weight, rows.q_logged, rows.q_policy, limit)
        ),
        weight_limits,
        "dr",
    ),
    "dros": Adjustable(
        "dr with optimistic shrinkage",
        lambda logged, rows: (
            lambda shrinkage: e.dros(logged.reward, rows.weight, rows.q_logged, rows.q_policy, shrinkage)
        ),
        shrinkages,
        "dr",
    ),
    "sg-dr": Adjustable(
        "dr with subgaussian weights, strength",
        lambda logged, rows: (
            lambda strength: e.subgaussian_dr(
                logged.reward, rows.weight, rows.q_logged, rows.q_policy, strength
            )
        ),
        lambda _: np.linspace(0, 1, 11).tolist(),
        "dr",
        largest=1.0,
    ),
}
ESTIMATORS = (*SIMPLE, *ADJUSTABLE, "log-smoothing")
NEEDS_MODEL = frozenset({"dm", "dr", "sndr", "switch-dr", "dros", "sg-dr"})


class Asked(NamedTuple):
    """An estimator as asked for: `switch-dr`, or with its parameter `switch-dr=100`."""

    text: str
    name: str
    parameter: float | None

    @property
    def needs_model(self) -> bool:
        """Whether it needs a reward model."""
        return self.name in NEEDS_MODEL


def asked(text: str) -> Asked:
    """What an estimator's name asks for.

    Raises:
        UsageError: If there is none of this name, or its parameter is not one.
    """
    name, is_set, number = text.partition("=")
    known = (*ESTIMATORS, *NEEDS_GROUPS)
    if name not in known:
        raise UsageError(f"'{name}' is none of {', '.join(known)}.", fix=did_you_mean(name, known))
    if not is_set:
        return Asked(text, name, None)
    if name not in ADJUSTABLE:
        raise UsageError(f"'{name}' has no parameter; {', '.join(ADJUSTABLE)} have.")
    largest = ADJUSTABLE[name].largest
    try:
        parameter = float(number)
    except ValueError:
        parameter = float("nan")
    if not 0 < parameter <= largest or parameter == float("inf"):
        at_most = f" and at most {largest:g}" if np.isfinite(largest) else ""
        raise UsageError(f"'{text}': the parameter is to be a number above 0{at_most}.")
    return Asked(text, name, parameter)


def estimate(wanted: Asked, logged: LoggedRows, rows: PolicyRows) -> NamedEstimate:
    """The estimate of one of `ESTIMATORS`, called as it was asked for."""
    if wanted.name in ADJUSTABLE:
        return ADJUSTABLE[wanted.name].valued(wanted.text, logged, rows, wanted.parameter)
    if wanted.name == "log-smoothing":
        return _log_smoothing(logged, rows)
    return SIMPLE[wanted.name](logged, rows)


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
