"""Uplift: equal to causalml and to scikit-uplift by their names, with intervals that hold."""

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from nominal_coverage import TRIALS, assert_covers
from told import row

from adcli.errors import DataError, UsageError
from adcli.evaluate.uplift import bootstrap
from adcli.evaluate.uplift import table as uplift
from adcli.evaluate.uplift.bootstrap import estimate_areas
from adcli.evaluate.uplift.curves import areas, qini_curve, qini_points, rank
from adcli.evaluate.uplift.page import uplift_page
from adcli.evaluate.uplift.units import ScoredUnits, scored_units

I = np.arange(3000)  # noqa: E741
SCORE = (I * 7919 % 3001) / 3001
TREATED = (I * 31 % 7 < 3).astype(float)
OUTCOME = ((I * 104729 % 97) / 97 < 0.1 + 0.1 * TREATED * SCORE).astype(float)


def make_units(score=SCORE, treated=TREATED, outcome=OUTCOME):
    variant = np.where(treated == 1, "treatment", "control")
    return pl.DataFrame({"variant": variant, "score": score, "outcome": outcome})


def uplift_table(units, *, score="score", outcome="outcome", control=None, treated=None, **options):
    arms = scored_units(units, score=score, outcome=outcome, control=control, treated=treated)
    return uplift.uplift_table(arms, **options)


def test_equal_to_causalml_and_scikit_uplift():
    # causalml 0.18.0: qini_score, auuc_score; scikit-uplift 0.5.1: qini_auc_score, uplift_auc_score, on the
    # arrays above
    found = areas(rank(SCORE, TREATED, OUTCOME), binary=True)
    assert found.qini_causalml == pytest.approx(0.11582150300200443, abs=1e-10)
    assert found.qini_scikit_uplift == pytest.approx(0.052359243565339414, abs=1e-10)
    assert found.auuc_causalml == pytest.approx(0.6161190405705611, abs=1e-10)
    assert found.auuc_scikit_uplift == pytest.approx(0.023106407769782893, abs=1e-10)


def test_ties_are_those_of_scikit_uplift():
    found = areas(rank(np.round(SCORE, 1), TREATED, OUTCOME), binary=True)
    assert found.qini_scikit_uplift == pytest.approx(0.04855079336369883, abs=1e-10)
    assert found.auuc_scikit_uplift == pytest.approx(0.02145551581312318, abs=1e-10)


def test_money_has_the_areas_of_causalml_alone():
    found = areas(rank(SCORE, TREATED, OUTCOME * (I % 13 + 1.0)), binary=False)
    assert found.qini_causalml == pytest.approx(0.1253719528912066, abs=1e-10)
    assert found.auuc_causalml == pytest.approx(0.6256689191159036, abs=1e-10)
    assert np.isnan(found.qini_scikit_uplift)


def test_uplift_at_k_is_that_of_scikit_uplift():
    found = row(uplift_table(make_units(), samples=20), "uplift_at_k", "30%")
    assert found["value"] == pytest.approx(0.0859660087498236, abs=1e-12)


@settings(max_examples=100)
@given(st.integers(0, 10_000))
def test_a_perfect_ranking_scores_one(seed):
    rng = np.random.default_rng(seed)
    treated, outcome = rng.integers(0, 2, 60) * 1.0, rng.integers(0, 2, 60) * 1.0
    best = outcome * treated - outcome * (1 - treated)
    found = areas(rank(best, treated, outcome), binary=True)
    if np.isfinite(found.qini_scikit_uplift) and 0 < treated.sum() < 60:
        assert found.qini_scikit_uplift == pytest.approx(1.0)


@given(st.integers(0, 10_000))
def test_only_the_order_of_scores_counts(seed):
    rng = np.random.default_rng(seed)
    score = rng.normal(size=50)
    treated, outcome = rng.integers(0, 2, 50) * 1.0, rng.integers(0, 2, 50) * 1.0
    plain = areas(rank(score, treated, outcome), binary=True)
    moved = areas(rank(np.exp(score), treated, outcome), binary=True)
    assert np.array(plain) == pytest.approx(np.array(moved), nan_ok=True)


