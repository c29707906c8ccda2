"""Decisions and what came of them: each reward counts once, for its decision, however late."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from adcli.optimize.stream.decisions import Decisions
from adcli.optimize.stream.drift import Drift
from adcli.optimize.stream.learner import Learner
from adcli.optimize.stream.refused import RefusedLine, finite, identifier
from adcli.optimize.stream.settings import Settings

JUMP = 2.0  # half-lives that pass where a drift is found
DEAREST = 1e9
LOST = -np.inf  # the reward of an auction that was not won: nothing was shown

Matrix = NDArray[np.float64]


def _outcome(message: Mapping[str, Any], reward: float) -> tuple[float, float]:
    """The reward and the cost of a line."""
    cost = finite(message, "cost", 0, DEAREST) if "cost" in message else 0.0
    won = message.get("won", True)
    if type(won) is not bool or (not won and (reward or cost)):
        raise RefusedLine("'won' must be true or false, and what was not won has no reward and no cost.")
    return (reward if won else LOST), cost


class Rewards:
    """The decisions of a stream, and the model that their rewards are learned by."""

    def __init__(self, settings: Settings, actions: int, dimensions: int, level: float, parts: int) -> None:
        self._settings = settings
        self.learner = Learner(actions, dimensions, level, settings.prior_weight, parts)
        self.drift = Drift(actions)
        self.decisions = Decisions(self.learner.dimensions)
        # decisions whose window has passed; drifts, and the decision at which the last was found
        self.counters = np.zeros(3, dtype=np.int64)
        self._new: dict[int, tuple[float, float]] = {}

    def take(self, message: Mapping[str, Any]) -> bool:
        """Keep a reward until the model is next solved; whether it is news.

        Raises:
            RefusedLine: If it is none, or its decision has another.
        """
        row = self.decisions.index.get(identifier(message))
        if row is None:
            raise RefusedLine("No decision has this id.")
        most = self._settings.max_reward
        outcome = _outcome(message, finite(message, "reward", -most, most) if "reward" in message else 0.0)
        before = self._new.get(row)
        if before is None and row < self.decisions.size:
            known = float(self.decisions["reward"][row])
            before = None if known != known else (known, float(self.decisions["cost"][row]))
        if before is not None:
            if before == outcome:
                return False
            if message.get("replace") is not True:
                raise RefusedLine('This decision has another reward; "replace": true takes this one instead.')
        self._new[row] = outcome
        return True

    def take_first(self, row: int, outcome: tuple[float, float]) -> bool:
        """Keep a reward of 0 or 1 of a decision that has none; whether that could be."""
        if row in self._new or outcome[0] > self._settings.max_reward:
            return False
        if row < self.decisions.size and not math.isnan(self.decisions["reward"][row]):
            return False
        self._new[row] = outcome
        return True

    def learn(self) -> tuple[NDArray[np.int64], float]:
        """Learn of the rewards taken; their decisions, and what was spent on them."""
        columns, new = self.decisions, self._new
        self._new = {}
        rows = np.fromiter(new, dtype=np.int64, count=len(new))
        reward, cost = np.array(list(new.values())).reshape(-1, 2).T
        more_cost = cost - columns["cost"][rows]
        before = columns["reward"][rows]
        more_reward = reward - np.where(np.isfinite(before), before, 0.0)
        columns["reward"][rows], columns["cost"][rows] = reward, cost
        shown = np.isfinite(reward)
        self._count(rows[shown], more_reward[shown], more_cost[shown])
        self._close_window()
        return rows, float(more_cost.sum())

    def _count(self, rows: NDArray[np.int64], reward: Matrix, cost: Matrix) -> None:
        """Add rewards to the sums, or how far they changed where a decision was counted before."""
        if not rows.size:
            return
        columns = self.decisions
        is_new, action = ~columns["counted"][rows], columns["action"][rows].astype(np.int64)
        columns["counted"][rows] = True
        expected = columns["expected"][rows]
        targets = np.column_stack([reward - np.where(is_new, expected, 0), cost])
        context, clock = columns["context"][rows], columns["clock"][rows]
        self.learner.learn(context, expected, action, clock, targets, is_new)
        residual = (reward - columns["predicted"][rows])[is_new]
        half_life, deviation = self._settings.half_life, self.learner.deviation
        self.learner.observe(
            reward[is_new], residual, 0.5 ** (residual.size / half_life) if half_life else 1.0
        )
        if self.drift.observe(action[is_new], residual / deviation):
            self.counters[1:] = self.counters[1] + 1, columns.size
            self.learner.pass_time(JUMP)

    def _close_window(self) -> None:
        """Count decisions as without reward whose window has passed; a later reward still counts."""
        stop = self.decisions.size - self._settings.reward_window
        if not self._settings.reward_window or stop <= self.counters[0]:
            return
        rows = np.arange(self.counters[0], stop)
        self.counters[0] = stop
        rows = rows[np.isnan(self.decisions["reward"][rows])]
        self._count(rows, np.zeros(rows.size), np.zeros(rows.size))

    def outcomes(self) -> tuple[Matrix, Matrix]:
        """The reward (NaN without one) and the cost of each decision, those not yet learned of among them."""
        size = self.decisions.size
        reward, cost = self.decisions["reward"][:size].copy(), self.decisions["cost"][:size].copy()
        for row, outcome in self._new.items():
            reward[row], cost[row] = outcome
        return np.where(np.isfinite(reward), reward, np.nan), cost

    def tensors(self) -> dict[str, NDArray[Any]]:
        """Where the model stands, as plain arrays."""
        new = np.array([(row, *outcome) for row, outcome in self._new.items()], dtype=np.float64)
        parts = {name: getattr(part, field) for name, part, field in self._parts()}
        return {**parts, "new": new.reshape(-1, 3), **self.decisions.tensors()}

    def restore(self, tensors: Mapping[str, NDArray[Any]]) -> None:
        """What `tensors` gave."""
        for name, part, field in self._parts():
            setattr(part, field, tensors[name].copy())
        self._new = {int(row): (reward, cost) for row, reward, cost in tensors["new"].tolist()}
        self.decisions.restore(tensors)

    def _parts(self) -> Iterator[tuple[str, Any, str]]:
        for field in ("products", "targets", "theta", "moments", "clocks"):
            yield f"learner.{field}", self.learner, field
        for field in ("sums", "seen"):
            yield f"drift.{field}", self.drift, field
        yield "rewards.counters", self, "counters"
