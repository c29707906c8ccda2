"""Predicted probabilities judged: equal to scikit-learn, with intervals that hold, and no praise for noise."""

import numpy as np
import polars as pl
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from nominal_coverage import TRIALS, assert_covers
from told import row

from adcli.errors import DataError
from adcli.evaluate.model.calibration import bin_of, expected_calibration_error, reliability
from adcli.evaluate.model.page import model_page
from adcli.evaluate.model.score_metrics import (
    SCORE_METRICS,
    auc,
    brier,
    figure_interval,
    log_loss,
    normalised_entropy,
)
from adcli.evaluate.model.table import ModelRow, model_table

labelled = st.lists(st.tuples(st.integers(0, 1), st.floats(0.01, 0.99)), min_size=5, max_size=60).filter(
    lambda rows: 0 < sum(label for label, _ in rows) < len(rows)
)


def simulate(n, rng, *, a=1.0, b=12.0, users=None):
    """Labels and calibrated scores; with users, whose rows share a taste."""
    score = rng.beta(a, b, n)
    return (rng.random(n) < score) * 1.0, score


@settings(deadline=None)
@given(labelled)
def test_equal_to_scikit_learn(rows):
    from sklearn import metrics

    label, score = (np.array(side, np.float64) for side in zip(*rows, strict=True))
    assert auc(label, score).value == pytest.approx(metrics.roc_auc_score(label, score), abs=1e-12)
    assert log_loss(label, score).value == pytest.approx(metrics.log_loss(label, score), abs=1e-9)
    assert brier(label, score).value == pytest.approx(metrics.brier_score_loss(label, score), abs=1e-12)


@given(labelled)
def test_the_order_alone_makes_the_auc(rows):
    label, score = (np.array(side, np.float64) for side in zip(*rows, strict=True))
    assert auc(label, score).value == pytest.approx(auc(label, 4 * score).value)


@given(labelled)
def test_the_base_rate_has_a_normalised_entropy_of_one(rows):
    label = np.array([one for one, _ in rows], np.float64)
    found = normalised_entropy(label, np.full(len(label), label.mean()))
    assert found.value == pytest.approx(1)


@given(labelled)
def test_delongs_variance_is_that_of_its_definition(rows):
    label, score = (np.array(side, np.float64) for side in zip(*rows, strict=True))
    ones, zeros = score[label == 1], score[label == 0]
    assume(min(len(ones), len(zeros)) >= 2)
    wins = (ones[:, None] > zeros) + 0.5 * (ones[:, None] == zeros)
    by_hand = wins.mean(axis=1).var(ddof=1) / len(ones) + wins.mean(axis=0).var(ddof=1) / len(zeros)
    influence = auc(label, score).influence
    assert (influence @ influence) / len(label) ** 2 == pytest.approx(by_hand, abs=1e-12)


@pytest.mark.parametrize("metric", SCORE_METRICS, ids=lambda metric: metric.name)
@pytest.mark.parametrize("n", [400, 3000])
def test_intervals_cover(metric, n):
    truth = metric.figure(*simulate(3_000_000, np.random.default_rng(0))).value
    rng = np.random.default_rng(1)
    ends = np.array([
        figure_interval(metric.figure(*simulate(n, rng)), None, confidence=0.95, scale=metric.scale)
        for _ in range(TRIALS)
    ])  # fmt: skip
    assert_covers(*ends.T, truth)


@pytest.mark.parametrize("name", ["auc", "normalised_entropy"])
def test_intervals_cover_where_clicks_are_few(name):
    metric = next(one for one in SCORE_METRICS if one.name == name)

    def rare(n, rng):
        x = rng.normal(size=n)
        return (rng.random(n) < 1 / (1 + np.exp(3.8 - 0.8 * x))) * 1.0, 1 / (1 + np.exp(4 - 0.8 * x))

    truth = metric.figure(*rare(2_000_000, np.random.default_rng(0))).value
    rng = np.random.default_rng(1)
    ends = []
    for _ in range(TRIALS):
        label, score = rare(500, rng)
        figure = metric.figure(label, score)
        ends.append(
            figure_interval(figure, None, confidence=0.95, scale=metric.scale, rarer=float(label.sum()))
        )
    assert_covers(*np.transpose(ends), truth)


def test_clusters_widen_and_cover():
    rng = np.random.default_rng(2)
    user = np.repeat(np.arange(150), 10)
    held, wider = [], []
    for _ in range(TRIALS):
        taste = rng.beta(1, 9, 150)[user]
        label, score = (rng.random(1500) < taste) * 1.0, np.full(1500, 0.12)
        figure = brier(label, score)
        own = figure_interval(figure, None, confidence=0.95, scale="log")
        by_user = figure_interval(figure, user, confidence=0.95, scale="log")
        wider.append((by_user.high - by_user.low) / (own.high - own.low))
        held.append(by_user)
    truth = 0.1 * (1 - 0.12) ** 2 + 0.9 * 0.12**2
    assert_covers(*np.transpose(held), truth)
    assert np.mean(wider) > 1.2


