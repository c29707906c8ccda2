"""Effects by segment: drawn together as far as they agree, and honest about what is noise."""

import numpy as np
import polars as pl
import pytest
from ab_world import ab_of

from adcli.errors import DataError
from adcli.evaluate.ab.page import ab_page, plan_page, segments_page
from adcli.evaluate.ab.plan import plan_table
from adcli.evaluate.ab.segments import segment_table, shrink


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


def units(arms, lift=0.0):
    rng = np.random.default_rng(0)
    variant = np.repeat(list(arms), list(arms.values()))
    visit = rng.random(len(variant)) < 0.2 + lift * (variant == "new")
    return pl.DataFrame(
        {
            "variant": variant,
            "spend": rng.gamma(2, 10, len(variant)),
            "visit": visit,
            "tier": rng.choice(["a", "b", "c"], len(variant)),
        }
    )


def test_what_stands_comes_first_in_words():
    table = ab_of(units({"old": 4000, "new": 4000}, lift=0.1), metrics=["spend", "visit"], control="old")
    page = ab_page(table, confidence=0.95)
    assert page.title == "A/B test: new against old"
    assert page.summary.startswith(
        "2 comparisons: 1 better, 1 no difference found. The split is healthy: the arms have the sizes"
    )
    assert [verdict.verdict for verdict in page.verdicts] == ["better", "no difference found"]
    assert page.verdicts[0].sentence.startswith("new raises visit from 2")
    assert "\u00a0pp" in page.html()


def test_of_all_pairs_the_arm_that_beats_every_other_is_named():
    table = ab_of(
        units({"old": 4000, "new": 4000, "other": 4000}, lift=0.1),
        metrics=["visit", "spend"],
        control="old",
        all_pairs=True,
    )
    page = ab_page(table, confidence=0.95)
    assert page.title == "A/B test: old, new and other against each other"
    assert "Best arm for visit: new, better than every other." in page.summary
    assert "Best arm for spend: not known" in page.summary
    assert {line.subject for line in page.lines} <= {"new", "other", "old"}


def test_a_broken_split_is_the_only_verdict():
    table = ab_of(units({"old": 4000, "new": 5000}, lift=0.1), metrics=["spend", "visit"], control="old")
    page = ab_page(table, confidence=0.95)
    assert [verdict.verdict for verdict in page.verdicts] == ["invalid: sample ratio mismatch"]
    assert "5,000 units against 4,000 in old" in page.verdicts[0].sentence
    assert "raises" not in page.html()


def test_segments_that_end_alike_share_a_sentence():
    table = segment_table(
        units({"old": 9000, "new": 9000}, lift=0.1), by="tier", metrics=["visit"], control="old"
    )
    page = segments_page(table, by="tier", confidence=0.95)
    assert len(page.verdicts) == 1
    assert all(f"({tier})" in page.verdicts[0].sentence for tier in "abc")
    assert "\u00a0pp [" in page.verdicts[0].sentence


def test_a_plan_shows_no_empty_columns():
    page = plan_page(plan_table(baseline=0.1, relative_effects=[0.1]))
    assert "days" not in page.tables[0].frame.columns
    assert page.summary.endswith("units.")


@pytest.mark.parametrize("arms", [2, 3, 4])
def test_arms_of_a_plan_are_equally_large(arms):
    from adcli.evaluate.ab.power import Design

    row = plan_table(baseline=0.02, relative_effects=[0.05], design=Design(arms=arms)).row(0, named=True)
    assert row["units_variant"] == row["units_control"]
    assert row["units"] == arms * row["units_control"]
