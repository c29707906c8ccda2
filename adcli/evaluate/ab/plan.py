"""The plan of an A/B test as a table: units, days and what they can show."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import polars as pl

from adcli.errors import UsageError
from adcli.evaluate.ab.power import Design, detectable_effect, units_needed
from adcli.evaluate.figures import figures_table
from adcli.statistics.intervals import normal_quantile

RELATIVE_EFFECTS = (0.01, 0.02, 0.05, 0.1, 0.2)
ROUNDING = 1e-6  # units; 3 arms of equal size have a ratio of 1.0000000000000002


PLAIN = Design()


class _PlanRow(NamedTuple):
    scenario: str
    baseline: float
    target: float
    difference: float
    relative: float
    power: float
    units_control: int
    units_variant: int
    units: int
    days: int | None
    definition: str = ""


def plan_table(
    *,
    baseline: float,
    std_dev: float | None = None,
    relative_effects: Sequence[float] = RELATIVE_EFFECTS,
    units: int | None = None,
    daily_units: float | None = None,
    design: Design = PLAIN,
) -> pl.DataFrame:
    """How many units show each effect, or which effect `units` show.

    Args:
        baseline: The control's figure; a proportion unless `std_dev` is given.
        std_dev: Of one unit's value, if the figure is a mean.
        relative_effects: Steps from the baseline to plan for.
        units: Units of all arms that can be had; if given, the one row says the effect that they show.
        daily_units: New units a day, for the run time.
        design: Power, confidence, arms, looks.

    Returns:
        One row per scenario: `scenario baseline target difference relative power units_control units_variant
        units days definition`; `units` is of all arms.

    Raises:
        UsageError: If the figures allow no plan.
    """
    if units is not None:
        n_control = int(units / (1 + design.ratio * (design.arms - 1)))
        target = detectable_effect(n_control, baseline, design, std_dev=std_dev)
        planned = [("smallest effect that these units show", target, n_control)]
    else:
        planned = []
        for effect in relative_effects:
            target = baseline * (1 + effect)
            n_control = units_needed(baseline, target, design, std_dev=std_dev)
            planned.append((f"an effect of {100 * effect:+.4g}%", target, n_control))
    rows = [_row(said, baseline, target, n, design, daily_units) for said, target, n in planned]
    return figures_table(rows, _PlanRow)


def plan_from_policy_value(
    *,
    value: float,
    std_error: float,
    baseline: float,
    std_dev: float | None = None,
    daily_units: float | None = None,
    design: Design = PLAIN,
) -> pl.DataFrame:
    """The A/B test that would confirm what an off-policy estimate promises.

    An estimate is not the truth: the row of the estimate itself plans for it as if it were, the others for
    less favourable values.

    Args:
        value: Estimated value of the target policy for one unit.
        std_error: Of the estimate.
        baseline: Value of the logging policy for one unit.
        std_dev: Of one unit's reward; None if rewards are 0 or 1.
        daily_units: New units a day, for the run time.
        design: Power, confidence, arms, looks.

    Returns:
        The columns of `plan_table`; a scenario that leaves no gain to show is left out.

    Raises:
        UsageError: If the estimate equals the baseline.
    """
    if value == baseline:
        raise UsageError("The estimate equals the baseline; no test can confirm a difference of 0.")
    gain = math.copysign(1.0, value - baseline)
    scenarios = (
        ("the estimate", value),
        ("one standard error short of it", value - gain * std_error),
        ("the near end of its interval", value - gain * normal_quantile(design.confidence) * std_error),
    )
    rows = []
    for name, target in scenarios:
        if (target - baseline) * gain > 0:
            n_control = units_needed(baseline, target, design, std_dev=std_dev)
            rows.append(_row(name, baseline, target, n_control, design, daily_units))
    return figures_table(rows, _PlanRow)


def _row(
    scenario: str, baseline: float, target: float, n_control: int, design: Design, daily_units: float | None
) -> _PlanRow:
    n_variant = math.ceil(n_control * design.ratio - ROUNDING)
    total = n_control + n_variant * (design.arms - 1)
    looks = f", {design.looks} looks by O'Brien-Fleming spending" if design.looks > 1 else ""
    shared = f", alpha shared by {design.comparisons} comparisons" if design.comparisons > 1 else ""
    return _PlanRow(
        scenario=scenario,
        baseline=baseline,
        target=target,
        difference=target - baseline,
        relative=target / baseline - 1 if baseline > 0 else math.nan,
        power=design.power,
        units_control=n_control,
        units_variant=n_variant,
        units=total,
        days=math.ceil(total / daily_units) if daily_units else None,
        definition=f"two-sided z at {design.confidence:.0%} confidence, {design.arms} arms{looks}{shared}",
    )
