"""What comes of decisions: each reward counts once, for its decision, however late within its window."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from adcli.arrays import Floats, Integers
from adcli.optimize.stream.decisions import Decisions
from adcli.optimize.stream.drift import Drift
from adcli.optimize.stream.exploration import Settings
from adcli.optimize.stream.learner import Learner
from adcli.optimize.stream.refused import RefusedLine, finite, identifier
from adcli.optimize.stream.spending import DEAREST

JUMP = 2.0  # half-lives that pass where a drift is found
LOST = -np.inf  # the reward of an auction that was not won: nothing was shown

Settled = tuple[int, float, float | None, float]


def _outcome(message: Mapping[str, Any], reward: float) -> tuple[float, float]:
    """The reward and the cost of a line."""
    cost = finite(message, "cost", 0, DEAREST) if "cost" in message else 0.0
    won = message.get("won", True)
    if type(won) is not bool or (not won and (reward or cost)):
        raise RefusedLine("'won' must be true or false, and what was not won has no reward and no cost.")
    return (reward if won else LOST), cost


class Rewards:
    """The decisions of a stream, and the model that their rewards are learned by."""

    def __init__(
        self, settings: Settings, actions: int, dimensions: int, level: float, parts: int, *, is_rate: bool
    ) -> None:
        self._settings, self._least = settings, 0.0 if is_rate else -settings.max_reward
        self.learner = Learner(actions, dimensions, level, settings.prior_weight, parts)
        self.drift = Drift(actions)
        self.decisions = Decisions(self.learner.dimensions)
        self.drifts = self.last_drift = 0  # how many were found, and after how many decisions the last
        self.new: dict[int, tuple[float, float]] = {}  # reward and cost, not learned of yet

    def row(self, message: Mapping[str, Any]) -> int:
        """The number of the decision that a reward is of, which may still wait to be made.

        Raises RefusedLine if there is none, or none any more.
        """
        row = self.decisions.index.get(identifier(message))
        if row is None:
            window = self._settings.reward_window
            raise RefusedLine(f"None of the last {window:,} decisions has this id (--reward-window).")
        return row

    def take(self, row: int, message: Mapping[str, Any]) -> Settled | None:
        """Keep the reward of a decision until the model is next solved.

        Returns:
            The decision's action, its cost, the cost that was known before, if any, and its bid; None of a
            reward that is no news.

        Raises RefusedLine if it is none, or its decision has another.
        """
        least, most = self._least, self._settings.max_reward
        outcome = _outcome(message, finite(message, "reward", least, most) if "reward" in message else 0.0)
        made, before = self.decisions[row], self.new.get(row)
        if before is None and not np.isnan(made["reward"]):
            before = float(made["reward"]), float(made["cost"])
        if before == outcome:
            return None
        if before is not None and message.get("replace") is not True:
            raise RefusedLine('This decision has another reward; "replace": true takes this one instead.')
        self.new[row] = outcome
        return int(made["action"]), outcome[1], None if before is None else before[1], float(made["bid"])

    def take_first(self, row: int, outcome: tuple[float, float]) -> bool:
        """Keep a reward of 0 or 1 of a decision that has none; whether that could be."""
        if row in self.new or outcome[0] > self._settings.max_reward:
            return False
        decisions = self.decisions
        if row < decisions.size and not math.isnan(decisions.reward_of(row)):
            return False
        self.new[row] = outcome
        return True

    def unheard(self) -> NDArray[Any]:
        """The decisions kept that nothing was heard of."""
        rows = np.arange(self.decisions.first, self.decisions.size)
        heard = np.fromiter((row for row in self.new if row < self.decisions.size), dtype=np.int64)
        made = self.decisions[np.delete(rows, heard - self.decisions.first)]
        found: NDArray[Any] = made[np.isnan(made["reward"])]
        return found

    def learn(self) -> tuple[NDArray[Any], NDArray[Any]]:
        """Learn of the rewards taken, and let go of what is older than the window.

        Returns:
            The decisions learned of, and those let go that nothing was heard of.
        """
        rows = np.fromiter(self.new, dtype=np.int64, count=len(self.new))
        reward, cost = np.array(list(self.new.values())).reshape(-1, 2).T
        self.new = {}
        made = self.decisions[rows]
        self.decisions.put(rows, reward=reward, cost=cost)
        more = reward - np.where(np.isfinite(made["reward"]), made["reward"], 0.0)
        more_cost = cost - made["cost"]
        made["reward"], made["cost"] = reward, cost
        if (shown := np.isfinite(reward)).all():
            self._count(rows, made, more, more_cost)
        else:
            self._count(rows[shown], made[shown], more[shown], more_cost[shown])
        return made, self._close_window()

    def _count(self, rows: Integers, made: NDArray[Any], reward: Floats, cost: Floats) -> None:
        """Add rewards to the sums, or how far they changed where a decision was counted before."""
        if not rows.size:
            return
        is_new, action, expected = ~made["counted"], made["action"].astype(np.int64), made["expected"]
        self.decisions.put(rows, counted=True)
        targets = np.column_stack([reward - np.where(is_new, expected, 0), cost])
        self.learner.learn(made["context"], expected, action, made["clock"], targets, is_new)
        residual = (reward - made["predicted"])[is_new]
        half_life, deviation = self._settings.half_life, self.learner.deviation
        self.learner.observe(
            reward[is_new], residual, 0.5 ** (residual.size / half_life) if half_life else 1.0
        )
        if self.drift.observe(action[is_new], residual / deviation):
            self.drifts, self.last_drift = self.drifts + 1, self.decisions.size
            self.learner.pass_time(JUMP)

    def _close_window(self) -> NDArray[Any]:
        """Decisions that had no reward within their window count as 0, but for auctions: those were lost."""
        stop = self.decisions.size - self._settings.reward_window
        rows = np.arange(self.decisions.first, max(stop, self.decisions.first))
        rows = rows[np.isnan(self.decisions[rows]["reward"])]
        unheard = self.decisions[rows]
        shown = unheard["bid"] == 0
        self._count(rows[shown], unheard[shown], np.zeros(shown.sum()), np.zeros(shown.sum()))
        if stop > self.decisions.first:
            self.decisions.forget(stop)
        return unheard
