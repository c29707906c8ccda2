"""False positives, power and sample of looking 28 times, rule by rule."""

import numpy as np
import pytest

from adcli.evaluate.ab.sequential import AnyTime, obrien_fleming_boundaries
from adcli.evaluate.ab.verdicts import sample_ratio
from adcli.statistics.intervals import normal_quantile

LOOKS, PER_ARM, EXPERIMENTS = 28, 80_637, 20_000


def z_paths(rate, lifted):
    """(experiments, looks) z, and units per arm at each look."""
    rng = np.random.default_rng(7)
    n = np.linspace(PER_ARM / LOOKS, PER_ARM, LOOKS).round().astype(int)
    step = np.diff(np.r_[0, n])
    a, b = (rng.binomial(step, p, (EXPERIMENTS, LOOKS)).cumsum(1) / n for p in (rate, lifted))
    return (b - a) / np.sqrt((a * (1 - a) + b * (1 - b)) / n), n


def compare():
    _, n = z_paths(0.02, 0.02)
    anytime = {
        name: [normal_quantile(AnyTime(2 * k, planned).confidence(0.95)) for k in n]
        for name, planned in (
            ("any time, tuned to the plan", 2 * PER_ARM),
            ("any time, tuned to 5,000", 5000),
        )
    }
    rules = {
        "once, at the end": np.r_[np.full(LOOKS - 1, np.inf), 1.959964],
        "at every look, as if it were the end": np.full(LOOKS, 1.959964),
        "planned looks, O'Brien-Fleming": obrien_fleming_boundaries(np.arange(1, LOOKS + 1) / LOOKS),
        **anytime,
    }
    print(f"\n{'rule':38s} {'effect':>7s} {'rejects':>8s} {'sample':>7s}")
    for effect, lifted in (("none", 0.02), ("+10 %", 0.022), ("+20 %", 0.024)):
        z, n = z_paths(0.02, lifted)
        for name, bounds in rules.items():
            crossed = np.abs(z) > bounds
            first = np.where(crossed.any(1), crossed.argmax(1), LOOKS - 1)
            print(f"{name:38s} {effect:>7s} {crossed.any(1).mean():8.4f} {(n[first] / PER_ARM).mean():7.3f}")


@pytest.mark.benchmark
def test_sequential_power():
    compare()


@pytest.mark.benchmark
@pytest.mark.parametrize("shares", [(0.5, 0.5), (0.85, 0.15), (0.25, 0.25, 0.5), (0.2,) * 5])
def test_a_healthy_split_looked_at_a_hundred_times(shares):
    planned, alpha, experiments = 30_000, 0.05, 150
    rng, expected = np.random.default_rng(len(shares)), dict(enumerate(shares))
    alarms = np.zeros(2)
    for _ in range(experiments):
        arms = rng.multinomial(planned // 100, shares, 100).cumsum(0)
        looks = [(dict(enumerate(map(int, row))), AnyTime(int(row.sum()), planned)) for row in arms]
        for at, plans in enumerate(([None] * 100, [plan for _, plan in looks])):
            found = (
                sample_ratio(sizes, expected, plan) for (sizes, _), plan in zip(looks, plans, strict=True)
            )
            alarms[at] += any(one.p_value < alpha for one in found)
    fixed, any_time = alarms / experiments
    print(
        f"\n{len(shares)} arms, first {shares[0]:.0%}: alarms {fixed:.3f} as if each look were the end, "
        f"{any_time:.3f} with --planned-units"
    )
    assert any_time <= alpha + 2 * (alpha * (1 - alpha) / experiments) ** 0.5
    assert fixed > 0.15


if __name__ == "__main__":
    compare()
