"""What a stream obeys of its policy's constraints, decision by decision."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from adcli.arrays import Flags, Floats
from adcli.policies.rules import Rules

STOCK, BUDGET = "stock.", "budget"


class LiveConstraints(NamedTuple):
    """The constraints of a policy, for a stream."""

    columns: tuple[str, ...] = ()  # of the context, that say where a rule holds
    # of these and others, what each request must name, with the rule that is about it
    needed: Mapping[str, str] = {}
    frequency_cap: int | None = None  # the most decisions for one action that a user gets
    # the numbers of the actions that show no ad, which neither cap nor budget is of
    free: tuple[int, ...] = ()
    caps: Mapping[str, int] = {}  # the most decisions for an item, in all
    budget: Mapping[str, float] = {}  # a line of one, or nothing
    costs: Floats | None = None  # what each action costs, shape (K,), where there is a budget
    floor: float = 0.0  # the least probability of an action
    said: str = ""  # what is obeyed, and what cannot be

    def is_free(self, actions: int) -> Flags:
        """Which of the actions show no ad, shape (K,)."""
        return np.isin(np.arange(actions), self.free)


NOTHING = LiveConstraints()


def live_constraints(rules: Rules) -> LiveConstraints:
    """What a stream can obey of the rules of a rules."""
    hours = [rule.rule for rule in rules.forbidden if rule.hours]
    needed = {"event_time": hours[0]} if hours else {}
    if rules.frequency_cap is not None:
        needed["user_id"] = "frequency_cap"
    totals = {one.rule: one.total for one in rules.limits if one.total is not None}
    caps = {name.removeprefix(STOCK): int(n) for name, n in totals.items() if name.startswith(STOCK)}
    paid = next((one for one in rules.limits if one.rule == BUDGET), None)
    floor = ["exploration_floor"] if rules.exploration_floor else []
    kept = dict.fromkeys([*(rule.rule for rule in rules.forbidden), *needed.values(), *totals, *floor])
    left = [one.rule for one in rules.limits if one.rule not in totals]
    return LiveConstraints(
        tuple(
            name
            for rule in rules.forbidden
            for name in (*rule.where, *(["event_time"] if rule.hours else []))
        ),
        needed,
        rules.frequency_cap,
        tuple(rules.no_ad.nonzero()[0].tolist()),
        caps,
        {"budget": totals[BUDGET], "decisions": totals[BUDGET] / paid.most} if paid else {},
        paid.per_action if paid else None,
        rules.exploration_floor,
        _said(list(kept), left),
    )


def _said(kept: list[str], left: list[str]) -> str:
    """One sentence."""
    names = [f"{one} (by the cost that rewards name)" if one == BUDGET else one for one in kept]
    obeyed = f"obeyed: {', '.join(names)}" if names else ""
    not_obeyed = f"not, as no single decision keeps a share or ratio: {', '.join(left)}" if left else ""
    return f"Of the policy's constraints are {'; '.join(filter(None, [obeyed, not_obeyed]))}."
