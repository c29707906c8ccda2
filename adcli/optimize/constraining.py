"""Constraints brought to a log: what is forbidden, what is limited, and policies that obey both."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

import numpy as np
import polars as pl

from adcli.arrays import Flags, Floats
from adcli.errors import DataError, did_you_mean
from adcli.optimize.candidates import DIRECT, POPULAR
from adcli.policies.action_features import group_labels
from adcli.policies.actions import HOUR
from adcli.policies.constrained import ConstrainedPolicy, with_history
from adcli.policies.constraints import Constraints
from adcli.policies.policy import Policy, ScoredPolicy
from adcli.policies.prepared import PreparedLog
from adcli.policies.pricing import Column, Mixture, colliding, price_limits
from adcli.policies.rules import Forbidden, Limit, Rules

MOST_ROWS, MOST_CELLS = 20_000, 4_000_000  # rows, and rows x actions, that limits are priced on
FILTERED_ROWS = 2_000  # that the rules which collide are found on
PRIOR_ROWS = 20.0  # an action's mean outcome is mixed with this many rows of the mean of all


def rules_of(constraints: Constraints, log: PreparedLog, items: pl.DataFrame | None = None) -> Rules:
    """Constraints in terms of a log.

    Args:
        constraints: What is asked for.
        log: The log, K actions.
        items: Attributes of the items, for columns that the action does not have.

    Raises:
        DataError: If a rule names a column, group or action that is not there, or a cost that is not known.
    """
    floor, k, no_ad = constraints.exploration_floor, len(log.actions), log.no_ad
    if floor * k > 1:
        raise DataError(
            f"exploration_floor: {k:,} actions of probability {floor:g} are more than 1.",
            fix=f"It is at most {1 / k:.3g} here.",
        )
    return Rules(
        (*_exclusions(constraints, log, items), *_quiet_hours(constraints, log, no_ad)),
        (
            *_spending(constraints, log, no_ad),
            *_exposures(constraints, log, items),
            *_stocks(constraints, log),
        ),
        constraints.frequency_cap,
        floor,
        no_ad,
    )


def _labelled(log: PreparedLog, items: pl.DataFrame | None, column: str, rule: str) -> pl.Series:
    try:
        return group_labels(log.actions, items, column)
    except DataError as error:
        raise DataError(f"{rule}: {error}") from None


def _members(labels: pl.Series, value: str, rule: str) -> Flags:
    """Which actions have a value. Raises DataError if none has."""
    found = (labels == value).to_numpy()
    if not found.any():
        raise DataError(
            f"{rule}: no action of the log has '{value}'.", fix=did_you_mean(value, labels.unique().to_list())
        )
    return np.asarray(found, dtype=bool)


def _exclusions(
    constraints: Constraints, log: PreparedLog, items: pl.DataFrame | None
) -> Iterator[Forbidden]:
    for rule in constraints.exclusions:
        labels = _labelled(log, items, rule.column, "exclusions")
        own = [_members(labels, value, "exclusions") for value in rule.values]
        yield Forbidden(f"exclusions.{'/'.join(rule.values)}", np.logical_or.reduce(own), rule.where, ())


def _quiet_hours(constraints: Constraints, log: PreparedLog, no_ad: Flags) -> Iterator[Forbidden]:
    if not constraints.quiet_hours:
        return
    if HOUR in log.actions.columns:
        words = [str(hour) for hour in constraints.quiet_hours]
        quiet = log.actions.frame[HOUR].str.strip_chars_start("0").replace("", "0").is_in(words).to_numpy()
        yield Forbidden("quiet_hours", quiet & ~no_ad, {}, ())
    elif no_ad.any():
        yield Forbidden("quiet_hours", ~no_ad, {}, constraints.quiet_hours)
    else:
        raise DataError(
            "quiet_hours: the log has no action that shows no ad, and the hour is not part of the action.",
            fix="Name the one with --no-ad, or decide the other with --action hour.",
        )


def _spending(constraints: Constraints, log: PreparedLog, no_ad: Flags) -> Iterator[Limit]:
    asked = {
        "budget": constraints.budget,
        "cost_per_action": constraints.cost_per_action,
        "return_on_ad_spend": constraints.return_on_ad_spend,
    }
    wanted = {name: value for name, value in asked.items() if value is not None}
    if not wanted:
        return
    if log.logged.cost is None:
        raise DataError(f"{min(wanted)}: the log has no cost.", fix="Name its column: --map cost=COLUMN.")
    cost = np.where(no_ad, 0.0, action_means(log, log.logged.cost, prior=0.0))
    if "budget" in wanted:
        rows = constraints.impressions or log.impressions.height
        yield Limit("budget", cost, 0.0, wanted["budget"] / rows, wanted["budget"])
    if "cost_per_action" in wanted:
        outcome, of_value = _outcome(log, "conversion", "cost_per_action")
        factor = wanted["cost_per_action"]
        yield Limit("cost_per_action", cost - factor * outcome, -factor * of_value, 0.0)
    if "return_on_ad_spend" in wanted:
        outcome, of_value = _outcome(log, "revenue", "return_on_ad_spend")
        yield Limit("return_on_ad_spend", wanted["return_on_ad_spend"] * cost - outcome, -of_value, 0.0)


def _outcome(log: PreparedLog, name: str, rule: str) -> tuple[Floats, float]:
    """What an action is expected to bring: its mean (K,), or once the expected reward where it is that."""
    if log.question.reward == name and not log.question.treatment_cost:
        return np.zeros(len(log.actions)), 1.0
    if name not in log.impressions.columns:
        raise DataError(f"{rule}: the log has no {name}.", fix=f"Name its column: --map {name}=COLUMN.")
    from adcli.policies.logged import numbers

    return action_means(log, numbers(log.impressions, name)), 0.0


def action_means(log: PreparedLog, values: Floats, prior: float = PRIOR_ROWS) -> Floats:
    """Each action's mean, (K,), weighted by inverse propensities, shrunk by `prior` rows to that of all."""
    weight = log.logged.propensity.mean() / log.logged.propensity
    rows = np.bincount(log.logged.action, weights=weight, minlength=len(log.actions))
    total = np.bincount(log.logged.action, weights=weight * values, minlength=len(log.actions))
    mean = float(total.sum() / rows.sum())
    return np.asarray((total + prior * mean) / (rows + prior), dtype=np.float64)


