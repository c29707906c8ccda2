"""Boosted trees over context and action together."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from adcli.policies.members.member import FEWEST_REWARDS, Link, RewardRows, held_out
from adcli.policies.members.regions import Regions
from adcli.policies.scores import Scores

if TYPE_CHECKING:
    import lightgbm

MOST_TREES = 100  # scoring all actions of a row costs what their leaves cost
PATIENCE = 20  # trees without a gain on held-out rows after which no more are grown
TUNING_SHARE = 0.2
SETTINGS = {
    "learning_rate": 0.15,
    "num_leaves": 16,
    "min_child_samples": 40,
    "lambda_l2": 5.0,
    "feature_fraction": 0.9,
    "cat_smooth": 20.0,
    "cat_l2": 20.0,
    "max_cat_to_onehot": 4,
    "seed": 0,
    "deterministic": True,
    "force_row_wise": True,
    "num_threads": 1,
    "verbose": -1,
}


@dataclass(frozen=True)
class TreesMember:
    """LightGBM on the context, the features of the action and, as a category, which action it is.

    Source: Ke et al. (2017), "LightGBM".
    """

    name: str = "trees"
    cost: float = 8.0
    trees: int = MOST_TREES

    def can_learn(self, rows: RewardRows) -> bool:
        """Where rewards are not few."""
        return rows.rewarded >= FEWEST_REWARDS

    def tuned(self, rows: RewardRows, link: Link) -> TreesMember:
        """Itself, with as many trees as held-out rows want."""
        import lightgbm

        apart = held_out(rows, TUNING_SHARE)
        training = _dataset(rows.take(~apart))
        check = _dataset(rows.take(apart), training)
        stop = lightgbm.early_stopping(PATIENCE, verbose=False)
        grown = lightgbm.train(_settings(link), training, MOST_TREES, [check], callbacks=[stop])
        return replace(self, trees=max(grown.best_iteration, 1))

    def fit(self, rows: RewardRows, link: Link) -> Scores:
        """The score of each action as a function of the context."""
        import lightgbm

        text = lightgbm.train(_settings(link), _dataset(rows), self.trees).model_to_string()
        d, k = rows.context.shape[1], rows.features.shape[0]
        actions = np.hstack([rows.features, np.arange(k)[:, None]], dtype=np.float64)
        regions = Regions.read(text, d, actions)
        weights, bias = regions.weights(d)
        whole = np.vstack([np.zeros((d, k)), weights])
        return Scores(whole.astype(np.float32), bias.astype(np.float32), (regions,))


def _settings(link: Link) -> dict[str, object]:
    return SETTINGS | {"objective": "binary" if link == "logit" else "regression"}


def _dataset(rows: RewardRows, reference: lightgbm.Dataset | None = None) -> lightgbm.Dataset:
    import lightgbm

    table = np.hstack([rows.context, rows.features[rows.action], rows.action[:, None]], dtype=np.float32)
    action = table.shape[1] - 1
    return lightgbm.Dataset(table, rows.reward, reference, rows.weight, categorical_feature=[action])
