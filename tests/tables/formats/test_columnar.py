"""Parquet and Arrow are read with their types, and damage is an error."""

from datetime import UTC, date, datetime
from decimal import Decimal

import polars as pl
import pyarrow as pa
import pytest
from columnar import as_arrow, as_parquet

from adcli.errors import DataError

FRAME = pl.DataFrame(
    {
        "timestamp": pl.Series(
            [datetime(2024, 1, 1, 10, 0, 0, 123456, UTC)] * 3, dtype=pl.Datetime("ns", "Europe/Paris")
        ),
        "visitorid": [7, 8, 9],
        "event": pl.Series(["view", "addtocart", "view"], dtype=pl.Categorical),
        "price": [1.1, None, 3.0],
        "nested": [{"a": 1}, {"a": 2}, None],
        "day": [date(2024, 1, 1)] * 3,
    }
)


@pytest.mark.parametrize(
    "content", [as_parquet(FRAME), as_arrow(FRAME, pa.ipc.new_file), as_arrow(FRAME, pa.ipc.new_stream)]
)
def test_columns_are_conformed_and_others_keep_their_type(read, content):
    got = read(content)
    assert got.frame.columns == ["event_time", "user_id", "event_type", "price", "nested", "day"]
    assert got.frame.row(0) == (
        datetime(2024, 1, 1, 10, 0, 0, 123456, UTC),
        "7",
        "view",
        Decimal("1.1"),
        {"a": 1},
        date(2024, 1, 1),
    )
    assert got.frame["event_type"].to_list() == ["view", "cart", "view"]


def test_rejected_rows_are_told_by_row_number_and_shown_as_json(read):
    got = read(as_parquet(FRAME.with_columns(price=pl.Series([1.0, -2.0, 3.0]))))
    assert got.reasons == [(2, "price: must not be negative: '-2.0'")]
    assert '"visitorid": 8' in got.rejects["raw"][0]


@pytest.mark.parametrize("position", range(1, 70, 6))
def test_a_flipped_bit_in_a_checksummed_parquet_is_an_error(read, position):
    frame = pl.DataFrame(
        {
            "event_time": ["2024-01-01"] * 5000,
            "user_id": [f"u{i}" for i in range(5000)],
            "event_type": ["view"] * 5000,
        }
    )
    content = bytearray(as_parquet(frame, write_page_checksum=True))
    content[len(content) * position // 100] ^= 4
    with pytest.raises(DataError, match="damaged"):
        read(bytes(content))


@pytest.mark.parametrize("keep", [7, 50, 300, -1, -9])
@pytest.mark.parametrize("content", [as_parquet(FRAME), as_arrow(FRAME, pa.ipc.new_file)])
def test_a_cut_file_is_an_error(read, content, keep):
    with pytest.raises(DataError, match="damaged"):
        read(content[:keep])


def test_vectors_are_read_as_they_are_written(read):
    frame = pl.DataFrame(
        {"id": ["a", "b"], "kind": ["item"] * 2, "embedding": [[0.5, 1.0], [2.0, -1.0]]},
        schema_overrides={"embedding": pl.Array(pl.Float32, 2)},
    )
    got = read(as_parquet(frame), tables=["vectors"])
    assert got.frame.equals(frame)


def test_a_column_that_is_there_twice_is_an_error(read):
    table = pa.table([pa.array(["x"]), pa.array(["y"])], names=["user_id", "user_id"])
    with pytest.raises(DataError, match="'user_id' is there twice"):
        read(as_arrow(table, pa.ipc.new_stream))
