"""The expected reward of each action in each context: a stack of regressions, cross-fitted and calibrated."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from adcli.arrays import Flags, Floats, Floats32, Integers, Integers32
from adcli.policies.members.member import Blocks, LearnsFromAll, Link, Member, RewardRows, losses
from adcli.policies.members.network import NetworkMember
from adcli.policies.members.random_effects import RandomEffectsMember
from adcli.policies.members.texts import TextMember
from adcli.policies.members.trees import TreesMember
from adcli.policies.scores import Scores, constant_scores, weighted_sum, widened
from adcli.policies.stacking import stack_weights
from adcli.progress import steps

LINEAR: tuple[Member, ...] = (RandomEffectsMember("random effects"),)
STACK: tuple[Member, ...] = (
    *LINEAR,
    RandomEffectsMember("random effects of pairs", cost=8.0, pairs=True),
    TreesMember(),
    NetworkMember(),
    TextMember(),
)
ERRORS_BETTER = 2.0  # standard errors by which the stack must beat the constant to be believed
ROUNDING = 1e-9
BINS = 10
CONSTANT = "constant"


class RewardModel(NamedTuple):
    """Expected reward by action: the inverse link of scores, kept within the rewards seen."""

    scores: Scores
    link: Link
    low: float
    high: float

    def predict(self, context: Floats32) -> Floats32:
        """The expected reward of every action for each row, shape (n, K)."""
        return self._rewards(self.scores.of_all(context))

    def of_logged(self, context: Floats32, action: Integers32) -> Floats32:
        """The expected reward of each row's own action, shape (n,)."""
        return self._rewards(self.scores.of_logged(context, action).astype(np.float32))

    def _rewards(self, scores: Floats32) -> Floats32:
        if self.link == "identity":
            return np.clip(scores, self.low, self.high, out=scores)
        np.negative(scores, out=scores)
        np.exp(np.clip(scores, -30, 30, out=scores), out=scores)
        scores += 1
        return np.reciprocal(scores, out=scores)


class RewardFit(NamedTuple):
    """One model per fold, fitted without that fold's rows, and `full`, fitted on all.

    `form` says in words what the stack is made of, `weights` the weight of each member that was tried and
    `learned_from` how many rows it was fitted to; `normalised_entropy` is the out-of-fold loss over that of
    the constant (1 is no better; for numeric rewards the same ratio of squared errors), `calibration_error`
    the mean distance of predicted and observed reward over tenths of the out-of-fold predictions, as a share
    of the mean reward.
    """

    folds: tuple[RewardModel, ...]
    full: RewardModel
    form: str
    weights: dict[str, float]
    normalised_entropy: float
    calibration_error: float
    learned_from: dict[str, int]


def assign_folds(n: int, n_folds: int, seed: int, cluster: Integers | None = None) -> Integers32:
    """A fold for each of n rows, balanced and at random; rows of one cluster (a user) share theirs."""
    rng = np.random.default_rng(seed)
    units = n if cluster is None else int(cluster.max()) + 1
    fold_of_unit = rng.permutation(np.arange(units) % n_folds).astype(np.int32)
    return fold_of_unit if cluster is None else fold_of_unit[cluster]