class TestCalibration:
    def test_bins_are_even_and_keep_ties_together(self):
        assert np.bincount(bin_of(np.random.default_rng(0).random(1000), 10)).tolist() == [100] * 10
        tied = bin_of(np.repeat([0.1, 0.2, 0.3], [50, 30, 20]), 10)
        assert len(set(zip(tied, np.repeat([1, 2, 3], [50, 30, 20]), strict=True))) == 3

    def test_the_error_is_a_weighted_mean_of_gaps(self):
        score, label = np.array([0.1] * 4 + [0.6] * 4), np.array([0, 0, 0, 1, 1, 1, 0, 0.0])
        found = expected_calibration_error(label, score, bins=2, confidence=0.95)
        assert found.value == pytest.approx(0.5 * 0.15 + 0.5 * 0.1)

    @pytest.mark.parametrize(("n", "factor", "shift"), [(3000, 1, 0.05), (3000, 1.4, 0), (8000, 1.15, 0)])
    def test_the_interval_covers_a_model_that_is_off(self, n, factor, shift):
        rng = np.random.default_rng(3)
        big = rng.uniform(0.02, 0.3, 1_000_000)
        truth = np.mean(np.abs(big * factor + shift - big))
        ends = []
        for _ in range(TRIALS):
            score = rng.uniform(0.02, 0.3, n)
            label = (rng.random(n) < score * factor + shift) * 1.0
            ends.append(expected_calibration_error(label, score, bins=10, confidence=0.95).interval)
        assert_covers(*np.transpose(ends), truth)

    def test_a_perfect_model_is_seen_to_err_by_chance_alone(self):
        rng = np.random.default_rng(4)
        found = [
            expected_calibration_error(*simulate(2000, rng), bins=10, confidence=0.95) for _ in range(300)
        ]
        assert np.mean([one.value for one in found]) == pytest.approx(
            np.mean([one.by_chance for one in found]), rel=0.1
        )

    @pytest.mark.parametrize(("n", "low", "high"), [(1500, 0.05, 0.3), (6000, 0.002, 0.05), (800, 0.2, 0.8)])
    def test_the_interval_covers_a_model_that_is_right(self, n, low, high):
        rng, ends = np.random.default_rng(8), []
        for _ in range(TRIALS):
            score = rng.uniform(low, high, n)
            label = (rng.random(n) < score) * 1.0
            ends.append(expected_calibration_error(label, score, bins=10, confidence=0.95).interval)
        low, high = np.transpose(ends)
        assert 0.935 <= np.mean(low == 0) <= 0.985  # a little more than asked, where the error is 0
        assert (high > 0).all()

    def test_too_few_positives_leave_the_error_without_an_interval(self):
        rng = np.random.default_rng(9)
        score = rng.uniform(0.0, 0.1, 400)
        frame = pl.DataFrame({"pctr": score, "click": (rng.random(400) < score) * 1})
        row = model_table(frame, score="pctr").filter(pl.col("metric") == "ece").row(0, named=True)
        assert row["value"] > 0
        assert row["ci_low"] is row["ci_high"] is None
        assert "no interval: only" in row["reason"]

    def test_reliability_covers_rows_of_users(self):
        rng = np.random.default_rng(6)
        user, held = np.repeat(np.arange(300), 6), []
        for _ in range(TRIALS // 5):
            score = rng.uniform(0.1, 0.3, 1800)
            taste = rng.gamma(4, 0.25, 300)[user]
            label = (rng.random(1800) < score * taste) * 1.0
            bins = reliability(label, score, bins=5, confidence=0.95, cluster=user)
            held += [one.interval.low <= one.predicted <= one.interval.high for one in bins]
        assert 0.935 <= np.mean(held) <= 0.965

    def test_users_that_agree_widen_the_calibration_error(self):
        rng = np.random.default_rng(7)
        user = np.repeat(np.arange(100), 20)
        score = np.repeat(rng.uniform(0.1, 0.5, 100), 20)
        label = np.repeat((rng.random(100) < score[::20]) * 1.0, 20)
        alone = expected_calibration_error(label, score, bins=5, confidence=0.95)
        found = expected_calibration_error(label, score, bins=5, confidence=0.95, cluster=user)
        assert found.value == alone.value
        assert found.by_chance > 2 * alone.by_chance
        assert found.interval.low <= alone.interval.low

    def test_reliability_covers(self):
        rng = np.random.default_rng(5)
        held = [
            one.interval.low <= one.predicted <= one.interval.high
            for _ in range(TRIALS // 10)
            for one in reliability(*simulate(2000, rng), bins=10, confidence=0.95)
        ]
        assert 0.93 <= np.mean(held) <= 0.97


@pytest.fixture
def predictions():
    label, score = simulate(4000, np.random.default_rng(6))
    return pl.DataFrame(
        {
            "user_id": [f"u{i % 700}" for i in range(4000)],
            "device": ["web", "app"] * 2000,
            "click": label.astype(int),
            "pctr": score,
        }
    )


def test_the_table(predictions):
    table = model_table(predictions, score="pctr", by=["device"])
    assert table.columns == list(ModelRow._fields)
    assert {"auc", "log_loss", "normalised_entropy", "brier", "calibration_ratio", "ece"} <= set(
        table["metric"]
    )
    assert {"all", "device=app", "device=web", "bin 1 of 10"} <= set(table["group"])
    assert row(table, "auc")["verdict"] == "better"
    assert "clustered by user" in row(table, "auc")["definition"]


def test_noise_is_not_praised(predictions):
    noise = predictions.with_columns(pctr=pl.Series(np.random.default_rng(0).beta(50, 600, 4000)))
    table = model_table(noise, score="pctr")
    assert row(table, "auc")["verdict"] == "not enough evidence"
    assert row(table, "normalised_entropy")["verdict"] in {"not enough evidence", "worse"}


def test_a_model_twice_too_high_is_told_so(predictions):
    table = model_table(predictions.with_columns(pctr=(2 * pl.col("pctr")).clip(0, 1)), score="pctr")
    found = row(table, "calibration_ratio")
    assert found["ci_high"] < 0.65
    assert row(table, "reliability", "bin 9 of 10")["reason"].startswith("predicted")


def test_scores_that_are_no_probabilities_are_only_ranked(predictions):
    table = model_table(predictions.with_columns(pctr=10 * pl.col("pctr")), score="pctr")
    assert row(table, "auc")["value"] is not None
    assert row(table, "log_loss")["value"] is None
    assert "not probabilities" in row(table, "brier")["reason"]
    assert "ece" not in table["metric"]


def test_one_label_alone_has_no_auc(predictions):
    table = model_table(predictions.with_columns(click=pl.lit(0)), score="pctr")
    assert row(table, "auc")["verdict"] == "not enough evidence"
    assert row(table, "log_loss")["value"] is not None


@pytest.mark.parametrize("name", ["number", "cell", "value", "user"])
def test_a_column_may_have_any_name(predictions, name):
    table = model_table(predictions.rename({"device": name}), score="pctr", by=[name])
    plain = model_table(predictions, score="pctr", by=["device"])
    assert table["value"].to_list() == plain["value"].to_list()


def test_two_rows_prove_nothing():
    table = model_table(pl.DataFrame({"click": [0, 1], "pctr": [0.1, 0.9]}), score="pctr")
    assert row(table, "normalised_entropy")["verdict"] == "not enough evidence"
    assert "1 row of the rarer label" in row(table, "auc")["reason"]


def test_small_groups_are_hidden(predictions):
    few = predictions.with_columns(
        device=pl.when(pl.int_range(pl.len()) < 30).then(pl.lit("tv")).otherwise("device")
    )
    table = model_table(few, score="pctr", by=["device"])
    assert row(table, "auc", "device=tv")["value"] is None
    assert "hidden" in row(table, "auc", "device=tv")["reason"]


@pytest.mark.parametrize(
    ("change", "options", "said"),
    [
        ({}, {"score": "pcrt"}, "Did you mean 'pctr'"),
        ({"click": pl.lit(2)}, {}, "other values than 0 and 1"),
        ({"pctr": pl.lit(float("nan"))}, {}, "'pctr' holds missing, NaN"),
        ({}, {"by": ["devise"]}, "Did you mean 'device'"),
    ],
)
def test_bad_predictions_are_refused(predictions, change, options, said):
    with pytest.raises(DataError, match=said):
        model_table(predictions.with_columns(**change), **({"score": "pctr"} | options))


def test_the_bid_predictions_are_too_low(shared_data):
    auctions = pl.read_csv(shared_data / "rtb" / "ipinyou_auctions_dev.csv.gz", n_rows=200_000)
    table = model_table(auctions, score="pctr", label="click")
    assert row(table, "auc")["verdict"] == "better"
    assert row(table, "calibration_ratio")["value"] is not None


def test_the_page_says_first_whether_predictions_are_too_high(predictions):
    doubled = predictions.with_columns(pctr=(2 * pl.col("pctr")).clip(0, 1))
    page = model_page(
        model_table(doubled, score="pctr", by=["device"]), pl.DataFrame(), score="pctr", label="click"
    )
    assert "the predictions are too high" in page.summary
    assert "AUC beats a model that knows nothing in 2 of 2 groups" in page.summary
    assert {"auc", "normalised_entropy"} >= {v.sentence.split()[0].lower() for v in page.verdicts[:1]}
