"""Learning on from an earlier policy: the new log is learned, and the old one is not forgotten."""

import polars as pl
import pytest
from logged_world import LoggedWorld

from adcli.optimize.continual import Earlier, learn_on, replay_sample
from adcli.optimize.policy_learning import learn_policy
from adcli.policies.prepared import Question

OLD, NEW = (LoggedWorld(seed=seed, rate=0.15, taste=1.0, items=5, placements=1) for seed in (1, 2))
QUESTION = Question(context=("segment", "season"))


def log(world, season, n, seed):
    return world.log(n, seed=seed, users=n // 2).with_columns(season=pl.lit(season))


@pytest.fixture(scope="module")
def learned():
    before = learn_policy(log(OLD, "winter", 6_000, 1), QUESTION)
    earlier = Earlier(before.policy, replay_sample(before.log))
    return earlier, learn_on(log(NEW, "summer", 6_000, 2), earlier, QUESTION, epsilon=0.02)


def value(world, season, policy):
    chosen = policy.probabilities(pl.DataFrame({"segment": world.segments, "season": season}))
    return float((chosen * world.click[:, 0]).sum(axis=1).mean())


def test_the_new_time_is_learned_and_the_old_one_not_forgotten(learned):
    earlier, (after, changes) = learned
    assert value(NEW, "summer", after.policy) > 1.2 * value(NEW, "summer", earlier.policy)
    assert value(OLD, "winter", after.policy) > 0.9 * value(OLD, "winter", earlier.policy)
    truth = value(NEW, "summer", after.policy) - value(NEW, "summer", earlier.policy)
    assert changes["gained"].low < truth < changes["gained"].high
    assert changes["gained"].low > 0
    assert changes["forgotten"].low < 0.02


def test_what_is_replayed_names_no_user(learned):
    replay = learned[0].replay
    assert set(replay.columns) >= {"item_id", "segment", "click", "propensity", "user_id"}
    assert replay["user_id"].str.starts_with("replayed ").all()


def test_a_fifth_of_the_users_is_not_learned_from(learned):
    _, (after, changes) = learned
    rows = changes["gained"].rows + changes["forgotten"].rows
    assert after.log.impressions.height + rows == 12_000
    assert rows == pytest.approx(2_400, rel=0.1)