def fit_reward_model(
    rows: RewardRows, fold: Integers32, members: Sequence[Member] = STACK, blocks: Blocks | None = None
) -> RewardFit:
    """The reward model of some rows of a log, cross-fitted.

    Members are fitted without each fold; their out-of-fold scores decide their weights, and that the stack
    gives way to the constant where it is not two standard errors better.

    Args:
        rows: The rows to fit, with the weight each stands for.
        fold: The fold of each of these rows.
        members: What the stack may be made of.
        blocks: All rows of the log, where `rows` are a sample of them: members that can learn from these.
    """
    link, d, k = rows.link, rows.whole.shape[1], rows.features.shape[0]
    apart = [fold == held for held in range(int(fold.max()) + 1)]
    training = [*(rows.take(~held) for held in apart), rows]
    flat = [constant_scores(part.mean_score(), d, k) for part in training]
    flat_loss = losses(np.full(rows.reward.size, rows.mean_score()), rows.reward, link)
    tried = [one for one in members if one.can_learn(rows)] if np.ptp(rows.reward) else []
    of_each = [_cross_fit(one, training, link, blocks) for one in steps(tried, [one.cost for one in tried])]
    fitted = [one.scores for one in of_each]
    chosen, form, loss, weights = flat, CONSTANT, flat_loss, np.zeros(len(tried))
    if tried:
        scores = np.stack([_out_of_fold(one, rows, apart) for one in fitted], axis=1)
        stack = stack_weights(scores, rows.reward, rows.weight, link)
        if _believable(flat_loss - stack.loss, rows.weight):
            loss, weights = stack.loss, stack.weights
            form = ", ".join(f"{one.name} {own:.2f}" for one, own in zip(tried, weights, strict=True) if own)
            chosen = [weighted_sum(one, list(weights), stack.shift, d) for one in zip(*fitted, strict=True)]
    *folds, full = _models(rows, chosen, link)
    expected = np.empty(rows.reward.size)
    for model, held in zip(folds, apart, strict=True):
        expected[held] = model.of_logged(rows.whole[held], rows.action[held])
    return RewardFit(
        tuple(folds),
        full,
        form,
        {one.name: float(own) for one, own in zip(tried, weights, strict=True)},
        float((loss @ rows.weight) / max(float(flat_loss @ rows.weight), 1e-300)),
        _calibration_error(expected, rows),
        {one.name: own.rows for one, own in zip(tried, of_each, strict=True)},
    )


class _CrossFitted(NamedTuple):
    """A member's scores of the whole context, one set without each fold and one of all, from so many rows."""

    scores: list[Scores]
    rows: int


def _cross_fit(member: Member, training: list[RewardRows], link: Link, blocks: Blocks | None) -> _CrossFitted:
    """A member fitted to each set of rows, tuned on the first; to all rows behind them if it can."""
    rows, width = training[-1].reward.size, training[-1].whole.shape[1]
    found = None
    if blocks is not None and isinstance(member, LearnsFromAll):
        found = member.fit_all(training, blocks, link)
        rows = rows if found is None else round(float(training[-1].weight.sum()))
    if found is None:
        tuned = member.tuned(training[0], link)
        found = [tuned.fit(part, link) for part in steps(training)]
    return _CrossFitted([widened(one, width) for one in found], rows)


def _out_of_fold(scores: list[Scores], rows: RewardRows, apart: list[Flags]) -> Floats:
    """The score of each logged action, by what did not see its row, shape (n,)."""
    own = np.empty(rows.reward.size)
    for one, held in zip(scores, apart, strict=False):
        own[held] = one.of_logged(rows.whole[held], rows.action[held])
    return own


def _models(rows: RewardRows, scores: list[Scores], link: Link) -> list[RewardModel]:
    low, high = float(rows.reward.min()), float(rows.reward.max())
    return [RewardModel(one, link, low, high) for one in scores]


def _calibration_error(expected: Floats, rows: RewardRows) -> float:
    """The mean distance of what was expected and what came, over tenths of the rows, over the mean reward."""
    total = float(np.abs(rows.reward) @ rows.weight)
    parts = np.array_split(np.argsort(expected, kind="stable"), BINS)
    missed = sum(abs(float((rows.reward[own] - expected[own]) @ rows.weight[own])) for own in parts)
    return missed / total if total else 0.0


def _believable(gain: Floats, weight: Floats) -> bool:
    """Whether the loss saved per row is above 0 by two standard errors, and by more than rounding."""
    mean = np.average(gain, weights=weight)
    error = np.sqrt(np.sum(np.square(weight * (gain - mean)))) / weight.sum()
    return bool(mean > max(ERRORS_BETTER * error, ROUNDING))
