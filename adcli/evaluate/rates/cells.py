"""The cells of a breakdown: their exact sums, their units, and which of them stay hidden."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

import numpy as np
import polars as pl

from adcli.evaluate.figures import figures_table
from adcli.evaluate.rates.counts import ROW, USER, UnitCounts
from adcli.evaluate.suppression import suppressed_cells


class RateCells(NamedTuple):
    """A breakdown."""

    sums: pl.DataFrame  # one row per cell: `cell`, the `by` columns, exact sums of what was counted, `users`
    units: pl.DataFrame  # what each unit counted, sorted by `cell`
    starts: list[int]  # (cells + 1,) where each cell's units begin, and the end
    unit: str  # what a unit is, as in `UnitCounts`
    said: Mapping[str, str]  # what one of the counts is made of, where its name does not say it


class RateRow(NamedTuple):
    """A rate in one cell; null where it is hidden."""

    metric: str
    cell: int
    definition: str
    reason: str
    value: float | None = None
    ci_low: float | None = None
    ci_high: float | None = None
    numerator: float | None = None
    denominator: float | None = None
    users: int | None = None


_USERS = {USER: pl.col("known_user").sum(), ROW: pl.len()}  # a report knows none


def group_cells(counts: UnitCounts, by: Sequence[str]) -> RateCells:
    """The cells in the order of the values of `by`; without `by`, the whole as one cell."""
    sums = [
        *(pl.col(name).sum() for name in counts.counted),
        _USERS.get(counts.unit, pl.lit(None)).cast(pl.Int64).alias("users"),
        pl.len().alias("units"),
    ]
    if not by:
        whole = counts.frame.select(sums).with_row_index("cell")
        units = counts.frame.with_columns(cell=pl.lit(0, pl.UInt32))
        return RateCells(whole, units, [0, units.height], counts.unit, counts.said)
    cells = counts.frame.group_by(*by).agg(sums).sort(*by, nulls_last=True).with_row_index("cell")
    labels = cells.select("cell", *by)
    units = counts.frame.join(labels, on=[*by], how="left", nulls_equal=True, maintain_order="left")
    starts = [0, *np.cumsum(cells["units"].to_numpy()).tolist()]
    ordered = units.sort("cell", maintain_order=True)
    return RateCells(cells, ordered, starts, counts.unit, counts.said)


def hidden_cells(cells: RateCells, by: Sequence[str], *, min_users: int) -> list[str]:
    """Why each cell is hidden; empty for those that are not. The whole is never hidden, nor is a report's."""
    if not by or cells.unit not in _USERS:
        return [""] * cells.sums.height
    members = cells.units.select("cell", *by, "user")
    if cells.unit == ROW:
        members = members.with_columns(user=pl.int_range(pl.len()))
    small, protecting = suppressed_cells(members, by=by, min_users=min_users)
    too_few = f"hidden: fewer than {min_users} users"
    protects = "hidden: with it, a cell of too few users could be worked out from the totals"
    return [too_few if s else protects if p else "" for s, p in zip(small, protecting, strict=True)]


def rows_table(rows: Iterable[RateRow], cells: RateCells, by: Sequence[str]) -> pl.DataFrame:
    """The rows with the `by` columns of their cells."""
    labels = cells.sums.select(pl.col("cell").cast(pl.Int64), *by)
    return figures_table(rows, RateRow).join(labels, on="cell", how="left", maintain_order="left")
