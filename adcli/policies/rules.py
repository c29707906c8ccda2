"""What a policy is to obey, in terms of its actions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from adcli.arrays import Flags, Floats


class Forbidden(NamedTuple):
    """Actions (K,) that a rule forbids where the context is as `where`, at these `hours` (all, if none)."""

    rule: str
    actions: Flags
    where: Mapping[str, tuple[str, ...]]
    hours: tuple[int, ...]


class Limit(NamedTuple):
    """The most that may be used per impression: of `per_action` (K,) + `of_value` x the expected reward.

    `total` is the most of it in all, where there is one. A least share of impressions is a limit of its
    negative.
    """

    rule: str
    per_action: Floats
    of_value: float
    most: float
    total: float | None = None

    def by_action(self, means: Floats) -> Limit:
        """The limit with the mean reward of each action (K,) in place of what is expected of it in a row."""
        return self._replace(per_action=self.per_action + self.of_value * means, of_value=0.0)

    def use(self, values: Floats) -> Floats:
        """What each action uses in each row, shape (n, K)."""
        return self.per_action + self.of_value * values


class Rules(NamedTuple):
    """What a policy is to obey; `no_ad` are the actions (K,) that show none, which no frequency cap is of."""

    forbidden: tuple[Forbidden, ...]
    limits: tuple[Limit, ...]
    frequency_cap: int | None
    exploration_floor: float
    no_ad: Flags

    @property
    def count_rows(self) -> bool:
        """Whether what one row is shown depends on what others are."""
        return bool(self.limits) or self.frequency_cap is not None

    @property
    def names(self) -> list[str]:
        """The rules, once each."""
        cap = ["frequency_cap"] if self.frequency_cap is not None else []
        stated = [*(rule.rule for rule in self.forbidden), *(limit.rule for limit in self.limits)]
        return list(dict.fromkeys([*stated, *cap]))

    def only(self, names: frozenset[str]) -> Rules:
        """Some of the rules."""
        return Rules(
            tuple(rule for rule in self.forbidden if rule.rule in names),
            tuple(limit for limit in self.limits if limit.rule in names),
            self.frequency_cap if "frequency_cap" in names else None,
            self.exploration_floor,
            self.no_ad,
        )
