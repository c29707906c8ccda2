"""The columns of a table and their types as a Table Schema (Frictionless Data), and how two differ."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import polars as pl

from adcli.errors import DataError

_MAKE_ONE = (
    'The manifest of an earlier output is one: {"fields": [{"name": "user_id", "type": "string"}, …]}.'
)


class Differences(NamedTuple):
    """What columns a table has that were not expected, lacks, or has with another type (expected, found)."""

    new: list[str]
    lost: list[str]
    changed: dict[str, tuple[str, str]]

    def __str__(self) -> str:
        """In one clause."""
        changed = [f"{name} ({expected} became {found})" for name, (expected, found) in self.changed.items()]
        parts = {"new": self.new, "lost": self.lost, "changed": changed}
        return "; ".join(f"{kind}: {', '.join(names)}" for kind, names in parts.items() if names)


def table_schema(frame: pl.DataFrame) -> dict[str, list[dict[str, str]]]:
    """The Table Schema of a table."""
    return {"fields": [{"name": name, "type": type_name(kind)} for name, kind in frame.schema.items()]}


def type_name(kind: pl.DataType) -> str:
    """A type as Table Schema calls it."""
    if kind.is_integer():
        return "integer"
    if kind.is_numeric():
        return "number"
    names = {pl.Boolean: "boolean", pl.Date: "date", pl.Datetime: "datetime", pl.Time: "time"}
    found = next((name for one, name in names.items() if kind == one), "string")
    return "array" if kind.is_nested() and not isinstance(kind, pl.Struct) else found


def read_schema(path: Path) -> dict[str, str]:
    """The type of each column of a Table Schema, of a manifest that holds one, or of `{"column": "type"}`.

    Raises DataError if the file holds none of them.
    """
    try:
        content: Any = json.loads(path.read_text(encoding="utf-8"))
        content = content.get("schema", content)
        if "fields" in content:
            return {str(one["name"]): str(one.get("type", "any")) for one in content["fields"]}
        if content and all(isinstance(kind, str) for kind in content.values()):
            return dict(content)
    except OSError as error:
        raise DataError(f"{path}: {error.strerror}.") from None
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        pass
    raise DataError(f"{path}: is no schema of a table.", fix=_MAKE_ONE)


def differences(expected: Mapping[str, str], frame: pl.DataFrame) -> Differences:
    """How the columns of a table differ from those expected; `any` fits every type."""
    found = {name: type_name(kind) for name, kind in frame.schema.items()}
    return Differences(
        [name for name in found if name not in expected],
        [name for name in expected if name not in found],
        {
            name: (kind, found[name])
            for name, kind in expected.items()
            if name in found and kind not in ("any", found[name])
        },
    )
