"""A log prepared once, for learning policies from it and for valuing them on it."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from adcli.errors import DataError
from adcli.policies.action_features import action_features
from adcli.policies.actions import ActionSet, action_set
from adcli.policies.context import ContextEncoder, choose_context, fit_context
from adcli.policies.logged import LoggedRows, logged_rows


class Question(NamedTuple):
    """What is asked of a log.

    Attributes:
        reward: The column to earn.
        action: The columns that make an action; `item_id` (or `ad_id`) unless given.
        context: The columns known before the choice; all that can be unless given.
        eligible_by: A column whose value decides what may be shown.
        folds: Of the cross-fitting.
        seed: Of folds, samples and resamples.
        not_context: Columns that belong to a policy to be valued (its probabilities, its model's
            expectations) and so say what it would choose, not what the log knew.
    """

    reward: str = "click"
    action: tuple[str, ...] = ()
    context: tuple[str, ...] = ()
    eligible_by: str | None = None
    folds: int = 3
    seed: int = 0
    not_context: tuple[str, ...] = ()


class PreparedLog(NamedTuple):
    """A log with its actions, its logged side and the encoder of its context.

    `features` (K, e) is what is known of the actions, `feature_names` what of; `notes` say what was read how.
    """

    question: Question
    impressions: pl.DataFrame
    actions: ActionSet
    logged: LoggedRows
    encoder: ContextEncoder
    features: NDArray[np.float32]
    feature_names: list[str]
    notes: list[str]

    def take(self, rows: NDArray[np.bool_]) -> PreparedLog:
        """Some of the rows."""
        return self._replace(
            impressions=self.impressions.filter(pl.Series(rows)), logged=self.logged.take(rows)
        )


def prepare_log(
    impressions: pl.DataFrame, question: Question, items: pl.DataFrame | None = None
) -> PreparedLog:
    """A log ready to learn from and to value policies on.

    Args:
        impressions: The log: an action, a reward, `propensity`, and context columns.
        question: What is asked of it.
        items: Attributes or vectors of the items, one row each.

    Raises:
        DataError: If the log lacks what is needed, or holds it out of range.
    """
    if impressions.is_empty():
        raise DataError("The log has no impressions.")
    actions = action_set(impressions, question.action, eligible_by=question.eligible_by)
    logged = logged_rows(impressions, actions, reward=question.reward)
    columns = choose_context(
        impressions, action=actions.columns, wanted=question.context, excluded=question.not_context
    )
    features = action_features(actions, items)
    return PreparedLog(
        question,
        impressions,
        actions,
        logged,
        fit_context(impressions, columns.columns),
        features.values,
        features.names,
        [*columns.notes, *features.notes],
    )