def _exposures(constraints: Constraints, log: PreparedLog, items: pl.DataFrame | None) -> Iterator[Limit]:
    for column, groups in constraints.minimum_exposure.items():
        labels = _labelled(log, items, column, "minimum_exposure")
        for group, share in groups.items():
            own = _members(labels, group, f"minimum_exposure.{column}")
            yield Limit(f"minimum_exposure.{column}.{group}", -own.astype(np.float64), 0.0, -share)


def _stocks(constraints: Constraints, log: PreparedLog) -> Iterator[Limit]:
    rows = constraints.impressions or log.impressions.height
    for item, count in constraints.stock.items():
        own = _members(log.actions.frame[log.actions.columns[0]], item, "stock").astype(np.float64)
        yield Limit(f"stock.{item}", own, 0.0, count / rows, float(count))


def obeying(candidates: Mapping[str, Policy], log: PreparedLog, rules: Rules | None) -> dict[str, Policy]:
    """The candidates that can choose by price, each within the rules; as they are where there are none."""
    if rules is None:
        return dict(candidates)
    return {
        name: constrained(policy, log, rules)
        for name, policy in candidates.items()
        if name in (DIRECT, POPULAR)
    }


def constrained(policy: Policy, log: PreparedLog, rules: Rules) -> ConstrainedPolicy:
    """The policy that chooses as the given one would, within the rules.

    `policy`: the policy; `log`: the log whose limits are kept, on average, by a sample of it; `rules`: what
    is to be obeyed. Raises DataError if the rules cannot be obeyed together, naming those that collide.
    """
    k = len(log.actions)
    epsilon = max(getattr(policy, "epsilon", 0.0), rules.exploration_floor * k)
    base = replace(policy, epsilon=0.0)  # type: ignore[type-var]
    most = min(MOST_ROWS, MOST_CELLS // k)
    impressions = with_history(ConstrainedPolicy(base.name, base, epsilon, rules), log.impressions)
    if impressions.height > most:
        impressions = impressions.sample(most, seed=log.question.seed)
    if not getattr(getattr(base, "encoder", None), "columns", []):
        means = action_means(log, log.logged.reward)
        rules = rules._replace(limits=tuple(limit.by_action(means) for limit in rules.limits))
    whole = ConstrainedPolicy(base.name, base, epsilon, rules)
    try:
        mixture = _priced(whole, impressions)
    except DataError:
        mixture = None
    if mixture is None or not mixture.feasible:
        raise _collision(base, rules, epsilon, impressions.head(FILTERED_ROWS))
    return replace(whole, columns=tuple(mixture.columns), share=tuple(mixture.share.tolist()))


def _priced(policy: ConstrainedPolicy, impressions: pl.DataFrame) -> Mixture:
    """The mixture of prices at which the policy is best within its limits, on these rows.

    Best is what earns most; of a base without scores, what differs least from it (Kullback and Leibler).
    """
    from scipy.special import rel_entr

    values, allowed = policy.values(impressions), policy.allowed(impressions)
    explored = policy.epsilon * allowed / allowed.sum(axis=1, keepdims=True)
    uses = [limit.use(values) for limit in policy.rules.limits]
    as_base = policy.at(np.zeros(len(uses)), values, allowed)

    def best(prices: Floats) -> Column:
        chosen = (1 - policy.epsilon) * policy.at(prices, values, allowed)
        worth = (
            np.vdot(chosen + explored, values)
            if isinstance(policy.base, ScoredPolicy)
            else -rel_entr(chosen, (1 - policy.epsilon) * as_base).sum()
        )
        use = np.array([np.vdot(chosen + explored, one) for one in uses])
        return Column(prices, float(worth) / values.shape[0], use / values.shape[0])

    return price_limits(best, np.array([limit.most for limit in policy.rules.limits]))


def _collision(base: Policy, rules: Rules, epsilon: float, impressions: pl.DataFrame) -> DataError:
    """Which rules cannot be obeyed together, how far the least of them misses, and what would help."""

    def missed(names: frozenset[str], rate: float = epsilon) -> Floats | None:
        try:
            return _priced(ConstrainedPolicy(base.name, base, rate, rules.only(names)), impressions).excess
        except DataError:
            return None

    def feasible(names: frozenset[str], rate: float = epsilon) -> bool:
        excess = missed(names, rate)
        return excess is not None and not (excess > 0).any()

    found = colliding(feasible, rules.names)
    explored = feasible(frozenset(found), 0.0)  # they could be obeyed if nothing were explored
    floor = rules.exploration_floor * len(rules.no_ad)
    named = [*found, *(["exploration_floor"] if explored and not feasible(frozenset(found), floor) else [])]
    said = named[0] if len(named) == 1 else f"{', '.join(named[:-1])} and {named[-1]}"
    limits, excess = rules.only(frozenset(found)).limits, missed(frozenset(found), 0.0)
    least = ""
    if not explored and len(found) == 1 and limits and limits[0].total and excess is not None:
        least = f": it takes {limits[0].total * (1 + excess[0] / limits[0].most):.6g} at least"
    lower = explored and len(named) == len(found)
    return DataError(
        f"The constraints collide: {said} cannot be obeyed{' together' * (len(named) > 1)} on this log"
        f"{f' with an exploration rate of {epsilon:g}' * lower}{least}.",
        fix=f"Loosen {'it' if len(named) == 1 else 'one of them'}{' or lower --epsilon' * lower}.",
    )
