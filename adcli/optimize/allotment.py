"""Decisions one after another under constraints, so that what is written obeys them, whatever is drawn.

A policy within constraints keeps its limits on average. What is drawn strays from that, and what comes may
differ from the log. So before each draw, what would leave too little for the rows to come (of a budget, of
the rows that a seller is owed) is closed, and the others' probabilities grow in proportion: those are the
ones written, and they are exact given what was drawn before.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Final, NamedTuple

import numpy as np
import polars as pl

from adcli.arrays import Flags, Floats, Integers
from adcli.errors import DataError
from adcli.policies.constrained import ConstrainedPolicy, restricted
from adcli.policies.policy import chunks
from adcli.policies.pricing import forbidding_prices, mix
from adcli.policies.sampling import draw

ROUNDING: Final = 1e-9
OWED: Final = "minimum_exposure."
STEERED_SHARE: Final = 0.05  # of the rows to come, that are decided between two looks at what is left
FEWEST_STEERED: Final = 8
FEWEST_AHEAD: Final = 256  # rows drawn before what is closed is looked at again; twice as many each time


class _Waves(NamedTuple):
    """The order of decisions: each user's first row, then each one's second; so a wave has a user once.

    `order` are the rows in that order, `user` the number of each row's user, `ends` where each wave ends.
    """

    order: Integers
    user: Integers
    ends: Integers


class Allotment:
    """What is left of each limit for n rows, and how often each user has seen each action."""

    def __init__(self, policy: ConstrainedPolicy, contexts: pl.DataFrame) -> None:
        """Look at all rows once: the least that those to come must use of each limit.

        Raises DataError if the rows cannot keep a limit whatever is chosen.
        """
        self._policy, self._rows, k = policy, contexts.height, len(policy.actions)
        self._waves = _waves(policy, contexts)
        users = int(self._waves.user.max(initial=-1)) + 1
        self._seen = np.zeros((users, k), dtype=np.uint16)
        most = [_within(limit.most * self._rows, limit.total) for limit in policy.rules.limits]
        owed = [limit.rule.startswith(OWED) for limit in policy.rules.limits]
        self._owed = np.array(owed, dtype=bool)
        self._most = np.where(self._owed, np.floor(np.array(most) + ROUNDING), most)
        self._used = np.zeros(self._most.size)
        self._dearer = _dearer(policy, self._owed)
        least = np.zeros((self._most.size, self._rows + 1))
        for rows in chunks(self._rows, k):
            use, allowed = self._uses(contexts[self._waves.order[rows]])
            least[:, rows] = self._least(np.where(allowed, use, np.inf), rows)
        self._to_come = np.cumsum(least[:, ::-1], axis=1)[:, ::-1]
        short = self._to_come[:, 0] > self._most + ROUNDING * (1 + np.abs(self._most))
        if short.any():
            raise DataError(
                f"These {self._rows:,} contexts cannot keep {policy.rules.limits[int(short.argmax())].rule}, "
                "whatever is shown.",
                fix="Loosen it, or learn the policy with a limit for as many decisions (impressions).",
            )

    def _least(self, use: Floats, rows: slice) -> Floats:
        """The least that rows use of each limit, (m, n): of capped users, after what they saw first."""
        cap = self._policy.rules.frequency_cap
        if cap is None:
            return np.asarray(use.min(axis=2), dtype=np.float64)
        wave = np.searchsorted(self._waves.ends, np.arange(rows.start, rows.stop), side="right")
        free = self._policy.rules.no_ad
        capped = np.sort(np.where(free, np.inf, use), axis=2)
        rank = np.minimum(wave // max(cap, 1), use.shape[2] - 1)
        least = np.take_along_axis(capped, rank[None, :, None], axis=2)[:, :, 0]
        return np.asarray(np.minimum(least, np.where(free, use, np.inf).min(axis=2)), dtype=np.float64)

    def _uses(self, part: pl.DataFrame) -> tuple[Floats, Flags]:
        values, allowed = self._policy.values(part), self._policy.allowed(part)
        use = np.zeros((self._most.size, *values.shape))
        for number, limit in enumerate(self._policy.rules.limits):
            use[number] = limit.use(values)
        return use, allowed

    def decide(self, contexts: pl.DataFrame, uniforms: Floats, *, greedy: bool) -> tuple[Integers, Floats]:
        """The action of each row and the probability it was drawn with, shape (n,) each.

        `contexts`: the rows, as when it was made; `uniforms`: a uniform number for each row; `greedy`: take
        the likeliest action instead of drawing one.
        """
        chosen, propensity = np.empty(self._rows, dtype=np.int64), np.empty(self._rows)
        for block in self._blocks():
            rows = self._waves.order[block]
            part = contexts[rows]
            probabilities = self._steered(block.start).probabilities(part).astype(np.float64)
            use, allowed = self._uses(part)
            start, ahead = 0, FEWEST_AHEAD
            while start < rows.size:
                wave = self._waves.ends[np.searchsorted(self._waves.ends, block.start + start, side="right")]
                now = slice(start, min(start + ahead, rows.size, int(wave) - block.start))
                draws = _Draws(block.start + start, rows[now], probabilities[now], use[:, now], allowed[now])
                drawn, chance = self._draw(draws, uniforms[rows[now]], greedy=greedy)
                done = rows[start : start + drawn.size]
                chosen[done], propensity[done] = drawn, chance
                start += drawn.size
                ahead = 2 * ahead if drawn.size == now.stop - now.start else FEWEST_AHEAD
        return chosen, propensity

    def _blocks(self) -> Iterator[slice]:
        """Slices of the order, short ones at the end: what strays in one is made up for in the next."""
        start = 0
        largest = next(chunks(self._rows, len(self._policy.actions)), slice(0, 0)).stop
        while start < self._rows:
            size = int(np.clip((self._rows - start) * STEERED_SHARE, FEWEST_STEERED, largest))
            yield slice(start, min(start + size, self._rows))
            start += size

    def _steered(self, first: int) -> ConstrainedPolicy:
        """The policy with the shares that keep what is left of the limits in the rows from this one on."""
        columns = list(self._policy.columns)
        if len(columns) < 2:
            return self._policy
        left = (self._most - self._used) / (self._rows - first)
        share, *_ = mix(columns, left, forbidding_prices(columns))
        return replace(self._policy, share=tuple((share / share.sum()).tolist()))

    def _draw(self, draws: _Draws, uniforms: Floats, *, greedy: bool) -> tuple[Integers, Floats]:
        """Draws up to the first row where something else is closed than in this one: one row at least."""
        now = self._open(draws.first_row(), self._used[:, None])[0]
        if not now.any():
            rules = ", ".join(dict.fromkeys(limit.rule for limit in self._policy.rules.limits))
            capped = ", frequency_cap" * (self._policy.rules.frequency_cap is not None)
            raise DataError(
                f"Row {int(draws.rows[0]) + 1} can be shown nothing that obeys {rules}{capped}.",
                fix="Loosen one.",
            )
        closed = draws.allowed[0] & ~now
        left = draws.allowed & ~closed
        own = restricted(draws.probabilities, left)
        drawn = own.argmax(axis=1) if greedy else draw(own, uniforms)
        each = np.arange(drawn.size)
        used = self._used[:, None] + np.cumsum(draws.use[:, each, drawn], axis=1)
        before = np.concatenate([self._used[:, None], used[:, :-1]], axis=1)
        same = (self._open(draws, before) == left).all(axis=1)
        ends = max(same.size if same.all() else int(same.argmin()), 1)
        self._used = used[:, ends - 1]
        if self._policy.rules.frequency_cap is not None:
            self._seen[self._waves.user[draws.rows[:ends]], drawn[:ends]] += 1
        return drawn[:ends], own[each, drawn][:ends]

    def _open(self, draws: _Draws, before: Floats) -> Flags:
        """What leaves enough for the rows to come, given the use `before` each row (m, n); shape (n, K)."""
        n, first = draws.rows.size, draws.first
        left = self._most[:, None] - before
        room = left - self._to_come[:, first + 1 : first + n + 1]
        owed = np.clip(-left[self._owed], 0, None)  # impressions that groups are still owed, (g, n)
        pays = (draws.use[self._owed] < 0) & (owed > ROUNDING)[:, :, None]
        reserve = np.einsum("mg,gnk->mnk", self._dearer, owed[:, :, None] - pays)
        slack = ROUNDING * (1 + np.abs(self._most))[:, None, None]
        found = draws.allowed & (draws.use + reserve <= room[:, :, None] + slack).all(axis=0)
        if owed.size:
            rows_left = self._rows - first - np.arange(n)
            found &= pays.any(axis=0) | (owed.sum(axis=0) < rows_left - ROUNDING)[:, None]
        cap = self._policy.rules.frequency_cap
        if cap is not None:
            found &= (self._seen[self._waves.user[draws.rows]] < cap) | self._policy.rules.no_ad
        return np.asarray(found, dtype=bool)


class _Draws(NamedTuple):
    """Rows to decide, from place `first`: probabilities and what is allowed (n, K), and uses (m, n, K)."""

    first: int
    rows: Integers
    probabilities: Floats
    use: Floats
    allowed: Flags

    def first_row(self) -> _Draws:
        """The first of the rows alone."""
        return _Draws(self.first, self.rows[:1], self.probabilities[:1], self.use[:, :1], self.allowed[:1])


def _within(most: float, total: float | None) -> float:
    return most if total is None else min(most, total)


def _dearer(policy: ConstrainedPolicy, owed: Flags) -> Floats:
    """How much more of each limit an impression owed to a group uses than the cheapest, shape (m, g)."""
    uses = np.reshape([limit.per_action for limit in policy.rules.limits], (-1, len(policy.actions)))
    extra = np.zeros((owed.size, int(owed.sum())))
    for number, group in enumerate(uses[owed] < 0):
        extra[:, number] = uses[:, group].min(axis=1) - uses.min(axis=1)
    extra[owed] = 0.0
    return extra


def _waves(policy: ConstrainedPolicy, contexts: pl.DataFrame) -> _Waves:
    n = contexts.height
    if policy.rules.frequency_cap is None:
        return _Waves(np.arange(n), np.zeros(n, dtype=np.int64), np.array([n]))
    if "user_id" not in contexts.columns:
        raise DataError("A frequency cap needs user_id.", fix="Name it: --map user_id=COLUMN.")
    keyed = contexts.select(pl.col("user_id").cast(pl.String)).with_row_index("row")
    keyed = keyed.with_columns(
        user=pl.col("user_id").fill_null("row " + pl.col("row").cast(pl.String)).rank("dense").cast(pl.Int64)
        - 1
    ).with_columns(wave=pl.int_range(pl.len()).over("user"))
    sizes = keyed.group_by("wave").len().sort("wave")["len"].to_numpy()
    order = keyed.sort("wave", "row")["row"].to_numpy().astype(np.int64)
    return _Waves(order, keyed["user"].to_numpy(), np.cumsum(sizes))
