"""What a stream may spend, and the price that makes it last: dual descent on the spend per decision."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from adcli.optimize.stream.refused import finite

RATE = 0.1
FULL_RATE_DECISIONS = 64.0


class Spending:
    """A budget, for so many decisions or until it is spent, and the reward that a unit of cost must earn.

    Source: Balseiro, Lu and Mirrokni (2020), algorithm 1 with the Euclidean distance.
    """

    def __init__(self) -> None:
        # the budget, what is spent of it, decisions that it is to last for, those made; the price; then of
        # the decisions since the price was set, how many, and what they are expected to cost
        self.numbers = np.array([np.inf, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0])

    @property
    def price(self) -> float:
        """Reward per unit of cost."""
        return float(self.numbers[4])

    @property
    def decisions(self) -> float:
        """How many decisions the budget is to last for; 0 where that is not said."""
        return float(self.numbers[2])

    @property
    def is_spent(self) -> bool:
        """Whether nothing is left."""
        return bool(self.numbers[1] >= self.numbers[0])

    def begin(self, message: Mapping[str, Any]) -> None:
        """A new budget from a line: `{"budget": 1000, "decisions": 50000}`; the price stays.

        Raises:
            RefusedLine: If an amount is none.
        """
        budget = finite(message, "budget", 0, 1e15)
        decisions = finite(message, "decisions", 1, 1e15) if "decisions" in message else 0.0
        price = self.price if decisions else 0.0
        self.numbers[:] = budget, 0.0, decisions, 0.0, price, 0.0, 0.0

    def decided(self, count: int, expected_cost: float) -> None:
        """Decisions that were made."""
        self.numbers[3] += count
        self.numbers[5:] += count, expected_cost

    def adjust(self, spent: float, scale: float) -> None:
        """Count what was spent, and set the price anew; `scale` is the mean reward of a decision."""
        budget, _, decisions, made, price, count, expected = self.numbers
        self.numbers[1] += spent
        left = budget - self.numbers[1]
        if not decisions or not count:
            return
        target = max(left, 0.0) / max(decisions - made, 1.0)
        excess = np.clip(expected / max(count * target, 1e-300) - 1, -1, 1)
        step = RATE * min(count / FULL_RATE_DECISIONS, 1.0) * scale / max(target, 1e-300)
        self.numbers[4] = max(price + step * float(excess), 0.0)
        self.numbers[5:] = 0.0
