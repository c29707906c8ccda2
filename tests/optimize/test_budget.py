"""Plans of spend on markets whose response is known."""

import numpy as np
import polars as pl
import pytest
from budget_worlds import market, report_of
from hypothesis import given
from hypothesis import strategies as st

from adcli.errors import DataError, UsageError
from adcli.optimize.budget.allocation import Choice, allocate, best_plans
from adcli.optimize.budget.constraints import read_constraints
from adcli.optimize.budget.lift import lifts_of
from adcli.optimize.budget.plan import plan_budget
from adcli.optimize.budget.response import carried_over

NAMES = ["c0", "c1", "c2"]


@pytest.fixture(scope="module")
def world():
    return market(np.random.default_rng(5), 3)


@pytest.fixture(scope="module")
def report(world):
    return report_of(world, np.random.default_rng(6), weekly=True)


def spent_now(report, weeks=4):
    last = report["date"].unique().sort().tail(weeks)
    return report.filter(pl.col("date").is_in(last.implode()))["cost"].sum()


def rules(text, objective="conversions"):
    return read_constraints(text, "rules.toml", campaigns=NAMES, objective=objective)


def planned(plan, column="spend_planned"):
    return dict(zip(plan.table["campaign_id"], plan.table[column], strict=True))


def test_spend_moves_to_where_it_brings_most(world, report):
    total = spent_now(report)
    plan = plan_budget(report, total=total, days=28)
    now, moved = (plan.table[name].to_numpy() / 28 for name in ("spend_now", "spend_planned"))
    best = world.best(total / 28)
    gain, possible = (world.value(spend).sum() - world.value(now).sum() for spend in (moved, best))
    assert gain > 0.85 * possible > 0
    assert moved.sum() * 28 == pytest.approx(total, abs=0.02)
    assert plan.gain.interval.low < gain * 28 < plan.gain.interval.high
    assert set(plan.curves["campaign_id"]) == set(NAMES)


def test_constraints_are_kept(report):
    total = spent_now(report)
    free = planned(plan_budget(report, total=total, days=28))
    most = max(free, key=free.__getitem__)
    low, high = round(0.3 * total, 2), round(0.8 * free[most], 2)
    least = min(free, key=free.__getitem__)
    bound = rules(f"[campaigns.{most}]\nmax = {high}\n[campaigns.{least}]\nmin = {low}\n")
    kept = planned(plan_budget(report, total=total, days=28, constraints=bound))
    assert kept[most] <= high
    assert kept[least] >= low
    fixed = plan_budget(report, total=total, days=28, constraints=rules("[campaigns.c1]\nfixed = true\n"))
    assert planned(fixed)["c1"] == pytest.approx(planned(fixed, "spend_now")["c1"], abs=0.01)
    assert "fixed" in planned(fixed, "reason")["c1"]


def test_a_target_of_cost_leaves_money_unspent(report):
    total = spent_now(report)
    free = plan_budget(report, total=total, days=28)
    costs = free.table["spend_planned"].sum() / free.table["value_planned"].sum()
    bound = rules(f"target_cpa = {0.8 * costs}")
    plan = plan_budget(report, total=total, days=28, constraints=bound)
    assert plan.table["spend_planned"].sum() < total
    assert plan.table["spend_planned"].sum() <= 0.8 * costs * plan.table["value_planned"].sum() * 1.001
    returns = plan_budget(
        report, total=total, days=28, objective="revenue",
        constraints=rules(f"target_roas = {20 / (0.8 * costs)}", "revenue"),
    )  # fmt: skip
    assert returns.table["value_planned"].sum() >= 20 / (0.8 * costs) * returns.table["spend_planned"].sum()
    with pytest.raises(UsageError, match="cannot be reached"):
        plan_budget(report, total=total, days=28, constraints=rules("target_cpa = 0.001"))


def test_what_never_varied_is_not_known_and_kept(world, report):
    flat = report.with_columns(
        pl.when(pl.col("campaign_id") == "c1").then(700.0).otherwise("cost").alias("cost")
    )
    plan = plan_budget(flat, total=spent_now(flat), days=28)
    row = plan.table.row(by_predicate=pl.col("campaign_id") == "c1", named=True)
    assert row["verdict"] == "not enough evidence"
    assert "never varied" in row["reason"]
    assert row["spend_planned"] == row["spend_now"] == 2_800
    with pytest.raises(DataError, match="never varied"):
        plan_budget(report.with_columns(cost=pl.lit(700.0)), total=8_400, days=28)


def test_spend_that_only_followed_demand_is_not_taken_for_knowledge(world):
    """A fifth of the spend's variance is its own: what more of it brings stays open."""
    report = report_of(world, np.random.default_rng(1), weekly=True, varied=0.02, follows_demand=0.1)
    with pytest.raises(DataError, match="varied too little"):
        plan_budget(report, total=spent_now(report), days=28)


