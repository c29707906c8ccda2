"""The A/B table: the right test for each metric, a checked sample ratio, and a verdict that can refuse."""

import numpy as np
import polars as pl
import pytest
from ab_world import ab_of
from nominal_coverage import TRIALS, assert_covers

from adcli.errors import DataError, UsageError
from adcli.evaluate.ab.metrics import parse_metric
from adcli.evaluate.ab.units import UnitBatches
from adcli.statistics.aggregates import aggregate_arms
from adcli.statistics.averages import compare_averages
from adcli.statistics.comparison import Metric
from adcli.statistics.verdicts import BETTER, HEALTHY, INVALID, NO_DIFFERENCE, NOT_ENOUGH, WORSE

NAMED = [
    "metric",
    "variant",
    "control",
    "n_variant",
    "n_control",
    "mean_variant",
    "mean_control",
    "difference",
    "difference_low",
    "difference_high",
    "relative",
    "relative_low",
    "relative_high",
    "statistic",
    "p_value",
    "p_adjusted",
    "probability_best",
    "test",
    "verdict",
]


def make_units(n=4000, lift=0.0, arms=("control", "treatment"), seed=0):
    """A log of units, of which those of all but the first arm click by `lift` more."""
    rng = np.random.default_rng(seed)
    arm = np.arange(n) % len(arms)
    before = rng.gamma(2, 5, n)
    shown = rng.integers(1, 20, n)
    return pl.DataFrame(
        {
            "unit_id": [f"u{i}" for i in range(n)],
            "variant": np.array(arms)[arm],
            "city": [f"c{i // 2 % 40}-{a}" for i, a in enumerate(arm)],
            "visit": (rng.random(n) < 0.2 + lift * (arm > 0)).astype(int),
            "spend": before / 2 + rng.gamma(2, 5, n) + 10 * lift * (arm > 0),
            "before": before,
            "impressions": shown,
            "clicks": rng.binomial(shown, 0.1),
        }
    )


def row(table, metric, variant=None):
    found = table.filter(pl.col("metric") == metric)
    if variant:
        found = found.filter(pl.col("variant") == variant)
    assert found.height == 1
    return found.row(0, named=True)


def test_the_table_has_the_columns_that_machines_read():
    table = ab_of(make_units(), metrics=["visit", "spend"])
    assert set(NAMED) <= set(table.columns)
    assert table["metric"].to_list() == ["sample_ratio", "visit", "spend"]
    words = (BETTER, WORSE, NO_DIFFERENCE, NOT_ENOUGH, INVALID, HEALTHY)
    assert all(verdict.startswith(words) for verdict in table["verdict"])
    assert table["reason"].str.len_chars().min() > 0


def test_each_metric_gets_its_test_and_says_which():
    metrics = ["visit", "spend", "clicks/impressions", "p90(spend)"]
    table, adjusted = (ab_of(make_units(), metrics=metrics, covariates=c) for c in ([], ["before"]))
    tests = dict(zip(table["metric"], table["test"], strict=True))
    assert tests["visit"].startswith("two-proportion z")
    assert tests["spend"].startswith("Welch t")
    assert "ratios by the delta method" in tests["clicks/impressions"]
    assert "Maritz-Jarrett" in tests["p90(spend)"]
    assert "adjusted for before" in row(adjusted, "spend")["test"]
    assert "relative: log scale" in tests["spend"]


def test_a_covariate_that_the_experiment_moved_is_found_out():
    units = make_units().with_columns(before=pl.col("before") + 3 * (pl.col("variant") == "treatment"))
    found = row(ab_of(units, metrics=["spend"], covariates=["before"]), "spend")
    assert found["verdict"] == "not enough evidence"
    assert "the arms differ in 'before'" in found["reason"]


def test_a_real_effect_is_better_and_its_mirror_worse():
    units = make_units(lift=0.1)
    assert row(ab_of(units, metrics=["visit"]), "visit")["verdict"] == "better"
    assert row(ab_of(units, metrics=["visit"], control="treatment"), "visit")["verdict"] == "worse"
    assert row(ab_of(units, metrics=["visit"], lower_is_better=["visit"]), "visit")["verdict"] == "worse"


def test_no_effect_in_a_small_test_is_not_enough_evidence_and_says_what_would_be():
    found = row(ab_of(make_units(400), metrics=["visit"]), "visit")
    assert found["verdict"] == "not enough evidence"
    assert "units an arm would show an effect of 5.0%" in found["reason"]


def test_no_effect_in_a_large_test_is_no_difference_found():
    found = row(ab_of(make_units(200_000), metrics=["spend"]), "spend")
    assert found["verdict"] == "no difference found"


