"""A log with an action that shows no ad: who gains by an ad is learned, and choosing by context refused unless it pays."""

import numpy as np
import polars as pl
import pytest

from adcli.errors import DataError
from adcli.optimize.candidates import POPULAR
from adcli.optimize.policy_learning import HeldOut
from adcli.optimize.uplift import refusal, uplift_ranking
from adcli.policies.prepared import Question, prepare_log
from adcli.policies.reward_model import LINEAR
from adcli.policies.rows import fit_reward


def prepared(effect_on_new, effect_on_old, *, n=9_000, cost=0.0, seed=0):
    """Half get a mail; it moves new and old customers by so much."""
    rng = np.random.default_rng(seed)
    mailed, new = rng.integers(0, 2, n), rng.integers(0, 2, n)
    rate = 0.2 + mailed * np.where(new, effect_on_new, effect_on_old)
    log = pl.DataFrame(
        {
            "item_id": np.array(["No E-Mail", "Mail"])[mailed],
            "new": np.array(["no", "yes"])[new],
            "propensity": 0.5,
            "click": (rng.random(n) < rate).astype(int),
        }
    )
    return prepare_log(log, Question(context=("new",), treatment_cost=cost))


@pytest.fixture(scope="module")
def telling():
    log = prepared(0.15, -0.1)
    return log, fit_reward(log, LINEAR)


def test_where_an_ad_helps_some_and_harms_others_it_is_chosen_by_context(telling):
    log, fitted = telling
    assert refusal(log, HeldOut(log, fitted, 0.02), 0.95) == ""


def test_a_ranking_by_uplift_is_that_of_the_truth(telling):
    log, fitted = telling
    ranking = uplift_ranking(log, fitted)
    by_group = ranking.group_by("new").agg(pl.col("score").mean()).sort("new")["score"].to_list()
    assert by_group == pytest.approx([-0.1, 0.15], abs=0.05)
    assert set(ranking["variant"]) == {"control", "treated"}
    assert ranking.height == log.impressions.height


def test_where_it_does_the_same_to_all_choosing_by_context_is_refused():
    log = prepared(0.05, 0.05)
    rows = HeldOut(log, fit_reward(log, LINEAR), 0.02)
    assert "Personalising is refused" in refusal(log, rows, 0.95)


def test_an_ad_that_costs_more_than_it_brings_is_shown_to_nobody():
    log = prepared(0.05, 0.05, cost=0.1)
    rows = HeldOut(log, fit_reward(log, LINEAR), 0.0)
    assert rows[POPULAR].weight[log.logged.action == log.no_ad.argmin()].max() == 0


def test_an_action_without_an_ad_that_is_none_is_named():
    log = prepared(0.1, 0.1, n=200).impressions
    with pytest.raises(DataError, match="No action of the log is 'No Mail'"):
        prepare_log(log, Question(no_ad="No Mail"))
