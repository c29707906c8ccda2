"""Columns and their types are written as a Table Schema, and compared with one."""

import json
from datetime import UTC, date, datetime
from decimal import Decimal

import polars as pl
import pytest

from adcli.errors import DataError
from adcli.tables.schema import differences, read_schema, table_schema

FRAME = pl.DataFrame(
    {"t": [datetime(2024, 1, 1, tzinfo=UTC)], "d": [date(2024, 1, 1)], "s": ["x"], "i": [1], "m": [Decimal("1.5")], "b": [True],
     "l": [[1.0]]}
)  # fmt: skip
TYPES = dict(
    zip("tdsimbl", ["datetime", "date", "string", "integer", "number", "boolean", "array"], strict=True)
)


@pytest.mark.parametrize("wrap", [lambda schema: schema, lambda schema: {"schema": schema}, lambda _: TYPES])
def test_what_is_written_is_read_again_and_does_not_differ(tmp_path, wrap):
    schema = table_schema(FRAME)
    assert {one["name"]: one["type"] for one in schema["fields"]} == TYPES
    (tmp_path / "schema.json").write_text(json.dumps(wrap(schema)))
    assert not any(differences(read_schema(tmp_path / "schema.json"), FRAME))


def test_new_lost_and_changed_columns_are_named():
    expected = {**TYPES, "i": "string", "s": "any", "gone": "string"}
    found = differences(expected, FRAME.with_columns(fresh=1))
    assert found == (["fresh"], ["gone"], {"i": ("string", "integer")})
    assert str(found) == "new: fresh; lost: gone; changed: i (string became integer)"


@pytest.mark.parametrize("text", ["", "[]", "3", "{}", '{"fields": [1]}', '{"a": 1}', "[" * 100_000])
def test_what_is_no_schema_is_a_sentence(tmp_path, text):
    (tmp_path / "schema.json").write_text(text)
    with pytest.raises(DataError, match="is no schema of a table"):
        read_schema(tmp_path / "schema.json")
    with pytest.raises(DataError, match="No such file"):
        read_schema(tmp_path / "none.json")
