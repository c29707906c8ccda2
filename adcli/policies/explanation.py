"""What moved a score: each feature's contribution to it, which add up to the score.

Exact for what is linear in the context and for products of two of its numbers (half to each, as Shapley has
it); LightGBM's own contributions (Lundberg et al., 2020, "From local explanations to global understanding")
for trees; integrated gradients (Sundararajan et al., 2017) for the network, from a context of zeros: the mean
of each number, no category.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np
import polars as pl

from adcli.arrays import Floats, Integers
from adcli.errors import DataError
from adcli.policies.constrained import ConstrainedPolicy
from adcli.policies.members.network import TowerUnits
from adcli.policies.members.pairs import PairUnits
from adcli.policies.members.regions import Regions
from adcli.policies.policy import Policy, ScoredPolicy

NODES: Final = 48  # of the quadrature of integrated gradients
ROWS_AT_ONCE: Final = 1_024


class Explanation(NamedTuple):
    """The `contributions` (n, f) of the features `names` to each row's score, and the `base` before them."""

    names: list[str]
    contributions: Floats
    base: float

    @property
    def score(self) -> Floats:
        """The scores, shape (n,)."""
        return np.asarray(self.base + self.contributions.sum(axis=1), dtype=np.float64)


def explain(policy: Policy, frame: pl.DataFrame, action: Integers) -> Explanation:
    """What moved the score of each row's action, by column of context; the action's own part comes last.

    `policy`: a policy with scores, within constraints or not; `frame`: the contexts, n rows; `action`: the
    action of each row, shape (n,). Raises DataError if the policy has no scores.
    """
    base = policy.base if isinstance(policy, ConstrainedPolicy) else policy
    if not isinstance(base, ScoredPolicy):
        raise DataError(
            f"The policy '{policy.name}' is a table of probabilities, and has no scores to explain.",
            fix="Leave --explain out.",
        )
    parts = [
        _parts(base, base.encoder.encode(frame[rows]).astype(np.float64), action[rows])
        for rows in (slice(at, at + ROWS_AT_ONCE) for at in range(0, max(frame.height, 1), ROWS_AT_ONCE))
    ]
    columns = base.encoder.columns
    owner = [columns.index(feature.column) for feature in base.encoder.features for _ in feature.names]
    by_column = np.zeros((frame.height, len(columns) + 1))
    np.add.at(by_column.T, owner, np.vstack([one.by_number for one in parts]).T)
    by_column[:, -1] = np.concatenate([one.of_action for one in parts])
    return Explanation([*columns, " · ".join(base.actions.columns)], by_column, parts[0].base)


class _Parts(NamedTuple):
    """Contributions of the d encoded numbers (n, d), of the action itself (n,), and the base."""

    by_number: Floats
    of_action: Floats
    base: float


def _parts(policy: ScoredPolicy, context: Floats, action: Integers) -> _Parts:
    n, d = context.shape
    weights = policy.model.weights.astype(np.float64)
    by_number = context * weights[:d].T[action]
    at_zero = policy.model.bias.astype(np.float64)  # the score of each action in a context of zeros
    plain = policy.encoder.plain
    of_action, base, first, told = np.zeros(n), 0.0, d, context[:, :plain]
    for units in policy.model.units:
        own = weights[first : first + units.width]
        first += units.width
        if isinstance(units, PairUnits):
            by_number[:, :plain] += _of_pairs(units, told, own.T[action])
        elif isinstance(units, TowerUnits):
            by_number[:, :plain] += _of_towers(units, told, own.T[action])
            at_zero = at_zero + (units.of(np.zeros((1, d), dtype=np.float32)) @ own)[0]
        elif isinstance(units, Regions):
            found, trees = _of_trees(units, own, told, action)
            by_number[:, :plain] += found.by_number
            of_action, base, at_zero = of_action + found.of_action, base + found.base, at_zero - trees
        else:
            raise TypeError(f"contributions of {type(units).__name__} are not known")
    level = float(at_zero.mean())
    return _Parts(by_number, of_action + at_zero[action] - level, base + level)


def _of_pairs(units: PairUnits, context: Floats, weights: Floats) -> Floats:
    """Half of each product to either of its numbers, shape (n, d)."""
    found = np.zeros(context.shape)
    products = units.of(context) * weights / 2  # type: ignore[arg-type]
    for place, (first, second) in enumerate(units.pairs):
        found[:, first] += products[:, place]
        found[:, second] += products[:, place]
    return found


def _of_towers(units: TowerUnits, context: Floats, weights: Floats) -> Floats:
    """Integrated gradients from zero by Gauss and Legendre's quadrature, shape (n, d)."""
    own = units.layers
    heads, _, directions = own["skip"].shape
    asked = weights.reshape(-1, heads, directions).transpose(1, 0, 2)  # (heads, n, directions)
    slope = np.zeros(context.shape)
    nodes, shares = np.polynomial.legendre.leggauss(NODES)
    for node, share in zip((nodes + 1) / 2, shares / 2, strict=True):
        inner = np.tanh((node * context) @ own["first"] + own["first_bias"])
        outer = np.tanh(inner @ own["second"] + own["second_bias"])
        back = (asked @ own["third"].transpose(0, 2, 1)) * (1 - outer**2)
        back = (back @ own["second"].transpose(0, 2, 1)) * (1 - inner**2)
        whole = back @ own["first"].transpose(0, 2, 1) + asked @ own["skip"].transpose(0, 2, 1)
        slope += share * whole.sum(axis=0)
    return np.asarray(slope * context, dtype=np.float64)


def _of_trees(units: Regions, weights: Floats, context: Floats, action: Integers) -> tuple[_Parts, Floats]:
    """LightGBM's own contributions in the scale of the stack, and what trees add to each action's bias."""
    import lightgbm

    d = context.shape[1]
    raw, bias = units.weights(d)
    scale = float((weights * raw).sum() / max(float((raw * raw).sum()), 1e-300))
    table = np.hstack([context, units.actions[action]])
    booster = lightgbm.Booster(model_str=units.text)
    found = scale * np.asarray(booster.predict(table, pred_contrib=True, num_threads=1))
    base = float(found[0, -1]) if len(found) else 0.0
    return _Parts(found[:, :d], found[:, d:-1].sum(axis=1), base), scale * bias