def test_a_constant_score_is_the_random_line():
    units, height = qini_curve(rank(np.zeros(3000), TREATED, OUTCOME))
    assert units.tolist() == [0, 3000]
    assert height[0] == 0
    found = areas(rank(np.zeros(3000), TREATED, OUTCOME), binary=True)
    assert found.qini_causalml == pytest.approx(0, abs=1e-12)


def simulate(n, rng, effect=0.3):
    score = rng.random(n)
    treated = rng.integers(0, 2, n) * 1.0
    outcome = (rng.random(n) < 0.2 + effect * treated * score) * 1.0
    return score, treated, outcome


def test_intervals_cover(monkeypatch):
    monkeypatch.setattr(bootstrap, "BLOCKS", 40)  # a trial's time
    truth = areas(rank(*simulate(2_000_000, np.random.default_rng(0))), binary=True)
    rng = np.random.default_rng(1)
    ends = np.array([
        estimate_areas(*simulate(1500, rng), samples=150, confidence=0.95, seed=trial)[1] for trial in range(TRIALS)
    ])  # fmt: skip
    for low_and_high, true in zip(ends.transpose(1, 2, 0), truth, strict=True):
        assert_covers(*low_and_high, true)


def test_the_bootstrap_is_that_of_whole_units():
    rng = np.random.default_rng(2)
    score, treated, outcome = simulate(4000, rng)
    _, ends = estimate_areas(score, treated, outcome, samples=400, confidence=0.95, seed=0)
    plain = []
    for _ in range(400):
        pick = rng.integers(0, 4000, 4000)
        plain.append(areas(rank(score[pick], treated[pick], outcome[pick]), binary=True).qini_causalml)
    expected = np.quantile(plain, [0.025, 0.975])
    width = expected[1] - expected[0]
    assert np.array(ends.qini_causalml) == pytest.approx(expected, abs=0.15 * width)


def test_the_table_says_each_definition_and_refuses_to_praise_noise():
    rng = np.random.default_rng(3)
    units = make_units(score=rng.random(3000))
    table = uplift_table(units)
    assert table.columns == list(uplift.UpliftRow._fields)
    assert "causalml" in row(table, "qini_causalml")["definition"]
    assert "scikit-uplift" in row(table, "qini_scikit_uplift")["definition"]
    assert row(table, "qini_causalml")["verdict"] == "not enough evidence"


def test_a_score_that_ranks_is_better_than_chance():
    score, treated, outcome = simulate(20_000, np.random.default_rng(4), effect=0.4)
    table = uplift_table(make_units(score, treated, outcome))
    assert row(table, "qini_causalml")["verdict"] == "better"
    flipped = uplift_table(make_units(-score, treated, outcome))
    assert row(flipped, "qini_causalml")["verdict"] == "worse"


def test_predictions_of_the_right_size_have_slope_one():
    score, treated, outcome = simulate(200_000, np.random.default_rng(5))
    table = uplift_table(make_units(0.3 * score, treated, outcome), samples=10)
    found = row(table, "calibration_slope")
    assert found["ci_low"] <= 1 <= found["ci_high"]
    assert found["value"] == pytest.approx(1, abs=0.1)
    bins = table.filter(pl.col("metric") == "uplift_by_bin")
    assert bins["units"].sum() == 200_000
    held = (bins["ci_low"] <= bins["predicted"]) & (bins["predicted"] <= bins["ci_high"])
    assert held.sum() >= 8


def test_the_slope_covers():
    rng = np.random.default_rng(6)
    ends = []
    for _ in range(TRIALS):
        score, treated, outcome = simulate(400, rng)
        found = uplift._slope(ScoredUnits(0.3 * score, treated, outcome), 0.95)
        ends.append((found.ci_low, found.ci_high))
    assert_covers(*np.transpose(ends), 1.0)


