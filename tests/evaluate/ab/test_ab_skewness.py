"""Skewed values in unequal arms: what Welch's t gets wrong is leant against, equal arms stay his."""

import math

import numpy as np
import polars as pl
import pytest
from ab_world import ab_of
from hypothesis import given
from hypothesis import strategies as st

from adcli.evaluate.ab.segments import segment_table
from adcli.statistics.aggregates import aggregate_arms
from adcli.statistics.averages import compare_averages, leaning, skewed_margins, skewed_statistic
from adcli.statistics.comparison import Metric

REVENUE = Metric("revenue", "average", "revenue")


def compared(rng, sizes):
    arms = {}
    for name, n in zip("ab", sizes, strict=True):
        values = (rng.random(n) < 0.05) * np.exp(rng.normal(3, 1.5, n))
        frame = pl.DataFrame({"variant": [name] * n, "revenue": values})
        arms |= aggregate_arms(frame, groups=[["revenue"]], shapes=[("revenue", "")])
    return compare_averages(arms["b"], arms["a"], REVENUE, 0.95)


@given(st.floats(0.5, 4), st.floats(-2, 2), st.floats(-6, 6))
def test_a_statistic_is_significant_just_where_its_interval_leaves_out_zero(quantile, skewness, statistic):
    down, up = skewed_margins(quantile, skewness)
    assert min(down, up) == quantile
    far = down if statistic > 0 else up
    if abs(abs(statistic) - far) > 1e-6:
        assert (abs(skewed_statistic(statistic, skewness)) > quantile) == (abs(statistic) > far)


def test_faint_skewness_leaves_welch_as_he_is():
    assert leaning(0.2) == 0
    assert leaning(-0.6) == -0.6
    assert skewed_margins(1.96, 0.0) == (1.96, 1.96)


def test_equal_arms_are_welchs_whatever_the_skewness():
    from scipy.stats import t

    rng = np.random.default_rng(0)
    found = compared(rng, (800, 800))
    assert not found.caution
    assert found.p_value == pytest.approx(2 * t.sf(abs(found.statistic), 1598), rel=0.02)


def test_unequal_arms_of_skewed_money_speak_few_false_verdicts():
    rng = np.random.default_rng(3)
    found = [compared(rng, (4500, 500)) for _ in range(300)]
    false = sum(one.p_value < 0.05 and not one.caution for one in found) / len(found)
    assert false <= 0.05 + 2 * math.sqrt(0.05 * 0.95 / len(found))


def test_too_few_large_values_in_the_smaller_arm_are_refused():
    rng = np.random.default_rng(1)
    refused = [one.caution for one in (compared(rng, (20_000, 60)) for _ in range(10)) if one.caution]
    assert refused
    assert "arms of equal size" in refused[0]


def test_values_beyond_the_precision_of_floats_are_refused():
    from adcli.errors import DataError

    units = pl.DataFrame({"variant": ["a", "b"] * 50, "y": [9e15 + 2.0 * n for n in range(100)]})
    with pytest.raises(DataError, match="told apart"):
        ab_of(units, metrics=["y"])


class TestTotals:
    rows = pl.DataFrame(
        {
            "variant": ["a", "b"] * 5,
            "date": [day for day in "12345" for _ in "ab"],
            "visitors": [1000, 900] * 5,
            "conversions": [50, 51] * 5,
        }
    )

    def test_rows_of_days_are_no_units(self):
        from adcli.errors import DataError

        with pytest.raises(DataError, match="--unit-count"):
            ab_of(self.rows, metrics=["conversions/visitors"])

    def test_the_split_is_that_of_the_units_counted(self):
        table = ab_of(self.rows, metrics=["conversions"], unit_count="visitors", control="a")
        assert table["n_variant"][0] == 4500
        assert table["verdict"][0].startswith("invalid: sample ratio")
        assert table["mean_control"][1] == pytest.approx(0.05)


def test_numbers_are_binned_and_what_is_left_out_is_counted():
    rng = np.random.default_rng(0)
    units = pl.DataFrame(
        {
            "variant": ["a", "b"] * 1000,
            "y": rng.normal(0, 1, 2000),
            "age": [str(age) for age in rng.integers(18, 80, 2000)],
            "city": ["x"] * 1000 + ["y"] * 980 + ["z"] * 20,
        }
    )
    table = segment_table(units, by=["age", "city"], metrics=["y"], control="a")
    assert table.filter(pl.col("by") == "age").height == 5
    assert "left out: 1 segment with 20 units" in table.filter(pl.col("by") == "city")["definition"][0]


def test_all_pairs_are_each_arm_against_each_other():
    rng = np.random.default_rng(0)
    units = pl.DataFrame({"variant": list("abc") * 200, "y": rng.normal(0, 1, 600)})
    table = ab_of(units, metrics=["y"], control="a", all_pairs=True)
    assert table.select("variant", "control").rows()[1:] == [("b", "a"), ("c", "a"), ("c", "b")]
