"""Parts that several processes read, or that an interrupted run has read, give the rows that one reader gives."""

import gzip
from datetime import UTC, datetime

import polars as pl
import pytest

from adcli.clean import parallel
from adcli.clean.parallel import reader
from adcli.clean.pipeline import clean_stream
from adcli.clean.rules import RULES, RuleCheck
from adcli.clean.runs import FILE, LINE
from adcli.errors import DataError
from adcli.tables.read import open_table
from adcli.tables.standard.tables import TABLES

HEADER = "event_time,user_id,event_type,item_id,price\n"


@pytest.fixture(autouse=True)
def _small_parts(monkeypatch):
    monkeypatch.setattr("adcli.tables.read.PART_BYTES", 4000)


@pytest.fixture
def inputs(tmp_path):
    """Four files, one of several parts, in which rows come again and some cannot be read."""
    for number in range(4):
        rows = [
            f"2024-01-0{1 + i % 9} 10:00:00.{i % 50:03},u{i % 7},{'click' if i % 3 else 'impression'},{i % 11},2{'0' * (i % 97 == 5) * 8}\n"
            for i in range(300 if number == 2 else 70)
        ]
        rows[3] = "never,u,view,1,2\n"
        (tmp_path / f"{number}.csv").write_text(HEADER + "".join(rows))
    return tmp_path


def cleaned(folder, name, read=None):
    """Rows and rejects with where they came from, and what was counted."""
    stream = open_table([str(folder / "*.csv")], tables=["events"])
    check = RuleCheck(RULES, now=datetime(2024, 6, 1, tzinfo=UTC), standard=TABLES["events"].names)
    rejects = []
    spill = folder / name
    spill.mkdir()
    frames = clean_stream(stream, spill=spill, rules=check, reject=rejects.append, read=read)
    rows = pl.concat(list(frames))
    assert {FILE, LINE} <= set(rows.columns)
    return rows, pl.concat(rejects), check.counts, stream.inputs, stream.rows_read


def same(one, other):
    return one[0].equals(other[0]) and one[1].equals(other[1]) and one[2:] == other[2:]


def test_the_count_of_processes_changes_nothing(inputs):
    alone = cleaned(inputs, "alone")
    assert alone[2]["absurd_price"] > 0
    assert alone[1].height > 4
    assert same(cleaned(inputs, "three", reader(3)), alone)


def test_what_an_interrupted_run_has_read_is_not_read_again(inputs, monkeypatch):
    kept = inputs / "kept"
    kept.mkdir()
    alone = cleaned(inputs, "alone")
    read_part, calls = parallel.read_part, []

    def counting(reading, folder, advance):
        calls.append(folder)
        if len(calls) == 4:
            raise KeyboardInterrupt
        read_part(reading, folder, advance)

    monkeypatch.setattr(parallel, "read_part", counting)
    with pytest.raises(KeyboardInterrupt):
        cleaned(inputs, "interrupted", reader(1, kept))
    assert same(cleaned(inputs, "resumed", reader(1, kept)), alone)
    parts = len(open_table([str(inputs / "*.csv")], tables=["events"]).parts())
    assert parts >= 5
    assert len(calls) == parts + 1


def test_an_input_that_changed_since_is_read_again(inputs):
    kept = inputs / "kept"
    kept.mkdir()
    cleaned(inputs, "before", reader(1, kept))
    text = (inputs / "1.csv").read_text()
    (inputs / "1.csv").write_text(text.replace(",u1,", ",u9,"))
    assert same(cleaned(inputs, "resumed", reader(2, kept)), cleaned(inputs, "alone"))


def test_an_error_of_another_process_is_the_same_sentence(inputs):
    whole = gzip.compress((HEADER + "2024-01-01,u,view,1,2\n" * 80_000).encode())
    (inputs / "4.csv.gz").write_bytes(whole[: len(whole) * 2 // 3])
    said = []
    for processes in (1, 2):
        (inputs / f"spill{processes}").mkdir()
        stream = open_table([str(inputs / "*.csv*")], tables=["events"])
        with pytest.raises(DataError) as error:
            list(
                clean_stream(
                    stream, spill=inputs / f"spill{processes}", reject=lambda _: None, read=reader(processes)
                )
            )
        said.append(str(error.value))
    assert said[0] == said[1]
    assert "4.csv.gz" in said[0]
