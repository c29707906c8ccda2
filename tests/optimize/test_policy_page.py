"""The page of a learned policy: what was chosen, whom it serves what, how sure that is."""

import numpy as np
import polars as pl
import pytest

from adcli.optimize.policy_learning import LOGGED, learn_policy
from adcli.optimize.policy_page import policy_page
from adcli.optimize.policy_serving import reward_calibration, serving_table
from adcli.policies.prepared import Question


def log_of(n, gain):
    """Impressions of three items at random; each device has an item that is clicked more by `gain`."""
    rng = np.random.default_rng(3)
    device, item = rng.integers(0, 3, n), rng.integers(0, 3, n)
    return pl.DataFrame(
        {
            "item_id": np.array(["shoes", "coats", "bags"])[item],
            "device": np.array(["mobile", "desktop", "tablet"])[device],
            "weekday": rng.choice(["Mon", "Tue"], n),
            "propensity": 1 / 3,
            "click": (rng.random(n) < 0.03 + gain * (device == item)).astype(int),
        }
    )


@pytest.fixture(scope="module")
def learned():
    return learn_policy(log_of(12_000, 0.12), Question(context=("device", "weekday")), epsilon=0.1)


def test_shares_are_those_of_the_policy_and_of_the_log(learned):
    table = serving_table(learned.log, learned.policy, learned.fitted)
    for _, part in table.group_by("context", "group"):
        assert part["share"].sum() == pytest.approx(1, abs=1e-4)
        assert part["logged_share"].sum() == pytest.approx(1)
    desktop = table.filter(pl.col("group") == "desktop")
    assert desktop["action"][0] == "coats"
    assert desktop["share"][0] == pytest.approx(0.9 + 0.1 / 3, abs=1e-3)
    assert desktop["logged_share"][0] == pytest.approx(1 / 3, abs=0.03)
    assert desktop["expected_reward"][0] == pytest.approx(0.15, abs=0.03)
    everyone = table.filter(pl.col("context") == "all")
    by_device = table.filter(pl.col("context") == "device")
    assert (by_device["share"] * by_device["rows"]).sum() == pytest.approx(everyone["rows"][0], rel=1e-4)


def test_the_calibration_bins_hold_all_rows_and_what_came_of_them(learned):
    bins = reward_calibration(learned.log, learned.fitted, 0.95)
    assert bins["rows"].sum() == 12_000
    assert (bins["value"] * bins["rows"]).sum() == pytest.approx(learned.log.logged.reward.sum())
    assert bins["predicted"].is_sorted()
    assert (bins["ci_low"] <= bins["value"]).all()


def test_the_page_says_what_was_chosen_whom_it_serves_what_and_how_sure(learned):
    page = policy_page(learned, confidence=0.95)
    first, sure, *groups = page.verdicts
    assert first.verdict == "better"
    assert learned.chosen in first.sentence
    assert "of 12,000 impressions" in sure.sentence
    assert any(line.sentence.startswith("device desktop: coats 93.3") for line in groups)
    titles = [table.title for table in page.tables]
    assert titles == [
        "What was chosen",
        "What decides",
        "What everyone is served",
        "Who is served what, by device",
    ]
    assert page.tables[1].frame["feature"][0] == "device"
    assert [plot.name for plot in page.plots] == ["candidates", "calibration"]
    assert "doubly robust" in page.html()


def test_where_nothing_is_to_be_learned_it_stays_with_the_log():
    learned = learn_policy(log_of(3_000, 0.0), Question(context=("device",)))
    page = policy_page(learned, confidence=0.95)
    assert learned.chosen == LOGGED
    assert page.verdicts[0].verdict == "not enough evidence"
    assert "Expected reward" not in [cell.text for table in page.tables[1:] for cell in table.headings]
