"""Plans of spend on simulated markets: the share of the possible gain, and how often its interval is right.

python -m pytest -s -m benchmark tests/benchmarks/optimize/test_budget_figures.py
"""

import time

import numpy as np
import pytest
from budget_worlds import by_week, demand_of, market, report_of

from adcli.errors import DataError
from adcli.optimize.budget.plan import plan_budget

pytestmark = pytest.mark.benchmark

MARKETS = 40


def played(world, rng, *, weekly):
    """The share of moving 28 days' spend: gain and possible gain a day, all that is gained, its interval."""
    demand = demand_of(rng)
    days = report_of(world, rng, demand=demand)
    report = by_week(days) if weekly else days
    total = float(report["cost"].sum()) / 13  # at the mean of the 52 weeks
    plan = plan_budget(report, total=total, days=28)
    now, moved = (plan.table[name].to_numpy() / 28 for name in ("spend_now", "spend_planned"))
    best = world.best(total / 28)
    gain, possible = (world.value(spend).sum() for spend in (moved, best))
    fair = world.value(now * total / 28 / now.sum()).sum()
    before = days.pivot("campaign_id", index="date", values="cost").drop("date").to_numpy()
    all_gain = world.gained(before, moved, now) * demand[-28:].mean()
    return gain - fair, possible - fair, all_gain, plan.gain.interval


@pytest.mark.parametrize("kind", ["day", "week"])
def test_share_of_the_possible_gain(kind):
    started, runs = time.process_time(), []
    for seed in range(MARKETS):
        rng = np.random.default_rng(seed)
        runs.append(played(market(rng), rng, weekly=kind == "week"))
    gain, possible, all_gain = (np.array([run[place] for run in runs]) for place in range(3))
    covered = np.mean(
        [low <= one <= high for one, (low, high) in zip(all_gain, (r[3] for r in runs), strict=True)]
    )
    print(
        f"\nby {kind}: {gain.sum() / possible.sum():.3f} of the possible gain (mean of markets "
        f"{(gain / possible).mean():.3f}, median {np.median(gain / possible):.3f}), 95 % intervals hold "
        f"{covered:.2f}; {(time.process_time() - started) / MARKETS:.1f} CPU-s each"
    )
    assert gain.sum() >= 0.9 * possible.sum()
    assert covered >= 0.85


def test_constant_spend_is_refused():
    for seed in range(10):
        rng = np.random.default_rng(seed)
        report = report_of(market(rng), rng, varied=0.0)
        with pytest.raises(DataError, match="never varied"):
            plan_budget(report, total=10_000, days=28)
