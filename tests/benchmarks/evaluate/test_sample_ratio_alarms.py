"""How often a healthy split is called broken by who looks at it a hundred times."""

import numpy as np
import pytest

from adcli.evaluate.ab.sequential import AnyTime
from adcli.evaluate.ab.verdicts import sample_ratio


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
