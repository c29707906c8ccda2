"""The offline policy that a stream starts from: what it expects of each action in a context."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np
import polars as pl

from adcli.arrays import Flags, Floats
from adcli.optimize.stream.constraints import NOTHING, LiveConstraints, live_constraints
from adcli.policies.actions import ActionSet
from adcli.policies.constrained import ConstrainedPolicy
from adcli.policies.context import ContextEncoder
from adcli.policies.policy import Policy, ScoredPolicy
from adcli.policies.table_policy import TablePolicy

RATES = {"click": 0.01, "conversion": 0.001}  # rewards of 0 to 1; what they are taken to be, if nothing says
ROWS_AT_ONCE = 16  # scores in single precision depend on how many are computed at once

Frame = Callable[[], pl.DataFrame]


class OfflinePolicy(NamedTuple):
    """What a stream needs of a policy.

    `expected` takes the encoded contexts (n, d) and what gives them as a frame, and returns the expected
    reward of each action, shape (n, K); `allowed`, if there is one, takes the frame and says what may be
    shown. `level` is what the policy earns per impression, by its own estimate. `columns` are those of the
    context that it looks at; where its encoder has none, others are learned on.
    """

    actions: ActionSet
    columns: list[str]
    encoder: ContextEncoder
    expected: Callable[[Floats, Frame], Floats]
    allowed: Callable[[pl.DataFrame], Flags] | None
    level: float
    reward: str
    constraints: LiveConstraints = NOTHING


def offline_policy(policy: Policy, about: Mapping[str, Any]) -> OfflinePolicy:
    """The policy of a directory, with what its `policy.json` says of it.

    A policy with a reward model says what it expects. Of another, its scores or probabilities are taken to
    be in proportion to that, and the greatest of a context to be what the policy earns.
    """
    reward = str(about.get("reward", "click"))
    level = _level(about, reward)
    base = policy.base if isinstance(policy, ConstrainedPolicy) else policy
    encoder = base.encoder if isinstance(base, ScoredPolicy) else ContextEncoder()

    def expected(encoded: Floats, frame: Frame) -> Floats:
        if isinstance(base, ScoredPolicy):
            own = _scored(base, encoded)
            if base.link:
                return own
        else:
            own = base.probabilities(frame()).astype(np.float64)
        return np.asarray(level * own / np.maximum(own.max(axis=1, keepdims=True), 1e-300))

    obeyed = live_constraints(policy.rules) if isinstance(policy, ConstrainedPolicy) else NOTHING
    by = [*(base.by if isinstance(base, TablePolicy) else ()), policy.actions.eligible_by or ""]
    columns = dict.fromkeys(filter(None, [*encoder.columns, *by, *obeyed.columns]))
    return OfflinePolicy(
        policy.actions, list(columns), encoder, expected, _allowed(policy), level, reward, obeyed
    )


def _scored(policy: ScoredPolicy, encoded: Floats) -> Floats:
    """What a policy expects, however many contexts are asked at once."""
    n = encoded.shape[0]
    padded = np.zeros((-(-n // ROWS_AT_ONCE) * ROWS_AT_ONCE, encoded.shape[1]), dtype=np.float32)
    padded[:n] = encoded
    blocks = [policy.expected(padded[at : at + ROWS_AT_ONCE]) for at in range(0, len(padded), ROWS_AT_ONCE)]
    return np.concatenate(blocks)[:n]


def _allowed(policy: Policy) -> Callable[[pl.DataFrame], Flags] | None:
    """What says which actions may be shown in each context; nothing, where none of them may."""
    if isinstance(policy, ConstrainedPolicy) and policy.rules.forbidden:
        return policy.permitted
    if policy.actions.eligible_by is None:
        return None
    return lambda frame: np.asarray(policy.actions.eligibility(frame))


def _level(about: Mapping[str, Any], reward: str) -> float:
    candidates = about.get("candidates") or []
    values = [one["value"] for one in candidates if one.get("chosen")]
    return float(values[0]) if values and values[0] > 0 else RATES.get(reward, 1.0)