def test_a_lift_test_narrows_what_days_leave_open(report):
    total = spent_now(report)
    effects = pl.DataFrame(
        {
            "metric": ["conversions"], "variant": ["c0"], "relative": [0.25], "relative_low": [0.23],
            "relative_high": [0.27], "verdict": ["better"],
        }
    )  # fmt: skip
    asked = {"campaigns": NAMES, "objective": "conversions", "name": "t"}
    lifts = lifts_of(effects, campaign=None, **asked)
    assert lifts["c0"].share == pytest.approx(0.2)  # of the value with ads
    before, after = (
        plan_budget(report, total=total, days=28, lifts=one).curves.filter(pl.col("campaign_id") == "c0")
        for one in ({}, lifts)
    )
    at_zero, usual = after["value"][0], np.interp(total / 6, after["spend"], after["value"])
    assert 0.6 < at_zero / usual < 0.95
    assert after["value_high"][0] - after["value_low"][0] < before["value_high"][0] - before["value_low"][0]
    with pytest.raises(DataError, match="split"):
        lifts_of(effects.with_columns(verdict=pl.lit("invalid: sample ratio")), campaign=None, **asked)
    with pytest.raises(DataError, match="none of the arms"):
        lifts_of(effects.with_columns(variant=pl.lit("x")), campaign=None, **asked)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[campaigns.c9]\nfixed = true", "no campaign 'c9'"),
        ("[campaigns.c1]\nfixed = true\nmin = 3", "fixed and has a min"),
        ("[campaigns.c1]\nmin = 5\nmax = 3", "above its max"),
        ("target_roas = 3", "about revenue"),
        ("target_cpas = 3", "no constraint"),
        ("[campaigns.c1]\nmax = -3", "amount of 0 or more"),
        ("x = [", "no TOML"),
    ],
)
def test_constraints_that_cannot_be_are_one_sentence(text, said):
    with pytest.raises(UsageError, match=said.replace("[", r"\[")):
        rules(text)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"campaign_id": pl.lit("only")}, "1 campaign, 'only'"),
        ({"cost": -pl.col("cost")}, "below zero"),
        ({"conversions": pl.lit(0)}, "it brought nothing"),
        ({"date": pl.col("date") + pl.duration(days=3 * pl.col("date").dt.week())}, "days apart"),
    ],
)
def test_reports_that_tell_nothing_are_one_sentence(report, change, said):
    with pytest.raises(DataError, match=said):
        plan_budget(report.with_columns(**change), total=1_000, days=28)


def test_a_campaign_may_be_called_what_a_column_is_called(report):
    called = report.with_columns(campaign_id=pl.col("campaign_id").replace({"c0": "date", "c1": "cost"}))
    plan = plan_budget(called, total=spent_now(report), days=28)
    assert set(plan.table["campaign_id"]) == {"date", "cost", "c2"}


def test_a_total_says_what_it_is_for(report):
    weekly = spent_now(report) / 4
    assert plan_budget(report, total=weekly).days == 7
    assert plan_budget(report, total=52 * weekly).days in (364, 365)
    with pytest.raises(UsageError, match="--days"):
        plan_budget(report, total=weekly / 3)
    with pytest.raises(UsageError, match="highest"):
        plan_budget(report, total=weekly * 100, days=28)


@given(st.lists(st.lists(st.floats(0, 9), min_size=6, max_size=6), min_size=1, max_size=3))
def test_the_best_plan_is_the_best_of_all(values):
    table = np.array(values)
    best, plans = best_plans(table)
    for cells in range(6):
        every = [
            sum(table[number, cell] for number, cell in enumerate(plan))
            for plan in np.ndindex(*[6] * len(table))
            if sum(plan) == cells
        ]
        assert best[cells] == pytest.approx(max(every))
        assert plans[cells].sum() == cells


def test_a_total_between_bounds_is_given_away_whole():
    amounts = np.linspace(0, 100, 11)
    choices = [
        Choice("a", 0, 100, amounts, np.sqrt(amounts)),
        Choice("b", 0, 100, amounts, 2 * np.sqrt(amounts)),
    ]
    spend = allocate(choices, 123.45)
    assert spend.sum() == pytest.approx(123.45)
    assert spend[1] > spend[0]


def test_what_is_carried_over_fades_and_adds_up():
    spend = np.array([*[0.0] * 20, 10.0, *[0.0] * 60])
    carried = carried_over(spend, np.array([0.0, 0.8]))
    assert carried[0] == pytest.approx(spend)
    assert carried[1].sum() == pytest.approx(10, rel=1e-4)
    assert carried[1][21] == pytest.approx(0.8 * carried[1][20])
