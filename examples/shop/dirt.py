"""How a shop's logs get dirty on their way, and how much of each was done."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import NamedTuple

import numpy as np
import polars as pl


class RawLog(NamedTuple):
    """The lines of a log below its header, how many are bad in which way, and the rows that stay good."""

    header: str
    lines: list[str]
    bad: dict[str, int]
    good: pl.DataFrame


def soil(
    frame: pl.DataFrame,
    share: dict[str, float],
    rng: np.random.Generator,
    *,
    delimiter: str,
    columns: dict[str, str],
) -> RawLog:
    """The frame as lines in the order they arrived, with shares of them damaged; each line is damaged once.

    Args:
        frame: Rows in order of time; all columns text.
        share: By kind: `cut_line extra_field bad_time missing_user bad_propensity bad_click duplicate`.
        rng: Where chance comes from.
        delimiter: Between fields.
        columns: The standard names of the columns that damage is done to, to the names in the log.
    """
    fields = [list(row) for row in frame.iter_rows()]
    order = iter(rng.permutation(len(fields)))
    chosen = {
        kind: [int(next(order)) for _ in range(round(part * len(fields)))] for kind, part in share.items()
    }
    at = {name: frame.columns.index(column) for name, column in columns.items()}
    damage = {
        "bad_time": (at["event_time"], ("0000-00-00 00:00:00", "not set", "1709-13-45T99:00:00Z")),
        "missing_user": (at["user_id"], ("",)),
        "bad_propensity": (at.get("propensity", 0), ("0", "1.7", "-0.2")),
        "bad_click": (at.get("click", 0), ("2", "yes?")),
    }
    for kind, (column, values) in damage.items():
        for row in chosen.get(kind, ()):
            fields[row][column] = str(rng.choice(values))
    lines = [delimiter.join(row) for row in fields]
    for row in chosen.get("cut_line", ()):
        lines[row] = delimiter.join(fields[row][: len(fields[row]) // 2])
    for row in chosen.get("extra_field", ()):
        lines[row] += f"{delimiter}app{delimiter}4.2.1"
    bad = {kind: len(rows) for kind, rows in chosen.items()}
    damaged = {row for kind, rows in chosen.items() if kind != "duplicate" for row in rows}
    good = frame.filter(~pl.Series([row in damaged for row in range(frame.height)]))
    return RawLog(delimiter.join(frame.columns), _arrived(lines, chosen.get("duplicate", []), rng), bad, good)


def _arrived(lines: list[str], repeated: list[int], rng: np.random.Generator) -> list[str]:
    """The lines as a collector wrote them: some a little late, some sent twice."""
    place = np.arange(len(lines), dtype=float)
    late = rng.random(len(lines)) < 0.02
    place[late] += rng.uniform(1, 200, int(late.sum()))
    lines = lines + [lines[row] for row in repeated]
    place = np.append(place, np.array(repeated, dtype=float) + rng.uniform(0.5, 30, len(repeated)))
    return [lines[row] for row in np.argsort(place, kind="stable")]


def write_log(log: RawLog, path: Path, *, encoding: str, line_end: str = "\n") -> None:
    """Write the log as a gzip file that has the same bytes each time."""
    text = line_end.join([log.header, *log.lines]) + line_end
    path.write_bytes(gzip.compress(text.encode(encoding), compresslevel=6, mtime=0))
