"""Columns aligned with blanks, as statistics packages print them; read only if asked for."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import polars as pl

from adcli.arrays import Integers
from adcli.tables.compression import Reader
from adcli.tables.formats.blocks import RawBatch, Rejects, blocks, shown
from adcli.tables.formats.delimited import misfit, unreadable
from adcli.tables.formats.layout import Dialect


def read_aligned(below: Reader, dialect: Dialect) -> Iterator[RawBatch]:
    """The rows of a text whose fields hold no blanks and are separated by one or more of them."""
    for block in blocks(below):
        kept: list[tuple[int, str, list[str]]] = []
        rejects = block.rejects
        for number, raw in enumerate(block.data.split(b"\n"), block.first_line):
            fields = shown(raw).split()
            if not fields or number <= dialect.header_lines or fields[0].startswith(dialect.comment or "\n"):
                continue
            reason = unreadable(raw) or misfit(len(fields), len(dialect.columns))
            if reason:
                rejects.add(number, reason, shown(raw))
            else:
                kept.append((number, shown(raw), fields))
        yield _batch(kept, dialect.columns, rejects)


def _batch(kept: list[tuple[int, str, list[str]]], columns: list[str], rejects: Rejects) -> RawBatch:
    frame = pl.DataFrame([fields for _, _, fields in kept], dict.fromkeys(columns, pl.String), orient="row")
    lines = np.array([number for number, _, _ in kept], np.int64)

    def raws(rows: Integers) -> list[str]:
        return [kept[row][1] for row in rows]

    return RawBatch(frame, lines, raws, rejects)
