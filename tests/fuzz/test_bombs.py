"""However much a small file says it holds, reading it takes little memory: rows, or one sentence."""

import gzip
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import zstandard

from adcli.errors import DataError, UsageError
from adcli.tables.formats import columnar
from adcli.tables.memory import free_bytes, held, table_bytes
from adcli.tables.read import open_table

HEADER = b"event_time,user_id,event_type,text\n"
ROW = b"2024-01-01 10:00:00,u,view,x\n"
JSON = b'{"event_time":"2024-01-01","user_id":"u","event_type":"view","x":'


def gzipped(path, unit):
    """A header and then a gibibyte of one repeated unit."""
    member = gzip.compress((unit * ((16 << 20) // len(unit) + 1))[: 16 << 20])
    path.write_bytes(gzip.compress(HEADER) + member * (4 if unit == ROW else 64))


def one_line(path, start):
    """A line of a gibibyte."""
    packer = zstandard.ZstdCompressor().compressobj()
    pieces = [packer.compress(piece) for piece in (start, *[b"x" * (1 << 22)] * 256)]
    path.write_bytes(b"".join(pieces) + packer.flush())


def nested(path, opening, closing):
    path.write_bytes(JSON + opening * 900 + b"1" + closing * 900 + b"}\n" + JSON + b"1}\n")


def repeated(rows, value):
    """A column of one value, said once."""
    return pa.DictionaryArray.from_arrays(pa.array(np.zeros(rows, np.int32)), [value])


def events(rows, **columns):
    same = {"event_time": "2024-01-01 10:00:00", "user_id": "u", "event_type": "view"}
    return pa.table({**{name: repeated(rows, value) for name, value in same.items()}, **columns})


def parquet(path, table, **options):
    pq.write_table(
        table, path, compression="zstd", dictionary_pagesize_limit=1 << 30, write_statistics=False, **options
    )


def arrow(path, table):
    packed = pa.ipc.IpcWriteOptions(compression="zstd")
    with (
        pa.OSFile(str(path), "wb") as handle,
        pa.ipc.new_file(handle, table.schema, options=packed) as writer,
    ):
        writer.write_table(table)


BOMBS = {
    "gzip of NULs": lambda path: gzipped(path, b"\0"),
    "gzip of newlines": lambda path: gzipped(path, b"\n"),
    "gzip of commas": lambda path: gzipped(path, b","),
    "gzip of quotes": lambda path: gzipped(path, b'"'),
    "CSV of one line": lambda path: one_line(path, HEADER + b"2024-01-01,u,view,"),
    "JSON array of one text": lambda path: one_line(path, b'[{"user_id":"'),
    "Parquet of 700 times 5 MB": lambda path: parquet(
        path, events(700, text=repeated(700, "x" * 5_000_000)), store_schema=False
    ),
    "Parquet of 700 times 5 MB as a dictionary": lambda path: parquet(
        path, events(700, text=repeated(700, "x" * 5_000_000))
    ),
    "Parquet of a list of 1,500 times 1 MB": lambda path: parquet(
        path, events(1, tags=pa.ListArray.from_arrays([0, 1500], repeated(1500, "x" * 1_000_000)))
    ),
    "Arrow of 700 times 5 MB": lambda path: arrow(path, events(700, text=repeated(700, "x" * 5_000_000))),
    "Arrow of a cell of 600 MB": lambda path: arrow(path, events(1, text=["x" * 600_000_000])),
    "Arrow of 20 million equal rows": lambda path: arrow(path, events(20_000_000)),
}
READ_IN_OWN_PROCESS = """
import sys
from adcli.errors import DataError
from adcli.tables.read import open_table
try:
    stream = open_table([sys.argv[1]], tables=["events"])
    print("rows", sum(batch.frame.height for batch in stream.batches()), stream.rows_rejected)
except DataError as error:
    print("error", error)
high_water = [line for line in open("/proc/self/status") if line.startswith("VmHWM")]
print(int(high_water[0].split()[1]) // 1024)
"""


def read_apart(path):
    """What reading a file comes to in a process of its own, and the most megabytes that it took."""
    run = subprocess.run(
        [sys.executable, "-c", READ_IN_OWN_PROCESS, path], capture_output=True, text=True, check=True
    )
    told, megabytes = run.stdout.splitlines()
    assert run.stderr == ""
    return told, int(megabytes)


needs_proc = pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="peak memory is in /proc")


@needs_proc
@pytest.mark.parametrize("name", BOMBS)
def test_a_bomb_is_refused_in_bounded_memory(name, tmp_path):
    path = tmp_path / "bomb"
    BOMBS[name](path)
    assert path.stat().st_size < 2 << 20
    told, megabytes = read_apart(path)
    assert told.startswith("error")
    assert "decompression bomb" in told or "1,000 times the size" in told or "no JSON object" in told
    assert megabytes < (512 if "gzip" in name or "line" in name else 1800)


@needs_proc
@pytest.mark.parametrize(
    ("opening", "closing"), [(b'{"a":', b"}"), (b"[", b"]"), (b"[1,", b"]"), (b'[{"a":', b"}]")]
)
def test_deep_json_is_a_rejected_row_in_little_memory(tmp_path, opening, closing):
    path = tmp_path / "deep.ndjson"
    nested(path, opening, closing)
    told, megabytes = read_apart(path)
    assert told == "rows 1 1"
    assert megabytes < 512


@pytest.mark.parametrize("write", [parquet, arrow])
def test_rows_that_take_much_are_read_in_smaller_steps(tmp_path, monkeypatch, write):
    wanted = [f"u{i:06}" for i in range(100_000)]
    write(tmp_path / "log", events(100_000).set_column(1, "user_id", [wanted]))
    whole = columnar._plain_batch

    def short_of_memory(batch):
        if batch.num_rows > 5000:
            raise MemoryError
        return whole(batch)

    monkeypatch.setattr(columnar, "_plain_batch", short_of_memory)
    stream = open_table([str(tmp_path / "log")], tables=["events"])
    assert [user for batch in stream.batches() for user in batch.frame["user_id"]] == wanted


def test_of_a_file_that_is_read_anew_in_smaller_steps_no_row_is_read_twice(tmp_path, monkeypatch):
    wanted = [f"u{i:06}" for i in range(100_000)]
    path = tmp_path / "log.parquet"
    parquet(path, events(100_000).set_column(1, "user_id", [wanted]))
    calls = []

    def fails_at_times(batches, handle, name, memory):
        calls.append(memory)
        for number, batch in enumerate(batches):
            if number == len(calls):
                raise MemoryError
            yield batch

    monkeypatch.setattr(columnar, "_bounded", fails_at_times)
    with path.open("rb") as handle, pytest.raises(DataError, match="1,000 times"):
        list(columnar.read_columnar("parquet", handle, "log", 1 << 40))
    assert calls == [1 << 28] * 4 + [1 << 40]
    calls[:] = [0] * 40  # from here on it holds out
    with path.open("rb") as handle:
        read = [
            user
            for batch in columnar.read_columnar("parquet", handle, "log", 1 << 40)
            for user in batch.frame["user_id"]
        ]
    assert read == wanted


def test_the_command_says_that_a_table_is_too_large(tmp_path, warm_commands):
    path = tmp_path / "log.csv"
    path.write_bytes(b"event_time,user_id,item_id,click\n" + b"2024-01-01 10:00:00,u,i,0\n" * 50_000)
    done = warm_commands.run(["evaluate", "rates", path, "--memory", "1MB"], tmp_path, os.environ)
    assert done.returncode == 3
    assert b"takes more than 1 MB" in done.stderr
    assert (
        warm_commands.run(["evaluate", "rates", path, "--memory", "1GB"], tmp_path, os.environ).returncode
        == 0
    )


def test_a_table_takes_no_more_than_its_share():
    frames = [pl.DataFrame({"x": np.zeros(1000)})] * 10
    assert len(held(frames, 80_000, "log.csv")) == 10
    with pytest.raises(DataError, match=r"log.csv takes more than .* Allow more with --memory"):
        held(frames, 79_999, "log.csv")


@pytest.mark.parametrize(
    ("text", "size"), [("4GB", 4 << 30), ("1.5 g", 3 << 29), ("500MiB", 500 << 20), ("10", 10), ("2kb", 2048)]
)
def test_a_size_is_read(text, size):
    assert table_bytes(text) == size


@pytest.mark.parametrize("text", ["", "0", "GB", "-1GB", "nan", "4 XB", "1e3"])
def test_what_is_no_size_is_said(text):
    with pytest.raises(UsageError, match="expected a size"):
        table_bytes(text)


def test_by_default_a_table_may_take_a_third_of_what_is_free():
    assert 0.8 < 3 * table_bytes(None) / free_bytes() < 1.2
