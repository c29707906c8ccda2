"""Applying a policy: an action, a placement and a probability for each context, the same in any chunks."""

from itertools import pairwise

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from logged_world import LoggedWorld
from polars.testing import assert_frame_equal

from adcli.errors import DataError
from adcli.optimize.apply import apply_in_blocks, apply_policy, row_uniforms
from adcli.policies.actions import action_set
from adcli.policies.context import fit_context
from adcli.policies.policy import ScoredPolicy
from adcli.policies.sampling import draw
from adcli.policies.scores import Scores

WORLD = LoggedWorld()
LOG = WORLD.log(4_000)


def policy(columns=("item_id",), epsilon=0.2):
    actions = action_set(LOG, columns)
    encoder = fit_context(LOG, ["segment"])
    weights = np.random.default_rng(0).normal(size=(len(encoder.names), len(actions))).astype(np.float32)
    return ScoredPolicy("p", actions, encoder, Scores(weights, weights[0] * 0), "softmax", epsilon)


def test_each_context_gets_an_action_and_its_probability():
    chosen = policy()
    applied = apply_policy(chosen, LOG, seed=3)
    probabilities = chosen.probabilities(LOG)
    own = probabilities[np.arange(LOG.height), chosen.actions.index(applied)]
    assert applied["propensity"].to_list() == pytest.approx(own.tolist())
    assert set(applied["item_id"]) <= set(WORLD.items)


def test_actions_come_as_often_as_the_policy_says():
    chosen = policy()
    applied = apply_policy(chosen, LOG, seed=1)
    expected = chosen.probabilities(LOG).sum(axis=0)
    counted = np.bincount(chosen.actions.index(applied), minlength=8)
    assert (np.abs(counted - expected) < 4 * np.sqrt(expected)).all()


def test_an_action_that_the_policy_does_not_know_stays_in_the_log_and_is_not_chosen():
    applied = apply_policy(policy(), LOG.with_columns(item_id=pl.lit("new"), segment=pl.lit("new")))
    assert set(applied["item_id"]) <= set(WORLD.items)
    assert set(applied["logged_item_id"]) == {"new"}


def test_blocks_of_contexts_get_what_all_at_once_get():
    parts = apply_in_blocks(policy(), LOG.iter_slices(700), seed=5, greedy=False, explained=False)
    assert_frame_equal(pl.concat(list(parts)), apply_policy(policy(), LOG, seed=5))


def test_outcomes_of_the_logged_action_do_not_travel_with_another():
    applied = apply_policy(policy(), LOG.with_columns(revenue=pl.lit(1.0), cost=pl.lit(1.0)))
    assert not {"click", "revenue", "cost"} & set(applied.columns)
    assert applied["logged_item_id"].to_list() == LOG["item_id"].to_list()
    assert applied["segment"].to_list() == LOG["segment"].to_list()


def test_decisions_can_be_taken_again():
    once = apply_policy(policy(), LOG, seed=1)
    again = apply_policy(policy(), once, seed=2)
    assert again["logged_item_id"].to_list() == once["item_id"].to_list()


def test_a_joint_policy_gives_the_placement():
    contexts = LOG.select("segment")
    applied = apply_policy(policy(("item_id", "placement")), contexts)
    assert set(applied["placement"]) == {"place0", "place1"}


@settings(max_examples=100, deadline=None)
@given(st.lists(st.integers(0, 4_000), max_size=6), st.integers(0, 2**40))
def test_a_file_in_parts_gives_what_it_gives_at_once(cuts, seed):
    whole = apply_policy(policy(), LOG, seed=seed)
    edges = [0, *sorted(cuts), LOG.height]
    parts = [
        apply_policy(policy(), LOG[start:stop], seed=seed, first_row=start) for start, stop in pairwise(edges)
    ]
    joined = pl.concat(parts)
    assert joined["item_id"].equals(whole["item_id"])


def test_another_seed_gives_other_choices_and_greedy_none():
    first, second = (apply_policy(policy(), LOG, seed=seed)["item_id"] for seed in (1, 2))
    assert not first.equals(second)
    certain = [apply_policy(policy(), LOG, seed=seed, greedy=True)["item_id"] for seed in (1, 2)]
    assert certain[0].equals(certain[1])


def test_no_contexts_give_no_decisions():
    assert apply_policy(policy(), LOG.head(0)).height == 0


def test_a_missing_context_column_is_named():
    with pytest.raises(DataError, match="'segment'"):
        apply_policy(policy(), LOG.drop("segment"))


@settings(max_examples=300)
@given(st.integers(0, 10_000), st.integers(0, 200), st.integers(0, 2**63 - 1))
def test_a_rows_draw_depends_on_its_number_alone(first_row, n, seed):
    whole = row_uniforms(seed, 0, first_row + n)
    assert np.array_equal(row_uniforms(seed, first_row, n), whole[first_row:])


def test_draws_follow_the_probabilities_to_their_ends():
    probabilities = np.array([[0.0, 0.5, 0.5, 0.0]] * 3, dtype=np.float32)
    assert draw(probabilities, np.array([0.0, 0.5, 1 - 1e-12])).tolist() == [1, 2, 2]
