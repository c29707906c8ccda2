"""The expected reward of each action in each context: cross-fitted, calibrated, or honestly the constant."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from adcli.policies.hidden_layer import HiddenLayer
from adcli.policies.reward_design import Form, Scores
from adcli.policies.reward_fit import Link, RewardRows, constant_scores, fit_scores, losses, mean_score
from adcli.progress import part, steps

STRENGTHS = (0.01, 0.1, 1.0)
SHARES = (0.3, 1.0)
RANKS = (4, 8)
COSTS = {"additive": 1, "features": 4, "interactions": 4, "low_rank": 12, "hidden": 36}  # of a fit, roughly
SHARE_FLAT, SHARE_CHOICE = 0.01, 0.6  # of the work: the constant, and with it the choice of a form
ERRORS_BETTER = 2.0  # standard errors by which a form must beat the constant to be believed
ROUNDING = 1e-9
CONSTANT = "constant"


class RewardModel(NamedTuple):
    """Expected reward by action: the inverse link of context @ weights + bias, kept within the rewards seen.

    `weights` has shape (d, K), `bias` (K,). With a hidden layer, its units stand beside the context.
    """

    weights: NDArray[np.float32]
    bias: NDArray[np.float32]
    link: Link
    low: float
    high: float
    hidden: HiddenLayer | None = None

    def predict(self, context: NDArray[np.float32]) -> NDArray[np.float32]:
        """The expected reward of every action for each row, shape (n, K)."""
        whole = context if self.hidden is None else self.hidden.beside(context)
        scores: NDArray[np.float32] = whole @ self.weights
        scores += self.bias
        if self.link == "identity":
            return np.clip(scores, self.low, self.high, out=scores)
        np.negative(scores, out=scores)
        np.exp(np.clip(scores, -30, 30, out=scores), out=scores)
        scores += 1
        return np.reciprocal(scores, out=scores)


class RewardFit(NamedTuple):
    """One model per fold, fitted without that fold's rows, and `full`, fitted on all.

    `form` is what was chosen, in words; `normalised_entropy` its out-of-fold loss over that of the constant
    (1 is no better; for numeric rewards the same ratio of squared errors).
    """

    folds: tuple[RewardModel, ...]
    full: RewardModel
    form: str
    normalised_entropy: float


def assign_folds(
    n: int, n_folds: int, seed: int, cluster: NDArray[np.int64] | None = None
) -> NDArray[np.int32]:
    """A fold for each of n rows, balanced and at random; rows of one cluster (a user) share theirs."""
    rng = np.random.default_rng(seed)
    units = n if cluster is None else int(cluster.max()) + 1
    fold_of_unit = rng.permutation(np.arange(units) % n_folds).astype(np.int32)
    return fold_of_unit if cluster is None else fold_of_unit[cluster]


def fit_reward_model(rows: RewardRows, fold: NDArray[np.int32]) -> RewardFit:
    """The reward model of some rows of a log, cross-fitted.

    Forms and strengths are compared on the first fold. The best is calibrated on its out-of-fold scores (a
    slope of at most 1, and a shift), and replaced by the constant where it is not two standard errors better.

    Args:
        rows: The rows to fit, with the weight each stands for.
        fold: The fold of each of these rows.
    """
    link: Link = "logit" if np.isin(rows.reward, (0.0, 1.0)).all() else "identity"
    with part(0, SHARE_FLAT):
        flat = best = _cross_fit(None, rows, fold, link)
    if np.ptp(rows.reward):
        with part(SHARE_FLAT, SHARE_CHOICE):
            form = _best_form(rows, fold, link)
        with part(SHARE_CHOICE, 1):
            best = _cross_fit(form, rows, fold, link)
    if not _believable(flat.loss - best.loss, rows.weight):
        best = flat
    ratio = (best.loss @ rows.weight) / max(float(flat.loss @ rows.weight), 1e-300)
    low, high = float(rows.reward.min()), float(rows.reward.max())
    *folds, full = [
        RewardModel(
            scores.weights.astype(np.float32), scores.bias.astype(np.float32), link, low, high, scores.hidden
        )
        for scores in best.scores
    ]
    return RewardFit(tuple(folds), full, best.form, float(ratio))


class _CrossFit(NamedTuple):
    """Calibrated scores (one set per fold, then those of all rows) and the out-of-fold loss of each row."""

    form: str
    scores: list[Scores]
    loss: NDArray[np.float64]


def _best_form(rows: RewardRows, fold: NDArray[np.int32], link: Link) -> Form:
    """The form with the least loss on the first fold when fitted on the others."""
    held_out = fold == 0
    training, check = rows.take(~held_out), rows.take(held_out)
    loss: dict[Form, float] = {}
    forms = _forms(rows)
    for form in steps(forms, [COSTS[form.kind] for form in forms]):
        scores = fit_scores(form, training, link).of_logged(check.context, check.action)
        loss[form] = float(losses(scores, check.reward, link) @ check.weight)
    return min(loss, key=lambda form: loss[form])


def _forms(rows: RewardRows) -> list[Form]:
    """The forms worth trying, simplest first."""
    forms = [Form("additive", strength) for strength in STRENGTHS]
    d, (k, e) = rows.context.shape[1], rows.features.shape
    if not d:
        return forms
    if e:
        forms += [Form("features", 0.1, share) for share in SHARES]
    ranks = [rank for rank in RANKS if rank < min(d, k)]
    return [
        *forms,
        Form("interactions", 0.1, SHARES[0]),
        *(Form("low_rank", 0.1, 1.0, rank) for rank in ranks),
        Form("hidden", 0.1),
    ]


def _cross_fit(form: Form | None, rows: RewardRows, fold: NDArray[np.int32], link: Link) -> _CrossFit:
    """A form (None: the constant) fitted without each fold, and on all rows."""
    fitted = []
    predicted = np.empty(rows.reward.size)
    for held in steps(range(int(fold.max()) + 1)):
        held_out = fold == held
        training = rows.take(~held_out)
        scores = fit_scores(form, training, link) if form else constant_scores(training, link)
        predicted[held_out] = scores.of_logged(rows.context[held_out], rows.action[held_out])
        fitted.append(scores)
    if form is None:
        overall = constant_scores(rows, link)
        return _CrossFit(CONSTANT, [*fitted, overall], losses(overall.bias[:1], rows.reward, link))
    fitted.append(fit_scores(form, rows, link))
    slope, shift = _calibration(predicted, rows, link)
    calibrated = [
        Scores(slope * scores.weights, slope * scores.bias + shift, scores.hidden) for scores in fitted
    ]
    loss = losses(slope * predicted + shift, rows.reward, link)
    return _CrossFit(f"{form}, slope {slope:.2f}", calibrated, loss)


def _calibration(predicted: NDArray[np.float64], rows: RewardRows, link: Link) -> tuple[float, float]:
    """The slope (0 to 1) and shift that make out-of-fold scores fit the rewards."""
    from scipy.optimize import minimize

    center = float(np.average(predicted, weights=rows.weight))
    unit = max(float(rows.reward.var()), 1e-300) if link == "identity" else 1.0

    def loss(parameters: NDArray[np.float64]) -> float:
        scores = parameters[0] * (predicted - center) + parameters[1]
        return float(np.average(losses(scores, rows.reward, link), weights=rows.weight)) / unit

    start = [0.5, mean_score(rows.reward, rows.weight, link)]
    slope, level = minimize(loss, start, method="L-BFGS-B", bounds=[(0, 1), (None, None)]).x
    return float(slope), float(level - slope * center)


def _believable(gain: NDArray[np.float64], weight: NDArray[np.float64]) -> bool:
    """Whether the loss saved per row is above 0 by two standard errors, and by more than rounding."""
    mean = np.average(gain, weights=weight)
    error = np.sqrt(np.sum(np.square(weight * (gain - mean)))) / weight.sum()
    return bool(mean > max(ERRORS_BETTER * error, ROUNDING))
