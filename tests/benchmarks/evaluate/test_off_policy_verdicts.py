"""False verdicts of `evaluate policy` where the policy earns what the log earned, and true ones where it earns more.

    python test_off_policy_verdicts.py [LOGS]

Twenty worlds of families that no gate or interval was chosen on: logging by context, long tails, rare large weights.
"""

import sys

import numpy as np
import pytest
from off_policy_worlds import TO_TEST, World

from adcli.policies import estimators as e
from adcli.policies.evidence import Compared, Gates, ValueKind, diagnose, judge
from adcli.policies.logged import LoggedRows
from adcli.policies.uncertainty import difference_mean
from adcli.statistics.verdicts import BETTER, NO_DIFFERENCE, WORSE

LOGS = 200
RATES = (0.03, 0.1, 0.05, 0.2)


def verdict(world, rng, estimator):
    """The verdict on one log; and whether the log carries it."""
    rows = world.draw(rng).rows()
    nothing = np.zeros(rows.reward.size)
    logged = LoggedRows(nothing.astype(np.int32), rows.reward, nothing, None, None)
    if estimator == "snips":
        influence, residual = e.snips(rows.reward, rows.weight).influence, rows.reward
    else:
        influence = e.dr(rows.reward, rows.weight, rows.q_logged, rows.q_policy).influence
        residual = rows.reward - rows.q_logged
    gain = difference_mean(influence, residual, rows.weight, logged)
    compared = Compared(gain.value, gain.interval(0.95), gain.error, float(rows.reward.mean()))
    found = diagnose(rows.reward, rows.weight, 0.0, None)
    said = judge(compared, found, Gates(), 0.95, ValueKind("impression", "rate"))
    return said.verdict, not said.reason.startswith(("Only", "The weights"))


def study(clicks, gain, logs, estimator):
    """Of logs that carry a verdict, by world: how many, and the share called better and worse."""
    rng, table = np.random.default_rng(3), []
    for number, (size, family) in enumerate((size, family) for size in clicks for family in TO_TEST):
        world = World(family, clicks=size, rate=RATES[number % 4], seed=900 + number, gain=gain)
        words = [word for word, carried in (verdict(world, rng, estimator) for _ in range(logs)) if carried]
        shares = [sum(word == wanted for word in words) for wanted in (BETTER, WORSE, NO_DIFFERENCE)]
        print(f"{world.name:60} {len(words):5} of {logs}: better {shares[0]:4}, worse {shares[1]:4}")
        table.append([len(words), *shares])
    return np.array(table)


def nulls(logs, estimator):
    """The share of false verdicts among those that the gates let speak, over all worlds."""
    print(f"\nno difference, by {estimator}")
    table = study((55, 80, 150, 300), 0.0, logs, estimator)
    spoken, false = table[:, 0].sum(), table[:, 1:3].sum()
    print(f"false verdicts: {false} of {spoken}, {false / spoken:.3f}")
    return false / spoken


def better(logs, estimator):
    """The share called better of policies that earn 30 % more, at 100 clicks and more, world by world."""
    print(f"\n30 % better, by {estimator}")
    table = study((100, 150, 250), 0.3, logs, estimator)
    right = table[:, 1] / logs
    print(f"right verdicts: {right.mean():.3f}, in the worst world {right.min():.3f}")
    return right.mean()


@pytest.mark.benchmark
@pytest.mark.parametrize("estimator", ["snips", "dr"])
def test_false_and_right_verdicts(estimator):
    assert nulls(LOGS, estimator) <= 0.05
    assert better(LOGS, estimator) >= 0.8


if __name__ == "__main__":
    given = int(sys.argv[1]) if len(sys.argv) > 1 else LOGS
    for name in ("snips", "dr"):
        nulls(given, name)
        better(given, name)
