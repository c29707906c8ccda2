"""The plan: spend moved between campaigns to where it brings most, and what that gains."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

import numpy as np
import polars as pl

from adcli.arrays import Floats
from adcli.errors import DataError, UsageError
from adcli.optimize.budget.allocation import Choice, allocate
from adcli.optimize.budget.campaigns import Campaign, study
from adcli.optimize.budget.constraints import Constraints, Limits
from adcli.optimize.budget.days import Days, days_of
from adcli.optimize.budget.posterior import Lift
from adcli.statistics.intervals import Interval
from adcli.statistics.verdicts import NO_DIFFERENCE, NOT_ENOUGH, Verdict, decide

_RECENT = 28  # days, at least, that tell what is spent now
_PERIODS = (7, 14, 28, 30, 91, 182, 365)  # days that a total may be for
_SURE = 1.4  # a total within this factor of what a period costs now is for that period
_CURVE_POINTS = 65
_MOVED = 0.005  # of what is spent now: less is no move
_CENT = 0.01
AMOUNTS = ("spend_now", "spend_planned", "value_now", "value_planned", "gain", "gain_low", "gain_high")
PLAN_COLUMNS = {
    "campaign_id": pl.String, **dict.fromkeys(AMOUNTS, pl.Float64), "verdict": pl.String, "reason": pl.String
}  # fmt: skip


class Gain(NamedTuple):
    """What a plan gains in all."""

    value: float  # expected
    interval: Interval  # of it
    unmoved: float  # what the same total gains where each campaign keeps its share of the spend


class Plan(NamedTuple):
    """A plan."""

    table: pl.DataFrame  # one row per campaign, columns of `PLAN_COLUMNS`
    gain: Gain  # of all campaigns whose response is known
    days: int  # that it is for
    curves: pl.DataFrame  # `campaign_id spend value value_low value_high` of those whose response is known
    said: list[str]  # what was decided, one sentence each


def plan_budget(
    report: pl.DataFrame,
    *,
    total: float,
    days: int | None = None,
    objective: str = "conversions",
    constraints: Constraints | None = None,
    lifts: Mapping[str, Lift] | None = None,
    confidence: float = 0.95,
    seed: int = 0,
) -> Plan:
    """Spend moved between the campaigns of a report to where it is expected to bring most.

    Args:
        report: `date campaign_id cost` and the objective, by day or week.
        total: What may be spent on the plan's days.
        days: That the plan is for; None takes the period whose present spend the total is close to.
        objective: `conversions` or `revenue`.
        constraints: What the plan obeys; its targets are obeyed in expectation.
        lifts: What tests said, by campaign.
        confidence: Of the intervals of the gain.
        seed: Of all draws.

    Raises:
        DataError: If no campaign's response is known, or the report is no series of days or weeks.
        UsageError: If no plan obeys the constraints, or it is not plain what the total is for.
    """
    if not 0 < total < math.inf:
        raise UsageError(f"--total {total:g}: expected an amount above 0.")
    rows = days_of(report, objective)
    said = list(rows.said)
    if days is None:
        days = _days_of_total(total, rows)
        said.append(f"--total {total:,.10g} is taken as the spend of {days} days (--days)")
    campaigns = _studied(rows, days, lifts or {}, seed)
    limits = constraints or Constraints({})
    choices = [_choice(one, limits.campaigns.get(one.name, Limits())) for one in campaigns]
    _refuse_total(total, choices)
    planned = allocate(choices, total, highest_cost=limits.highest_cost)
    if planned.sum() < total * (1 - _MOVED):
        said.append(f"{total - planned.sum():,.2f} of the total stays unspent: more would break the target")
    planned = _to_cents(planned)
    gains = [_gains(one, np.array([amount]))[:, 0] for one, amount in zip(campaigns, planned, strict=True)]
    table = _table(campaigns, choices, planned, gains, confidence)
    gain = _total_gain(campaigns, total, gains, confidence)
    return Plan(table, gain, days, _curves(campaigns, choices, confidence), said)


def _days_of_total(total: float, rows: Days) -> int:
    """The period that costs about the total at the present rate. Raises UsageError if none does."""
    recent = max(1, _RECENT // rows.length)
    daily = sum(float(spend[-recent:].mean()) for spend in rows.spend.values()) / rows.length
    periods = sorted({rows.length, *_PERIODS, len(rows.dates) * rows.length})
    if daily > 0:
        nearest = min(periods, key=lambda days: abs(math.log(total / (daily * days))))
        if abs(math.log(total / (daily * nearest))) <= math.log(_SURE):
            return nearest
    raise UsageError(
        f"--total {total:,.10g} may be for any time: {daily:,.4g} is spent a day, {7 * daily:,.4g} a week "
        f"and {28 * daily:,.4g} in 28 days now.",
        fix="Say how many days it is for with --days N.",
    )


def _studied(rows: Days, days: int, lifts: Mapping[str, Lift], seed: int) -> list[Campaign]:
    recent = min(len(rows.dates), max(1, round(max(days, _RECENT) / rows.length)))
    campaigns = [
        study(rows, name, periods=days / rows.length, recent=recent, seed=seed + number, lift=lifts.get(name))
        for number, name in enumerate(rows.spend)
    ]
    if all(one.response is None for one in campaigns):
        why = "; ".join(f"{one.name}: {one.reason}" for one in campaigns[:3])
        raise DataError(
            f"No campaign's response to spend is known, so there is no plan ({why}).",
            fix="Vary the spend of each by itself for some weeks, or run a lift test.",
        )
    return campaigns


def _choice(campaign: Campaign, limits: Limits) -> Choice:
    """What a plan may give a campaign: what it spends now where its response is not known.

    Where nothing else is said, up to the highest spend that there has been.
    """
    if limits.fixed is not False:
        low = high = campaign.now if limits.fixed is True else limits.fixed
    elif campaign.response is None:
        low = high = min(
            max(campaign.now, limits.low or 0.0), math.inf if limits.high is None else limits.high
        )
    else:
        low = limits.low or 0.0
        high = max(campaign.highest, low) if limits.high is None else limits.high
    amounts = np.linspace(low, high, _CURVE_POINTS)
    values = campaign.value_now + _gains(campaign, amounts).mean(axis=0)
    return Choice(campaign.name, low, high, amounts, values, limits.highest_cost)


def _gains(campaign: Campaign, amounts: Floats) -> Floats:
    """What amounts (m,) bring above what is spent now, by draw (g, m); 0 where the response is unknown."""
    if campaign.response is None:
        return np.zeros((1, amounts.size))
    values = campaign.values(np.append(amounts, campaign.now))
    return values[:, :-1] - values[:, -1:]


def _refuse_total(total: float, choices: Sequence[Choice]) -> None:
    low, high = (sum(getattr(one, end) for one in choices) for end in ("low", "high"))
    held = [one.name for one in choices if one.low == one.high]
    kept = f" ({', '.join(held[:6])} kept as they are)" if held else ""
    if low > total * (1 + _MOVED / 100):
        raise UsageError(
            f"--total {total:,.10g} is less than the {low:,.2f} that campaigns are to get at least{kept}.",
            fix="Raise the total, or lower what --constraints keeps.",
        )
    if high < total * (1 - _MOVED / 100):
        raise UsageError(
            f"--total {total:,.10g} is more than the {high:,.2f} that the campaigns may get, which is their "
            f"highest spend so far where --constraints says no max{kept}.",
            fix="Lower the total, or say a max of some campaigns in --constraints.",
        )


def _to_cents(amounts: Floats) -> Floats:
    """The amounts in cents with the sum that they had; the largest takes what rounding leaves."""
    rounded = amounts.round(2)
    rounded[rounded.argmax()] += amounts.sum() - rounded.sum()
    return rounded.round(2)


def _table(
    campaigns: Sequence[Campaign],
    choices: Sequence[Choice],
    planned: Floats,
    gains: Sequence[Floats],
    confidence: float,
) -> pl.DataFrame:
    rows = []
    for one, choice, amount, drawn in zip(campaigns, choices, planned.tolist(), gains, strict=True):
        is_valued = one.response is not None or abs(amount - one.now) < _CENT
        gain, low, high = (float(drawn.mean()), *_bounds(drawn, confidence))
        verdict = _verdict(one, amount, Interval(low, high), gain, choice, confidence)
        worth = (one.value_now + gain, gain, low, high) if is_valued else (None, None, None, None)
        rows.append((one.name, round(one.now, 2), amount, one.value_now, *worth, *verdict[:2]))
    return pl.DataFrame(rows, schema=PLAN_COLUMNS, orient="row")


def _verdict(
    campaign: Campaign, planned: float, interval: Interval, gain: float, choice: Choice, confidence: float
) -> Verdict:
    if campaign.response is None:
        kept = "kept" if abs(planned - campaign.now) < _CENT else "not valued"
        return Verdict(NOT_ENOUGH, f"{kept}: {campaign.reason}")
    if abs(planned - campaign.now) <= _MOVED * max(planned, campaign.now):
        is_fixed = choice.low == choice.high
        return Verdict(NO_DIFFERENCE, "fixed by --constraints" if is_fixed else "its spend stays")
    found = decide(gain, interval, confidence=confidence)
    return found._replace(reason=f"{'more' if planned > campaign.now else 'less'} spend: {found.reason}")


def _bounds(draws: Floats, confidence: float) -> tuple[float, float]:
    low, high = np.quantile(draws, [(1 - confidence) / 2, (1 + confidence) / 2])
    return float(low), float(high)


def _total_gain(
    campaigns: Sequence[Campaign], total: float, gains: Sequence[Floats], confidence: float
) -> Gain:
    known = [one for one in campaigns if one.response is not None]
    held = sum(one.now for one in campaigns if one.response is None)
    scale = max(total - held, 0.0) / sum(one.now for one in known)
    unmoved = sum(float(_gains(one, np.array([one.now * scale])).mean()) for one in known)
    drawn = sum(gains[number] for number, one in enumerate(campaigns) if one.response is not None)
    drawn = np.asarray(drawn)
    return Gain(float(drawn.mean()), Interval(*_bounds(drawn, confidence)), unmoved)


def _curves(campaigns: Iterable[Campaign], choices: Iterable[Choice], confidence: float) -> pl.DataFrame:
    """What each spend up to the highest would bring, by campaign."""
    frames = []
    for one, choice in zip(campaigns, choices, strict=True):
        if one.response is None:
            continue
        amounts = np.linspace(0.0, max(one.highest, choice.high), _CURVE_POINTS)
        values = one.values(amounts)
        low, high = np.quantile(values, [(1 - confidence) / 2, (1 + confidence) / 2], axis=0)
        columns = {"spend": amounts, "value": values.mean(axis=0), "value_low": low, "value_high": high}
        frames.append(pl.DataFrame({"campaign_id": [one.name] * _CURVE_POINTS, **columns}))
    return pl.concat(frames)
