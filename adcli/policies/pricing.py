"""What obeying limits costs: prices of the limits, by which a policy chooses within them.

A limit is on a mean over all impressions: what the policy spends, or how often it shows a group. The linear
program over all policies is solved by columns (Dantzig and Wolfe, 1960): HiGHS mixes the policies found
so far, its duals price the limits, and the best policy at these prices is the next column. What it ends with
is a mixture of few policies, each greedy at its own prices, that keeps the limits and earns as much as any.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from adcli.arrays import Floats

MOST_COLUMNS = 200
GAP = 1e-5  # of what is earned, to the most that could be, at which the search ends
FORBIDDING = 1e4  # price of breaking a limit, in units of the values' spread over that of the limit's uses


class Column(NamedTuple):
    """A policy at some prices: what it earns per impression, and what it uses of each limit, shape (m,)."""

    prices: Floats
    value: float
    use: Floats


class Mixture(NamedTuple):
    """Greedy policies, each for a `share` (P,) of the choices; those of share 0 keep one limit best.

    `value` is what they earn per impression, `bound` the most that any policy within the limits can;
    `duals` (m,) what one more unit of each limit would earn, `excess` (m,) by how much it is broken at best.
    """

    columns: list[Column]
    share: Floats
    value: float
    bound: float
    duals: Floats
    excess: Floats

    @property
    def feasible(self) -> bool:
        """Whether the limits can be kept."""
        return bool((self.excess <= 0).all())


def price_limits(best: Callable[[Floats], Column], limits: Floats) -> Mixture:
    """The mixture of policies that earns most within the limits.

    `best`: the policy that earns most, less what it uses at the prices it is given, shape (m,); `limits`: the
    most that may be used of each limit per impression, shape (m,).
    """
    m = limits.size
    columns = [best(np.zeros(m))]
    if (columns[0].use <= limits).all():
        only = columns[0]
        _scale(best, columns, limits)
        alone = np.eye(1, m + 1)[0]
        return Mixture(columns, alone, only.value, only.value, np.zeros(m), np.zeros(m))
    scale = _scale(best, columns, limits)
    bound = np.inf
    share, slack, duals, level = mix(columns, limits, scale)
    for _ in range(MOST_COLUMNS):
        found = best(duals)
        reduced = found.value - float(duals @ found.use) - level
        earned = level + float(duals @ limits)
        bound = min(bound, earned + reduced)
        if bound - earned <= GAP * abs(earned):
            break
        columns.append(found)
        share, slack, duals, level = mix(columns, limits, scale)
    kept = [number for number in range(share.size) if share[number] > 0 or 0 < number <= m]
    return Mixture(
        [columns[number] for number in kept],
        share[kept] / share.sum(),
        float(share @ [column.value for column in columns]),
        bound,
        duals,
        np.where(slack > 1e-7 * (1 + np.abs(limits)), slack, 0.0),
    )


def _scale(best: Callable[[Floats], Column], columns: list[Column], limits: Floats) -> Floats:
    """A price of each limit at which no policy breaks it that can help it; adds what that found."""
    for number in range(limits.size):
        prices = np.zeros(limits.size)
        prices[number] = 1e9
        columns.append(best(prices))
    return forbidding_prices(columns)


def forbidding_prices(columns: list[Column]) -> Floats:
    """Prices that dwarf what the policies earn, shape (m,)."""
    values = np.array([column.value for column in columns])
    moved = np.ptp(np.stack([column.use for column in columns]), axis=0)
    lost = max(float(np.ptp(values)), float(np.abs(values).max()), 1e-12)
    return np.asarray(FORBIDDING * lost / np.maximum(moved, 1e-9), dtype=np.float64)


def mix(columns: list[Column], limits: Floats, forbidding: Floats) -> tuple[Floats, Floats, Floats, float]:
    """The shares of the best mixture, by how much it breaks limits, their duals, and the dual of the sum."""
    from scipy.optimize import linprog

    size, m = len(columns), limits.size
    use = np.stack([column.use for column in columns], axis=1)
    found = linprog(
        np.concatenate([[-column.value for column in columns], forbidding]),
        A_ub=np.hstack([use, -np.eye(m)]),
        b_ub=limits,
        A_eq=np.concatenate([np.ones(size), np.zeros(m)])[None, :],
        b_eq=[1.0],
        method="highs",
    )
    share, slack = np.clip(found.x[:size], 0, None), found.x[size:]
    return share, slack, np.clip(-found.ineqlin.marginals, 0, None), float(-found.eqlin.marginals[0])


def colliding(feasible: Callable[[frozenset[str]], bool], rules: list[str]) -> list[str]:
    """A set of rules that cannot be obeyed together, of which none can be spared (a deletion filter).

    Source: Chinneck and Dravnieks (1991).
    """
    kept = list(rules)
    for rule in rules:
        without = frozenset(kept) - {rule}
        if without and not feasible(without):
            kept.remove(rule)
    return kept
