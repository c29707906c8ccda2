"""Whatever types and values the columns of Parquet and Arrow have: rows that every format takes, or one DataError."""

import io
import os
import random

import numpy as np
import pyarrow as pa
import pytest
from columnar import as_arrow, as_parquet

from adcli.errors import DataError
from adcli.tables.read import open_table
from adcli.tables.sinks import open_sink
from adcli.tables.standard.tables import TABLES

ROUNDS = int(os.environ.get("ADCLI_TYPED_ROUNDS", "12"))
ROWS = 5
FIXED = (
    pa.int8(), pa.int64(), pa.uint8(), pa.uint64(), pa.float32(), pa.float64(), pa.date32(), pa.date64(),
    pa.time32("s"), pa.time32("ms"), pa.time64("us"), pa.time64("ns"), pa.timestamp("s"), pa.timestamp("ms", "UTC"),
    pa.timestamp("us", "Europe/Berlin"), pa.timestamp("ns"), pa.duration("s"), pa.duration("ms"), pa.duration("us"),
    pa.duration("ns"), pa.decimal128(38, 0), pa.decimal128(10, 4), pa.decimal256(60, 2), pa.float16(),
    pa.binary(3), pa.month_day_nano_interval(),
)  # fmt: skip
TEXTS = (
    "",
    "x",
    "2024-01-01 10:00:00",
    "1.5",
    "nan",
    "é日本",
    "=1+1",
    "-",
    "true",
    "[1]",
    "9" * 400,
    "\x1b[31m",
    "a\nb",
)
TABLE_NAMES = tuple(TABLES)


def fixed(kind, chance):
    """Values of a type of one width, out of any bits, extremes, or few and plain."""
    width = max(kind.bit_width // 8, 1)
    draw = [
        chance.randbytes(width),
        b"\0" * width,
        b"\xff" * width,
        b"\xff" * (width - 1) + b"\x7f",
        b"\x01" + b"\0" * (width - 1),
    ]
    cells = b"".join(chance.choice(draw) for _ in range(ROWS))
    if pa.types.is_decimal(kind):  # whose bits have no more digits than they may
        cells = b"".join(
            (chance.randrange(-(10**9), 10**9)).to_bytes(width, "little", signed=True) for _ in range(ROWS)
        )
    present = np.packbits([chance.random() < 0.8 for _ in range(8)], bitorder="little").tobytes()
    return pa.Array.from_buffers(kind, ROWS, [pa.py_buffer(present), pa.py_buffer(cells)])


def texts(chance):
    return [chance.choice((*TEXTS, None)) for _ in range(ROWS)]


def column(chance, depth=0):
    """Any column of `ROWS` values."""
    inner = column(chance, depth + 1) if depth < 3 else fixed(pa.int64(), chance)
    offsets = pa.array(sorted([0, ROWS, *(chance.randrange(ROWS + 1) for _ in range(ROWS - 1))]), pa.int32())
    match chance.randrange(12 if depth < 3 else 7):
        case 0 | 1 | 2:
            return fixed(chance.choice(FIXED), chance)
        case 3:
            return pa.array(texts(chance), chance.choice([pa.string(), pa.large_string(), pa.string_view()]))
        case 4:
            return pa.array([chance.choice([True, False, None]) for _ in range(ROWS)])
        case 5:
            return pa.array([chance.choice([b"", b"\xff\xfe", b"a", None]) for _ in range(ROWS)], pa.binary())
        case 6:
            return pa.nulls(ROWS)
        case 7:
            return pa.ListArray.from_arrays(offsets, inner)
        case 8:
            return pa.StructArray.from_arrays([inner, pa.array(texts(chance))], ["a", ""])
        case 9:
            return pa.FixedSizeListArray.from_arrays(inner, 1)
        case 10:
            return pa.array(texts(chance)).dictionary_encode()
        case _:
            return pa.MapArray.from_arrays(offsets, pa.array([f"k{i}" for i in range(ROWS)]), inner)


def table(chance):
    """A table of which some columns have their own types, and one or a few have any."""
    standard = TABLES[chance.choice(TABLE_NAMES)]
    plain = {
        "time": "2024-01-01 10:00:00",
        "string": "x",
        "list": "a",
        "vector": "[1, 2]",
        "flag": "1",
        "probability": "0.5",
    }
    columns = {
        one.name: pa.array([plain.get(one.kind, str(row + 1)) for row in range(ROWS)])
        for one in standard.columns
        if one.name in standard.required or chance.random() < 0.4
    }
    for name in chance.sample(sorted(columns), min(len(columns), chance.choice([1, 1, 2, 5]))):
        columns[name] = column(chance)
    columns["other"] = column(chance)
    return pa.table(columns)


@pytest.mark.parametrize("seed", range(ROUNDS))
def test_columns_of_any_type(seed, tmp_path, capfd):
    path = tmp_path / "input"
    messages: list[str] = []
    for number in range(25):
        content = table(random.Random(1000 * seed + number))
        for write in (as_parquet, as_arrow):
            try:
                path.write_bytes(write(content))
            except (pa.ArrowException, NotImplementedError):  # Parquet has no such type
                continue
            try:
                stream = open_table([str(path)], tables=TABLE_NAMES)
                batches = list(stream.batches())
            except DataError as error:
                messages.append(str(error))
                continue
            assert stream.rows_read == ROWS == stream.rows_rejected + sum(one.frame.height for one in batches)
            for format_name in ("csv", "ndjson", "parquet", "arrow"):
                sink = open_sink(io.BytesIO(), format_name, "")
                for batch in batches:
                    sink.write(batch.frame)
                sink.close()
    assert not [message for message in messages if "\n" in message]
    assert capfd.readouterr().err == ""
