"""The estimators by name: each with its definition, and whether its interval covers the truth."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from adcli.evaluate.off_policy.embeddings import LEAST_P_VALUE, GroupWeights
from adcli.evaluate.off_policy.tuning import Tuned, shrinkages, tune, weight_limits
from adcli.policies import estimators as e
from adcli.policies.estimators import Estimate
from adcli.policies.logged import LoggedRows
from adcli.policies.rows import PolicyRows


class NamedEstimate(NamedTuple):
    """An estimate, what it is called, what exactly was computed, and why not to believe it, if anything."""

    name: str
    estimate: Estimate
    definition: str
    doubt: str = ""


Compute = Callable[[LoggedRows, PolicyRows], NamedEstimate]

DEFAULT = ("ips", "snips", "dm", "dr")
NEEDS_GROUPS = ("mips", "offcem")
NEEDS_MODEL = frozenset({"dm", "dr", "sndr", "switch-dr", "dros", "sg-dr"})


def _ips(logged: LoggedRows, rows: PolicyRows) -> NamedEstimate:
    return NamedEstimate("ips", e.ips(logged.reward, rows.weight), "mean of weight x reward")


def _snips(logged: LoggedRows, rows: PolicyRows) -> NamedEstimate:
    return NamedEstimate("snips", e.snips(logged.reward, rows.weight), "weighted mean of the rewards")


def _dm(_: LoggedRows, rows: PolicyRows) -> NamedEstimate:
    return NamedEstimate("dm", e.dm(rows.q_policy), "mean reward the model expects")


def _dr(logged: LoggedRows, rows: PolicyRows) -> NamedEstimate:
    estimate = e.dr(logged.reward, rows.weight, rows.q_logged, rows.q_policy)
    return NamedEstimate("dr", estimate, "dm + mean of weight x (reward - model)")


def _sndr(logged: LoggedRows, rows: PolicyRows) -> NamedEstimate:
    estimate = e.sndr(logged.reward, rows.weight, rows.q_logged, rows.q_policy)
    return NamedEstimate("sndr", estimate, "dm + weighted mean of reward - model")


def _clipped(logged: LoggedRows, rows: PolicyRows) -> NamedEstimate:
    found = tune(
        lambda limit: e.clipped_ips(logged.reward, rows.weight, limit),
        weight_limits(rows.weight.max()),
        logged,
    )
    return _tuned("clipped-ips", "ips with weights cut at", found)


def _switch(logged: LoggedRows, rows: PolicyRows) -> NamedEstimate:
    found = tune(
        lambda limit: e.switch_dr(logged.reward, rows.weight, rows.q_logged, rows.q_policy, limit),
        weight_limits(rows.weight.max()),
        logged,
    )
    return _tuned("switch-dr", "dr where the weight is at most, dm elsewhere:", found)


def _dros(logged: LoggedRows, rows: PolicyRows) -> NamedEstimate:
    found = tune(
        lambda shrinkage: e.dros(logged.reward, rows.weight, rows.q_logged, rows.q_policy, shrinkage),
        shrinkages(rows.weight.max()),
        logged,
    )
    return _tuned("dros", "dr with optimistic shrinkage", found)


def _sg_dr(logged: LoggedRows, rows: PolicyRows) -> NamedEstimate:
    found = tune(
        lambda strength: e.subgaussian_dr(logged.reward, rows.weight, rows.q_logged, rows.q_policy, strength),
        np.linspace(0, 1, 11).tolist(),
        logged,
    )
    return _tuned("sg-dr", "dr with subgaussian weights, strength", found)


def _log_smoothing(logged: LoggedRows, rows: PolicyRows) -> NamedEstimate:
    estimate = e.log_smoothing(logged.reward, rows.weight)
    return NamedEstimate("log-smoothing", estimate, "ips with log(1 + s w r) / s, s = 1 / sqrt(n)")


def _tuned(name: str, what: str, found: Tuned) -> NamedEstimate:
    return NamedEstimate(name, found.estimate, f"{what} {found.parameter:.4g} (chosen by SLOPE)")


ESTIMATORS: dict[str, Compute] = {
    "ips": _ips,
    "snips": _snips,
    "dm": _dm,
    "dr": _dr,
    "sndr": _sndr,
    "clipped-ips": _clipped,
    "switch-dr": _switch,
    "dros": _dros,
    "sg-dr": _sg_dr,
    "log-smoothing": _log_smoothing,
}


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
        estimate = e.dr(logged.reward, grouped.weight, rows.q_logged, rows.q_policy)
        definition = f"dr with the weights of {grouped.groups} groups of actions"
        return NamedEstimate(name, estimate, definition, misfit)
    if not misfit and grouped.p_value < LEAST_P_VALUE:
        misfit = (
            f"Actions of the same group earn differently (p = {grouped.p_value:.2g}), which mips takes for "
            "impossible."
        )
    estimate = e.ips(logged.reward, grouped.weight)
    return NamedEstimate(
        name, estimate, f"ips with the weights of {grouped.groups} groups of actions", misfit
    )
