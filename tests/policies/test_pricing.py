"""Prices of limits: what they are mixed from keeps the limits, and earns no more than any policy could."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from adcli.policies.pricing import Column, colliding, price_limits


def world(seed, rows, actions, limits):
    rng = np.random.default_rng(seed)
    values = rng.random((rows, actions))
    uses = rng.normal(size=(limits, rows, actions)) * (rng.random((limits, 1, actions)) < 0.7)

    def best(prices):
        chosen = (values - np.einsum("m,mnk->nk", prices, uses)).argmax(axis=1)
        each = np.arange(rows)
        return Column(prices, values[each, chosen].mean(), uses[:, each, chosen].mean(axis=1))

    return values, uses, best


def whole_program(values, uses, most):
    """The linear program over all policies of all rows, as it is written down."""
    from scipy.optimize import linprog

    rows, actions = values.shape
    found = linprog(
        -values.ravel() / rows,
        A_ub=uses.reshape(len(uses), -1) / rows,
        b_ub=most,
        A_eq=np.kron(np.eye(rows), np.ones(actions)),
        b_eq=np.ones(rows),
        bounds=(0, 1),
    )
    return -found.fun if found.status == 0 else None


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10_000), st.integers(2, 12), st.integers(2, 5), st.integers(1, 3), st.floats(-0.8, 0.8))
def test_a_mixture_keeps_the_limits_and_earns_what_the_whole_program_does(seed, rows, actions, limits, level):
    values, uses, best = world(seed, rows, actions, limits)
    most = np.full(limits, level)
    mixture = price_limits(best, most)
    optimum = whole_program(values, uses, most)
    if optimum is None:
        assert not mixture.feasible
        return
    assert mixture.feasible
    columns = mixture.columns
    used = sum(share * column.use for share, column in zip(mixture.share, columns, strict=True))
    assert (used <= most + 1e-6).all()
    assert np.isclose(mixture.share.sum(), 1)
    assert mixture.value <= mixture.bound + 1e-7
    assert np.isclose(mixture.value, optimum, rtol=1e-4, atol=1e-6)
    assert (mixture.duals >= 0).all()


@settings(max_examples=100)
@given(st.sets(st.sampled_from("abcdef"), min_size=1), st.permutations("abcdef"))
def test_rules_that_collide_are_named_and_none_that_could_be_spared(core, order):
    found = colliding(lambda rules: not core <= rules, list(order))
    assert set(found) == core
