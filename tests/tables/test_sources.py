"""Inputs come from files, globs, pipes and compressed streams, and are hashed whole."""

import bz2
import gzip
import hashlib
import io
import lzma
import os
import threading
import zipfile
from pathlib import Path

import polars as pl
import pytest
import zstandard

from adcli.errors import DataError, UsageError
from adcli.tables.expansion import expand
from adcli.tables.read import open_table
from adcli.tables.read_options import ReadOptions

CSV = b"event_time,user_id,event_type\n" + b"2024-01-01 10:00:00,u1,view\n" * 2000


def zipped(name):
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w") as archive:
        archive.writestr(name, CSV)
    return held.getvalue()


def rows_of(stream):
    return sum(batch.frame.height for batch in stream.batches())


@pytest.fixture
def stdin(monkeypatch):
    def give(content):
        monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(content)))

    return give


COMPRESSED = {
    "plain": CSV,
    "gzip": gzip.compress(CSV),
    "gzip members": gzip.compress(CSV[:4010]) + gzip.compress(CSV[4010:]),
    "gzip padded": gzip.compress(CSV) + b"\0" * 5000,
    "bzip2": bz2.compress(CSV),
    "bzip2 streams": bz2.compress(CSV[:4010]) + bz2.compress(CSV[4010:]),
    "zstd": zstandard.compress(CSV),
    "zstd frames": zstandard.compress(CSV[:4010]) + zstandard.compress(CSV[4010:]),
    "gzip in zstd": zstandard.compress(gzip.compress(CSV)),
}


@pytest.mark.parametrize("kind", COMPRESSED)
def test_compression_is_told_by_content_whatever_the_name(kind, tmp_path):
    path = tmp_path / "events.txt"
    path.write_bytes(COMPRESSED[kind])
    stream = open_table([str(path)], tables=["events"])
    assert rows_of(stream) == 2000
    record = stream.inputs[0]
    assert record.sha256 == hashlib.sha256(COMPRESSED[kind]).hexdigest()
    assert (record.bytes, record.rows) == (len(COMPRESSED[kind]), 2000)


@pytest.mark.parametrize("kind", COMPRESSED)
def test_standard_input_is_read_like_a_file(kind, stdin):
    stdin(COMPRESSED[kind])
    stream = open_table(["-"], tables=["events"])
    assert rows_of(stream) == 2000
    assert stream.inputs[0].sha256 == hashlib.sha256(COMPRESSED[kind]).hexdigest()


@pytest.mark.parametrize("kind", [kind for kind in COMPRESSED if kind != "plain"])
def test_truncated_compressed_data_is_an_error_that_names_the_file(kind, tmp_path):
    path = tmp_path / "cut"
    path.write_bytes(COMPRESSED[kind].rstrip(b"\0")[:-3])
    with pytest.raises(DataError, match=r"cut: the (gzip|bzip2|zstd) data (ends too early|is damaged)"):
        rows_of(open_table([str(path)], tables=["events"]))


