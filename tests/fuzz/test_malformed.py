"""Whatever is fed in: rows are accounted for or it is one DataError; never another exception, never much memory."""

import bz2
import gzip
import json
import random
import subprocess
import sys
from functools import partial

import polars as pl
import pyarrow as pa
import pytest
import zstandard
from columnar import as_arrow, as_parquet

from adcli.errors import DataError
from adcli.tables.read import open_table
from adcli.tables.standard.tables import TABLES

SEEDS = range(25)


def outcome(content, tmp_path):
    """`rows` or `error`; anything else raises."""
    path = tmp_path / "input"
    path.write_bytes(content)
    try:
        stream = open_table([str(path)], tables=list(TABLES))
        accepted = 0
        for batch in stream.batches():
            accepted += batch.frame.to_arrow().num_rows  # which has its own mind of names
    except DataError as error:
        return "error" if "\n" not in str(error) else pytest.fail(str(error))
    assert stream.rows_read == accepted + stream.rows_rejected
    assert stream.inputs[0].bytes == len(content)
    return "rows"


def table(chance, sizes=(3, 50, 400)):
    texts = ["plain", 'with "quotes"', "comma, here", "line\nbreak", "é日本", ""]
    rows = chance.choice(sizes)
    return pl.DataFrame(
        {
            "event_time": [
                f"2024-01-{chance.randint(1, 28):02} 10:00:{chance.randint(0, 59):02}.{chance.randint(0, 999999):06}"
                for _ in range(rows)
            ],
            "user_id": [f"u{chance.randint(0, 9):03}" for _ in range(rows)],
            "event_type": [chance.choice(["view", "click", "buy"]) for _ in range(rows)],
            "price": [chance.randint(0, 9999) / 100 for _ in range(rows)],
            "text": [chance.choice(texts) for _ in range(rows)],
        }
    )


LOG_LINES = {
    "access log": ("", '192.0.2.7 - - [17/May/2015:10:05:{:02} +0000] "GET /p/{} HTTP/1.1" 200 {} "-" "Agent \\"x\\""\n'),
    "log of nginx in JSON": (
        "", '{{"time":"2024-01-01T10:00:{:02}+00:00","remote_addr":"192.0.2.7","request":"GET /p/{} HTTP/1.1","status":{}}}\n'
    ),
    "log of CloudFront": (
        "#Version: 1.0\n#Fields: date time x-edge-location sc-bytes c-ip cs-method cs(Host) cs-uri-stem sc-status\n",
        "2024-01-01\t10:00:{:02}\tFRA\t{}\t192.0.2.7\tGET\td.example\t/p/{}\t200\n",
    ),
    "log of a load balancer": (
        "", 'https 2024-07-02T22:23:{:02}.186641Z a 192.0.2.39:2817 - 0.0 0.1 0.0 200 200 34 366 "GET http://a:80/p/{} HTTP/1.1" "c/7" - - a "R={}"\n',
    ),
}  # fmt: skip


def as_log(frame, name="access log"):
    head, line = LOG_LINES[name]
    return (head + "".join(line.format(i % 60, i, i) for i in range(frame.height))).encode()


FORMATS = {
    "csv": lambda frame: frame.write_csv().encode(),
    "csv with CR": lambda frame: frame.write_csv().replace("\n", "\r").encode(),
    "csv in UTF-16": lambda frame: frame.write_csv().encode("utf-16"),
    "csv in GB18030": lambda frame: frame.write_csv().replace("é日本", "简单的牛仔外套").encode("gb18030"),
    "csv.gz": lambda frame: gzip.compress(frame.write_csv().encode()),
    "csv.bz2": lambda frame: bz2.compress(frame.write_csv().encode()),
    "csv.zst": lambda frame: zstandard.compress(frame.write_csv().encode()),
    "ndjson": lambda frame: frame.write_ndjson().encode(),
    "array": lambda frame: json.dumps(frame.to_dicts()).encode(),
    "array on many lines": lambda frame: json.dumps(frame.to_dicts(), indent=1, ensure_ascii=False).encode(),
    **{name: partial(as_log, name=name) for name in LOG_LINES},
    "parquet": partial(as_parquet, row_group_size=100),
    "parquet with checksums": partial(as_parquet, row_group_size=100, write_page_checksum=True),
    "arrow file": as_arrow,
    "arrow stream": partial(as_arrow, write=pa.ipc.new_stream),
}


