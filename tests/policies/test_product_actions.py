"""Actions that are a product of parts: item x placement x hour, and what a log can tell of each."""

from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl
import pytest

from adcli.errors import DataError
from adcli.optimize.apply import apply_policy
from adcli.optimize.policy_learning import learn_policy
from adcli.policies.action_features import action_features
from adcli.policies.actions import action_set
from adcli.policies.prepared import Question, prepare_log

HOURS = (8, 13, 20)


def log_of(n=6_000, *, hour_drawn=True, seed=0):
    """Two items at three hours; mobile clicks most on `b` at 20, desktop on `a` at 8."""
    rng = np.random.default_rng(seed)
    device, item = rng.integers(0, 2, n), rng.integers(0, 2, n)
    hour = rng.integers(0, 3, n) if hour_drawn else rng.choice(3, n, p=[0.2, 0.3, 0.5])
    best = np.where(device == 0, (item == 1) & (hour == 2), (item == 0) & (hour == 0))
    day = datetime(2026, 3, 1, tzinfo=UTC)
    return pl.DataFrame(
        {
            "event_time": [
                day + timedelta(days=int(d), hours=HOURS[h])
                for d, h in zip(rng.integers(0, 9, n), hour, strict=True)
            ],
            "item_id": np.array(["a", "b"])[item],
            "device": np.array(["mobile", "desktop"])[device],
            "propensity": 1 / 6 if hour_drawn else 1 / 2,
            "click": (rng.random(n) < 0.05 + 0.2 * best).astype(int),
        }
    )


QUESTION = Question(action=("item_id", "hour"), context=("device",))


def test_an_hour_is_derived_from_the_time_and_learned_with_the_item():
    learned = learn_policy(log_of(), QUESTION)
    assert learned.policy.actions.columns == ("item_id", "hour")
    assert not learned.log.estimated
    decided = apply_policy(learned.policy, pl.DataFrame({"device": ["mobile", "desktop"]}), greedy=True)
    assert decided.select("item_id", "hour").rows() == [("b", "20"), ("a", "8")]


def test_an_hour_that_is_decided_is_no_context():
    log = prepare_log(log_of(), Question(action=("item_id", "hour")))
    assert not [name for name in log.encoder.names if name.startswith("hour")]


def test_each_part_of_a_product_has_features():
    names = action_features(action_set(log_of(), ("item_id", "hour"))).names
    assert any(name.startswith("item_id=") for name in names)
    assert "hour sin 1" in names


def test_an_hour_that_was_never_drawn_is_said_and_its_propensities_are_estimated():
    log = prepare_log(log_of(hour_drawn=False), QUESTION)
    assert log.estimated
    (sentence,) = log.undrawn
    assert "hour was not drawn" in sentence
    assert np.mean(1 / log.logged.propensity) == pytest.approx(6, rel=0.02)
    of_all = prepare_log(log_of(hour_drawn=False), QUESTION._replace(propensity_of=("item_id", "hour")))
    assert not of_all.estimated


def test_a_part_that_is_none_is_named():
    with pytest.raises(DataError, match="'hours' is no part"):
        prepare_log(log_of(), QUESTION._replace(propensity_of=("hours",)))


def test_an_hour_without_times_is_named():
    with pytest.raises(DataError, match="no column 'hour'"):
        prepare_log(log_of().drop("event_time"), QUESTION)