@pytest.mark.parametrize("kind", ["gzip", "bzip2"])
def test_damaged_compressed_data_is_an_error(kind, tmp_path):
    damaged = bytearray(COMPRESSED[kind])
    damaged[len(damaged) // 2] ^= 0xFF
    path = tmp_path / "damaged"
    path.write_bytes(damaged)
    with pytest.raises(DataError, match="damaged"):
        rows_of(open_table([str(path)], tables=["events"]))


@pytest.mark.parametrize("form", ["parquet", "arrow file", "arrow stream"])
def test_formats_that_need_to_seek_come_through_a_pipe_too(form, stdin):
    frame = pl.DataFrame({"event_time": ["2024-01-01"], "user_id": ["007"], "event_type": ["view"]})
    handle = io.BytesIO()
    write = {
        "parquet": frame.write_parquet,
        "arrow file": frame.write_ipc,
        "arrow stream": frame.write_ipc_stream,
    }
    write[form](handle)
    for content in (handle.getvalue(), gzip.compress(handle.getvalue())):
        stdin(content)
        stream = open_table(["-"], tables=["events"])
        assert [batch.frame["user_id"].to_list() for batch in stream.batches()] == [["007"]]
        assert stream.inputs[0].sha256 == hashlib.sha256(content).hexdigest()


def test_a_named_pipe_is_read_once_and_whole(tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    writer = threading.Thread(target=pipe.write_bytes, args=(CSV,))
    writer.start()
    assert rows_of(open_table([str(pipe)], tables=["events"])) == 2000
    writer.join()


def test_a_glob_is_expanded_in_sorted_order_and_no_file_comes_twice(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("b.csv", "a.csv", "c.txt"):
        (tmp_path / name).write_bytes(CSV)
    assert [source.name for source in expand(["*.csv"])] == ["a.csv", "b.csv"]
    assert [source.name for source in expand(["b.csv", "*.csv"])] == ["b.csv", "a.csv"]


def test_a_file_whose_name_looks_like_a_glob_is_that_file(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a[1].csv").write_bytes(CSV)
    (tmp_path / "a1.csv").write_bytes(CSV)
    assert [source.name for source in expand(["a[1].csv"])] == ["a[1].csv"]


def test_what_is_not_there_is_wrong_usage(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "events.csv").write_bytes(CSV)
    with pytest.raises(UsageError, match=r"\*\.parquet: no file matches"):
        expand(["*.parquet"])
    with pytest.raises(UsageError, match=r"no such file. Did you mean 'events.csv'"):
        expand(["event.csv"])
    with pytest.raises(UsageError, match="is a directory"):
        expand(["."])


def test_empty_input_is_an_error_but_an_empty_file_among_others_is_only_said(tmp_path):
    (tmp_path / "a.csv").write_bytes(b"")
    (tmp_path / "b.csv").write_bytes(CSV)
    with pytest.raises(DataError, match="is empty"):
        open_table([str(tmp_path / "a.csv")], tables=["events"])
    stream = open_table([str(tmp_path / "*.csv")], tables=["events"])
    assert rows_of(stream) == 2000
    assert any("a.csv: is empty" in note for note in stream.notes)


def test_a_file_is_checked_against_the_manifest_beside_it(tmp_path):
    path = tmp_path / "events.csv"
    path.write_bytes(CSV)
    good = hashlib.sha256(CSV).hexdigest()
    manifest = tmp_path / "events.csv.meta.json"
    manifest.write_text(f'{{"output": {{"sha256": "{good}"}}}}')
    assert rows_of(open_table([str(path)], tables=["events"])) == 2000
    manifest.write_text(f'{{"output": {{"sha256": "{good[::-1]}"}}}}')
    with pytest.raises(DataError, match=r"events.csv is not what its manifest"):
        open_table([str(path)], tables=["events"])
    assert rows_of(open_table([str(path)], tables=["events"], options=ReadOptions(verify=False))) == 2000


def test_many_inputs_need_no_more_open_files_than_one(tmp_path):
    for number in range(60):
        (tmp_path / f"{number:03}.csv").write_bytes(CSV[:200])
    stream = open_table([str(tmp_path / "*.csv")], tables=["events"])
    descriptors = Path("/proc/self/fd")
    opened = {len([*descriptors.iterdir()]) if descriptors.is_dir() else 0 for _ in stream.batches()}
    assert len(opened) == 1
    assert len(stream.inputs) == 60
    assert len(stream.notes) == 1
    assert "and 59 more" in stream.notes[0]


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (lzma.compress(CSV), r"is compressed by xz. Unpack it first: xz -dc"),
        (zipped("log.csv"), r"is a zip archive. Unpack it first: unzip -p"),
        (zipped("xl/workbook.xml"), r"this workbook cannot be read"),
    ],
    ids=["xz", "zip", "xlsx"],
)
def test_archives_are_told_how_to_be_unpacked(tmp_path, content, told):
    path = tmp_path / "log"
    path.write_bytes(content)
    with pytest.raises(DataError, match=told):
        open_table([str(path)], tables=["events"])