def mutated(content, chance):
    """The content with one or a few things wrong with it."""
    data = bytearray(content)
    for _ in range(chance.choice([1, 1, 1, 3, 20])):
        at, other = chance.randrange(len(data) + 1), chance.randrange(len(data) + 1)
        match chance.randrange(8):
            case 0 if at < len(data):
                data[at] ^= 1 << chance.randrange(8)
            case 1:
                del data[max(at, 1) :]
            case 2:
                del data[at : at + chance.randint(1, 30)]
            case 3:
                data[at:at] = bytes([chance.choice(b'"\n\r\0,{}[]\xff;\t')])
            case 4:
                data[at:at] = data[max(0, at - 50) : at]
            case 5:
                data[at : at + 10], data[other : other + 10] = data[other : other + 10], data[at : at + 10]
            case 6:
                data[at:at] = chance.randbytes(5)
            case 7:
                data[at:at] = b'"' * chance.randint(1, 3)
    return bytes(data)


@pytest.mark.parametrize("form", FORMATS)
def test_unharmed_files_are_read_whole(form, tmp_path):
    assert outcome(FORMATS[form](table(random.Random(1))), tmp_path) == "rows"


@pytest.mark.parametrize("form", FORMATS)
def test_mutated_files(form, tmp_path, capfd):
    for seed in SEEDS:
        chance = random.Random(seed)
        outcome(mutated(FORMATS[form](table(chance)), chance), tmp_path)
    assert capfd.readouterr().err == ""


