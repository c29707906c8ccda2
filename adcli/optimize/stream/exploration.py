"""From rewards that are expected to the probability of showing each action."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from typing import Literal, NamedTuple

import numpy as np

from adcli.arrays import Flags, Floats

QUADRATURE_POINTS = 48
WIDEST = 5.0  # standard errors around the likely best that the quadrature covers

Exploration = Literal["squarecb", "thompson", "epsilon-greedy"]


class Settings(NamedTuple):
    """What is fixed when a state is begun."""

    exploration: Exploration = "squarecb"  # how actions other than the best are tried
    exploration_cost: float = 0.02  # what SquareCB gives up at most, as a share of the mean reward
    epsilon: float = 0.02  # the share of choices made uniformly
    half_life: int = 0  # decisions after which what was learned counts half; 0 for no forgetting
    reward_window: int = 1_000_000  # decisions after which one without a reward counts as 0, and is let go
    prior_weight: float = 10.0  # rewards that the offline policy counts for
    max_reward: float = 1.0  # the largest size of a reward
    seed: int = 0  # of the draws


def probabilities(
    settings: Settings,
    value: Floats,
    eligible: Flags,
    *,
    scale: float,
    spread: Callable[[], Floats],
    floor: float,
    wider: float,
) -> Floats:
    """The probability of each action for each row, shape (n, K).

    Args:
        settings: Which rule, and how much it may cost.
        value: What each action is worth, shape (n, K).
        eligible: Which actions may be shown, shape (n, K).
        scale: The mean size of a reward.
        spread: Gives the standard errors of the values, shape (n, K).
        floor: The share of choices made uniformly.
        wider: How many times as much as usual is explored.
    """
    match settings.exploration:
        case "squarecb":
            chosen = square_cb(value, eligible, settings.exploration_cost * scale * wider)
        case "thompson":
            chosen = thompson(value, spread() * wider**0.5, eligible)
        case "epsilon-greedy":
            chosen = greedy(value, eligible)
    return np.round(with_floor(chosen, eligible, min(floor * wider, 1.0)), 12)


def square_cb(value: Floats, eligible: Flags, most_lost: float) -> Floats:
    """Inverse gap weighting: the farther an action is behind the best, the less it is shown.

    Its parameter gamma is the one at which exploring costs at most `most_lost` of reward per decision.
    Source: Foster and Rakhlin (2020), algorithm 1.
    """
    others = np.maximum(eligible.sum(axis=1, keepdims=True) - 1, 1)
    gap = np.where(
        eligible, value.max(axis=1, keepdims=True, where=eligible, initial=-np.inf) - value, np.inf
    )
    chosen = 1 / (others + 1 + others / max(most_lost, 1e-300) * gap)
    return _rest_on_best(chosen, gap)


def greedy(value: Floats, eligible: Flags) -> Floats:
    """All probability on the best action; the first of several."""
    gap = np.where(eligible, -value, np.inf)
    return _rest_on_best(np.zeros_like(value), gap)


def _rest_on_best(chosen: Floats, gap: Floats) -> Floats:
    rows, best = np.arange(gap.shape[0]), gap.argmin(axis=1)
    chosen[rows, best] = 0
    chosen[rows, best] = 1 - chosen.sum(axis=1)
    return chosen


def thompson(value: Floats, spread: Floats, eligible: Flags) -> Floats:
    """The probability that each action is the best, rewards being normal and independent, by quadrature.

    Source: Agrawal and Goyal (2013), whose draws have these probabilities.
    """
    from scipy.special import ndtr

    spread = np.maximum(spread, 1e-12)
    low = np.where(eligible, value - WIDEST * spread, -np.inf).max(axis=1)
    high = np.where(eligible, value + WIDEST * spread, -np.inf).max(axis=1)
    points = low[:, None] + (high - low)[:, None] * (np.arange(QUADRATURE_POINTS + 1) / QUADRATURE_POINTS)
    below = ndtr((points[:, None, :] - value[:, :, None]) / spread[:, :, None])
    logs = np.log(np.where(eligible[:, :, None], np.maximum(below, 1e-300), 1.0))
    others = np.exp(logs.sum(axis=1, keepdims=True) - logs)
    chosen = (np.diff(below, axis=2) * (others[:, :, 1:] + others[:, :, :-1]) / 2).sum(axis=2)
    chosen = np.where(eligible, chosen + 1e-12, 0)
    return np.asarray(chosen / chosen.sum(axis=1, keepdims=True))


def with_floor(chosen: Floats, eligible: Flags, floor: float) -> Floats:
    """A share of `floor` spread evenly over the eligible actions."""
    return np.asarray((1 - floor) * chosen + floor * eligible / eligible.sum(axis=1, keepdims=True))


def uniforms_of(identifiers: Sequence[bytes], key: bytes) -> Floats:
    """A number in [0, 1) for each decision that depends on its id and the seed alone, shape (n,)."""
    seeded = hashlib.blake2b(digest_size=8, key=key)
    digests = []
    for identifier in identifiers:
        own = seeded.copy()
        own.update(identifier)
        digests.append(own.digest())
    return np.asarray((np.frombuffer(b"".join(digests), dtype="<u8") >> 11) * 2.0**-53)
