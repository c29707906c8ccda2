"""A policy within constraints: what may not be shown is not, and limits are kept by their prices."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import polars as pl

from adcli.arrays import Flags, Floats, Floats32
from adcli.errors import DataError, require_known
from adcli.policies.actions import HOUR, ActionSet
from adcli.policies.history import CAPPED, SO_FAR, with_capped, with_impressions_so_far
from adcli.policies.policy import Policy, ScoredPolicy, normalised, with_floor
from adcli.policies.pricing import Column
from adcli.policies.rules import Forbidden, Rules
from adcli.policies.table_policy import TablePolicy

EMPTY = {"number": pl.Float64(), "category": pl.String(), "hour": pl.Datetime(), "weekday": pl.Datetime()}


@dataclass(frozen=True)
class ConstrainedPolicy:
    """A policy that chooses as `base` would, had it the prices of its limits to pay, among what is allowed.

    Of a scored base: the greatest expected reward less what the action uses at the prices of one of P
    `columns`, each for a `share` (P,) of the choices. Of any other: its probabilities, falling by e for each
    unit of price. Each action allowed gets at least epsilon over their number.
    """

    name: str
    base: Policy
    epsilon: float
    rules: Rules
    columns: tuple[Column, ...] = ()
    share: tuple[float, ...] = ()

    @property
    def actions(self) -> ActionSet:
        """What it chooses among."""
        return self.base.actions

    @cached_property
    def context(self) -> list[str]:
        """The columns of context that its rules read."""
        return list(dict.fromkeys(name for rule in self.rules.forbidden for name in rule.where))

    def probabilities(self, frame: pl.DataFrame) -> Floats32:
        """The probability of each action for each row, shape (n, K)."""
        values, allowed = self.values(frame), self.allowed(frame)
        return with_floor(self.chosen(values, allowed).astype(np.float32), self.epsilon, allowed)

    def chosen(self, values: Floats, allowed: Flags) -> Floats:
        """The probabilities without exploration, shape (n, K), from `values` and what is `allowed`."""
        total = np.zeros(values.shape)
        for column, share in zip(self.columns, self.share, strict=True):
            if share:
                total += share * self.at(column.prices, values, allowed)
        return total

    def at(self, prices: Floats, values: Floats, allowed: Flags) -> Floats:
        """The probabilities at some prices of the limits, shape (n, K)."""
        cost = np.zeros(values.shape)
        for limit, price in zip(self.rules.limits, prices, strict=True):
            if price:
                cost += price * limit.use(values)
        if not isinstance(self.base, ScoredPolicy):
            return tilted(values, allowed, cost)
        best = np.where(allowed, values - cost, -np.inf).argmax(axis=1)
        return np.asarray(np.eye(values.shape[1])[best])

    def values(self, frame: pl.DataFrame) -> Floats:
        """What each action is worth to the base, shape (n, K): its expected reward, or its probability."""
        if not isinstance(self.base, ScoredPolicy):
            return self.base.probabilities(frame).astype(np.float64)
        return self.base.expected(self.base.encoder.encode(frame))

    def permitted(self, frame: pl.DataFrame) -> Flags:
        """What each row may be shown, shape (n, K); it may be nothing.

        Raises DataError if a column that a rule reads is missing.
        """
        eligible = self.actions.eligibility(frame)
        allowed = np.ones((frame.height, len(self.actions)), bool) if eligible is None else eligible.copy()
        for rule in self.rules.forbidden:
            allowed &= ~(_rows_of(rule, frame)[:, None] & rule.actions)
        if CAPPED in frame.columns:
            capped = frame.with_row_index("row").select("row", CAPPED).explode(CAPPED).drop_nulls()
            allowed[capped["row"].to_numpy(), capped[CAPPED].to_numpy()] = False
        return allowed

    def allowed(self, frame: pl.DataFrame) -> Flags:
        """What each row may be shown, as `permitted` says.

        Raises DataError if a column that a rule reads is missing, or a row may be shown nothing.
        """
        allowed = self.permitted(frame)
        nothing = ~allowed.any(axis=1)
        if nothing.any():
            capped = {"frequency_cap"} if self.rules.frequency_cap is not None else set()
            rules = sorted({rule.rule for rule in self.rules.forbidden} | capped)
            raise DataError(
                f"Row {int(nothing.argmax()) + 1} may be shown nothing: {', '.join(rules)} leave no action.",
                fix="Loosen one, or log an action that shows no ad (--no-ad).",
            )
        return allowed


def _rows_of(rule: Forbidden, frame: pl.DataFrame) -> Flags:
    """The rows that a rule is of."""
    rows = np.ones(frame.height, dtype=bool)
    for name, values in rule.where.items():
        sentence = f"The rule {rule.rule} reads the column '{name}', which is not in this input."
        require_known(name, frame.columns, sentence, "Add it, or name it with --map.")
        rows &= frame[name].cast(pl.String).is_in(values).fill_null(value=False).to_numpy()
    if rule.hours:
        rows &= _hours(frame, rule.rule).is_in(rule.hours).fill_null(value=False).to_numpy()
    return rows


def _hours(frame: pl.DataFrame, rule: str) -> pl.Series:
    if "event_time" in frame.columns and frame["event_time"].dtype.is_temporal():
        return frame["event_time"].dt.hour().cast(pl.Int64)
    if HOUR in frame.columns:
        return frame[HOUR].cast(pl.Int64, strict=False)
    raise DataError(f"The rule {rule} needs to know the hour, and the input has no event_time.")


def tilted(probabilities: Floats, allowed: Flags, cost: Floats) -> Floats:
    """Probabilities among what is allowed that fall by e for each unit of cost, shape (n, K).

    Of all policies that use no more they differ least from the given ones (Csiszár, 1975).
    """
    own = np.where(allowed, probabilities, 0)
    own = np.where(own.sum(axis=1, keepdims=True) > 0, own, allowed)
    least = np.where(own > 0, cost, np.inf).min(axis=1, keepdims=True)
    weighed = own * np.exp(-np.clip(cost - least, 0, 700))
    return np.asarray(weighed / weighed.sum(axis=1, keepdims=True), dtype=np.float64)


def context_columns(policy: Policy) -> list[str]:
    """The columns of context that a policy reads."""
    own = policy.context if isinstance(policy, ConstrainedPolicy) else []
    base = policy.base if isinstance(policy, ConstrainedPolicy) else policy
    return [*(base.encoder.columns if isinstance(base, ScoredPolicy) else []), *own]


def limits_of_a_run(policy: Policy) -> list[str]:
    """The constraints of a policy that count what one run of it uses."""
    if not isinstance(policy, ConstrainedPolicy):
        return []
    capped = ["frequency_cap"] if policy.rules.frequency_cap is not None else []
    return [*(limit.rule for limit in policy.rules.limits if limit.total is not None), *capped]


def with_missing_context(policy: Policy, frame: pl.DataFrame) -> tuple[pl.DataFrame, list[str]]:
    """The contexts with each column that the policy learned with and they lack, empty; and which these are.

    A column of vectors is no such column: without it there is an error when the contexts are encoded.
    """
    base = policy.base if isinstance(policy, ConstrainedPolicy) else policy
    features = base.encoder.features if isinstance(base, ScoredPolicy) else ()
    kinds: dict[str, str] = {one.column: one.kind for one in features}
    kinds |= dict.fromkeys(base.by if isinstance(base, TablePolicy) else (), "category")
    empty = {name: EMPTY[kind] for name, kind in kinds.items() if kind in EMPTY and name not in frame.columns}
    return frame.with_columns(pl.lit(None, dtype).alias(name) for name, dtype in empty.items()), list(empty)


def with_history(policy: Policy, frame: pl.DataFrame) -> pl.DataFrame:
    """A log with what the policy reads of what its users were shown before.

    Raises DataError if the policy caps that, and the log names no users or no times.
    """
    if SO_FAR in context_columns(policy):
        frame = with_impressions_so_far(frame)
    if not isinstance(policy, ConstrainedPolicy) or policy.rules.frequency_cap is None:
        return frame
    return with_capped(frame, policy.actions.index(frame), policy.rules.frequency_cap, policy.rules.no_ad)


def restricted(probabilities: Floats, allowed: Flags) -> Floats:
    """Probabilities given that only what is allowed is drawn, shape (n, K); even where they gave it none."""
    return normalised(np.where(allowed, probabilities, 0).astype(np.float32), allowed).astype(np.float64)
