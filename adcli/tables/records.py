"""What is kept of an input that was read, or of a part of it: size, hash, rows, how it was read."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from adcli.errors import DataError
from adcli.files import file_sha256


class InputRecord(NamedTuple):
    """One input as it was read: its size and hash are those of the raw bytes, `read_as` the plan in JSON."""

    path: str
    bytes: int
    rows: int
    sha256: str
    read_as: Mapping[str, Any] | None = None


class PartRead(NamedTuple):
    """What the reading of a part of the inputs told, as plain values."""

    rows_read: int
    rows_rejected: int
    inputs: Sequence[InputRecord]
    notes: Sequence[str]
    unknown_event_types: Mapping[str, int]
    fine_times: bool
    lines: int  # ends of lines in it, where it is a part of a file
    left_out: Mapping[str, int]  # how many rows were left out, by input


def part_read(told: dict[str, Any]) -> PartRead:
    """What reading a part told, out of JSON."""
    read = PartRead(**told)
    return read._replace(inputs=[InputRecord(*record) for record in read.inputs])


def joined(records: Sequence[InputRecord], file: Path) -> InputRecord:
    """The record of an input that was read in parts, out of this file.

    Raises DataError if a column that only some parts have is not written alike in them.
    """
    path = records[0].path
    whole: dict[str, Any] = {}
    known: dict[str, Any] = {}
    served: Counter[str] = Counter()
    for record in records:
        said = dict(record.read_as or {})
        for name, source in said["columns"].items():
            form = (source, said["formats"].get(name))
            if known.setdefault(name, form) != form:
                raise DataError(
                    f"{path}: '{name}' is not written alike in all of it.",
                    fix="Say how it is read, with --map, --decimal, --day-first or --time-format.",
                )
        served.update(said.pop("user_id_from", {}))
        for key in ("columns", "formats"):
            said[key] = {**whole.get(key, {}), **said[key]}
        whole = {**said, "fine_times": whole.get("fine_times", False) or said["fine_times"]}
    if served:
        whole["user_id_from"] = dict(served)
    size, rows = file.stat().st_size, sum(record.rows for record in records)
    return InputRecord(path, size, rows, file_sha256(file), whole)
