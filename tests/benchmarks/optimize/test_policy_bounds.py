"""Lower bounds of what is deployed, against the truth, in 200 small worlds of four families.

    make bench

A bound at 95 % may be above the truth in one run of twenty, and should not lie far below it.
"""

import os

import numpy as np
import polars as pl
import pytest
from policy_worlds import World

from adcli.optimize.policy_learning import learn_policy

ROWS, TESTED = 6_000, 20_000
FAMILIES = ("linear", "quadratic", "trees", "segments")
RUNS = int(os.environ.get("RUNS", "200"))


def bound_and_value(family, seed):
    """The lower bound of the policy that is deployed, and what it truly earns."""
    world = World(family, seed)
    contexts, action, click, propensity = world.log(ROWS)
    names = np.array([f"a{k:03d}" for k in range(world.given.actions)])
    log = world.frame(contexts).with_columns(
        item_id=pl.Series(names[action]),
        click=pl.Series(click).cast(pl.Int8),
        propensity=pl.Series(propensity),
    )
    learned = learn_policy(log)
    tested = world.contexts(TESTED)
    own = learned.policy.actions.frame["item_id"].to_numpy()
    chances = world.chances(tested)[:, np.searchsorted(names, own)]
    value = float((learned.policy.probabilities(world.frame(tested)) * chances).sum(axis=1).mean())
    return learned.candidates.filter("chosen")["lower_bound"][0], value


@pytest.mark.benchmark
def test_lower_bounds_hold_and_are_not_wasteful():
    found = [bound_and_value(FAMILIES[run % len(FAMILIES)], 1_000 + run) for run in range(RUNS)]
    shares = np.array([bound / value for bound, value in found])
    print(f"{RUNS} runs: mean {shares.mean():.3f} of the truth, {np.mean(shares > 1):.1%} above it")
    assert np.mean(shares > 1) <= 0.05 + 1.645 * np.sqrt(0.05 * 0.95 / RUNS)
    assert shares.mean() >= 0.8