HEADER = b"event_time,user_id,event_type,text\n"
ROW = b"2024-01-01 10:00:00,u,view,x\n"
EVIL = {
    "one byte": b"x",
    "one newline": b"\n",
    "one quote": b'"',
    "one brace": b"{",
    "one bracket": b"[",
    "NULs": b"\0" * 1000,
    "random": random.Random(0).randbytes(5000),
    "gzip of nothing": gzip.compress(b""),
    "half a gzip header": b"\x1f\x8b\x08",
    "gzip of gzip of gzip of gzip": gzip.compress(gzip.compress(gzip.compress(gzip.compress(HEADER + ROW)))),
    "Parquet magic alone": b"PAR1",
    "Parquet magic twice": b"PAR1PAR1",
    "Parquet with a huge footer": b"PAR1" + b"\xff\xff\xff\x7f" + b"PAR1",
    "Arrow magic alone": b"ARROW1\0\0",
    "Arrow stream of a huge schema": b"\xff\xff\xff\xff\xff\xff\xff\x7f" + b"\0" * 20,
    "half a BOM": b"\xff",
    "BOM alone": b"\xef\xbb\xbf",
    "UTF-16 BOM alone": b"\xff\xfe",
    "UTF-16 with half a character": b"\xff\xfe" + (HEADER + ROW).decode().encode("utf-16-le")[:-1],
    "UTF-16 with a lone surrogate": b"\xff\xfe" + (HEADER + ROW).decode().encode("utf-16-le") + b"\x00\xd8\n\x00",
    "a NUL in the name of a column": (HEADER.replace(b"text", b"te\0xt") + ROW).decode().encode("utf-16"),
    "header of quotes": b'"' * 999 + b"\n" + ROW,
    "header of commas": b"," * 50 + b"\n" + ROW,
    "header twice": HEADER + HEADER + ROW,
    "duplicate columns": b"event_time,user_id,user_id,event_type\n" + ROW,
    "a hundred thousand columns": b",".join(b"c%d" % i for i in range(100_000)) + b"\n",
    "only carriage returns": (HEADER + ROW * 3).replace(b"\n", b"\r"),
    "carriage returns and newlines mixed": HEADER + ROW.replace(b"\n", b"\r") * 2 + ROW,
    "quote never closed": HEADER + b'2024-01-01,u,view,"x\n' + ROW * 5000,
    "every line opens a quote": HEADER + b'2024-01-01,u,view,"x\n' * 5000,
    "every line has a quote too many": HEADER + b'2024-01-01,u,view,"x""\n' * 5000,
    "quotes inside fields": HEADER + b'2024-01-01,u,view,5" x 3"\n' * 5000,
    "field of 10 MB": HEADER + b"2024-01-01,u,view," + b"x" * 10_000_000 + b"\n" + ROW,
    "field of 20 MB": HEADER + b"2024-01-01,u,view," + b"x" * 20_000_000 + b"\n" + ROW,
    "quoted field of 20 MB": HEADER + b'2024-01-01,u,view,"' + (b"x" * 99 + b"\n") * 200_000 + b'"\n' + ROW,
    "first line of 5 MB": b"x" * 5_000_000 + b"\n" + ROW,
    "JSON a hundred thousand deep": b'{"a":' * 100_000 + b"1" + b"}" * 100_000,
    "array a hundred thousand deep": b"[" * 100_000,
    "JSON with lone surrogates": b'{"event_time": "2024-01-01", "user_id": "\\ud800", "event_type": "view"}\n' * 3,
    "JSON with huge numbers": b'{"event_time": 1e999, "user_id": %s, "event_type": "view"}\n' % (b"9" * 5000),
    "JSON that changes its types": b'{"user_id": 1, "x": {}}\n{"user_id": [1], "x": 2}\n{"user_id": {}, "x": [true]}\n',
    "array with one element of 5 MB": b'[{"user_id": "' + b"x" * 5_000_000 + b'"}]',
    "JSON whose keys are values": b"".join(
        b'{"event_time":"2024-01-01","user_id":"a","event_type":"view","k%d":1}\n' % i for i in range(9000)
    ),
    "array of numbers": b"[" + b"1," * 50_000 + b"1]",
    "array never closed": b'[{"user_id": 1},' * 5000,
    "times at the ends of time": HEADER
    + b"".join(b"%s,u,view,\n" % time for time in (b"0", b"-1", b"9" * 18, b"9" * 19, b"9" * 30, b"1e400", b"99999-01-01")),
    "terminal escapes": HEADER.replace(b"text", b"\x1b[31mtext") + ROW,
    "right-to-left marks": (HEADER + "2024-01-01,\u202eu,view,\u200f\n".encode()),
    "a log with a line of 20 MB": as_log(table(random.Random(3))) + b"x" * 20_000_000 + b"\n",
}  # fmt: skip


@pytest.mark.parametrize("name", EVIL)
def test_evil_files(name, tmp_path):
    outcome(EVIL[name], tmp_path)


@pytest.mark.parametrize(
    "name", ["field of 10 MB", "quote never closed", "quotes inside fields", "header twice"]
)
def test_evil_files_that_have_rows_to_save(name, tmp_path):
    assert outcome(EVIL[name], tmp_path) == "rows"


ADCLI_CLEAN = [sys.executable, "-m", "adcli", "clean"]


@pytest.mark.parametrize("form", ["parquet", "arrow file", "arrow stream"])
def test_a_damaged_file_ends_the_command_as_bad_data_each_time(form, tmp_path):
    """A reader's own threads must not outlive the interpreter: that would abort one run in two."""
    path = tmp_path / "input"
    content = FORMATS[form](table(random.Random(101)))
    path.write_bytes(content[: len(content) // 2])
    for _ in range(4):
        done = subprocess.run([*ADCLI_CLEAN, path], capture_output=True, text=True, check=False)
        assert done.returncode == 3, done.stderr
        assert len(done.stderr.splitlines()) == 1
