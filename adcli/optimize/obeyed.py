"""What a policy within constraints keeps of each, by the log: with intervals, as its value has them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import polars as pl

from adcli.arrays import Floats
from adcli.policies.constrained import ConstrainedPolicy
from adcli.policies.constraints import Constraints
from adcli.policies.estimators import snips
from adcli.policies.logged import LoggedRows, numbers
from adcli.policies.prepared import PreparedLog
from adcli.policies.rows import group_probabilities
from adcli.policies.uncertainty import value_mean
from adcli.statistics.intervals import Interval
from adcli.statistics.means import clustered_mean

NOTHING = Interval(float("nan"), float("nan"))
EXACTLY = "in every decision"
ON_AVERAGE = "on average, and in all that apply writes"
EXPECTED = "by expected costs and outcomes; achieved is what the log says"


class _Kept(NamedTuple):
    """A constraint, its limit, and what the policy makes of it."""

    constraint: str
    limit: float
    achieved: float
    interval: Interval
    obeyed: str


def obeyed_table(
    policy: ConstrainedPolicy, constraints: Constraints, log: PreparedLog, weight: Floats, confidence: float
) -> pl.DataFrame:
    """One row per constraint: `constraint limit achieved achieved_low achieved_high obeyed`.

    Spending and what it brings are self-normalised estimates from the log, weighted as the policy's value is;
    shares and counts follow from the policy's probabilities in the contexts of the log.

    Args:
        policy: The policy.
        constraints: What was asked of it.
        log: The log, n rows.
        weight: The policy's weights, on rows it was not learned from, shape (n,).
        confidence: Of the intervals.
    """
    kept = [
        *_spent(constraints, log, weight, confidence),
        *_shown(policy, constraints, log, confidence),
        *_forbidden(policy, constraints),
    ]
    rows = [(one.constraint, one.limit, one.achieved, *one.interval, one.obeyed) for one in kept]
    names = ["constraint", "limit", "achieved", "achieved_low", "achieved_high", "obeyed"]
    return pl.DataFrame(rows, schema=names, orient="row").with_columns(pl.col(pl.Float64).fill_nan(None))


def _spent(constraints: Constraints, log: PreparedLog, weight: Floats, confidence: float) -> Iterator[_Kept]:
    logged = log.logged
    if logged.cost is None:
        return
    if constraints.budget is not None:
        rows = constraints.impressions or log.impressions.height
        cost = snips(logged.cost, weight)
        found = value_mean(cost.influence, logged.cost, weight, logged).interval(confidence)
        yield _Kept(
            "budget", constraints.budget, rows * cost.value, Interval(*(rows * x for x in found)), ON_AVERAGE
        )
    if constraints.cost_per_action is not None:
        actions = numbers(log.impressions, "conversion")
        value, found = _ratio(logged.cost, actions, weight, logged, confidence)
        yield _Kept("cost_per_action", constraints.cost_per_action, value, found, EXPECTED)
    if constraints.return_on_ad_spend is not None:
        revenue = numbers(log.impressions, "revenue")
        value, found = _ratio(revenue, logged.cost, weight, logged, confidence)
        yield _Kept("return_on_ad_spend", constraints.return_on_ad_spend, value, found, EXPECTED)


def _ratio(
    top: Floats, bottom: Floats, weight: Floats, logged: LoggedRows, confidence: float
) -> tuple[float, Interval]:
    """The ratio of two weighted means, and its interval by the delta method."""
    level = float(weight @ bottom)
    if not level:
        return float("nan"), NOTHING
    ratio = float(weight @ top) / level
    influence = ratio + weight * (top - ratio * bottom) * weight.size / level
    return ratio, Interval(*clustered_mean(influence, logged.cluster).interval(confidence))


def _shown(
    policy: ConstrainedPolicy, constraints: Constraints, log: PreparedLog, confidence: float
) -> Iterator[_Kept]:
    """How often the policy shows what is limited by count or share."""
    rows = constraints.impressions or log.impressions.height
    limits = [
        limit for limit in policy.rules.limits if limit.rule.startswith(("minimum_exposure.", "stock."))
    ]
    if not limits:
        return
    member = np.stack([limit.per_action != 0 for limit in limits], axis=1).astype(np.float32)
    shown = group_probabilities(log, policy, member)
    for limit, own in zip(limits, shown.T, strict=True):
        mean = clustered_mean(own.astype(np.float64), log.logged.cluster)
        scale = rows if limit.total is not None else 1.0
        most = limit.total if limit.total is not None else -limit.most
        yield _Kept(
            limit.rule, most, scale * mean.value, Interval(*(scale * x for x in mean.interval(confidence))),
            ON_AVERAGE,
        )  # fmt: skip


def _forbidden(policy: ConstrainedPolicy, constraints: Constraints) -> Iterator[_Kept]:
    """The rules that no decision breaks: `achieved` counts those that would."""
    for rule in dict.fromkeys(rule.rule for rule in policy.rules.forbidden):
        yield _Kept(rule, 0.0, 0.0, Interval(0.0, 0.0), EXACTLY)
    if policy.rules.frequency_cap is not None:
        yield _Kept("frequency_cap", policy.rules.frequency_cap, policy.rules.frequency_cap, NOTHING, EXACTLY)
    if constraints.exploration_floor:
        least = policy.epsilon / len(policy.actions)
        yield _Kept("exploration_floor", constraints.exploration_floor, least, NOTHING, EXACTLY)
