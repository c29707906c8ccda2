"""Whether the arms have the sizes that the assignment should have given them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from adcli.errors import DataError, did_you_mean
from adcli.evaluate.ab.sequential import Plan, PlannedLooks

AT_THE_END = PlannedLooks()


class SampleRatio(NamedTuple):
    """Chi-square of the arms' sizes against the expected shares."""

    statistic: float  # chi-square
    p_value: float  # that holds over all looks
    expected_share: Mapping[str, float]  # of each arm
    reading: str = ""  # how the p-value regards looks before the end; empty if it need not


def sample_ratio(
    sizes: Mapping[str, int], expected_shares: Mapping[str, float] | None, plan: Plan = AT_THE_END
) -> SampleRatio:
    """The check for a sample ratio mismatch.

    Args:
        sizes: Units of each arm.
        expected_shares: Of each arm, in any unit (1:1, 90:10); equal ones if None.
        plan: How often the test is looked at; its p-values hold over all looks.

    Raises:
        DataError: If the shares are not one positive number for each arm.

    Source: Fabijan et al. (2019), section 2.
    """
    from scipy.stats import chisquare

    shares = dict.fromkeys(sizes, 1.0) if expected_shares is None else dict(expected_shares)
    _check(shares, list(sizes))
    whole = sum(shares.values())
    total = sum(sizes.values())
    statistic, p_value = chisquare(list(sizes.values()), [total * shares[arm] / whole for arm in sizes])
    reading = f"; {plan.label}" if plan.label else ""
    expected = {arm: shares[arm] / whole for arm in sizes}
    return SampleRatio(float(statistic), plan.p_value(float(p_value)), expected, reading)


def _check(shares: Mapping[str, float], arms: Sequence[str]) -> None:
    for arm in shares:
        if arm not in arms:
            raise DataError(f"There is no arm '{arm}' to expect a share of.", fix=did_you_mean(arm, arms))
    for arm in arms:
        if not shares.get(arm, 0) > 0:
            raise DataError(f"The expected share of the arm '{arm}' is missing or not positive.")
