"""Gaps between groups: found where they are, with users in several groups counted once, in plain sentences."""

from functools import partial

import numpy as np
import polars as pl
import pytest
from nominal_coverage import TRIALS, assert_covers

from adcli.errors import DataError
from adcli.evaluate.rates.fairness import FAIRNESS_COLUMNS, GroupSums, fairness_table, gap
from adcli.evaluate.rates.table import INVERTED, clustered_estimate
from adcli.statistics.intervals import clustered_rate, clustered_ratio


def make_log(rates, n=20_000, seed=0, users=4000):
    rng = np.random.default_rng(seed)
    group = rng.integers(0, len(rates), n)
    names = np.array(list(rates))
    click = rng.random(n) < np.array(list(rates.values()))[group]
    return pl.DataFrame(
        {
            "user_id": rng.integers(0, users, n).astype(str),
            "item_id": "1",
            "device": names[group],
            "click": click.astype(int),
            "cost": 0.01,
        }
    )


def row(table, group, metric="ctr"):
    return table.filter(pl.col("metric") == metric, pl.col("group") == group).row(0, named=True)


def test_a_gap_that_stands_is_a_sentence():
    table = fairness_table(make_log({"web": 0.10, "app": 0.15, "tv": 0.10}), by=["device"])
    assert table.columns == list(FAIRNESS_COLUMNS)
    found = row(table, "device=app")
    assert found["verdict"] == "better"
    assert found["reason"].startswith("The ctr of device=app is ")
    assert "higher than that of all others" in found["reason"]
    assert found["reason"].endswith("over 6 comparisons.")
    assert row(table, "device=web")["verdict"] == "worse"


def test_equal_groups_have_no_gap_that_stands():
    table = fairness_table(make_log({"web": 0.1, "app": 0.1, "tv": 0.1}), by=["device"])
    assert not set(table["verdict"]) & {"better", "worse"}
    large = fairness_table(make_log({"web": 0.5, "app": 0.5}, n=200_000), by=["device"])
    assert row(large, "device=web")["verdict"] == "no difference found"


def test_paying_less_for_a_click_is_the_better_lot():
    table = fairness_table(make_log({"web": 0.1, "app": 0.2}), by=["device"], metrics=["cpc"])
    assert row(table, "device=app", "cpc")["verdict"] == "better"
    assert row(table, "device=app", "cpc")["difference"] < 0


def test_the_gap_is_the_difference_to_all_others():
    log = make_log({"web": 0.1, "app": 0.2, "tv": 0.3})
    found = row(fairness_table(log, by=["device"]), "device=tv")
    rest = log.filter(pl.col("device") != "tv")["click"].mean()
    assert found["rest"] == pytest.approx(rest)
    assert found["difference"] == pytest.approx(log.filter(pl.col("device") == "tv")["click"].mean() - rest)


def test_small_groups_are_neither_shown_nor_compared():
    log = pl.concat([make_log({"web": 0.1, "app": 0.1}), make_log({"tv": 0.9}, n=30)])
    found = row(fairness_table(log, by=["device"]), "device=tv")
    assert found["value"] is None
    assert found["difference"] is None
    assert "hidden" in found["reason"]


def test_a_log_without_users_is_compared_row_by_row():
    log = make_log({"web": 0.1, "app": 0.15}).drop("user_id")
    assert row(fairness_table(log, by=["device"]), "device=app")["verdict"] == "better"


def test_the_largest_gap_names_its_groups():
    found = row(
        fairness_table(make_log({"web": 0.1, "app": 0.2, "tv": 0.3}), by=["device"]), "device: largest gap"
    )
    assert found["value"] == pytest.approx(0.2, abs=0.02)
    assert found["ci_low"] is None  # which groups are furthest apart is read off the same figures
    assert "device=tv is highest, device=web lowest" in found["reason"]


@pytest.mark.parametrize("name", ["group", "unit", "number", "event", "code"])
def test_a_column_may_have_any_name(name):
    log = make_log({"web": 0.1, "app": 0.2}).rename({"device": name})
    assert row(fairness_table(log, by=[name]), f"{name}=app")["verdict"] == "better"


def test_an_unknown_column_is_refused():
    with pytest.raises(DataError, match="Did you mean 'device'"):
        fairness_table(make_log({"a": 0.1, "b": 0.1}), by=["devise"])


def test_two_groups_are_one_comparison():
    table = fairness_table(make_log({"web": 0.1, "app": 0.12}, n=2000), by=["device"], metrics=["ctr"])
    web, app = row(table, "device=web"), row(table, "device=app")
    assert web["p_adjusted"] == app["p_adjusted"] == pytest.approx(web["p_value"])
    assert "comparisons" not in web["reason"]


def sums_of_overlapping_users(rng, users=300):
    """Users seen in two groups, whose own tastes make both groups' clicks hang together."""
    taste = rng.beta(2, 8, users)
    shown = rng.poisson(3, (2, users)) + 1
    clicks = rng.binomial(shown, np.clip(taste + np.array([[0.05], [0]]), 0, 1))
    group = np.repeat([0, 1], users)
    return GroupSums(group, np.tile(np.arange(users), 2), clicks.ravel() * 1.0, shown.ravel() * 1.0)


def test_the_interval_of_a_gap_covers_where_users_are_in_both_groups():
    rng = np.random.default_rng(1)
    ends = [gap(sums_of_overlapping_users(rng), 0, confidence=0.95).interval for _ in range(TRIALS)]
    assert_covers(*np.transpose(ends), 0.05)


def test_a_small_group_of_few_clicks_is_no_gap():
    rng = np.random.default_rng(5)
    few, n, rate = 80, 1080, 0.02
    group, found = (np.arange(n) >= few).astype(np.int64), []
    for _ in range(TRIALS):
        shown = rng.poisson(6, n) + 1
        clicks = rng.binomial(shown, rng.beta(rate * 10, (1 - rate) * 10, n))
        sums = GroupSums(group, np.arange(n), clicks * 1.0, shown * 1.0)
        found.append(gap(sums, 0, confidence=0.95, estimate=clustered_rate))
    assert_covers(*np.transpose([one.interval for one in found]), 0.0)
    assert np.mean([one.p_value <= 0.05 for one in found]) <= 0.065


def test_money_of_a_handful_of_buyers_is_compared_all_the_same():
    rng = np.random.default_rng(15)
    group, found = (np.arange(1000) >= 60).astype(np.int64), []
    for _ in range(200):
        spent = rng.binomial(1, 0.1, 1000) * np.exp(rng.normal(3, 1, 1000))
        found.append(gap(GroupSums(group, np.arange(1000), spent, np.ones(1000)), 0, confidence=0.95))
    assert np.mean([one.p_value <= 0.05 for one in found]) <= 0.07
    assert all(0 < one.p_value <= 1 for one in found if np.isfinite(one.p_value))


def test_the_p_value_is_where_the_interval_ends_at_no_gap():
    sums = sums_of_overlapping_users(np.random.default_rng(7))
    for estimate in (clustered_rate, clustered_ratio, partial(clustered_estimate, INVERTED)):
        p_value = gap(sums, 0, confidence=0.95, estimate=estimate).p_value
        ends = gap(sums, 0, confidence=1 - p_value, estimate=estimate).interval
        assert min(abs(end) for end in ends) < 1e-5
