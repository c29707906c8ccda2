"""What a stream may spend, what of it is kept for decisions under way, and the price that makes it last."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from adcli.arrays import Flags, Floats, Integers
from adcli.optimize.stream.refused import RefusedLine, finite

RATE = 0.1
FULL_RATE_DECISIONS = 64.0
DEAREST = 1e9
DEVIATIONS = 4.0  # that what decisions under way cost may come out above what is expected
UNKNOWN = 10.0  # times what a decision may cost on average that one is taken to cost while no cost is known
LOGGED_COSTS = 100.0  # decisions that what the offline policy knows of the cost of an action counts for


class Spending:
    """A budget, for so many decisions or until it is spent, and the reward that a unit of cost must earn.

    A part of the budget is kept for each decision whose cost is not known: its bid, what the budget's line
    asks, or what its action has cost so far. While few costs are known, few decisions go ahead of them.
    Source of the price: Balseiro, Lu and Mirrokni (2020), algorithm 1 with the Euclidean distance.

    Attributes:
        budget: The most that may be spent.
        spent: Of it.
        decisions: That it is to last for; 0 where that is not said.
        made: Of these.
        price: Reward per unit of cost.
        since: Decisions made since the price was set.
        expected: What these are expected to cost.
        asked: What is kept for each decision under way; NaN where that is not said, 0 where bids are.
        bids: The bids in auctions under way.
        dearest: The most that a decision has cost.
        heard: Of each action: how many costs are known, their sum and that of their squares, shape (3, K).
        open: The decisions of each action whose cost is not known, shape (K,).
    """

    def __init__(self, free: Flags, costs: Floats | None = None, *, by_bids: bool = False) -> None:
        """Nothing is spent, of no budget.

        `free`: the actions that cost nothing, shape (K,); `costs`: what each action costs, as far as that is
        known, shape (K,); `by_bids`: whether bids say what decisions under way may cost.
        """
        self._free, self._unasked = free, 0.0 if by_bids else math.nan
        self.budget, self.asked, self.dearest = math.inf, self._unasked, 0.0
        self.spent = self.decisions = self.made = self.price = self.since = self.expected = self.bids = 0.0
        self.heard, self.open = np.zeros((3, free.size)), np.zeros(free.size)
        if costs is not None:
            self.heard[:] = LOGGED_COSTS * np.stack([np.ones(free.size), costs, costs**2])
            self.dearest = float(costs.max())

    @property
    def is_limited(self) -> bool:
        """Whether there is a budget."""
        return self.budget < math.inf

    @property
    def left(self) -> float:
        """What is not spent."""
        return max(self.budget - self.spent, 0.0)

    @property
    def reserved(self) -> float:
        """What is kept for decisions under way."""
        return min(float(self._with(0.0, 0.0)), self.left) if self.is_limited else 0.0

    def _with(self, more: Any, variance: Any) -> Any:
        """What is kept, were there further decisions of such costs in all, with such a variance."""
        mean, own, doubt = self._costs()
        expected = self.open @ mean + doubt * self.open[~self._free].sum()
        return self.bids + expected + more + DEVIATIONS * np.sqrt(self.open @ own + variance)

    def _costs(self) -> tuple[Floats, Floats, float]:
        """What a decision of each action may cost and its variance, (K,), and what more one under way may.

        Of few costs little is known: about as many decisions as these go ahead of them.
        """
        paid, known = (~self._free).astype(np.float64), self.heard[0].sum()
        if not math.isnan(self.asked):
            return self.asked * paid, 0 * paid, 0.0
        unknown = UNKNOWN * self.budget / self.decisions if self.decisions else self.left
        if not known:
            return unknown * paid, 0 * paid, 0.0
        count, total, squares = self.heard + np.array([[1], [self.dearest], [self.dearest**2]])
        mean = total / count
        variance = squares / count - mean**2
        variance[variance < 1e-12 * mean**2] = 0
        return paid * (mean + 2 * np.sqrt(variance / count)), paid * variance, float(unknown / known)

    def affordable(self) -> Flags:
        """Which actions the budget pays for once more, (K,)."""
        if not self.is_limited:
            return np.ones(self._free.size, dtype=bool)
        return np.asarray(self._free | ((self._with(*self._costs()[:2]) <= self.left) & (self.left > 0)))

    def room(self) -> float:
        """How many decisions the budget pays for at least, whatever they show."""
        if not self.is_limited:
            return math.inf
        mean, variance, doubt = self._costs()
        most = float((mean + DEVIATIONS * np.sqrt(variance)).max()) + doubt
        if not self.left:
            return 0.0
        return (self.left - self.reserved) / most if most else math.inf

    def why_not(self) -> str:
        """Why the budget pays for nothing."""
        under_way = int(self.open[~self._free].sum())
        if not self.left or not under_way:
            return "The budget is spent."
        return (
            f"What is left of the budget, {self.left:g}, is kept for decisions under way ({under_way:,}): "
            'send their rewards, zeros too, or say what to keep for each: {"budget": ..., "cost": ...}.'
        )

    def begin(self, message: Mapping[str, Any], under_way: Floats) -> None:
        """A new budget from a line: `{"budget": 1000, "decisions": 50000}`; price and open bids stay.

        Args:
            message: The line; `"cost"`, if it has it, is what is kept for each decision under way.
            under_way: The decisions of each action whose cost is not known, shape (K,).

        Raises:
            RefusedLine: If an amount is none.
        """
        budget = finite(message, "budget", 0, 1e15)
        decisions = finite(message, "decisions", 1, 1e15) if "decisions" in message else 0.0
        if "cost" in message and not math.isnan(self._unasked):
            raise RefusedLine("'cost' is not of a budget for bids: a bid says what an auction may cost.")
        self.asked = finite(message, "cost", 0, DEAREST) if "cost" in message else self._unasked
        self.budget, self.decisions, self.open = budget, decisions, under_way
        self.spent = self.made = self.since = self.expected = 0.0
        self.price = self.price if decisions else 0.0

    def decided(self, action: Integers, expected_cost: float, bids: float) -> None:
        """Decisions that were made, with the number of the action of each, shape (n,)."""
        self.made += action.size
        self.since += action.size
        self.expected += expected_cost
        self.bids += bids
        self.open += np.bincount(action, minlength=self.open.size)

    def settle(self, action: int, cost: float, before: float | None, bid: float) -> None:
        """What a decision cost; where another cost was known `before`, in its place."""
        self.spent += cost - (before or 0.0)
        self.dearest = max(self.dearest, cost)
        if before is None:
            self.bids = max(self.bids - bid, 0.0)
            self.open[action] -= 1
            self.heard[:, action] += 1.0, cost, cost**2

    def let_go(self, action: Integers, bids: float) -> None:
        """Decisions (n,) that nothing more is to be heard of: they cost nothing."""
        count = np.bincount(action, minlength=self.open.size)
        self.open -= count
        self.heard[0] += count
        self.bids = max(self.bids - bids, 0.0)

    def adjust(self, scale: float) -> None:
        """Set the price anew; `scale` is the mean reward of a decision."""
        if not self.decisions or not self.since:
            return
        target = self.left / max(self.decisions - self.made, 1.0)
        excess = min(max(self.expected / max(self.since * target, 1e-300) - 1, -1.0), 1.0)
        step = RATE * min(self.since / FULL_RATE_DECISIONS, 1.0) * scale / max(target, 1e-300)
        self.price = max(self.price + step * excess, 0.0)
        self.since = self.expected = 0.0
