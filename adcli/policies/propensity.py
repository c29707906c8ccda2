"""What the log would have shown: propensities estimated from the context where the log has none."""

from __future__ import annotations

import numpy as np
import polars as pl

from adcli.arrays import Flags, Floats, Integers32
from adcli.policies.context import ContextEncoder
from adcli.policies.policy import chunks, softmax
from adcli.policies.reward_model import assign_folds
from adcli.policies.scores import Scores

STRENGTH = 0.1
MOST_ROWS = 50_000
LEAST = 1e-4


def estimate_propensities(
    impressions: pl.DataFrame,
    action: Integers32,
    encoder: ContextEncoder,
    *,
    n_actions: int,
    folds: int = 3,
    seed: int = 0,
) -> Floats:
    """How likely each row's action was in its context, by a model that did not see the row; at least 0.0001.

    It cannot know the reasons for showing an ad that are not in the context.

    Args:
        impressions: The log, n rows.
        action: The action (or its group) of each row, shape (n,), in [0, K).
        encoder: The encoder of the context.
        n_actions: K.
        folds: Of the cross-fitting.
        seed: Of the folds, and of the 50,000 rows fitted where there are more.
    """
    fold = assign_folds(action.size, folds, seed)
    propensity = np.empty(action.size)
    for held in range(folds):
        scores = _choice_model(impressions, action, encoder, fold != held, n_actions, seed)
        own = np.flatnonzero(fold == held)
        for part in chunks(own.size, n_actions):
            rows = own[part]
            context = encoder.encode(impressions[rows])
            likely = softmax(scores.of_all(context))
            propensity[rows] = likely[np.arange(rows.size), action[rows]]
    return np.maximum(propensity, LEAST)


def _choice_model(
    impressions: pl.DataFrame,
    action: Integers32,
    encoder: ContextEncoder,
    training: Flags,
    n_actions: int,
    seed: int,
) -> Scores:
    """Scores whose softmax is the probability of each action, by multinomial logistic regression."""
    from sklearn.linear_model import LogisticRegression

    rows = np.flatnonzero(training)
    if rows.size > MOST_ROWS:
        rows = np.sort(np.random.default_rng(seed).choice(rows, MOST_ROWS, replace=False))
    context = encoder.encode(impressions[rows])
    weights, bias = np.zeros((context.shape[1], n_actions)), np.full(n_actions, -np.inf)
    shown = np.unique(action[rows])
    if not context.shape[1] or shown.size < 2:
        bias[:] = np.log(np.maximum(np.bincount(action[rows], minlength=n_actions) / rows.size, LEAST))
        return Scores(weights.astype(np.float32), bias.astype(np.float32))
    model = LogisticRegression(C=STRENGTH, max_iter=200).fit(context, action[rows])
    if shown.size == 2:
        weights[:, shown[1]], bias[shown] = model.coef_[0], [0.0, float(model.intercept_[0])]
    else:
        weights[:, shown], bias[shown] = model.coef_.T, model.intercept_
    return Scores(weights.astype(np.float32), bias.astype(np.float32))
