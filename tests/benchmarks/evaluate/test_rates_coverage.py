"""What `evaluate rates` and the ratios of `evaluate ab` say where the truth is known: no gap, no trend, no effect.

Users with many and few impressions and rates of their own, in four placements without any gap over two weeks.
Run with -s for the table.
"""

import math
from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl
import pytest
from ab_world import ab_of

from adcli.evaluate.rates.fairness import fairness_table
from adcli.evaluate.rates.table import rate_table
from adcli.evaluate.rates.trends import trend_table

LOGS = 300
SPOKEN = ["better", "worse"]
MOST_FALSE = 0.05 + 3 * (0.05 * 0.95 / LOGS) ** 0.5
BOUGHT = 0.3  # share of the clicks that buy, for e to the 2 + normal


def log_of(rng, users, impressions, rate, alike):
    """Impressions of users who differ in how many they have and in how often they click."""
    shown = np.maximum(1, np.round(np.exp(rng.standard_normal(users) + np.log(impressions) - 0.5))).astype(
        int
    )
    user = np.repeat(np.arange(users), shown)
    n = len(user)
    click = rng.random(n) < rng.beta(rate * alike, (1 - rate) * alike, users)[user]
    hours = rng.integers(0, 14 * 24, n)
    return pl.DataFrame(
        {
            "user_id": [f"u{number}" for number in user],
            "item_id": "x",
            "click": click.astype(int),
            "revenue": click * (rng.random(n) < BOUGHT) * np.exp(rng.standard_normal(n) + 2),
            "placement": [f"p{number}" for number in rng.integers(0, 4, users)[user]],
            "event_time": [datetime(2024, 1, 1, tzinfo=UTC) + timedelta(hours=int(hour)) for hour in hours],
        }
    )


@pytest.mark.benchmark
@pytest.mark.parametrize(
    ("users", "impressions", "rate", "alike"), [(300, 10, 0.04, 8), (150, 15, 0.03, 5), (1500, 5, 0.02, 20)]
)
def test_rates_cover_and_speak_of_nothing_that_is_not_there(users, impressions, rate, alike):
    rng = np.random.default_rng(users)
    truth = {"ctr": rate, "rpm": 1000 * rate * BOUGHT * np.exp(2.5)}
    held, gaps, trends = {"ctr": [], "rpm": []}, 0, 0
    for _ in range(LOGS):
        log = log_of(rng, users, impressions, rate, alike)
        for row in rate_table(log, metrics=list(truth)).iter_rows(named=True):
            if row["ci_low"] is not None and "rough" not in (row["reason"] or ""):
                held[row["metric"]].append(row["ci_low"] <= truth[row["metric"]] <= row["ci_high"])
        compared = fairness_table(log, by=["placement"], metrics=["ctr"], min_users=20)
        gaps += compared["verdict"].is_in(SPOKEN).any()
        trends += trend_table(log, over="day", metrics=["ctr"])["verdict"].is_in(SPOKEN).any()
    cover = {name: f"{np.mean(own):.3f} of {len(own)}" for name, own in held.items() if own}
    print(f"\n{users} users: {cover}; false gaps {gaps / LOGS:.3f}, false trends {trends / LOGS:.3f}")
    assert np.mean(held["ctr"]) >= 0.9  # .915 where 150 users differ widely in impressions and in rate
    assert gaps / LOGS <= MOST_FALSE
    assert trends / LOGS <= MOST_FALSE


@pytest.mark.benchmark
@pytest.mark.parametrize("units", [60, 1000])
def test_a_ratio_of_sums_covers_where_units_are_few(units):
    rng, held, false = np.random.default_rng(units), [], 0
    arm = np.repeat(["control", "treat"], units)
    for _ in range(LOGS * 3):
        shown = np.ceil(np.exp(1.2 * rng.standard_normal(2 * units) + 1)).astype(int)
        clicks = rng.binomial(shown, rng.beta(1, 19, 2 * units))
        frame = pl.DataFrame({"variant": arm, "clicks": clicks, "impressions": shown})
        found = ab_of(frame, metrics=["clicks/impressions"]).row(-1, named=True)
        held.append(found["difference_low"] <= 0 <= found["difference_high"])
        false += found["verdict"] in SPOKEN
    print(f"\n{units} units an arm: covers {np.mean(held):.3f}, false verdicts {false / len(held):.3f}")
    assert np.mean(held) >= 0.935
    assert false / len(held) <= 0.065


def bought_log(rng, users, impressions, rate, dearer):
    """Impressions whose clicks cost an auction's price; the second of two groups pays more for a conversion."""
    user = np.repeat(np.arange(users), 1 + rng.poisson(rng.gamma(0.7, impressions / 0.7, users)))
    n, group = len(user), rng.integers(0, 2, users)
    click = rng.random(n) < 0.3
    converts = rng.weibull(1.3, users) * rate / np.where(group, dearer, 1)
    return pl.DataFrame(
        {
            "user_id": user.astype(str),
            "item_id": "x",
            "click": click.astype(int),
            "conversion": (click & (rng.random(n) < converts[user] / 0.3)).astype(int),
            "cost": click * rng.lognormal(-1.5, 0.9, n),
            "device": np.where(group, "app", "web")[user],
        }
    )


@pytest.mark.benchmark
@pytest.mark.parametrize(("users", "dearer"), [(150, 1), (500, 1), (500, 1.6), (2500, 1), (2500, 1.3)])
def test_the_cost_of_a_conversion_misses_on_both_sides_alike(users, dearer):
    rng = np.random.default_rng(7000 + users)
    weibull, click_cost = math.gamma(1 + 1 / 1.3), 0.3 * math.exp(-1.5 + 0.9**2 / 2)
    cost = [click_cost / (0.02 * weibull) * times for times in (1, dearer)]
    below, above, rough, gaps, spoken = [], [], [], [], 0
    for _ in range(LOGS):
        log = bought_log(rng, users, 10, 0.02, dearer)
        for row in rate_table(log, by=["device"], metrics=["cpa"], min_users=1).iter_rows(named=True):
            if row["ci_low"] is not None:
                truth = cost[row["device"] == "app"]
                below.append(truth < row["ci_low"])
                above.append(row["ci_high"] is not None and truth > row["ci_high"])
                rough.append("rough" in row["reason"])
        gap = fairness_table(log, by=["device"], metrics=["cpa"], min_users=1).row(0, named=True)
        spoken += gap["verdict"] in SPOKEN
        if gap["difference_low"] is not None and gap["difference_high"] is not None:
            gaps.append(
                (cost[1] - cost[0] < gap["difference_low"], cost[1] - cost[0] > gap["difference_high"])
            )
    sides = np.mean(gaps, axis=0) if gaps else np.zeros(2)
    print(
        f"\n{users} users, app {dearer:g} times as dear: of {len(below)} intervals the truth is below "
        f"{np.mean(below):.3f}, above {np.mean(above):.3f}, rough {np.mean(rough):.2f}; of {len(gaps)} gaps "
        f"below {sides[0]:.3f}, above {sides[1]:.3f}; spoken {spoken / LOGS:.3f}"
    )
    tail = 0.025 + 3 * (0.025 * 0.975 / len(below)) ** 0.5
    assert max(np.mean(below), np.mean(above)) <= tail + 0.005
    assert dearer > 1 or spoken / LOGS <= MOST_FALSE
