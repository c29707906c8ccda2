"""Rules that a policy obeys, as a TOML file states them."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, NamedTuple

from adcli.errors import DataError, UsageError, require_known

Groups = dict[str, dict[str, float]]


@dataclass(frozen=True)
class Exclusion:
    """Actions that are not shown: those with one of `values` in `column`, where the context is as `where`."""

    column: str
    values: tuple[str, ...]
    where: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


@dataclass(frozen=True)
class Constraints:
    """What `KEYS` says, read; None and empty where a rule is not asked for. `quiet_hours` are 0 to 23."""

    budget: float | None = None
    impressions: float | None = None
    cost_per_action: float | None = None
    return_on_ad_spend: float | None = None
    minimum_exposure: Groups = field(default_factory=dict)
    exploration_floor: float = 0.0
    frequency_cap: int | None = None
    quiet_hours: tuple[int, ...] = ()
    stock: Mapping[str, float] = field(default_factory=dict)
    exclusions: tuple[Exclusion, ...] = ()


def read_constraints(path: Path) -> Constraints:
    """The constraints of a TOML file.

    Raises UsageError if there is no such file; DataError if it is no TOML, has a key that is none, or a value
    that the key does not take.
    """
    try:
        with path.open("rb") as handle:
            given = tomllib.load(handle)
    except FileNotFoundError:
        raise UsageError(f"{path}: no such file.") from None
    except (OSError, ValueError, RecursionError) as error:
        raise DataError(f"{path} is no TOML: {error}.") from None
    if not given:
        raise DataError(f"{path} states no constraint.", fix=f"Its keys are {', '.join(KEYS)}.")
    read = {}
    for key, value in given.items():
        require_known(key, KEYS, f"{path}: '{key}' is no constraint.", f"The keys are {', '.join(KEYS)}.")
        try:
            read[key] = KEYS[key].read(value)
        except (TypeError, ValueError, AttributeError, KeyError) as error:
            said = error.args[0] if isinstance(error, ValueError) and error.args else "not understood"
            raise DataError(
                f"{path}: {key} = {value!r}: {said}.", fix=f"It is {KEYS[key].meaning}: {KEYS[key].example}"
            ) from None
    return Constraints(**read)


def _positive(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < float("inf"):
        raise ValueError("expected a number above 0")
    return float(value)


def _share(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 1:
        raise ValueError("expected a share from 0 to 1")
    return float(value)


def _count(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise ValueError("expected a whole number, at least 0")
    return value


def _table(value: Any, kind: Callable[[Any], Any]) -> dict[str, Any]:
    if not isinstance(value, dict) or not value:
        raise ValueError("expected a table")
    return {str(name): kind(one) for name, one in value.items()}


def _stock(value: Any) -> dict[str, int]:
    return _table(value, _count)


def _exposure(value: Any) -> Groups:
    found: Groups = _table(value, lambda groups: _table(groups, _share))
    for column, groups in found.items():
        if sum(groups.values()) > 1:
            raise ValueError(f"the shares of {column} sum to {sum(groups.values()):g}, more than 1")
    return found


def _quiet(value: Any) -> tuple[int, ...]:
    if not isinstance(value, list) or len(value) != 2:
        raise ValueError("expected the first quiet hour and the one that is not any more")
    start, end = (_count(int(one.split(":")[0]) if isinstance(one, str) else one) for one in value)
    if not (start < 24 and end <= 24):
        raise ValueError("expected hours from 0 to 24")
    return tuple((start + ahead) % 24 for ahead in range((end - start) % 24 or 24))


def _words(value: Any) -> tuple[str, ...]:
    return tuple(map(str, value)) if isinstance(value, list) else (str(value),)


def _exclusions(value: Any) -> tuple[Exclusion, ...]:
    known = {"column", "values", "where"}
    if not isinstance(value, list):
        raise ValueError("expected a list of tables: [[exclusions]]")  # noqa: TRY004
    for rule in value:
        if wrong := set(rule) - known:
            raise ValueError(f"'{min(wrong)}' is none of {', '.join(sorted(known))}")
    return tuple(
        Exclusion(str(rule["column"]), _words(rule["values"]), _table(rule["where"], _words))
        if "where" in rule
        else Exclusion(str(rule["column"]), _words(rule["values"]))
        for rule in value
    )


class Key(NamedTuple):
    """A key of the file: what it asks for, how it is written, and how it is read."""

    meaning: str
    example: str
    read: Callable[[Any], Any]


KEYS: Final[Mapping[str, Key]] = {
    "budget": Key(
        "the most that the decisions of one run of apply may cost together", "budget = 5000", _positive
    ),
    "impressions": Key(
        "how many decisions budget and stock are for; as many as the log has unless given",
        "impressions = 100000",
        _positive,
    ),
    "cost_per_action": Key("the most that a conversion may cost", "cost_per_action = 12.5", _positive),
    "return_on_ad_spend": Key("the least revenue for each unit of cost", "return_on_ad_spend = 4", _positive),
    "minimum_exposure": Key(
        "least shares of the impressions, of a column of the action or of --items",
        "minimum_exposure.seller = {acme = 0.1, zeta = 0.05}",
        _exposure,
    ),
    "exploration_floor": Key(
        "the least probability of each action that may be shown", "exploration_floor = 0.001", _share
    ),
    "frequency_cap": Key(
        "the most impressions of one action that a user gets in one run; needs user_id",
        "frequency_cap = 3",
        _count,
    ),
    "quiet_hours": Key(
        "hours (UTC) without ads, the first and the end", 'quiet_hours = ["22:00", "07:00"]', _quiet
    ),
    "stock": Key("how often an action may be shown at most in one run", "stock = {item03 = 100}", _stock),
    "exclusions": Key(
        "what is never shown, or not where the context is so",
        'exclusions = [{column = "category", values = ["alcohol"], where = {segment = ["minors"]}}]',
        _exclusions,
    ),
}
