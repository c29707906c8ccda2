"""A two-tower network: what a context asks for, times what an action offers, in a few learned directions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from adcli.arrays import Floats32
from adcli.policies.members.member import FEWEST_REWARDS, Link, RewardRows, held_out
from adcli.policies.scores import Scores

CHECK_SHARE = 0.15


@dataclass(frozen=True)
class NetworkMember:
    """Two towers of tanh layers beside linear ones, and a free vector for each action; the mean of three.

    Source: Huang et al. (2013), "Learning Deep Structured Semantic Models", for the two towers.
    """

    name: str = "two-tower network"
    cost: float = 12.0

    def can_learn(self, rows: RewardRows) -> bool:
        """Where rewards are not few."""
        return rows.rewarded >= FEWEST_REWARDS

    def tuned(self, rows: RewardRows, link: Link) -> NetworkMember:
        """Itself: how long it learns is decided on rows apart in each fit."""
        return self

    def fit(self, rows: RewardRows, link: Link) -> Scores:
        """The score of each action as a function of the context."""
        from adcli.core.training.two_tower import fit_towers

        unit = max(float(rows.reward.std()), 1e-150) if link == "identity" else 1.0
        towers = fit_towers(
            rows.context,
            rows.action,
            rows.reward / unit,
            rows.weight,
            rows.features,
            apart=held_out(rows, CHECK_SHARE),
            logit=link == "logit",
            start=rows.mean_score() / unit,
        )
        linear = np.repeat(towers.linear[:, None], towers.bias.size, axis=1)
        weights = np.vstack([linear, towers.actions.T])
        return Scores(
            (weights * unit).astype(np.float32),
            (towers.bias * unit).astype(np.float32),
            (TowerUnits(towers.layers),),
        )


@dataclass(frozen=True, eq=False)
class TowerUnits:
    """Units read off the context's towers; the layers' shapes begin with the head."""

    layers: Mapping[str, Floats32]

    @property
    def width(self) -> int:
        """How many there are: heads x directions."""
        heads, _, directions = self.layers["skip"].shape
        return int(heads * directions)

    def of(self, context: Floats32) -> Floats32:
        """The units of each row, shape (n, width)."""
        own = self.layers
        context = context[:, : own["skip"].shape[1]]
        inner = np.tanh(context @ own["first"] + own["first_bias"])
        inner = np.tanh(inner @ own["second"] + own["second_bias"])
        units = inner @ own["third"] + own["third_bias"] + context @ own["skip"]
        return np.ascontiguousarray(units.transpose(1, 0, 2)).reshape(context.shape[0], -1)
