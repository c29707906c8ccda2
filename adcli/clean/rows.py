"""Cleaning of rows that are in memory, by a plan that was made for all of their input.

    kept, rejected = clean_rows(frame, plan)

This is what a partition of a larger table goes through: the partitions of an input share its plan, and rows
that can be duplicates of each other, those of one user, lie in one partition.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import polars as pl

from adcli.clean.identity import DUPLICATE, carries_identity, rows_as_rejects
from adcli.tables.formats.blocks import RawBatch, Rejects, rows_as_json
from adcli.tables.standard.conform import conform
from adcli.tables.standard.plan import ReadPlan
from adcli.tables.standard.times import UTC


class CleanedRows(NamedTuple):
    """Rows of a standard table in order of time, and those that are none: file, line, reason, raw."""

    kept: pl.DataFrame
    rejected: pl.DataFrame


def clean_rows(frame: pl.DataFrame, plan: ReadPlan, *, file: str = "", first_line: int = 1) -> CleanedRows:
    """Rows as they stand in a source become rows of the plan's table, without exact duplicates.

    Args:
        frame: The source's columns; text as it was written.
        plan: How its input is read.
        file: Its name, for the rejected rows.
        first_line: The number of its first row there.
    """
    lines = np.arange(first_line, first_line + frame.height, dtype=np.int64)
    batch = conform(RawBatch(frame, lines, lambda rows: rows_as_json(frame[rows]), Rejects()), plan, file)
    kept, rejected = batch.frame, batch.rejects
    identity = carries_identity(plan.mapping.table, kept.columns, fine_times=plan.fine_times)
    if identity is not None:
        is_new = pl.struct(pl.all()).is_first_distinct() | ~identity
        is_kept = kept.select(is_new.alias("kept")).to_series()
        lines_again = batch.lines.filter(~is_kept)
        rejected = rejected.vstack(rows_as_rejects(kept.filter(~is_kept), file, lines_again, DUPLICATE))
        kept = kept.filter(is_kept)
    if kept.schema.get("event_time") == UTC:
        kept = kept.sort("event_time", maintain_order=True, nulls_last=True)
    return CleanedRows(kept, rejected)
