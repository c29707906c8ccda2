"""Aggregates of arms: what numpy says, however the units come."""

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adcli.errors import DataError
from adcli.statistics.aggregates import aggregate_arms


@pytest.fixture
def units():
    rng = np.random.default_rng(0)
    n = 5000
    return pl.DataFrame(
        {
            "variant": rng.choice(["a", "b", "c"], n),
            "click": rng.integers(0, 2, n),
            "spend": 1e6 + rng.gamma(2, 10, n),  # far from zero, where naive sums of squares fail
            "shown": rng.integers(1, 9, n),
        }
    )


def test_moments_are_those_of_numpy(units):
    arms = aggregate_arms(units, groups=[["click", "spend"], ["shown"]])
    assert sorted(arms) == ["a", "b", "c"]
    for name, arm in arms.items():
        part = units.filter(pl.col("variant") == name)
        assert arm.n == part.height
        assert arm.average("spend") == pytest.approx(part["spend"].mean(), rel=1e-14)
        assert arm.cov("spend", "click") == pytest.approx(
            np.cov(part["click"], part["spend"])[0, 1], rel=1e-9
        )
        assert arm.cov("spend", "spend") == pytest.approx(np.var(part["spend"].to_numpy(), ddof=1), rel=1e-9)
        assert arm.binary == {"click"}


def test_only_pairs_of_one_group_are_computed(units):
    arms = aggregate_arms(units, groups=[["click"], ["spend"]])
    assert ("click", "spend") not in arms["a"].covariance


@settings(max_examples=200)
@given(st.lists(st.tuples(st.floats(-1e3, 1e3), st.floats(-1e3, 1e3)), min_size=4, max_size=40), st.data())
def test_parts_add_up_to_the_whole(pairs, data):
    cut = data.draw(st.integers(1, len(pairs) - 1))
    frame = pl.DataFrame(pairs, schema=["x", "y"], orient="row").with_columns(variant=pl.lit("a"))

    def aggregate(part):
        return aggregate_arms(part, groups=[["x", "y"]])["a"]

    whole, joined = aggregate(frame), aggregate(frame[:cut]) + aggregate(frame[cut:])
    assert joined.n == whole.n
    assert joined.mean == pytest.approx(dict(whole.mean), abs=1e-9)
    assert joined.covariance == pytest.approx(dict(whole.covariance), rel=1e-9, abs=1e-6)


def test_the_same_units_give_the_same_digits():
    rng = np.random.default_rng(3)
    n = 300_000
    units = pl.DataFrame({"variant": rng.choice(["a", "b"], n), "spend": rng.gamma(0.5, 10, n)})
    found = {str(sorted(aggregate_arms(units, groups=[["spend"]]).items())) for _ in range(10)}
    assert len(found) == 1


@pytest.mark.parametrize(
    ("units", "said"),
    [
        ({"variant": ["a", "b"], "y": [1.0, float("nan")]}, "NaN or infinite"),
        ({"variant": ["a", "b"], "y": [1.0, float("inf")]}, "NaN or infinite"),
        ({"variant": ["a", "b"], "y": [1.0, None]}, "'y' is empty in 1 unit of the arm 'b'"),
        ({"variant": ["a", None], "y": [1.0, 2.0]}, "1 unit has no 'variant'"),
        ({"variant": [str(i) for i in range(60)], "y": [1.0] * 60}, "60 values"),
    ],
)
def test_units_without_a_value_or_an_arm_are_refused(units, said):
    with pytest.raises(DataError, match=said):
        aggregate_arms(pl.DataFrame(units), groups=[["y"]])


def test_values_that_are_all_the_same_are_no_lack_of_precision():
    units = pl.DataFrame({"variant": ["a"] * 3, "x": [682.8257142857143] * 3})
    assert aggregate_arms(units, groups=[["x"]])["a"].n == 3
