"""The reward model: right where there is something to learn, and the constant where there is not."""

import numpy as np
import polars as pl
import polars.selectors as cs
import pytest
from logged_world import LoggedWorld
from open_bandit_log import open_bandit_log

from adcli.policies import rows
from adcli.policies.context import choose_context, fit_context
from adcli.policies.members.member import RewardRows
from adcli.policies.members.random_effects import RandomEffectsMember
from adcli.policies.members.trees import TreesMember
from adcli.policies.prepared import Question, prepare_log
from adcli.policies.reward_model import CONSTANT, LINEAR, STACK, assign_folds, fit_reward_model
from adcli.policies.rows import fit_reward, sample_notes
from adcli.policies.sampling import sample_rows


def simulated(n=20_000, seed=0, *, noise_only=False, features=True):
    """Context (n, 3), action of 12, clicks by a bilinear truth; the true click probabilities, (n, 12)."""
    rng = np.random.default_rng(seed)
    described = rng.normal(size=(12, 2)).astype(np.float32)
    context = rng.normal(size=(n, 3)).astype(np.float32)
    scores = -2.5 + 0.9 * context @ rng.normal(size=(3, 2)) @ described.T
    chance = np.full((n, 12), 0.05) if noise_only else 1 / (1 + np.exp(-scores))
    action = rng.integers(0, 12, n).astype(np.int32)
    reward = (rng.random(n) < chance[np.arange(n), action]).astype(float)
    given = described if features else np.zeros((12, 0), dtype=np.float32)
    return RewardRows(context, action, reward, np.ones(n), given), chance


@pytest.mark.parametrize("features", [True, False], ids=["item features", "no item features"])
def test_a_taste_for_items_is_learned(features):
    rows, chance = simulated(features=features)
    fit = fit_reward_model(rows, assign_folds(rows.reward.size, 3, 0))
    predicted = fit.full.predict(rows.context)
    assert fit.normalised_entropy < 0.9
    assert np.corrcoef(predicted.ravel(), chance.ravel())[0, 1] > (0.95 if features else 0.85)
    chosen = chance[np.arange(rows.reward.size), predicted.argmax(axis=1)].mean()
    assert chosen > 0.85 * chance.max(axis=1).mean()


def bent(n=12_000, *, money=False):
    """Which of six actions is liked turns on whether two numbers have the same sign: no line tells it."""
    rng = np.random.default_rng(1)
    context = rng.normal(size=(n, 4)).astype(np.float32)
    liked = np.where(context[:, :1] * context[:, 1:2] > 0, np.arange(6) < 3, np.arange(6) >= 3)
    chance = np.where(liked, 0.3, 0.05)
    action = rng.integers(0, 6, n).astype(np.int32)
    reward = (rng.random(n) < chance[np.arange(n), action]).astype(float)
    if money:
        reward *= rng.gamma(4, 50, n)
    return RewardRows(context, action, reward, np.ones(n), np.zeros((6, 0), np.float32)), liked


@pytest.mark.parametrize("money", [False, True], ids=["clicks", "revenue"])
def test_a_taste_that_bends_with_the_context_is_learned(money):
    rows, liked = bent(money=money)
    fit = fit_reward_model(rows, assign_folds(rows.reward.size, 3, 0))
    assert sum(weight for name, weight in fit.weights.items() if name != "random effects") > 0.5
    best = fit.full.predict(rows.context).argmax(axis=1)
    assert liked[np.arange(rows.reward.size), best].mean() > 0.85


def test_a_member_that_does_not_help_gets_no_weight():
    rows, _ = simulated()
    weights = fit_reward_model(rows, assign_folds(rows.reward.size, 3, 0)).weights
    assert min(weights.values()) == 0
    assert weights["random effects"] > 0.5


