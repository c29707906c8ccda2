"""Which cells of a breakdown stay unpublished, so that no small group of users can be read or worked out.

A cell below the threshold is hidden, and so are the next larger ones until each line of the table, along any
of the breakdown's columns, has none or at least two hidden cells, with at least the threshold of users
between them: the line's total less what is shown is then no small cell. This protects one report. Several
reports on the same rows (other columns, another threshold, a day later) can be subtracted from each other,
and no rule about one of them can prevent that.

Source: complementary cell suppression; Cox (1980), J. American Statistical Association 75; the threshold of
    50 users is that of Ads Data Hub.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations

import numpy as np
import polars as pl

from adcli.arrays import Flags, Integers


def suppressed_cells(members: pl.DataFrame, *, by: Sequence[str], min_users: int) -> tuple[Flags, Flags]:
    """Which cells are too small, and which further ones must be hidden to protect those.

    `members`: one row per cell and user: `cell` (0 to cells - 1), the `by` columns, `user` (null: unknown,
    which counts as nobody); `min_users`: the least number of distinct users of a published cell. Returns two
    masks over the cells: below the threshold, hidden to protect others.
    """
    cells = members.select("cell", *by).unique("cell").sort("cell")
    lines = [_line(cells, subset) for size in range(len(by)) for subset in combinations(by, size)]
    rows = members.select("cell", "user").drop_nulls().unique()
    users = _distinct_users(rows["cell"].to_numpy(), rows["user"], cells.height)
    small = users < min_users
    hidden = small.copy()
    while small.any() and (open_cells := _exposed(rows, lines, hidden, min_users)) is not None:
        hidden[open_cells[np.argmin(users[open_cells])]] = True
    return small, hidden & ~small


def _line(cells: pl.DataFrame, subset: Sequence[str]) -> Integers:
    """(cells,) the number of the line that each cell lies on: those with the same values of `subset`."""
    if not subset:
        return np.zeros(cells.height, np.int64)
    return cells.select(pl.struct(subset).rank("dense")).to_series().to_numpy().astype(np.int64)


def _distinct_users(group: Integers, user: pl.Series, groups: int) -> Integers:
    """(groups,) distinct users of each group."""
    pairs = pl.DataFrame({"group": group, "user": user}).unique()
    return np.bincount(pairs["group"].to_numpy(), minlength=groups)


def _exposed(rows: pl.DataFrame, lines: Sequence[Integers], hidden: Flags, min_users: int) -> Integers | None:
    """The open cells of a line whose total gives away what it hides; None where there is no such line."""
    is_hidden = hidden[rows["cell"].to_numpy()]
    cell, user = rows["cell"].to_numpy()[is_hidden], rows["user"].filter(pl.Series(is_hidden))
    for line in lines:
        count = np.bincount(line, hidden)
        users = _distinct_users(line[cell], user, len(count))
        is_bad = (count == 1) | ((count > 1) & (users < min_users))
        exposed = np.flatnonzero(is_bad[line] & ~hidden)
        if len(exposed):
            of_line: Integers = exposed[line[exposed] == line[exposed[0]]]
            return of_line
    return None
