"""Rows that are left out of whatever is read."""

from __future__ import annotations

from collections import Counter
from typing import Protocol

import polars as pl

from adcli.tables.standard.conform import Batch


class LeaveOut(Protocol):
    """Tells rows that are to be left out, and counts them by input."""

    reason: str
    rows: Counter[str]

    def find(self, frame: pl.DataFrame, source: str) -> pl.Series | None:
        """(n,) whether each row is to be left out; None where none is."""


def without(batch: Batch, leave_out: LeaveOut) -> Batch:
    """A batch whose rows that are to be left out are rejected, without what stood in them."""
    is_out = leave_out.find(batch.frame, batch.file)
    if is_out is None:
        return batch
    rejects = (
        batch.lines.filter(is_out)
        .to_frame("line")
        .with_columns(file=pl.lit(batch.file), reason=pl.lit(leave_out.reason), raw=pl.lit(None, pl.String))
    )
    return batch._replace(
        frame=batch.frame.filter(~is_out),
        lines=batch.lines.filter(~is_out),
        rejects=pl.concat([batch.rejects, rejects.select(batch.rejects.columns)]),
    )
