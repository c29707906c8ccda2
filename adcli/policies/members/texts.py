"""What a model of texts, learned elsewhere, says of a context's text and an action's."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from adcli.policies.members.member import Link, RewardRows
from adcli.policies.scores import Scores


@dataclass(frozen=True)
class TextMember:
    """The scores beside the context as they are: how far they are to be believed the stack decides."""

    name: str = "text model"
    cost: float = 0.1

    def can_learn(self, rows: RewardRows) -> bool:
        """Where there are such scores."""
        return rows.texts is not None

    def tuned(self, rows: RewardRows, link: Link) -> TextMember:
        """Itself: there is nothing to decide."""
        return self

    def fit(self, rows: RewardRows, link: Link) -> Scores:
        """The score of each action, which stands behind the d columns of the context."""
        d, k = rows.context.shape[1], rows.features.shape[0]
        whole = np.vstack([np.zeros((d, k), dtype=np.float32), np.eye(k, dtype=np.float32)])
        return Scores(whole, np.zeros(k, dtype=np.float32))