def test_a_treatment_without_any_effect_gives_no_area():
    table = uplift_table(make_units(outcome=np.zeros(3000)), samples=10)
    assert row(table, "qini_causalml")["value"] is None
    assert row(table, "qini_causalml")["verdict"] == "not enough evidence"


@pytest.mark.filterwarnings("error")
def test_four_units_prove_nothing_quietly():
    units = make_units(np.array([0.1, 0.2, 1.0, 1.0]), np.array([0.0, 0, 1, 1]), np.array([1.0, 0, 0, 1]))
    table = uplift_table(units, samples=20)
    assert row(table, "qini_causalml")["value"] is None
    assert "ends at 0" in row(table, "qini_causalml")["reason"]


def test_a_unit_occurs_once_and_a_share_is_one():
    units = make_units().with_columns(unit_id=pl.lit("same"))
    with pytest.raises(DataError, match="a unit must occur once"):
        uplift_table(units)
    with pytest.raises(UsageError, match="no uplift among 2 of the units"):
        uplift_table(make_units(), score="score", outcome="outcome", at=[0.1, 2.0])


def test_the_order_of_the_file_changes_nothing():
    units = make_units()
    shuffled = units.sample(fraction=1, shuffle=True, seed=3)
    found, again = (uplift_table(u, samples=20) for u in (units, shuffled))
    assert found["value"].to_list() == pytest.approx(again["value"].to_list())
    assert found["ci_low"].to_list() == pytest.approx(again["ci_low"].to_list())


@pytest.mark.parametrize(
    ("change", "options", "said"),
    [
        ({"variant": pl.lit("control")}, {}, "one arm only"),
        ({"score": pl.lit(float("nan"))}, {}, "'score' holds missing, NaN"),
        ({"outcome": pl.lit("many")}, {}, "no numbers"),
        ({}, {"score": "scor"}, "Did you mean 'score'"),
        ({}, {"treated": "treatmnt"}, "Did you mean 'treatment'"),
        ({"variant": pl.Series((I % 3).astype(str))}, {}, "Say which is the treated one"),
    ],
)
def test_bad_units_are_refused(change, options, said):
    with pytest.raises(DataError, match=said):
        uplift_table(
            make_units().with_columns(**change), **({"score": "score", "outcome": "outcome"} | options)
        )


def test_hillstrom_by_recency(shared_data):
    units = pl.read_csv(shared_data / "abtest" / "hillstrom.csv.gz", infer_schema_length=None)
    table = uplift_table(
        units.with_columns(score=-pl.col("recency"), variant="segment"),
        outcome="visit",
        control="No E-Mail",
        treated="Womens E-Mail",
    )
    assert row(table, "average_effect")["value"] == pytest.approx(0.04523, abs=5e-6)


def test_the_page_says_what_treating_by_score_brings():
    score, treated, outcome = simulate(20_000, np.random.default_rng(4), effect=0.4)
    units = make_units(score, treated, outcome)
    table = uplift_table(units, samples=50)
    points = qini_points(scored_units(units, score="score", outcome="outcome"))
    page = uplift_page(table, points, score="score", outcome="outcome")
    (verdict,) = page.verdicts
    assert verdict.verdict == "better"
    assert verdict.sentence.startswith("Among the 10% of units with the highest scores")
    assert "as causalml defines it" in verdict.sentence
    assert "as scikit-uplift defines it" in verdict.sentence


def test_few_outcomes_are_said_to_be_rough():
    rng = np.random.default_rng(8)
    units = make_units(outcome=(rng.random(3000) < 0.01) * 1.0)
    table = uplift_table(units, samples=20)
    assert "rough: only" in row(table, "qini_scikit_uplift")["reason"]
    noise = uplift_table(make_units(outcome=(rng.random(3000) < 0.1) * 1.0), samples=20)
    assert "may be 0, and this area is divided by it" in row(noise, "auuc_causalml")["reason"]
