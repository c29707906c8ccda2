"""A policy: for each row of context, a probability for every action."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, Protocol

import numpy as np
import polars as pl

from adcli.arrays import Flags, Floats, Floats32
from adcli.policies.actions import ActionSet
from adcli.policies.context import ContextEncoder
from adcli.policies.members.member import Link
from adcli.policies.scores import Scores

Rule = Literal["greedy", "softmax"]

CELLS_AT_ONCE = 4_000_000  # rows x actions held in memory at a time
LARGEST_CHUNK = 65_536
TIE = 1e-5  # scores this close, relative to their size, share the greedy choice


class Policy(Protocol):
    """Anything that gives every action a probability in every context."""

    @property
    def name(self) -> str:
        """What it is called in tables."""

    @property
    def actions(self) -> ActionSet:
        """What it chooses among."""

    def probabilities(self, frame: pl.DataFrame) -> Floats32:
        """The probability of each action for each row, shape (n, K); each row sums to 1."""


@dataclass(frozen=True)
class ScoredPolicy:
    """Scores of actions in a context, and a rule that turns them into probabilities.

    `greedy` gives everything to the best score, in equal parts where several tie; `softmax` is their
    exponentials, at a `temperature`, normalised. Each of the E actions eligible in a row then gets at least
    epsilon / E. `link` leads from expected rewards to the scores; without one they are in proportion.
    """

    name: str
    actions: ActionSet
    encoder: ContextEncoder
    model: Scores
    rule: Rule
    epsilon: float
    link: Link | None = None
    temperature: float = 1.0

    def probabilities(self, frame: pl.DataFrame) -> Floats32:
        """The probability of each action for each row, shape (n, K)."""
        scores = self.scores(frame)
        eligible = self.actions.eligibility(frame)
        if eligible is not None:
            scores[~eligible] = -np.inf
        chosen = greedy(scores) if self.rule == "greedy" else softmax(scores, self.temperature)
        return with_floor(chosen, self.epsilon, eligible)

    def scores(self, frame: pl.DataFrame) -> Floats32:
        """The score of each action for each row, shape (n, K)."""
        return self.model.of_all(self.encoder.encode(frame))

    def expected(self, context: Floats32) -> Floats:
        """The expected reward of each action, or what is in proportion to it, in encoded contexts, (n, K)."""
        from scipy.special import expit

        scores = self.model.of_all(context).astype(np.float64)
        return np.asarray(expit(scores) if self.link == "logit" else scores)


def greedy(scores: Floats32) -> Floats32:
    """All probability on the best score of each row, shared equally where scores tie."""
    best = scores.max(axis=1, keepdims=True)
    tied: Floats32 = (scores >= best - TIE * (1 + np.abs(best))).astype(np.float32)
    tied /= tied.sum(axis=1, keepdims=True)
    return tied


def softmax(scores: Floats32, temperature: float = 1.0) -> Floats32:
    """The exponentials of each row's scores over a temperature, normalised. Works in place."""
    scores -= scores.max(axis=1, keepdims=True)
    scores *= np.float32(1 / temperature)
    np.exp(scores, out=scores)
    scores /= scores.sum(axis=1, keepdims=True)
    return scores


def with_floor(chosen: Floats32, epsilon: float, eligible: Flags | None) -> Floats32:
    """Probabilities mixed with epsilon parts of the even choice among the eligible. Works in place."""
    if not epsilon:
        return chosen
    chosen *= np.float32(1 - epsilon)
    if eligible is None:
        chosen += np.float32(epsilon / chosen.shape[1])
    else:
        chosen += eligible * (epsilon / np.maximum(eligible.sum(axis=1, keepdims=True), 1)).astype(np.float32)
    return chosen


def normalised(table: Floats32, eligible: Flags | None = None) -> Floats32:
    """Rows divided by their sum; a row of zeros becomes the even choice among the eligible."""
    even = np.ones_like(table) if eligible is None else eligible.astype(table.dtype)
    filled = np.where(table.sum(axis=1, keepdims=True) > 0, table, even)
    return np.asarray(filled / np.maximum(filled.sum(axis=1, keepdims=True), 1e-30), dtype=np.float32)


def chunks(n_rows: int, n_actions: int) -> Iterator[slice]:
    """Slices of rows, each small enough that rows x actions fit in memory a few times over."""
    size = int(np.clip(CELLS_AT_ONCE // max(n_actions, 1), 256, LARGEST_CHUNK))
    for start in range(0, n_rows, size):
        yield slice(start, min(start + size, n_rows))
