"""Policies whose probabilities are written down: the even one, the log's own shares, and a table's."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from adcli.arrays import Floats32, Integers
from adcli.errors import DataError
from adcli.policies.actions import ActionSet
from adcli.policies.policy import normalised, with_floor

SUM_TOLERANCE = 1e-3


@dataclass(frozen=True)
class TablePolicy:
    """Fixed probabilities, one row of them per value of the columns `by`, and a last row for any other value.

    `groups` holds the values (G rows, as strings), `table` the probabilities, shape (G + 1, K).
    """

    name: str
    actions: ActionSet
    by: tuple[str, ...]
    groups: pl.DataFrame
    table: Floats32
    epsilon: float

    def probabilities(self, frame: pl.DataFrame) -> Floats32:
        """The probability of each action for each row, shape (n, K)."""
        eligible = self.actions.eligibility(frame)
        chosen = self.table[self._group(frame)]
        if eligible is not None:
            chosen = normalised(np.where(eligible, chosen, 0), eligible)
        return with_floor(chosen, self.epsilon, eligible)

    def unnamed(self, frame: pl.DataFrame) -> pl.DataFrame:
        """What the rows that none of the groups holds have in the columns `by`, one row each."""
        if not self.by:
            return frame.clear()
        return frame.select(self.by).filter(pl.Series(self._group(frame) == self.groups.height))

    def _group(self, frame: pl.DataFrame) -> Integers:
        if not self.by:
            return np.full(frame.height, self.groups.height, dtype=np.int64)
        for name in self.by:
            if name not in frame.columns:
                raise DataError(
                    f"The policy gives its probabilities by '{name}', which is not a column of this input.",
                    fix="Add it, or name it with --map.",
                )
        keys = frame.select(pl.col(name).cast(pl.String) for name in self.by)
        found = keys.join(
            self.groups.with_row_index("__group"), on=list(self.by), how="left", maintain_order="left"
        )
        return found["__group"].cast(pl.Int64).fill_null(self.groups.height).to_numpy()


def uniform(actions: ActionSet) -> TablePolicy:
    """The policy that shows every eligible action equally often."""
    table = np.full((1, len(actions)), 1 / len(actions), dtype=np.float32)
    return TablePolicy("uniform", actions, (), pl.DataFrame(), table, 0.0)


def logged_shares(
    impressions: pl.DataFrame, actions: ActionSet, by: Sequence[str] = (), *, epsilon: float = 0.0
) -> TablePolicy:
    """The policy that shows each action as often as the log did, by the values of some columns.

    A stand-in for a logging policy that is not at hand: its shares, without its use of the context.
    """
    keys = impressions.select(
        *(pl.col(name).cast(pl.String) for name in by), __action=pl.Series(actions.index(impressions))
    ).filter(pl.col("__action") >= 0)
    groups = keys.select(by).unique().drop_nulls().sort(by) if by else pl.DataFrame()
    counts = np.zeros((groups.height + 1, len(actions)), dtype=np.float32)
    counts[-1] = np.bincount(keys["__action"], minlength=len(actions))
    if by:
        counted = keys.group_by([*by, "__action"]).len()
        rows = counted.join(groups.with_row_index("__group"), on=list(by), how="inner")
        counts[rows["__group"].to_numpy(), rows["__action"].to_numpy()] = rows["len"].to_numpy()
    return TablePolicy("logged shares", actions, tuple(by), groups, normalised(counts), epsilon)


def policy_from_table(table: pl.DataFrame, name: str, *, action: Sequence[str] = ("item_id",)) -> TablePolicy:
    """The policy that a table of probabilities spells out.

    Its columns are those of the action, `probability`, and others that say where the probability holds (a
    placement, say). A context that the table does not name gets the mean of its rows. Raises DataError if a
    column is missing, a probability is not one, a context has an action twice, or the probabilities of a
    context do not sum to 1.
    """
    given = _checked_table(table, action)
    by = tuple(column for column in given.columns if column not in (*action, "probability"))
    actions = ActionSet(given.select(action).unique().sort(list(action)))
    groups = given.select(by).unique().sort(list(by)) if by else pl.DataFrame()
    rows = given.join(groups.with_row_index("__group"), on=list(by)) if by else given.with_columns(__group=0)
    probabilities = np.zeros((max(groups.height, 1), len(actions)))
    probabilities[rows["__group"].to_numpy(), actions.index(rows)] = rows["probability"].to_numpy()
    sums = probabilities.sum(axis=1)
    worst = int(np.abs(sums - 1).argmax())
    if abs(sums[worst] - 1) > SUM_TOLERANCE:
        place = f" of {dict(zip(by, groups.row(worst), strict=True))}" if by else ""
        raise DataError(f"The probabilities{place} sum to {sums[worst]:.4f}, not to 1.")
    mean = probabilities.mean(axis=0, keepdims=True)
    whole = np.vstack([probabilities, mean]) if by else mean
    return TablePolicy(name, actions, by, groups, normalised(whole.astype(np.float32)), 0.0)


def _checked_table(table: pl.DataFrame, action: Sequence[str]) -> pl.DataFrame:
    for needed in (*action, "probability"):
        if needed not in table.columns:
            raise DataError(f"The table of a policy needs the column '{needed}'; it has {table.columns}.")
    keys = [column for column in table.columns if column != "probability"]
    given = table.select(
        *(pl.col(column).cast(pl.String) for column in keys),
        pl.col("probability").cast(pl.Float64, strict=False),
    )
    if sum(given.null_count().row(0)) or not given["probability"].is_between(0, 1).all():
        raise DataError("The table of a policy has a missing value or a probability outside 0 to 1.")
    if given.select(keys).is_duplicated().any():
        raise DataError("The table of a policy gives an action twice in the same context.")
    return given
