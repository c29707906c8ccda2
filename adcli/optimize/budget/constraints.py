"""What a plan has to obey: campaigns that stay as they are, bounds of spend, and targets of cost."""

from __future__ import annotations

import math
import tomllib
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from adcli.errors import UsageError, require_known

TARGETS = {"target_cpa": "conversions", "target_roas": "revenue"}  # and the objective that each is about
_OF_A_CAMPAIGN = ("fixed", "min", "max", *TARGETS)


class Limits(NamedTuple):
    """What one campaign has to obey; amounts are of the whole plan."""

    fixed: bool | float = False  # True to spend what it does now, or an amount
    low: float | None = None  # the least spend; None where nothing is said
    high: float | None = None  # the greatest; None where nothing is said
    highest_cost: float = math.inf  # of a unit of value: the target CPA, or 1 / the target ROAS


class Constraints(NamedTuple):
    """What the campaigns, and all of them together, have to obey."""

    campaigns: Mapping[str, Limits]
    highest_cost: float = math.inf


def read_constraints(text: str, name: str, *, campaigns: Sequence[str], objective: str) -> Constraints:
    """Constraints from TOML: `target_cpa` or `target_roas` of all, and a table `campaigns.ID` of each.

    `objective`: what the plan is for: `conversions` or `revenue`. Raises UsageError if it is no TOML, has a
    key or a campaign that is not known, or contradicts itself.
    """
    try:
        found = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise UsageError(f"{name} is no TOML: {error}.") from None
    tables = found.pop("campaigns", {})
    _refuse_unknown(found, TARGETS, f"{name}: '{{}}' is no constraint of all campaigns")
    if not isinstance(tables, dict) or not all(isinstance(table, dict) for table in tables.values()):
        raise UsageError(
            f"{name}: campaigns has to hold a table of each campaign, such as [campaigns.brand]."
        )
    _refuse_unknown(tables, campaigns, f"{name}: the report has no campaign '{{}}'")
    limits = {
        campaign: _limits(table, f"{name}: campaign '{campaign}'", objective)
        for campaign, table in tables.items()
    }
    return Constraints(limits, _highest_cost(found, name, objective))


def _refuse_unknown(
    given: Mapping[str, Any], known: Sequence[str] | Mapping[str, str], sentence: str
) -> None:
    for key in given:
        fix = f"There are {', '.join(list(known)[:12])}."
        require_known(key, known, f"{sentence.format(key)}.", fix, error=UsageError)


def _limits(table: Mapping[str, Any], where: str, objective: str) -> Limits:
    _refuse_unknown(table, _OF_A_CAMPAIGN, f"{where}: '{{}}' is no constraint")
    fixed = table.get("fixed", False)
    if not isinstance(fixed, bool):
        fixed = _amount(table, "fixed", where)
    low, high = (_amount(table, key, where) if key in table else None for key in ("min", "max"))
    if fixed is not False and (low is not None or high is not None):
        raise UsageError(f"{where} is fixed and has a min or max.", fix="Keep one of them.")
    if low is not None and high is not None and low > high:
        raise UsageError(f"{where} has a min of {low:g} above its max of {high:g}.")
    return Limits(fixed, low, high, _highest_cost(table, where, objective))


def _highest_cost(table: Mapping[str, Any], where: str, objective: str) -> float:
    for key, of in TARGETS.items():
        if key not in table:
            continue
        if of != objective:
            raise UsageError(f"{where} has a {key}, which is about {of}.", fix=f"Give --objective {of}.")
        target = _amount(table, key, where)
        if target == 0:
            raise UsageError(f"{where}: {key} is 0; expected an amount above 0.")
        return target if key == "target_cpa" else 1 / target
    return math.inf


def _amount(table: Mapping[str, Any], key: str, where: str) -> float:
    value = table[key]
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < math.inf:
        raise UsageError(f"{where}: {key} is {value!r}; expected an amount of 0 or more.")
    return float(value)