def test_a_handful_of_conversions_is_not_enough_however_small_the_p():
    units = pl.DataFrame({"variant": ["a"] * 50 + ["b"] * 50, "visit": [0] * 50 + [1] * 8 + [0] * 42})
    found = row(ab_of(units, metrics=["visit"]), "visit")
    assert found["p_value"] < 0.05
    assert found["verdict"] == "not enough evidence"


def test_a_single_unit_in_an_arm_is_not_enough():
    units = pl.DataFrame({"variant": ["a", "b", "b"], "spend": [1.0, 2.0, 4.0]})
    assert row(ab_of(units, metrics=["spend"]), "spend")["verdict"] == "not enough evidence"


def test_a_wrong_sample_ratio_makes_every_verdict_invalid():
    units = make_units(4000, lift=0.1)
    table = ab_of(
        units.filter((pl.col("variant") == "control") | (pl.int_range(pl.len()) > 400)), metrics=["visit"]
    )
    assert table["verdict"].to_list() == ["invalid: sample ratio mismatch"] * 2
    assert row(table, "visit")["p_value"] is not None


def test_expected_shares_are_what_the_ratio_is_checked_against():
    units = pl.concat([make_units(8000).filter(pl.col("variant") == "control"), make_units(2000)])
    units = units.with_columns(unit_id=pl.int_range(pl.len()).cast(pl.String))
    assert row(ab_of(units, metrics=["visit"]), "sample_ratio")["verdict"].startswith("invalid")
    shares = {"control": 5, "treatment": 1}
    assert row(ab_of(units, metrics=["visit"], expected_shares=shares), "sample_ratio")["p_value"] == 1.0


def test_many_comparisons_raise_the_bar():
    units = make_units(3000, lift=0.03, arms=("control", "b", "c", "d"), seed=4)
    plain = ab_of(units, metrics=["visit", "spend"], correction="none")
    holm = ab_of(units, metrics=["visit", "spend"])
    fdr = ab_of(units, metrics=["visit", "spend"], correction="benjamini-hochberg")
    p = plain["p_value"][1:].to_numpy()
    assert (holm["p_adjusted"][1:].to_numpy() >= fdr["p_adjusted"][1:].to_numpy() - 1e-15).all()
    assert (fdr["p_adjusted"][1:].to_numpy() >= p).all()
    assert holm["p_adjusted"][1:].min() == pytest.approx(min(6 * p.min(), 1))
    assert "over 6 comparisons" in holm["reason"][1]


def test_probabilities_of_the_arms_sum_to_one():
    units = make_units(3000, arms=("control", "b", "c"))
    for metric in ("visit", "spend"):
        shares = [row(ab_of(units, metrics=[metric]), metric, arm)["probability_best"] for arm in ("b", "c")]
        flipped = ab_of(units, metrics=[metric], control="b")
        control = row(flipped, metric, "control")["probability_best"]
        assert sum(shares) + control == pytest.approx(1, abs=1e-6)


def test_the_control_is_found_by_its_name():
    assert ab_of(make_units(arms=("A/B", "No mail")), metrics=["visit"])["control"][0] == "No mail"
    assert ab_of(make_units(arms=("x", "w")), metrics=["visit"])["control"][0] == "w"


def test_flags_and_words_count_as_one_and_zero():
    units = make_units().with_columns(
        visit=pl.when(pl.col("visit") == 1).then(pl.lit("TRUE")).otherwise(pl.lit("FALSE")),
        flag=pl.col("visit") == 1,
    )
    table = ab_of(units, metrics=["visit", "flag"])
    assert row(table, "visit")["difference"] == row(table, "flag")["difference"]
    assert "two-proportion" in row(table, "flag")["test"]


def test_a_lazy_frame_gives_the_same_table(tmp_path):
    units = make_units(lift=0.05)
    units.write_parquet(tmp_path / "units.parquet")
    asked = {"metrics": ["visit", "spend", "clicks/impressions", "p50(spend)"], "covariates": ["before"]}
    lazy, whole = (ab_of(u, **asked) for u in (pl.scan_parquet(tmp_path / "units.parquet"), units))
    assert lazy["verdict"].equals(whole["verdict"])
    assert lazy["difference"].to_list()[1:] == pytest.approx(whole["difference"].to_list()[1:])


