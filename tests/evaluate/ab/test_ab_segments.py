"""Effects by segment: drawn together as far as they agree, and honest about what is noise."""

import numpy as np
import polars as pl
import pytest

from adcli.errors import DataError
from adcli.evaluate.ab.hierarchy import shrink
from adcli.evaluate.ab.segments import segment_table


def make_units(lifts, per_segment=4000, seed=0):
    rng = np.random.default_rng(seed)
    parts = []
    for name, lift in lifts.items():
        arm = np.arange(per_segment) % 2
        visit = (rng.random(per_segment) < 0.2 + lift * arm).astype(int)
        variant = np.array(["control", "treatment"])[arm]
        parts.append(pl.DataFrame({"variant": variant, "segment": name, "visit": visit}))
    return pl.concat(parts)


def test_shrunken_effects_lie_between_their_own_and_the_common_one():
    table = segment_table(
        make_units({"a": 0.03, "b": 0.03, "c": 0.03, "d": 0.03}), by="segment", metrics=["visit"]
    )
    common = table["difference"].mean()
    assert table["shrunken"].std() < table["difference"].std()
    between = (table["shrunken"] - common).abs() <= (table["difference"] - common).abs() + 1e-3
    assert between.all()


def test_intervals_get_narrower_where_segments_agree():
    table = segment_table(make_units(dict.fromkeys("abcdef", 0.03)), by="segment", metrics=["visit"])
    own = table["difference_high"] - table["difference_low"]
    assert ((table["shrunken_high"] - table["shrunken_low"]) < own).all()
    assert table["heterogeneity_p"][0] > 0.05
    assert "alike" in table["reason"][0]


def test_segments_that_differ_are_told_apart():
    lifts = {"a": 0.1, "b": 0.1, "c": -0.1, "d": 0.0}
    table = segment_table(make_units(lifts), by="segment", metrics=["visit"])
    assert table["verdict"].to_list()[:3] == ["better", "better", "worse"]
    assert table["heterogeneity_p"][0] < 1e-6
    mirrored = segment_table(make_units(lifts), by="segment", metrics=["visit"], lower_is_better=["visit"])
    assert mirrored["verdict"].to_list()[:3] == ["worse", "worse", "better"]


@pytest.mark.parametrize("name", ["len", "arms", "arm", "segment"])
def test_the_column_may_have_any_name(name):
    units = make_units({"a": 0.03, "b": 0.03, "c": 0.03}).rename({"segment": name})
    assert segment_table(units, by=name, metrics=["visit"])["segment"].to_list() == ["a", "b", "c"]


def test_two_segments_stay_as_they_are():
    table = segment_table(make_units({"a": 0.03, "b": 0.05}), by="segment", metrics=["visit"])
    assert table["shrunken"].to_list() == table["difference"].to_list()


def test_small_segments_are_left_out():
    units = pl.concat([make_units({"a": 0, "b": 0, "c": 0}), make_units({"tiny": 0}, per_segment=20)])
    table = segment_table(units, by="segment", metrics=["visit"])
    assert table["segment"].to_list() == ["a", "b", "c"]
    with pytest.raises(DataError, match="has 5000 units in each arm"):
        segment_table(units, by="segment", metrics=["visit"], min_units=5000)


@pytest.mark.parametrize(("segments", "spread"), [(6, 3.0), (12, 1.0)])
def test_intervals_cover_the_segments_own_effects(segments, spread):
    rng = np.random.default_rng(5)
    held = []
    for _ in range(2000 // segments):
        variance = rng.uniform(0.5, 2, segments) ** 2
        truth = rng.normal(1, spread, segments)
        found = shrink(rng.normal(truth, np.sqrt(variance)), variance, confidence=0.95)
        held.extend((found.low <= truth) & (truth <= found.high))
    assert 0.93 <= np.mean(held) <= 0.97


def test_a_single_outlier_keeps_most_of_its_effect_when_it_is_precise():
    effect, variance = np.array([0.0, 0.1, -0.1, 10.0]), np.full(4, 0.01)
    found = shrink(effect, variance, confidence=0.95)
    assert found.value[3] == pytest.approx(10, abs=0.1)
    assert found.p_value < 1e-6
