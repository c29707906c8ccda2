"""One reward regression: a form fitted to rows by penalised maximum likelihood."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from adcli.policies.hidden_fit import fit_hidden
from adcli.policies.reward_design import Form, Scores, design, unfold

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

Link = Literal["logit", "identity"]

INTERACTIONS_FIRST = 1.0  # the share of the interactions whose directions a low-rank form takes over


class RewardRows(NamedTuple):
    """The rows that are fitted, the weight each stands for, and the features (K, e) of the actions."""

    context: NDArray[np.float32]
    action: NDArray[np.int32]
    reward: NDArray[np.float64]
    weight: NDArray[np.float64]
    features: NDArray[np.float32]

    def take(self, rows: NDArray[np.bool_]) -> RewardRows:
        """Some of the rows."""
        return RewardRows(
            self.context[rows], self.action[rows], self.reward[rows], self.weight[rows], self.features
        )


def fit_scores(form: Form, rows: RewardRows, link: Link) -> Scores:
    """The score of each action as a function of the context, fitted in this form."""
    if form.kind == "low_rank":
        return _fit_low_rank(form, rows, link)
    if form.kind == "hidden":
        return _fit_hidden(rows, link)
    matrix = design(form, rows.context, rows.action, rows.features)
    coefficients, intercept = _regress(matrix, rows.reward, rows.weight, form.strength, link)
    return unfold(form, coefficients, intercept, rows.features, rows.context.shape[1])


def constant_scores(rows: RewardRows, link: Link) -> Scores:
    """The mean reward, whatever the context and the action."""
    d, k = rows.context.shape[1], rows.features.shape[0]
    return Scores(np.zeros((d, k)), np.full(k, mean_score(rows.reward, rows.weight, link)))


def mean_score(reward: NDArray[np.float64], weight: NDArray[np.float64], link: Link) -> float:
    """The score whose prediction is the mean reward; of clicks, at least half a one is taken to have come."""
    total, rewards = float(weight.sum()), float(reward @ weight)
    if link == "identity":
        return rewards / total
    clicks = min(max(rewards, 0.5), total - 0.5)
    return float(np.log(clicks / (total - clicks)))


def losses(scores: NDArray[np.float64], reward: NDArray[np.float64], link: Link) -> NDArray[np.float64]:
    """The log loss (clicks) or the squared error of each row, shape (n,)."""
    if link == "identity":
        return np.square(scores - reward)
    return np.logaddexp(0, scores) - reward * scores


def _fit_low_rank(form: Form, rows: RewardRows, link: Link) -> Scores:
    full = fit_scores(Form("interactions", form.strength, INTERACTIONS_FIRST), rows, link)
    own = full.weights - full.weights.mean(axis=1, keepdims=True)
    _, _, directions = np.linalg.svd(own, full_matrices=False)
    learned = directions[: form.rank].T * np.sqrt(directions.shape[1])
    given = rows._replace(features=learned.astype(np.float32))
    return fit_scores(Form("features", form.strength, form.share), given, link)


def _fit_hidden(rows: RewardRows, link: Link) -> Scores:
    unit = max(float(rows.reward.std()), 1e-150) if link == "identity" else 1.0
    layer, weights, bias = fit_hidden(
        rows.context,
        rows.action,
        rows.reward / unit,
        rows.weight,
        rows.features,
        logit=link == "logit",
        intercept=mean_score(rows.reward, rows.weight, link) / unit,
    )
    return Scores(weights * unit, bias * unit, layer)


def _regress(
    matrix: csr_matrix, reward: NDArray[np.float64], weight: NDArray[np.float64], strength: float, link: Link
) -> tuple[NDArray[np.float64], float]:
    from sklearn.linear_model import LogisticRegression, Ridge

    if link == "identity":
        deviation = max(float(reward.std()), 1e-150)
        ridge = Ridge(alpha=1 / strength, solver="lsqr").fit(matrix, reward / deviation, weight)
        return ridge.coef_ * deviation, float(ridge.intercept_) * deviation
    if not 0 < reward.sum() < reward.size:
        return np.zeros(matrix.shape[1]), mean_score(reward, weight, link)
    logistic = LogisticRegression(C=strength, max_iter=300).fit(matrix, reward, weight)
    return logistic.coef_[0], float(logistic.intercept_[0])