class TestPieces:
    def test_units_in_pieces_give_the_same_table(self):
        units = make_units(lift=0.05)
        asked = {"metrics": ["visit", "spend", "clicks/impressions"], "covariates": ["before"]}
        pieces = UnitBatches(units.columns, units.iter_slices(700))
        found, whole = (ab_of(u, **asked) for u in (pieces, units))
        assert found["verdict"].equals(whole["verdict"])
        assert found["difference"].to_list()[1:] == pytest.approx(whole["difference"].to_list()[1:])

    def test_a_unit_in_two_pieces_is_seen(self):
        units = make_units().with_columns(unit_id=pl.int_range(pl.len()).cast(pl.String))
        twice = pl.concat([units, units.tail(1)])
        with pytest.raises(DataError, match="1 of 4,001 rows repeat a 'unit_id'"):
            ab_of(UnitBatches(twice.columns, twice.iter_slices(1000)), metrics=["visit"])

    def test_pieces_may_be_typed_differently(self):
        units = make_units()
        pieces = [units.head(100), units[100:].with_columns(pl.col("visit").cast(pl.String))]
        found = ab_of(UnitBatches(units.columns, pieces), metrics=["visit"])
        assert row(found, "visit")["n_control"] == row(ab_of(units, metrics=["visit"]), "visit")["n_control"]


class TestClusters:
    @pytest.mark.parametrize("clusters", [10, 40])
    def test_intervals_cover_where_cities_are_of_very_different_sizes(self, clusters):
        rng = np.random.default_rng(16)
        metric, ends = Metric("m", "ratio", "y", "n"), []
        arm = np.arange(clusters) % 2
        for _ in range(TRIALS):
            size = np.ceil(np.exp(rng.normal(3, 1, clusters))) + 2
            total = size * (10 + arm + rng.normal(0, 1, clusters)) + np.sqrt(size) * rng.normal(
                0, 3, clusters
            )
            frame = pl.DataFrame({"variant": arm.astype(str), "y": total, "n": size})
            arms = aggregate_arms(frame, groups=[["y", "n"]], shapes=[("y", "n")])
            ends.append(compare_averages(arms["1"], arms["0"], metric, 0.95).difference_interval)
        assert_covers(*np.transpose(ends), 1.0)

    def test_clusters_are_the_units(self):
        table = ab_of(make_units(), metrics=["spend"], cluster="city")
        assert row(table, "spend")["n_variant"] == 40
        assert "clusters: city" in row(table, "spend")["test"]

    @pytest.mark.parametrize("name", ["code", "arms", "n", "variant_name"])
    def test_the_column_may_have_any_name(self, name):
        table = ab_of(make_units().rename({"city": name}), metrics=["spend"], cluster=name)
        assert row(table, "spend")["n_variant"] == 40

    def test_the_figure_stays_that_of_the_units(self):
        units = make_units()
        plain, clustered = (
            ab_of(units, metrics=["spend"]),
            ab_of(units, metrics=["spend"], cluster="city"),
        )
        assert row(clustered, "spend")["difference"] == pytest.approx(row(plain, "spend")["difference"])

    def test_a_city_in_two_arms_is_refused(self):
        units = make_units().with_columns(city=pl.lit("one"))
        with pytest.raises(DataError, match="not randomised whole"):
            ab_of(units, metrics=["spend"], cluster="city")


class TestReadings:
    def test_an_early_planned_look_needs_more_than_a_fixed_one(self):
        units = make_units(2000, lift=0.05, seed=2)
        fixed = row(ab_of(units, metrics=["visit"]), "visit")
        early = row(ab_of(units, metrics=["visit"], looks=[0.1, 0.2]), "visit")
        assert early["p_value"] > fixed["p_value"]
        assert early["difference_low"] < fixed["difference_low"]
        assert "look 2 at 20% of the plan" in early["test"]

    def test_the_only_planned_look_is_a_fixed_one(self):
        units = make_units(2000, lift=0.05)
        fixed = row(ab_of(units, metrics=["visit"]), "visit")
        last = row(ab_of(units, metrics=["visit"], looks=[1.0]), "visit")
        assert last["p_value"] == pytest.approx(fixed["p_value"])
        assert last["difference_low"] == pytest.approx(fixed["difference_low"], rel=1e-6)

    def test_anytime_is_wider_than_fixed(self):
        units = make_units(2000, lift=0.05)
        fixed = row(ab_of(units, metrics=["visit"]), "visit")
        always = row(ab_of(units, metrics=["visit"], planned_units=2000), "visit")
        assert always["difference_low"] < fixed["difference_low"]


