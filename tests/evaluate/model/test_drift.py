"""Drift between two files: seen where it is, with an interval, and not where it is not."""

import numpy as np
import polars as pl
import pytest
from nominal_coverage import TRIALS, assert_covers
from told import row

from adcli.errors import DataError
from adcli.evaluate.model.drift import drift_table
from adcli.evaluate.model.stability import Chance, population_stability


def make(n=3000, shift=0.0, web=0.5, seed=0):
    rng = np.random.default_rng(seed)
    return pl.DataFrame(
        {
            "price": rng.normal(shift, 1, n),
            "device": np.where(rng.random(n) < web, "web", "app"),
            "click": rng.random(n) < 0.3,
        }
    )


def test_the_index_is_that_of_its_formula():
    assert population_stability(np.array([50.0, 50.0]), np.array([60.0, 40.0])) == pytest.approx(
        0.1 * np.log(0.6 / 0.5) + 0.1 * np.log(0.5 / 0.4)
    )


def test_without_drift_nothing_stands():
    table = drift_table(make(), make(seed=1))
    assert set(table.filter(pl.col("metric") == "psi")["verdict"]) == {"no difference found"}
    assert "worse" not in set(table["verdict"])


def test_few_rows_leave_room_for_drift():
    table = drift_table(make(60), make(60, seed=1))
    assert row(table, "psi", "price")["verdict"] == "not enough evidence"


def test_files_that_are_equal_by_luck_leave_room_too():
    two = pl.DataFrame({"x": [1.0, 2.0], "click": [0, 1]})
    assert set(drift_table(two, two)["verdict"]) == {"not enough evidence"}


def test_drift_is_seen_in_its_column_alone():
    table = drift_table(make(), make(shift=0.7, seed=1))
    assert row(table, "psi", "price")["verdict"] == "worse"
    assert row(table, "ks", "price")["verdict"] == "worse"
    assert row(table, "psi", "device")["verdict"] == "no difference found"


def test_small_drift_in_a_large_file_is_real_but_small():
    table = drift_table(make(100_000), make(100_000, shift=0.05, seed=1))
    found = row(table, "psi", "price")
    assert found["p_adjusted"] < 0.001
    assert found["verdict"] == "no difference found"
    assert "below 0.1" in found["reason"]


def test_the_distance_is_that_of_scipy():
    from scipy.stats import ks_2samp

    a, b = make(), make(shift=0.1, seed=1)
    found = row(drift_table(a, b), "ks", "price")
    theirs = ks_2samp(a["price"], b["price"], method="asymp")
    assert (found["value"], found["p_value"]) == pytest.approx((theirs.statistic, theirs.pvalue))


def test_a_column_of_one_value_has_not_moved():
    same = pl.DataFrame({"x": [1.0] * 9})
    assert drift_table(same, same)["verdict"].to_list() == ["no difference found"]


def test_new_values_and_missing_ones_are_drift():
    new = make(seed=1).with_columns(device=pl.lit("tv"), price=pl.lit(None, pl.Float64))
    table = drift_table(make(), new)
    assert row(table, "psi", "device")["value"] > 1
    assert row(table, "psi", "price")["value"] > 1


@pytest.mark.parametrize("shift", [0.2, 0.5])
def test_the_interval_covers(shift):
    rng = np.random.default_rng(2)
    p = np.full(8, 1 / 8)
    q = p * (1 + shift * np.linspace(-1, 1, 8))
    truth = population_stability(1e9 * p, 1e9 * q)
    ends = []
    for _ in range(TRIALS):
        counts = np.array([rng.multinomial(3000, p), rng.multinomial(2000, q)], np.float64)
        interval, _ = Chance(1 / 3000 + 1 / 2000, 7).interval(population_stability(*counts), 0.95)
        ends.append(interval)
    assert_covers(*np.transpose(ends), truth)


def test_without_drift_the_p_value_is_uniform():
    rng = np.random.default_rng(3)
    p = np.full(8, 1 / 8)
    counts = np.array([rng.multinomial(2000, p, TRIALS), rng.multinomial(3000, p, TRIALS)], np.float64)
    low = [
        Chance(1 / 2000 + 1 / 3000, 7).interval(population_stability(*counts[:, t]), 0.95)[1] < 0.05
        for t in range(TRIALS)
    ]
    assert np.mean(low) == pytest.approx(0.05, abs=0.015)


@pytest.mark.parametrize(
    ("reference", "current", "said"),
    [
        (make(0), make(), "rows in both files"),
        (make(), pl.DataFrame({"other": [1, 2]}), "no column in common"),
    ],
)
def test_files_that_cannot_be_compared_are_refused(reference, current, said):
    with pytest.raises(DataError, match=said):
        drift_table(reference, current)


def test_numbers_that_a_csv_file_delivers_as_text_are_compared_as_numbers():
    age = np.random.default_rng(0).integers(18, 80, 500)
    numbers = pl.DataFrame({"age": age, "item_id": age, "zip": age})
    texts = numbers.select(pl.col("age", "item_id").cast(pl.String), "0" + pl.col("zip").cast(pl.String))
    found = drift_table(texts, texts.filter(pl.col("age").cast(int) > 50))
    assert found.filter(pl.col("metric") == "ks")["group"].to_list() == ["age"]
    expected = drift_table(numbers.select("age"), numbers.select("age").filter(pl.col("age") > 50))
    assert found.head(2)["value"].to_list() == expected["value"].to_list()


def in_users(rng, users, rows, within):
    """Users drawn from one distribution, with some rows each that are more or less alike."""
    name, mine = rng.integers(0, 1e12, users), rng.standard_normal(users)
    size = rng.poisson(rows, users) + 1
    x = np.repeat(mine, size) + within * rng.standard_normal(size.sum())
    return pl.DataFrame({"user_id": np.repeat(name, size).astype(str), "x": x, "high": x > 1})


@pytest.mark.parametrize("within", [0.1, 1.0])
def test_rows_of_few_users_are_not_taken_for_many(within):
    rng = np.random.default_rng(4)
    tables = [drift_table(in_users(rng, 80, 20, within), in_users(rng, 60, 20, within)) for _ in range(200)]
    assert set(tables[0]["group"]) == {"x", "high"}
    assert "clustered by user" in tables[0]["definition"][0]
    assert np.mean(["worse" in set(table["verdict"]) for table in tables]) <= 0.08
    for metric, group in (("psi", "x"), ("psi", "high"), ("ks", "x")):
        assert np.mean([row(table, metric, group)["p_value"] < 0.05 for table in tables]) <= 0.09


def test_drift_of_users_is_seen():
    rng = np.random.default_rng(5)
    moved = in_users(rng, 600, 5, 0.5).with_columns(pl.col("x") + 1).drop("high")
    assert set(drift_table(in_users(rng, 600, 5, 0.5), moved)["verdict"]) == {"worse"}


def test_identifiers_of_many_values_are_not_compared_and_those_of_few_are():
    rng = np.random.default_rng(6)
    rows = pl.DataFrame(
        {"auction_id": [f"a{i}" for i in range(500)], "campaign_id": rng.integers(0, 4, 500).astype(str)}
    )
    assert drift_table(rows, rows)["group"].to_list() == ["campaign_id"]