def test_products_are_not_tried_of_a_context_of_one_flag():
    rng = np.random.default_rng(3)
    context = rng.integers(0, 2, (3_000, 1)).astype(np.float32)
    action = rng.integers(0, 3, 3_000).astype(np.int32)
    reward = (rng.random(3_000) < np.where(action == context[:, 0], 0.4, 0.1)).astype(float)
    rows = RewardRows(context, action, reward, np.ones(3_000), np.zeros((3, 0), np.float32))
    fit = fit_reward_model(rows, assign_folds(3_000, 3, 0))
    assert fit.form != CONSTANT
    assert not any("pairs" in name for name in fit.weights)
    best = fit.full.predict(context).argmax(axis=1)
    assert (best == context[:, 0]).all()


def test_predictions_are_calibrated():
    rows, _ = simulated()
    fit = fit_reward_model(rows, assign_folds(rows.reward.size, 3, 0))
    own = fit.full.predict(rows.context)[np.arange(rows.reward.size), rows.action]
    for part in np.array_split(np.argsort(own), 5):
        error = np.sqrt(own[part].mean() / part.size)
        assert abs(own[part].mean() - rows.reward[part].mean()) < 4 * error


def test_noise_gives_the_constant():
    rows, _ = simulated(4_000, noise_only=True)
    fit = fit_reward_model(rows, assign_folds(4_000, 3, 0))
    assert fit.form == CONSTANT
    assert fit.normalised_entropy == 1
    assert fit.full.predict(rows.context) == pytest.approx(rows.reward.mean(), rel=1e-4)


@pytest.mark.parametrize("clicks", [0, 1, 3])
def test_hardly_any_clicks_give_the_constant(clicks):
    rows, _ = simulated(600)
    reward = np.zeros(600)
    reward[:clicks] = 1
    fit = fit_reward_model(rows._replace(reward=reward), assign_folds(600, 3, 0))
    assert fit.form == CONSTANT
    assert np.isfinite(fit.full.predict(rows.context)).all()


def test_amounts_of_money_are_learned_too_and_stay_within_those_seen():
    rows, chance = simulated()
    money = rows.reward * np.random.default_rng(0).gamma(4, 5, rows.reward.size)
    fit = fit_reward_model(rows._replace(reward=money), assign_folds(money.size, 3, 0))
    predicted = fit.full.predict(rows.context)
    assert fit.full.link == "identity"
    assert 0 <= predicted.min() <= predicted.max() <= money.max()
    assert np.corrcoef(predicted.ravel(), chance.ravel())[0, 1] > 0.8


def test_folds_are_balanced_and_keep_users_together():
    users = np.random.default_rng(0).integers(0, 50, 1_000)
    fold = assign_folds(1_000, 3, 0, users)
    assert all(np.unique(fold[users == user]).size == 1 for user in range(50))
    counts = np.bincount(assign_folds(1_000, 3, 0))
    assert counts.max() - counts.min() <= 1


def test_a_row_is_valued_by_a_model_that_did_not_see_it():
    world = LoggedWorld(rate=0.1)
    log = world.log(3_000)
    prepared = prepare_log(log, Question(context=("segment",)))
    before = fit_reward(prepared)
    own = before.fold == 1
    strange = prepared.logged._replace(reward=np.where(own, 1.0, prepared.logged.reward))
    after = fit_reward(prepared._replace(logged=strange))
    everything = prepared.encoder.encode(log)
    before_mean = before.model.folds[1].predict(everything).mean()
    assert after.model.folds[1].predict(everything).mean() == pytest.approx(before_mean, rel=0.2)
    assert after.model.folds[0].predict(everything).mean() > 3 * before_mean


def test_a_sample_of_a_large_log_keeps_its_mean():
    reward = (np.random.default_rng(0).random(20_000) < 0.02).astype(float)
    kept, weight = sample_rows(reward, 0, most=1_000)
    assert kept.size < 1_000
    assert weight.sum() == pytest.approx(20_000)
    assert (reward[kept] @ weight) / weight.sum() == pytest.approx(reward.mean())


