"""What a stream may spend, and the price that makes it last: dual descent on the spend per decision."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from adcli.optimize.stream.refused import finite

RATE = 0.1
FULL_RATE_DECISIONS = 64.0


@dataclass
class Spending:
    """A budget, for so many decisions or until it is spent, and the reward that a unit of cost must earn.

    Source: Balseiro, Lu and Mirrokni (2020), algorithm 1 with the Euclidean distance.

    Attributes:
        budget: The most that may be spent.
        spent: Of it.
        reserved: The bids in auctions that are under way.
        decisions: That it is to last for; 0 where that is not said.
        made: Of these.
        price: Reward per unit of cost.
        since: Decisions made since the price was set.
        expected: What these are expected to cost.
    """

    budget: float = math.inf
    spent: float = 0.0
    reserved: float = 0.0
    decisions: float = 0.0
    made: float = 0.0
    price: float = 0.0
    since: float = 0.0
    expected: float = 0.0

    @property
    def is_spent(self) -> bool:
        """Whether nothing is left."""
        return self.spent >= self.budget

    def begin(self, message: Mapping[str, Any]) -> None:
        """A new budget from a line: `{"budget": 1000, "decisions": 50000}`; price and open bids stay.

        Raises:
            RefusedLine: If an amount is none.
        """
        budget = finite(message, "budget", 0, 1e15)
        decisions = finite(message, "decisions", 1, 1e15) if "decisions" in message else 0.0
        self.budget, self.decisions = budget, decisions
        self.spent = self.made = self.since = self.expected = 0.0
        self.price = self.price if decisions else 0.0

    def decided(self, count: int, expected_cost: float, bids: float) -> None:
        """Decisions that were made."""
        self.made += count
        self.since += count
        self.expected += expected_cost
        self.reserved += bids

    def settle(self, cost: float, bid: float) -> None:
        """What an auction or impression cost, and the bid that is not open any more."""
        self.spent += cost
        self.reserved = max(self.reserved - bid, 0.0)

    def adjust(self, scale: float) -> None:
        """Set the price anew; `scale` is the mean reward of a decision."""
        if not self.decisions or not self.since:
            return
        target = max(self.budget - self.spent, 0.0) / max(self.decisions - self.made, 1.0)
        excess = min(max(self.expected / max(self.since * target, 1e-300) - 1, -1.0), 1.0)
        step = RATE * min(self.since / FULL_RATE_DECISIONS, 1.0) * scale / max(target, 1e-300)
        self.price = max(self.price + step * excess, 0.0)
        self.since = self.expected = 0.0
