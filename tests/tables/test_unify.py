"""Frames that come one after the other get one type for each column."""

import polars as pl
import pytest

from adcli.tables.unify import common_schema, concatenated


@pytest.mark.parametrize(
    ("types", "common"),
    [
        ([pl.Int64(), pl.Int64()], pl.Int64()),
        ([pl.Int32(), pl.Int8()], pl.Int64()),
        ([pl.Int64(), pl.Float64()], pl.Float64()),
        ([pl.Null(), pl.Boolean()], pl.Boolean()),
        ([pl.Null()], pl.String()),
        ([pl.Int64(), pl.Boolean()], pl.String()),
        ([pl.UInt64(), pl.Int64()], pl.String()),
        ([pl.List(pl.Int64()), pl.List(pl.Float64())], pl.List(pl.Float64())),
        ([pl.List(pl.Int64()), pl.Int64()], pl.String()),
        ([pl.Datetime("us"), pl.Date()], pl.String()),
    ],
)
def test_the_common_type_holds_all_values(types, common):
    assert common_schema({"x": dtype} for dtype in types) == {"x": common}


def test_rows_keep_their_values_and_missing_columns_are_null():
    frames = [
        pl.DataFrame({"a": [1], "b": [{"k": 1}]}),
        pl.DataFrame({"a": ["00123"], "c": [[1, 2]]}),
        pl.DataFrame({"b": ["text"]}),
    ]
    assert concatenated(frames).rows() == [
        ("1", '{"k": 1}', None),
        ("00123", None, [1, 2]),
        (None, "text", None),
    ]


def test_no_frames_are_an_empty_table():
    assert concatenated([]).is_empty()
