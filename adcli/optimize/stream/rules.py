"""What may be shown, and how often, as `{"rules": ...}` lines say."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from adcli.errors import did_you_mean
from adcli.optimize.stream.refused import RefusedLine, finite, shown
from adcli.policies.actions import ActionSet

KEYS = ("eligible", "exclude", "caps", "floor")
Mask = NDArray[np.bool_]


class ActionNames:
    """The actions by what lines call them: the item, or an object of some of the columns of an action."""

    def __init__(self, actions: ActionSet) -> None:
        self.columns = actions.columns
        self._rows = actions.frame.rows()
        self._masks: dict[Any, Mask] = {}
        self.texts = [
            row[0] if len(row) == 1 else dict(zip(self.columns, row, strict=True)) for row in self._rows
        ]

    def mask(self, names: Any, key: str = "eligible") -> Mask:
        """Which actions a list names, shape (K,).

        Raises:
            RefusedLine: If it is no list, or names what is no action.
        """
        if type(names) is not list:
            raise RefusedLine(f"'{key}' must be a list of actions, not {shown(names)}.")
        found = np.zeros(len(self._rows), dtype=bool)
        for name in names:
            found |= self.one(name)
        return found

    def one(self, name: Any) -> Mask:
        """Which actions a name means, shape (K,)."""
        try:
            cached = self._masks.get(name)
        except TypeError:
            cached = None
        if cached is not None:
            return cached
        wanted = name if type(name) is dict else {self.columns[0]: name}
        mask = np.array([self._is_meant(row, wanted) for row in self._rows])
        if not mask.any():
            known = [str(row[0]) for row in self._rows]
            guess = did_you_mean(str(name), known)
            raise RefusedLine(f"{shown(name)} is no action of the policy. {guess}".rstrip())
        if type(name) is str:
            self._masks[name] = mask
        return mask

    def _is_meant(self, row: Sequence[Any], wanted: Mapping[str, Any]) -> bool:
        given = dict(zip(self.columns, row, strict=True))
        return bool(wanted) and all(given.get(column) == value for column, value in wanted.items())


class Rules:
    """The rules that hold: a mask (K,), the most decisions of each action (K,), and the exploration floor."""

    def __init__(self, names: ActionNames, count: int, floor: float) -> None:
        self._names = names
        self.given: dict[str, Any] = {}
        self.allowed = np.ones(count, dtype=bool)
        self.caps = np.full(count, np.inf)
        self._default_floor = self.floor = floor

    def update(self, message: Any, shown_so_far: NDArray[np.int64]) -> None:
        """Take new rules; those that a line does not name stay, and null takes one away.

        Raises:
            RefusedLine: If a rule is none, or the rules leave nothing to show; then the old ones stay.
        """
        if type(message) is not dict or not set(message) & set(KEYS):
            raise RefusedLine(f"'rules' must be an object with some of {', '.join(KEYS)}.")
        given = {**self.given, **{key: message[key] for key in KEYS if key in message}}
        if "caps" in message and message["caps"] is not None:
            given["caps"] = self._totals(message["caps"], shown_so_far)
        self.restore({key: value for key, value in given.items() if value is not None})

    def _totals(self, caps: Any, shown_so_far: NDArray[np.int64]) -> list[list[Any]]:
        """Caps count from now on; kept as totals since the stream began."""
        if type(caps) is not dict:
            raise RefusedLine("'caps' must be an object of actions and the most decisions for each.")
        totals = []
        for name, most in caps.items():
            mask = self._names.one(name)
            finite(caps, name, 0, 1e12)
            totals.append([name, int(most) + int(shown_so_far[mask].max())])
        return totals

    def restore(self, given: dict[str, Any]) -> None:
        """Let rules hold that `given` showed, or new ones."""
        allowed = np.ones(self.allowed.size, dtype=bool)
        if "eligible" in given:
            allowed &= self._names.mask(given["eligible"])
        if "exclude" in given:
            allowed &= ~self._names.mask(given["exclude"], "exclude")
        caps = np.full(allowed.size, np.inf)
        for name, most in given.get("caps", ()):
            caps[self._names.one(name)] = most
        if not allowed.any():
            raise RefusedLine("Under these rules ('eligible', 'exclude') no action is left to show.")
        floor = finite(given, "floor", 0, 1) if "floor" in given else self._default_floor
        self.given, self.allowed, self.caps, self.floor = given, allowed, caps, floor
