"""What a policy obeys, in its directory: beside what its base says, in policy.json and policy.safetensors."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from adcli.policies.constrained import ConstrainedPolicy
from adcli.policies.policy import Policy
from adcli.policies.pricing import Column
from adcli.policies.rules import Forbidden, Limit, Rules

Tensors = dict[str, NDArray[Any]]
SECTION = "constraints"


def describe_constraints(policy: ConstrainedPolicy) -> tuple[dict[str, Any], Tensors]:
    """What a policy obeys as plain values, and its numbers as tensors."""
    rules = policy.rules
    described = {
        "epsilon": policy.epsilon,
        "frequency_cap": rules.frequency_cap,
        "exploration_floor": rules.exploration_floor,
        "forbidden": [
            {"rule": one.rule, "where": dict(one.where), "hours": one.hours} for one in rules.forbidden
        ],
        "limits": [
            {"rule": one.rule, "of_value": one.of_value, "most": one.most, "total": one.total}
            for one in rules.limits
        ],
        "share": list(policy.share),
    }
    k, m = len(policy.actions), len(rules.limits)
    forbidden = [rule.actions for rule in rules.forbidden]
    limits = [limit.per_action for limit in rules.limits]
    return {SECTION: described}, {
        "constraints.forbidden": np.reshape(forbidden, (-1, k)).astype(np.uint8),
        "constraints.limits": np.reshape(limits, (-1, k)).astype(np.float64),
        "constraints.prices": np.reshape([one.prices for one in policy.columns], (len(policy.columns), m)),
        "constraints.earned": np.array([one.value for one in policy.columns]),
        "constraints.used": np.reshape([one.use for one in policy.columns], (len(policy.columns), m)),
        "constraints.uncapped": rules.no_ad.astype(np.uint8),
    }


def read_constraints_of(base: Policy, described: Mapping[str, Any], tensors: Tensors) -> ConstrainedPolicy:
    """The policy that obeys what `describe_constraints` wrote.

    Raises ValueError if the description does not fit the policy.
    """
    masks, uses = tensors["constraints.forbidden"], tensors["constraints.limits"]
    prices, earned, used = (tensors[f"constraints.{name}"] for name in ("prices", "earned", "used"))
    share = np.array(described["share"], dtype=np.float64)
    rules, limits = described["forbidden"], described["limits"]
    k, uncapped = len(base.actions), tensors["constraints.uncapped"]
    each = (share.size, len(limits))
    shapes = (masks.shape, uses.shape, prices.shape, used.shape, earned.shape, uncapped.shape)
    if shapes != ((len(rules), k), (len(limits), k), each, each, (share.size,), (k,)):
        raise ValueError("rules that do not fit the actions")
    if not np.isclose(share.sum(), 1) or (share < 0).any():
        raise ValueError("shares that do not sum to 1")
    obeyed = Rules(
        tuple(
            Forbidden(
                str(rule["rule"]),
                mask.astype(bool),
                {name: tuple(values) for name, values in rule["where"].items()},
                tuple(rule["hours"]),
            )
            for rule, mask in zip(rules, masks, strict=True)
        ),
        tuple(
            Limit(str(one["rule"]), use, float(one["of_value"]), float(one["most"]), one["total"])
            for one, use in zip(limits, uses, strict=True)
        ),
        described["frequency_cap"],
        float(described.get("exploration_floor", 0.0)),
        uncapped.astype(bool),
    )
    columns = [Column(price, float(own), use) for price, own, use in zip(prices, earned, used, strict=True)]
    return ConstrainedPolicy(
        base.name, base, float(described["epsilon"]), obeyed, tuple(columns), tuple(share.tolist())
    )
