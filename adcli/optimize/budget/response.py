"""What a campaign's spend brings: saturation and carry-over, as draws of what the data leave open.

    value of a day = demand x (1 - s + s h(a) / h(reference)),  h(a) = a^n / (a^n + k^n)

with a the carried-over spend (geometric adstock of weight 1) and s the share of the value at the usual spend
that spend brings. Source: Jin et al. (2017), "Bayesian methods for media mix modeling with carryover and
shape effects", eq. 1-5.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from adcli.arrays import Floats

WARM_UP = 14  # days, whose mean spend stands for what came before the first
LEAST_RELATIVE_VALUE = 1e-6
_LONGEST_MEMORY = 60  # days until nothing is left of what is carried over


class Shape(NamedTuple):
    """How spend acts: g draws of it, shape (g,) each."""

    carry_over: Floats  # the part of its effect that the next day keeps
    half_saturation: Floats  # the spend a day that brings half of what any spend could
    steepness: Floats  # the power of spend; above 1 the curve is S-shaped
    share: Floats  # the share of the value at the reference spend that the spend brings

    def relative_value(self, carried: Floats, reference: float) -> Floats:
        """The value at a carried-over spend (g, t), as a multiple of that at the reference."""
        k, n, s = (part[:, None] for part in (self.half_saturation, self.steepness, self.share))
        brought = s * _hill(carried, k, n) / _hill(np.array(reference), k, n)
        return np.asarray(np.maximum(1 - s + brought, LEAST_RELATIVE_VALUE))


class Response(NamedTuple):
    """What is known of a campaign's response: draws from its posterior."""

    shape: Shape  # the draws
    reference: float  # the usual spend a day
    level: Floats  # the value a day at the reference and the demand of the last days, shape (g,)


def _hill(spend: Floats, half: Floats, steepness: Floats) -> Floats:
    with np.errstate(divide="ignore", over="ignore"):
        return np.asarray(1 / (1 + np.exp(steepness * (np.log(half) - np.log(spend)))))


def carried_over(spend: Floats, carry_over: Floats) -> Floats:
    """Geometric adstock of weight 1, shape (g, t), of the spend (t,) of days."""
    from scipy.signal import lfilter

    before = spend[:WARM_UP].mean()
    return np.stack([lfilter([1 - kept], [1, -kept], spend, zi=[kept * before])[0] for kept in carry_over])


def planned_value(response: Response, spend: Floats, amounts: Floats, *, periods: int, now: float) -> Floats:
    """The value of spending amounts (m,) a day for some days, by draw, (g, m).

    It begins with what earlier spend carries over, and has what it carries over itself: the value of the days
    after it, in which `now` is spent, above what they have after spending `now` all along.

    `response`: of the campaign; `spend` (t,) of the days so far; `amounts` (m,) a day; `periods`: how many
    days; `now`: what is spent a day after them.
    """
    kept = response.shape.carry_over[:, None]
    before = carried_over(spend, response.shape.carry_over)[:, -1:]
    moving = min(periods, _LONGEST_MEMORY)
    total = (periods - moving) * response.shape.relative_value(amounts[None, :], response.reference)
    for day in range(1, moving + 1):
        total = total + response.shape.relative_value(
            amounts + kept**day * (before - amounts), response.reference
        )
    at_end = kept**periods * (before - amounts) + amounts
    at_end_now = kept**periods * (before - now) + now
    for day in range(1, _after(kept) + 1):
        later, later_now = (now + kept**day * (end - now) for end in (at_end, at_end_now))
        total = total + response.shape.relative_value(later, response.reference)
        total = total - response.shape.relative_value(later_now, response.reference)
    return np.asarray(response.level[:, None] * total)


def _after(kept: Floats) -> int:
    """The days until a hundredth is left of what most of the draws carry over."""
    return min(_LONGEST_MEMORY, int(np.ceil(np.log(0.01) / np.log(np.quantile(kept, 0.9) + 1e-9))))
