"""What a stream obeys of its policy's constraints, decision by decision."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from adcli.policies.constrained import ConstrainedPolicy

STOCK, BUDGET, FLOOR = "stock.", "budget", "exploration_floor"


class Obeyed(NamedTuple):
    """The constraints of a policy, for a stream.

    Attributes:
        columns: Of the context, that say where a rule holds.
        needed: Of these and others, what each request must name, with the rule that is about it.
        frequency_cap: The most decisions for one action that a user gets.
        free: The numbers of the actions that show no ad, which neither cap nor budget is of.
        caps: The most decisions for an item, in all.
        budget: A line of one, or nothing.
        floor: The least probability of an action.
        said: What is obeyed, and what cannot be.
    """

    columns: tuple[str, ...] = ()
    needed: Mapping[str, str] = {}
    frequency_cap: int | None = None
    free: tuple[int, ...] = ()
    caps: Mapping[str, int] = {}
    budget: Mapping[str, float] = {}
    floor: float = 0.0
    said: str = ""

    def is_free(self, actions: int) -> NDArray[np.bool_]:
        """Which of the actions show no ad, shape (K,)."""
        return np.isin(np.arange(actions), self.free)


NOTHING = Obeyed()


def obeyed_live(policy: ConstrainedPolicy, about: Mapping[str, Any]) -> Obeyed:
    """What a stream can obey of a policy's constraints, whose `policy.json` says the floor."""
    hours = [rule.rule for rule in policy.forbidden if rule.hours]
    needed = {"event_time": hours[0]} if hours else {}
    if policy.frequency_cap is not None:
        needed["user_id"] = "frequency_cap"
    totals = {one.rule: one.total for one in policy.limits if one.total is not None}
    caps = {name.removeprefix(STOCK): int(n) for name, n in totals.items() if name.startswith(STOCK)}
    decisions = [totals[BUDGET] / one.most for one in policy.limits if one.rule == BUDGET]
    floors = [one["limit"] for one in about.get("obeyed") or () if one["constraint"] == FLOOR]
    kept = dict.fromkeys(
        [*(rule.rule for rule in policy.forbidden), *needed.values(), *totals, *([FLOOR] if floors else [])]
    )
    left = [one.rule for one in policy.limits if one.rule not in totals]
    return Obeyed(
        tuple(
            name
            for rule in policy.forbidden
            for name in (*rule.where, *(["event_time"] if rule.hours else []))
        ),
        needed,
        policy.frequency_cap,
        tuple(policy.uncapped.nonzero()[0].tolist()),
        caps,
        {"budget": totals[BUDGET], "decisions": decisions[0]} if decisions else {},
        max(floors, default=0.0),
        _said(list(kept), left),
    )


def _said(kept: list[str], left: list[str]) -> str:
    """One sentence."""
    names = [f"{one} (by the cost that rewards name)" if one == BUDGET else one for one in kept]
    said = f"The policy's constraints {', '.join(names)} are obeyed" if kept else ""
    if not left:
        return f"{said}." if said else ""
    cannot = f"{', '.join(left)} cannot be, as no single decision keeps a share or ratio"
    return f"{said}; {cannot}." if said else f"Of the policy's constraints {cannot}."
