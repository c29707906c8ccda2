"""What the steps of `adcli clean` share: rows that wait for what only all of them tell, and rejects."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from adcli.cli.run import Run

if TYPE_CHECKING:
    import polars as pl

    from adcli.tables.read import TableStream


def spilled(run: Run, frames: Iterable[pl.DataFrame]) -> list[Path]:
    """The frames as files in a private folder."""
    folder = run.scratch()
    paths = []
    for number, frame in enumerate(frames):
        paths.append(folder / f"{number:06}.parquet")
        frame.write_parquet(paths[-1], compression="lz4")
    return paths


def reject(run: Run, stream: TableStream, rows: pl.DataFrame, reason: str | pl.Series) -> None:
    """Reject rows that tell where they came from, and that were accepted at first."""
    from adcli.clean.identity import rows_as_rejects
    from adcli.clean.runs import FILE, LINE

    stream.reject(rows.height)
    run.reject(rows_as_rejects(rows.drop(FILE, LINE), rows[FILE], rows[LINE], reason))
