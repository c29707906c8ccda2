"""The logged side of every estimate: what was shown, how likely that was, and what came of it."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import polars as pl

from adcli.arrays import Flags, Floats, Integers, Integers32
from adcli.errors import DataError, require_known
from adcli.policies.actions import ActionSet

PROFIT = "profit"  # revenue less cost
BINARY = frozenset({"click", "conversion"})


class LoggedRows(NamedTuple):
    """One entry per impression, shape (n,) each.

    `action` is a number in [0, K); `cluster` numbers the users, None where there are none; `cost` is what the
    impression cost, None where that is not known.
    """

    action: Integers32
    reward: Floats
    propensity: Floats
    cluster: Integers | None
    cost: Floats | None

    @property
    def value_kind(self) -> str:
        """How a mean reward is read: a rate, where rewards are 0 and 1; else a number (money)."""
        return "rate" if bool(np.isin(self.reward, (0.0, 1.0)).all()) else "number"

    def take(self, rows: Flags) -> LoggedRows:
        """Some of the rows."""
        return LoggedRows(
            self.action[rows],
            self.reward[rows],
            self.propensity[rows],
            None if self.cluster is None else self.cluster[rows],
            None if self.cost is None else self.cost[rows],
        )


def logged_rows(impressions: pl.DataFrame, actions: ActionSet, *, reward: str = "click") -> LoggedRows:
    """The logged side of an impressions table.

    Raises DataError if there are no rows; if the reward or the propensity is missing, not a number, or out of
    range; or if an action of the log is none of the actions.
    """
    if impressions.is_empty():
        raise DataError("The log has no impressions.")
    action = actions.index(impressions)
    if (action < 0).any():
        row = int(np.argmax(action < 0))
        raise DataError(
            f"Row {row + 1} of the log shows an action that is not among the {len(actions):,} known."
        )
    cost = numbers(impressions, "cost") if "cost" in impressions.columns else None
    return LoggedRows(
        action, _reward(impressions, reward), _propensity(impressions), user_clusters(impressions), cost
    )


def _reward(impressions: pl.DataFrame, name: str) -> Floats:
    if name == PROFIT and name not in impressions.columns:
        return _reward(impressions, "revenue") - _reward(impressions, "cost")
    sentence = f"There is no column '{name}' to take the reward from."
    require_known(name, impressions.columns, sentence, "Name it with --map.")
    reward = numbers(impressions, name)
    if name in BINARY and not np.isin(reward, (0.0, 1.0)).all():
        raise DataError(f"'{name}' has values other than 0 and 1.", fix="Repair the log with `adcli clean`.")
    return reward


def _propensity(impressions: pl.DataFrame) -> Floats:
    if "propensity" not in impressions.columns:
        raise DataError(
            "The log has no propensities: nothing says how likely each ad was to be shown.",
            fix="Name the column with --map propensity=...; --estimate-propensities estimates them, and no "
            "verdict is spoken then.",
        )
    propensity = numbers(impressions, "propensity")
    wrong = (propensity <= 0) | (propensity > 1)
    if wrong.any():
        row = int(np.argmax(wrong))
        raise DataError(
            f"{int(wrong.sum()):,} propensities are not above 0 and at most 1, the first in row {row + 1}: "
            f"{propensity[row]:g}.",
            fix="Repair the log with `adcli clean`.",
        )
    return propensity


def numbers(impressions: pl.DataFrame, name: str) -> Floats:
    """A column as finite numbers, shape (n,). Raises DataError if one is missing or not a number."""
    found = impressions[name].cast(pl.Float64, strict=False).fill_null(float("nan")).to_numpy()
    broken = ~np.isfinite(found)
    if broken.any():
        row = int(np.argmax(broken))
        raise DataError(
            f"'{name}' is missing or not a number in {int(broken.sum()):,} impressions, "
            f"the first in row {row + 1}.",
            fix="Remove them with `adcli clean`, or fill them in.",
        )
    return found


def user_clusters(frame: pl.DataFrame) -> Integers | None:
    """A number for the user of each row, or None where there are no users or each has one row.

    A row without a user is a user of its own.
    """
    if "user_id" not in frame.columns or not frame["user_id"].null_count() < frame.height:
        return None
    users = frame["user_id"].cast(pl.String)
    codes = users.rank("dense").cast(pl.Int64).fill_null(0).to_numpy() - 1
    unknown = codes < 0
    codes[unknown] = codes.max() + 1 + np.arange(int(unknown.sum()))
    return codes if int(codes.max()) + 1 < frame.height else None
