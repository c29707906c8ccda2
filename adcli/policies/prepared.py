"""A log prepared once, for learning policies from it and for valuing them on it."""

from __future__ import annotations

from typing import NamedTuple

import polars as pl

from adcli.arrays import Flags, Floats, Floats32
from adcli.errors import DataError
from adcli.policies.action_features import action_features
from adcli.policies.actions import HOUR, ActionSet, action_parts, action_set
from adcli.policies.context import ContextEncoder, choose_context, fit_context
from adcli.policies.logged import LoggedRows, logged_rows
from adcli.policies.propensity import estimate_propensities
from adcli.policies.randomised import drawn_parts, not_drawn


class Question(NamedTuple):
    """What is asked of a log."""

    reward: str = "click"  # the column to earn
    action: tuple[str, ...] = ()  # the columns that make an action; `item_id` (or `ad_id`) unless given
    context: tuple[str, ...] = ()  # the columns known before the choice; all that can be unless given
    eligible_by: str | None = None  # a column whose value decides what may be shown
    folds: int = 3  # of the cross-fitting
    seed: int = 0  # of folds, samples and resamples
    # columns that belong to a policy to be valued (its probabilities, its model's expectations) and so say
    # what it would choose, not what the log knew
    not_context: tuple[str, ...] = ()
    # the parts of a product of actions that `propensity` is of; found unless given
    propensity_of: tuple[str, ...] = ()
    no_ad: str | None = None  # the action that shows no ad; recognised by its name unless given
    treatment_cost: float = 0.0  # what showing an ad costs, in units of the reward, which is net of it
    # whether the propensities are `with_estimated_propensities`' and not the log's own; then no verdict is
    # spoken
    estimated: bool = False


class PreparedLog(NamedTuple):
    """A log with its actions, its logged side and the encoder of its context.

    `features` (K, e) is what is known of the actions, `feature_names` what of; `notes` say what was read how.
    `undrawn` has a sentence on each part of the action that the log did not draw, and whose propensities are
    estimated.
    """

    question: Question
    impressions: pl.DataFrame
    actions: ActionSet
    logged: LoggedRows
    encoder: ContextEncoder
    features: Floats32
    feature_names: list[str]
    notes: list[str]
    undrawn: list[str]

    @property
    def no_ad(self) -> Flags:
        """Which actions show no ad, shape (K,)."""
        return self.actions.no_ad(self.question.no_ad)

    @property
    def estimated(self) -> bool:
        """Whether propensities, or those of a part of the action, are not the log's own."""
        return self.question.estimated or bool(self.undrawn)

    def take(self, rows: Flags) -> PreparedLog:
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
    treated = ~actions.no_ad(question.no_ad)
    if question.treatment_cost:
        net = logged.reward - question.treatment_cost * treated[logged.action]
        logged = logged._replace(reward=net)
    context, notes = _context(impressions, actions, question)
    parts = action_parts(impressions, actions.columns)
    drawn = drawn_parts(parts, logged.propensity, () if question.estimated else question.propensity_of)
    fixed = [name for name in parts.columns if name not in drawn] if not question.estimated else []
    for name in fixed:
        likely = _estimated(impressions, ActionSet(parts.select(name).unique().sort(name)), context, question)
        logged = logged._replace(propensity=logged.propensity * likely)
    features = action_features(actions, items)
    return PreparedLog(
        question,
        impressions,
        actions,
        logged,
        context,
        features.values,
        features.names,
        [*notes, *features.notes],
        not_drawn(parts, drawn, logged.cluster) if fixed else [],
    )


def with_estimated_propensities(impressions: pl.DataFrame, question: Question) -> pl.DataFrame:
    """The impressions with a column `propensity` estimated from their context.

    Args:
        impressions: A log that does not state how likely each ad was to be shown.
        question: What will be asked of it; its context is what the choice may have depended on.

    Raises:
        DataError: If the actions or the context cannot be read from the log.
    """
    actions = action_set(impressions, question.action)
    context, _ = _context(impressions, actions, question)
    return impressions.with_columns(propensity=pl.Series(_estimated(impressions, actions, context, question)))


def _estimated(
    impressions: pl.DataFrame, actions: ActionSet, context: ContextEncoder, question: Question
) -> Floats:
    return estimate_propensities(
        impressions,
        actions.index(impressions),
        context,
        n_actions=len(actions),
        folds=question.folds,
        seed=question.seed,
    )


def _context(
    impressions: pl.DataFrame, actions: ActionSet, question: Question
) -> tuple[ContextEncoder, list[str]]:
    """The encoder of what was known before the choice, and what was left out; a chosen hour is no context."""
    chosen = choose_context(
        impressions, action=actions.columns, wanted=question.context, excluded=question.not_context
    )
    return fit_context(impressions, chosen.columns, hour=HOUR not in actions.columns), chosen.notes
