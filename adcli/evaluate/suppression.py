"""Which cells of a breakdown stay unpublished, so that no small group of users can be read or worked out.

A cell below the threshold is hidden. Who knows the total of a line of the table, and all other cells of that
line, has the hidden one too; so in each line, along each subset of the breakdown's columns, the hidden cells
together hold at least the threshold of users, and no small cell is a linear combination of the totals.
Not covered: what differences between runs on changing data give away, and totals by a column that another
one determines (months, beside a breakdown by day).

Source: complementary cell suppression; Cox (1980), J. American Statistical Association 75; the threshold of
    50 users is that of Ads Data Hub.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations

import numpy as np
import numpy.typing as npt
import polars as pl

BoolArray = npt.NDArray[np.bool_]
IntArray = npt.NDArray[np.int64]
LARGEST_SOLVED = 5_000_000  # totals x hidden cells; above it lines are checked, combinations of them are not


def suppressed_cells(
    members: pl.DataFrame, *, by: Sequence[str], min_users: int
) -> tuple[BoolArray, BoolArray]:
    """Which cells are too small, and which further ones must be hidden to protect those.

    Args:
        members: One row per cell and user: `cell` (0 to cells - 1), the `by` columns, `user` (null: unknown,
            which counts as nobody).
        by: The breakdown's columns.
        min_users: The least number of distinct users of a published cell.

    Returns:
        Two masks over the cells: below the threshold, hidden to protect others.
    """
    users = _count_users(members["cell"].to_numpy(), members["user"])
    small = users < min_users
    hidden = small.copy()
    if small.any():
        breakdown = _Breakdown(members, by, min_users)
        while (exposed := breakdown.exposed(hidden, small)) is not None:
            candidates = np.flatnonzero(exposed & ~hidden)
            if len(candidates) == 0:
                candidates = np.flatnonzero(~hidden)
            hidden[candidates[np.argmin(users[candidates])]] = True
    return small, hidden & ~small


def _count_users(group: IntArray, user: pl.Series) -> IntArray:
    """Distinct known users of each group, as an array up to the largest group."""
    pairs = pl.DataFrame({"group": group, "user": user}).drop_nulls("user")
    counted = pairs.group_by("group").agg(pl.col("user").n_unique())
    users = np.zeros(int(group.max()) + 1, np.int64)
    users[counted["group"].to_numpy()] = counted["user"].to_numpy()
    return users


class _Breakdown:
    """The cells, and the lines that they form: cells sharing the values of some of the columns."""

    def __init__(self, members: pl.DataFrame, by: Sequence[str], min_users: int) -> None:
        self.min_users = min_users
        self.cell = members["cell"].to_numpy().astype(np.int64)
        self.user = members["user"]
        cells = members.select("cell", *by).unique("cell").sort("cell")
        self.lines = [np.zeros(cells.height, np.int64)]  # of each cell, for each subset of the columns
        for size in range(1, len(by)):
            self.lines += [_codes(cells, subset) for subset in combinations(by, size)]
        self.published = [_count_users(line[self.cell], self.user) >= min_users for line in self.lines]
        self.published[0][:] = True  # the total of all is never hidden

    def exposed(self, hidden: BoolArray, small: BoolArray) -> BoolArray | None:
        """Cells of a line whose total gives a small group away while some could still be hidden, or None."""
        if hidden.all():
            return None
        chosen = pl.Series(hidden[self.cell])
        hidden_cells, hidden_users = self.cell[chosen.to_numpy()], self.user.filter(chosen)
        for line, published in zip(self.lines, self.published, strict=True):
            of_line = {"minlength": len(published)}
            users = np.zeros(len(published), np.int64)
            found = _count_users(line[hidden_cells], hidden_users)
            users[: len(found)] = found
            alone = np.bincount(line, hidden, **of_line) == 1
            guarded = np.bincount(line, small, **of_line) > 0
            still_open = np.bincount(line, ~hidden, **of_line) > 0
            bad = np.flatnonzero(published & guarded & still_open & (alone | (users < self.min_users)))
            if len(bad):
                return np.asarray(line == bad[0], np.bool_)
        return self._derivable(hidden, small)

    def _derivable(self, hidden: BoolArray, small: BoolArray) -> BoolArray | None:
        """The neighbours of a small cell that is a linear combination of published totals, or None."""
        columns = np.flatnonzero(hidden)
        totals = [
            line[columns] == value
            for line, published in zip(self.lines, self.published, strict=True)
            for value in np.unique(line[columns])
            if published[value]
        ]
        if len(totals) * len(columns) > LARGEST_SOLVED:
            return None
        known = np.unique(np.stack(totals), axis=0).astype(np.float64)
        _, singular, basis = np.linalg.svd(known, full_matrices=False)
        row_space = basis[singular > singular[0] * 1e-9]
        solved = columns[((row_space**2).sum(axis=0) > 1 - 1e-6) & small[columns]]
        if len(solved) == 0:
            return None
        around: BoolArray = np.any([line == line[solved[0]] for line in self.lines[1:]], axis=0)
        return around


def _codes(cells: pl.DataFrame, subset: Sequence[str]) -> IntArray:
    values = cells.select(subset).unique(maintain_order=True).with_row_index("code")
    coded = cells.join(values, on=list(subset), nulls_equal=True, how="left", maintain_order="left")
    return coded["code"].to_numpy().astype(np.int64)
