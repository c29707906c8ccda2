"""What is written can be read back by others, exactly."""

import gzip
import io
import json
from datetime import UTC, datetime
from decimal import Decimal

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import zstandard

from adcli.errors import UsageError
from adcli.tables.read import open_table
from adcli.tables.sinks import format_of, open_sink

FRAME = pl.DataFrame(
    {
        "event_time": [datetime(2024, 5, 1, 12, 30, 15, 123456, tzinfo=UTC), None],
        "user_id": ["00123", 'ü,"x"\nline'],
        "price": [Decimal("2.55"), Decimal(1000)],
        "click": [1, 0],
        "facts": [["blue", "cotton"], []],
        "embedding": [[0.1, 0.2], [0.3, 0.4]],
    },
    schema_overrides={
        "event_time": pl.Datetime("us", "UTC"),
        "price": pl.Decimal(38, 18),
        "click": pl.Int8,
        "facts": pl.List(pl.String),
        "embedding": pl.Array(pl.Float32, 2),
    },
)


def written(format_name, compression="", frames=(FRAME,)):
    handle = io.BytesIO()
    sink = open_sink(handle, format_name, compression)
    for frame in frames:
        sink.write(frame)
    sink.close()
    return handle.getvalue()


def test_parquet_and_arrow_keep_every_type():
    for format_name, read in (("parquet", pl.read_parquet), ("arrow", pl.read_ipc_stream)):
        back = read(io.BytesIO(written(format_name, frames=(FRAME, FRAME))))
        assert back.equals(pl.concat([FRAME, FRAME])), format_name
        assert back.schema == FRAME.schema


def test_ndjson_lines_are_json_with_plain_numbers_and_utc_times():
    first, second = (json.loads(line) for line in written("ndjson").decode().splitlines())
    assert first["event_time"] == "2024-05-01T12:30:15.123456Z"
    assert first["price"] == 2.55
    assert first["user_id"] == "00123"
    assert first["facts"] == ["blue", "cotton"]
    assert first["embedding"] == pytest.approx([0.1, 0.2], abs=1e-7)
    assert second["event_time"] is None


def test_csv_has_one_header_and_exact_money():
    text = written("csv", frames=(FRAME, FRAME)).decode()
    assert text.count("event_time,user_id") == 1
    back = pl.read_csv(io.StringIO(text), infer_schema=False)
    assert back.height == 4
    assert back["price"].to_list() == ["2.55", "1000", "2.55", "1000"]
    assert back["user_id"][1] == 'ü,"x"\nline'
    assert json.loads(back["facts"][0]) == ["blue", "cotton"]
    assert back["embedding"][0] == "0.1 0.2"


def test_compressed_text_is_the_same_text():
    plain = written("csv")
    assert gzip.decompress(written("csv", ".gz")) == plain
    assert zstandard.ZstdDecompressor().decompressobj().decompress(written("csv", ".zst")) == plain


@pytest.mark.parametrize("format_name", ["csv", "ndjson", "parquet", "arrow"])
def test_the_same_rows_give_the_same_bytes(format_name):
    assert written(format_name) == written(format_name)


def test_the_extension_says_the_format(tmp_path):
    assert format_of(tmp_path / "a.jsonl.gz", None) == "ndjson"
    assert format_of(tmp_path / "a.csv", "parquet") == "parquet"
    assert format_of(tmp_path / "vectors", None) == "parquet"
    with pytest.raises(UsageError, match=r"\.cvs.*Did you mean '\.csv'"):
        format_of(tmp_path / "a.cvs", None)
    with pytest.raises(UsageError, match="parqet"):
        format_of(tmp_path / "a", "parqet")


def test_columns_of_any_type_that_parquet_has_go_out_as_csv_and_ndjson(tmp_path):
    table = pa.table(
        {
            "event_time": ["2024-01-01"] * 2,
            "user_id": pa.array([b"u1", b"\xff"]),
            "event_type": ["view"] * 2,
            "map": pa.array([[("a", 1)]] * 2, pa.map_(pa.string(), pa.int32())),
            "struct": pa.array([{"x": 1}] * 2),
            "duration": pa.array([5] * 2, pa.duration("s")),
            "bytes": pa.array([b"\xff", b"ok"]),
        }
    )
    pq.write_table(table, tmp_path / "any.parquet")
    stream = open_table([str(tmp_path / "any.parquet")], tables=["events"])
    (batch,) = stream.batches()
    assert batch.frame["user_id"].to_list() == ["u1"]
    assert batch.rejects["reason"].to_list() == ["user_id: bytes that are no text in UTF-8: 'b'\\xff''"]
    for form in ("csv", "ndjson", "parquet", "arrow"):
        with (tmp_path / "out").open("wb") as handle:
            sink = open_sink(handle, form)
            sink.write(batch.frame)
            sink.close()
        if form == "csv":
            assert (tmp_path / "out").read_text().splitlines()[1].endswith(",PT5S,\\xff")
