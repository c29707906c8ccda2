"""What may be shown, and how often, as `{"rules": ...}` lines say."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from adcli.arrays import Flags, Integers
from adcli.errors import did_you_mean
from adcli.optimize.stream.constraints import LiveConstraints
from adcli.optimize.stream.refused import RefusedLine, finite, shown
from adcli.policies.actions import ActionSet

KEYS = ("eligible", "exclude", "caps", "floor")


class ActionNames:
    """The actions by what lines call them: the item, or an object of some of the columns of an action."""

    def __init__(self, actions: ActionSet) -> None:
        self.columns = actions.columns
        self._rows = actions.frame.rows()
        self._masks: dict[Any, Flags] = {}
        self.texts = [
            row[0] if len(row) == 1 else dict(zip(self.columns, row, strict=True)) for row in self._rows
        ]

    def mask(self, names: Any, key: str = "eligible") -> Flags:
        """Which actions a list names, shape (K,).

        Raises RefusedLine if it is no list, or names what is no action.
        """
        if type(names) is not list:
            raise RefusedLine(f"'{key}' must be a list of actions, not {shown(names)}.")
        found = np.zeros(len(self._rows), dtype=bool)
        for name in names:
            found |= self.one(name)
        return found

    def one(self, name: Any) -> Flags:
        """Which actions a name means, shape (K,)."""
        try:
            cached = self._masks.get(name)
        except TypeError:
            cached = None
        if cached is not None:
            return cached
        named = name if type(name) is dict else {self.columns[0]: name}
        wanted = {key: str(value) if type(value) is int else value for key, value in named.items()}
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
    """The rules that hold, those of the policy's constraints first: what may be shown, how often, the floor.

    `decided` counts the decisions for each action, (K,); `seen` those for each user, under a frequency cap.
    """

    def __init__(self, names: ActionNames, obeyed: LiveConstraints, epsilon: float) -> None:
        count = len(names.texts)
        self._names, self._cap, self._free = names, obeyed.frequency_cap, obeyed.is_free(count)
        self.decided = np.zeros(count, dtype=np.int64)
        self.seen: defaultdict[str, Counter[int]] = defaultdict(Counter)
        self._default_floor = max(epsilon, min(obeyed.floor * count, 1.0))
        self.restore({"caps": list(obeyed.caps.items())} if obeyed.caps else {})

    @property
    def hold(self) -> bool:
        """Whether there are any."""
        return bool(self.given) or self._cap is not None

    def user(self, context: Mapping[str, Any]) -> str | None:
        """Whose impressions are counted; nobody's without a frequency cap, or of a user who is not known."""
        found = context.get("user_id") if self._cap is not None else None
        if found is not None and type(found) not in (str, int):
            raise RefusedLine(f"'user_id' must be a text, not {shown(found)}.")
        return None if found is None else str(found)

    def count(self, action: Integers, users: Sequence[str | None]) -> None:
        """Count decisions."""
        self.decided += np.bincount(action, minlength=self.decided.size)
        if self._cap is None:
            return
        for user, one in zip(users, action.tolist(), strict=True):
            if user is not None:
                self.seen[user][one] += 1

    def room(self) -> float:
        """How many decisions may be made before a cap is reached."""
        lefts = (most - self.decided[mask].sum() for mask, most in self._caps)
        return min((left for left in lefts if left > 0), default=np.inf)

    def open(self, user: str | None) -> Flags:
        """Which actions a user may be shown, (K,)."""
        allowed = self.allowed.copy()
        for mask, most in self._caps:
            if self.decided[mask].sum() >= most:
                allowed &= ~mask
        if self._cap is not None and user is not None:
            often = self.seen[user]
            full = np.array([often[one] >= self._cap for one in range(allowed.size)])
            allowed &= ~full | self._free
        return allowed

    def update(self, message: Any) -> None:
        """Take new rules; those that a line does not name stay, and null takes one away.

        Raises RefusedLine if a rule is none, or the rules leave nothing to show; then the old ones stay.
        """
        if type(message) is not dict or not set(message) & set(KEYS):
            raise RefusedLine(f"'rules' must be an object with some of {', '.join(KEYS)}.")
        given = {**self.given, **{key: message[key] for key in KEYS if key in message}}
        if "caps" in message and message["caps"] is not None:
            given["caps"] = self._totals(message["caps"])
        self.restore({key: value for key, value in given.items() if value is not None})

    def _totals(self, caps: Any) -> list[list[Any]]:
        """Caps count from now on; kept as totals since the stream began."""
        if type(caps) is not dict:
            raise RefusedLine("'caps' must be an object of actions and the most decisions for each.")
        return [
            [name, int(finite(caps, name, 0, 1e12)) + int(self.decided[self._names.one(name)].sum())]
            for name in caps
        ]

    def restore(self, given: dict[str, Any]) -> None:
        """Let rules hold that `given` showed, or new ones."""
        allowed = np.ones(self.decided.size, dtype=bool)
        if "eligible" in given:
            allowed &= self._names.mask(given["eligible"])
        if "exclude" in given:
            allowed &= ~self._names.mask(given["exclude"], "exclude")
        if not allowed.any():
            raise RefusedLine("Under these rules ('eligible', 'exclude') no action is left to show.")
        caps = [(self._names.one(name), most) for name, most in given.get("caps", ())]
        floor = finite(given, "floor", 0, 1) if "floor" in given else self._default_floor
        self.given, self.allowed, self._caps, self.floor = given, allowed, caps, floor
