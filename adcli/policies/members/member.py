"""What a member of the reward model's stack is, and the rows it is fitted to."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Literal, NamedTuple, Protocol, runtime_checkable

import numpy as np

from adcli.arrays import Flags, Floats, Floats32, Integers, Integers32
from adcli.policies.scores import Scores

Link = Literal["logit", "identity"]
FEWEST_REWARDS = 100  # below which a member that bends would learn noise


class RewardRows(NamedTuple):
    """The rows that are fitted, the weight each stands for, and the features (K, e) of the actions.

    `texts` are the scores of all actions by a model of texts, shape (n, K), None without one.
    """

    context: Floats32
    action: Integers32
    reward: Floats
    weight: Floats
    features: Floats32
    texts: Floats32 | None = None

    @property
    def whole(self) -> Floats32:
        """The context with the scores of texts beside it, as it is encoded."""
        return self.context if self.texts is None else np.hstack([self.context, self.texts])

    def take(self, rows: Flags | Integers) -> RewardRows:
        """Some of the rows."""
        return RewardRows(
            self.context[rows],
            self.action[rows],
            self.reward[rows],
            self.weight[rows],
            self.features,
            None if self.texts is None else self.texts[rows],
        )

    @property
    def rewarded(self) -> int:
        """How many rows earned something."""
        return int((self.reward != 0).sum())

    @property
    def link(self) -> Link:
        """How scores become rewards: log-odds of rewards of 0 and 1, else the rewards themselves."""
        return "logit" if np.isin(self.reward, (0.0, 1.0)).all() else "identity"

    def mean_score(self) -> float:
        """The score whose prediction is the mean reward; of clicks, at least half a one."""
        total, rewards = float(self.weight.sum()), float(self.reward @ self.weight)
        if self.link == "identity":
            return rewards / total
        clicks = min(max(rewards, 0.5), total - 0.5)
        return float(np.log(clicks / (total - clicks)))


Blocks = Callable[[], Iterator[tuple[RewardRows, Integers32]]]  # all rows of a log, and their folds


class Member(Protocol):
    """A regression of the reward on context and action."""

    @property
    def name(self) -> str:
        """What it is called."""

    @property
    def cost(self) -> float:
        """Of a fit, roughly, over that of the cheapest."""

    def can_learn(self, rows: RewardRows) -> bool:
        """Whether there is in these rows what it needs."""

    def tuned(self, rows: RewardRows, link: Link) -> Member:
        """Itself, with what a part of these rows held out decides (how many trees, say)."""

    def fit(self, rows: RewardRows, link: Link) -> Scores:
        """The score of each action as a function of the context."""


@runtime_checkable
class LearnsFromAll(Protocol):
    """A member that learns from more rows than fit in memory."""

    def fit_all(self, training: Sequence[RewardRows], blocks: Blocks, link: Link) -> list[Scores] | None:
        """Scores fitted to all rows but those of each fold, the last to all; None where it cannot.

        `training`: a sample of the rows of each fit; `blocks`: all rows; `link`: what scores are.
        """


def losses(scores: Floats, reward: Floats, link: Link) -> Floats:
    """The log loss (clicks) or the squared error of each row, shape (n,)."""
    if link == "identity":
        return np.square(scores - reward)
    return np.logaddexp(0, scores) - reward * scores


def held_out(rows: RewardRows, share: float) -> Flags:
    """A random part of the rows, the same each time, shape (n,)."""
    return np.random.default_rng(2).random(rows.reward.size) < share