@pytest.mark.parametrize(
    ("change", "options", "said"),
    [
        ({"variant": pl.lit("a")}, {}, "one arm only, 'a'"),
        ({"visit": pl.lit(float("nan"))}, {}, "NaN"),
        ({"visit": pl.lit(None, pl.Int64)}, {}, "empty in 2,000 units of the arm"),
        ({"visit": pl.lit("perhaps")}, {}, "the first 'perhaps'"),
        ({"unit_id": pl.lit("u1")}, {}, "repeat a 'unit_id'"),
        ({"clicks": -pl.col("clicks")}, {"metrics": ["clicks"]}, "'clicks' counts, but is negative in"),
        (
            {"clicks": pl.col("impressions") + 1},
            {"metrics": ["clicks/impressions"]},
            "clicks above impressions",
        ),
        ({"spend": pl.lit([1.0])}, {"metrics": ["spend"]}, "which is no number"),
        ({"spend": pl.col("spend") * 1e160}, {"metrics": ["spend"]}, "too large to be squared"),
        (
            {"impressions": -pl.col("impressions")},
            {"metrics": ["spend/impressions"]},
            "'impressions' is negative",
        ),
        ({"impressions": pl.lit(0)}, {"metrics": ["spend/impressions"]}, "sums to 0 in the arm 'control'"),
        ({}, {"metrics": ["visits"]}, "Did you mean 'visit'"),
        ({}, {"control": "contrl"}, "Did you mean 'control'"),
        ({}, {"cluster": "befor"}, "Did you mean 'before'"),
        ({}, {"covariates": ["befor"]}, "Did you mean 'before'"),
        ({}, {"expected_shares": {"control": 1}}, "expected share of the arm 'treatment'"),
        ({}, {"expected_shares": {"control": 1, "treatmnt": 1}}, "Did you mean 'treatment'"),
    ],
)
def test_bad_units_are_refused_in_one_sentence(change, options, said):
    units = make_units().with_columns(**change)
    with pytest.raises(DataError, match=said):
        ab_of(units, **({"metrics": ["visit"]} | options))


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"metrics": ["p50(spend)"], "cluster": "city"}, "quantile"),
        ({"looks": [0.5, 0.4]}, "increasing shares"),
        ({"metrics": ["spend", "spend"]}, "called 'spend'"),
        ({"metrics": ["spend"], "covariates": ["spend"]}, "adjusted for itself"),
        ({"metrics": ["variant"]}, "names the arms"),
        ({"metrics": []}, "--metric"),
        ({"metrics": ["p0(spend)"]}, "no quantile"),
        ({"metrics": ["p100(spend)"]}, "no quantile"),
    ],
)
def test_wrong_usage_is_refused_in_one_sentence(options, said):
    with pytest.raises(UsageError, match=said):
        ab_of(make_units(), **({"metrics": ["visit"]} | options))


class TestMetricNames:
    columns = ("visit", "spend", "clicks", "impressions", "before", "odd/name")

    def test_a_column_of_that_very_name_comes_first(self):
        assert parse_metric("odd/name", self.columns).kind == "average"

    def test_a_quantile(self):
        assert parse_metric("p90(spend)", self.columns)[:5] == ("p90(spend)", "quantile", "spend", "", 0.9)


class TestRealExperiments:
    """Figures that any tool should find in these two public data sets."""

    def test_cookie_cats_fails_its_sample_ratio(self, shared_data):
        units = pl.read_csv(shared_data / "abtest" / "cookie_cats.csv.gz").rename({"version": "variant"})
        table = ab_of(units, metrics=["retention_7"], control="gate_30", unit="userid")
        ratio, found = row(table, "sample_ratio"), row(table, "retention_7")
        assert ratio["statistic"] == pytest.approx(6.902, abs=5e-4)
        assert ratio["p_value"] == pytest.approx(0.00861, abs=5e-6)
        assert found["difference"] == pytest.approx(-0.008201, abs=5e-7)
        assert found["statistic"] == pytest.approx(-3.1644, abs=5e-5)
        assert found["p_value"] == pytest.approx(0.00155, abs=5e-6)
        assert set(table["verdict"]) == {"invalid: sample ratio mismatch"}

    def test_hillstrom(self, shared_data):
        units = pl.read_csv(shared_data / "abtest" / "hillstrom.csv.gz", infer_schema_length=None)
        units = units.rename({"segment": "variant"})
        table = ab_of(units, metrics=["visit", "spend"], control="No E-Mail")
        mens, womens = row(table, "visit", "Mens E-Mail"), row(table, "visit", "Womens E-Mail")
        assert mens["difference"] == pytest.approx(0.07659, abs=5e-6)
        assert mens["statistic"] == pytest.approx(22.49, abs=5e-3)
        assert womens["difference"] == pytest.approx(0.04523, abs=5e-6)
        for arm, spend, error in (("Mens E-Mail", 0.7698, 0.1452), ("Womens E-Mail", 0.4244, 0.1303)):
            found = row(table, "spend", arm)
            assert found["difference"] == pytest.approx(spend, abs=5e-5)
            assert found["difference"] / found["statistic"] == pytest.approx(error, abs=5e-5)
            assert found["verdict"] == "better"