def later_losses(log, action, seed=0):
    """Log losses of the rows after the first 70 %, by the model of those and by their click rate."""
    early = np.arange(log.height) < 0.7 * log.height
    prepared = prepare_log(log, Question(action=tuple(action), seed=seed))
    logged = prepared.logged
    first, last = log.filter(pl.Series(early)), log.filter(pl.Series(~early))
    encoder = fit_context(first, choose_context(log, action=action).columns)
    fitted = fit_reward(prepared.take(early)._replace(encoder=encoder))
    later = logged.take(~early)
    own = fitted.model.full.predict(encoder.encode(last))[np.arange(last.height), later.action]
    rate = logged.reward[early].mean()

    def loss(chance):
        return float(-np.mean(later.reward * np.log(chance) + (1 - later.reward) * np.log1p(-chance)))

    return (
        loss(own),
        loss(np.full(later.reward.size, rate)),
        loss(np.full(later.reward.size, later.reward.mean())),
    )


@pytest.mark.parametrize("name", ["random_all", "random_men", "bts_all", "bts_men"])
def test_no_worse_than_the_constant_on_what_came_later(shared_data, name):
    model, earlier_rate, _ = later_losses(open_bandit_log(shared_data, name).sort("event_time"), ["item_id"])
    assert model <= 1.005 * earlier_rate


def test_normalised_entropy_of_all_open_bandit_logs_together(shared_data):
    logs = [
        open_bandit_log(shared_data, f"{policy}_{campaign}")
        .select("event_time", "item_id", "placement", "propensity", "click", cs.starts_with("user_feature"))
        .with_columns(campaign_id=pl.lit(campaign))
        for policy in ("random", "bts")
        for campaign in ("all", "men")
    ]
    log = pl.concat(logs).sort("event_time")
    model, _, rate_itself = later_losses(log, ["item_id", "campaign_id"])
    assert model / rate_itself <= 1.01


def test_which_rows_of_a_long_log_are_learned_from_is_said(monkeypatch):
    prepared = prepare_log(LoggedWorld().log(6_000), Question(context=("segment",)))
    members = (*LINEAR, TreesMember(trees=3))
    assert sample_notes(prepared, fit_reward(prepared, members).model) == []
    monkeypatch.setattr(rows, "MOST_FITTED", 3_000)
    found = fit_reward(prepared, members).model
    sampled = found.learned_from["trees"]
    assert (found.learned_from["random effects"], sampled < 3_000) == (6_000, True)
    said = f"random effects learned from all 6,000 impressions; trees and the weights from a sample of {sampled:,}"
    assert said in sample_notes(prepared, found)[0]


@pytest.mark.parametrize("link", ["logit", "identity"])
def test_a_linear_member_learns_from_blocks_of_rows_what_it_learns_from_all_at_once(link):
    rows, _ = simulated(12_000)
    fold = assign_folds(12_000, 2, 0)
    some = np.arange(12_000) % 4 == 0

    def blocks():
        for block in np.array_split(np.arange(12_000), 5):
            yield rows.take(block), fold[block]

    training = [rows.take(some & (fold == 1)), rows.take(some & (fold == 0)), rows.take(some)]
    for scores, own in zip(
        LINEAR[0].fit_all(training, blocks, link), [fold == 1, fold == 0, fold >= 0], strict=True
    ):
        at_once = LINEAR[0].fit(rows.take(own), link).of_all(rows.context)
        assert np.abs(scores.of_all(rows.context) - at_once).mean() < 0.05 * at_once.std()


def test_products_that_say_nothing_take_little_from_what_numbers_say():
    rows, chance = simulated(8_000)
    noise = np.random.default_rng(5).normal(size=(8_000, 6)).astype(np.float32)
    wide = rows._replace(context=np.hstack([rows.context, noise]))

    def earned(member):
        best = member.fit(wide, "logit").of_all(wide.context).argmax(axis=1)
        return chance[np.arange(8_000), best].mean() - chance.mean()

    plain, pairs = (one for one in STACK if isinstance(one, RandomEffectsMember))
    assert earned(pairs) > 0.8 * earned(plain)
