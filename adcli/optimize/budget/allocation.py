"""Which campaign gets how much: the best plan on a grid of spends, whatever the form of the curves."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from adcli.arrays import Floats, Integers
from adcli.errors import UsageError

_CELLS = 600  # in which what is free to move is given away
_SLACK = 1e-9


class Choice(NamedTuple):
    """A campaign to spend on."""

    name: str  # its id
    low: float  # the least that it may get
    high: float  # the greatest
    amounts: Floats  # (m,) rising, from `low` to `high`
    values: Floats  # (m,) what they are expected to bring
    highest_cost: float = math.inf  # of a unit of value


def allocate(choices: Sequence[Choice], total: float, *, highest_cost: float = math.inf) -> Floats:
    """The spend of each campaign, (c,), that brings most; less than the total only to keep costs low.

    `choices`: the campaigns, what they may get lies around the total; `total`: that may be spent on them;
    `highest_cost`: of a unit of value, over all of them. Raises UsageError if no plan has costs so low.
    """
    lows, highs = (np.array([getattr(one, end) for one in choices]) for end in ("low", "high"))
    cell = max(total - lows.sum(), 0.0) / _CELLS
    added = np.arange(_CELLS + 1) * cell
    spend = np.minimum(lows[:, None] + added, highs[:, None])
    values = np.stack(
        [np.interp(row, one.amounts, one.values) for row, one in zip(spend, choices, strict=True)]
    )
    allowed = added < (highs - lows)[:, None] + cell
    allowed[:, 0] = True
    for number, one in enumerate(choices):
        within = spend[number] / one.highest_cost <= values[number] * (1 + _SLACK)
        if not (allowed[number] & within).any():
            raise UsageError(
                _too_costly(f"campaign '{one.name}'", one.highest_cost, spend[number], values[number])
            )
        allowed[number] &= within
    best, plans = best_plans(np.where(allowed, values, -np.inf))
    spent = np.take_along_axis(spend, plans.T, axis=1)
    costs = spent.sum(axis=0)
    within = np.isfinite(best) & (costs > 0) & (costs / highest_cost <= best * (1 + _SLACK))
    if not within.any():
        raise UsageError(_too_costly("the plan", highest_cost, costs, best))
    chosen = int(np.where(within, best, -np.inf).argmax())
    planned = spent[:, chosen]
    is_bound = math.isfinite(highest_cost) or any(math.isfinite(one.highest_cost) for one in choices)
    return planned if is_bound else _filled(planned, highs, total)


def _too_costly(what: str, highest: float, spend: Floats, value: Floats) -> str:
    with np.errstate(divide="ignore", invalid="ignore"):
        lowest = np.nanmin(np.where((value > 0) & (spend > 0), spend / value, np.inf))
    return (
        f"The target cannot be reached: {what} may cost {highest:.4g} a unit of value and costs {lowest:.4g} "
        "at least."
    )


def _filled(planned: Floats, highs: Floats, total: float) -> Floats:
    """The plan with what bounds between two cells left over, given to those that have room."""
    filled = planned.copy()
    for number in np.argsort(planned - highs):
        filled[number] += min(total - filled.sum(), highs[number] - filled[number])
    return filled


def best_plans(values: Floats) -> tuple[Floats, Integers]:
    """The most value that each total buys, and the plans that do, by dynamic programming over campaigns.

    `values` (c, n + 1) the value of 0 ... n cells of spend in each campaign, -inf where it is not allowed.
    Returns the value (n + 1,) of spending 0 ... n cells in all, and the cells of each campaign, (n + 1, c).
    """
    campaigns, size = values.shape
    left = np.arange(size)[:, None] - np.arange(size)  # for the campaigns before
    best = np.where(np.arange(size) == 0, 0.0, -np.inf)
    taken = np.empty((campaigns, size), dtype=np.int64)
    for number, value in enumerate(values):
        tried = np.where(left >= 0, best[left] + value, -np.inf)
        taken[number] = tried.argmax(axis=1)
        best = tried.max(axis=1)
    plans = np.empty((size, campaigns), dtype=np.int64)
    remaining = np.arange(size)
    for number in reversed(range(campaigns)):
        plans[:, number] = taken[number][remaining]
        remaining = remaining - plans[:, number]
    return best, plans
