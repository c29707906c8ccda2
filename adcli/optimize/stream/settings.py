"""How a stream explores and forgets."""

from __future__ import annotations

from typing import Literal, NamedTuple

Exploration = Literal["squarecb", "thompson", "epsilon-greedy"]


class Settings(NamedTuple):
    """What is fixed when a state is begun.

    Attributes:
        exploration: How actions other than the best are tried.
        exploration_cost: What SquareCB gives up at most, as a share of the mean reward.
        epsilon: The share of choices made uniformly.
        half_life: Decisions after which what was learned counts half; 0 for no forgetting.
        reward_window: Decisions after which one without a reward counts as 0, and is let go.
        prior_weight: Rewards that the offline policy counts for.
        max_reward: The largest size of a reward.
        seed: Of the draws.
    """

    exploration: Exploration = "squarecb"
    exploration_cost: float = 0.02
    epsilon: float = 0.02
    half_life: int = 0
    reward_window: int = 1_000_000
    prior_weight: float = 10.0
    max_reward: float = 1.0
    seed: int = 0
