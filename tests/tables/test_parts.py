"""A large file is read in parts, and what comes out is what reading it at once gives: rows, rejects, line numbers."""

import json
import pickle
import random

import pytest

from adcli.errors import DataError
from adcli.tables.read import open_table


@pytest.fixture(autouse=True)
def _small_parts(monkeypatch):
    monkeypatch.setattr("adcli.tables.read.PART_BYTES", 3000)


def rows_and_rejects(stream):
    """Rows with their lines, and rejects, of a stream that is read at once."""
    rows, rejects = [], []
    for batch in stream.batches():
        rows += [(line, *row) for line, row in zip(batch.lines.to_list(), batch.frame.rows(), strict=True)]
        rejects += batch.rejects.rows()
    return rows, rejects


def by_parts(stream):
    """The same of a stream whose parts go through pickles, as to another process, and come back as JSON."""
    rows, rejects = [], []
    for part in stream.parts():
        own = pickle.loads(pickle.dumps(stream.part(part)))  # noqa: S301
        some, bad = rows_and_rejects(own)
        read = own.told()
        json.dumps(read)
        before = stream.take(part, read)
        rows += [(line + before, *row) for line, *row in some]
        rejects += [(file, line + before, reason, raw) for file, line, reason, raw in bad]
    return rows, rejects


def line_of(number, rng):
    kind = rng.randrange(12)
    text = {
        0: '"a quoted, text"',
        1: '"two\nlines"',
        2: '"a ""quote"" inside"',
        3: 'a 5" screen',
        4: '"never closed',
        5: "too,many,fields",
        6: "",
    }.get(kind, f"plain {number}")
    time = "never" if kind == 7 else f"2024-01-01 10:{number // 60 % 60:02}:{number % 60:02}"
    return f"{time},u{number % 7},view,{text}\n"


def where(reject):
    """A rejected row without the reason: whether a quote is closed too late, or never, hangs on the rest of the file."""
    _, line, _, raw = reject
    return line, raw


@pytest.mark.parametrize("seed", range(8))
def test_parts_of_a_file_give_what_all_of_it_gives(tmp_path, seed):
    rng = random.Random(seed)
    path = tmp_path / "log.csv"
    lines = [
        line_of(number, rng) if rng.random() < 0.1 else f"2024-01-01,u{number},view,{number}\n"
        for number in range(1500)
    ]
    path.write_text("event_time,user_id,event_type,query\n" + "".join(lines))
    whole, apart = open_table([str(path)], tables=["events"]), open_table([str(path)], tables=["events"])
    assert len(apart.parts()) > 5
    (rows, rejects), (rows_at_once, rejects_at_once) = by_parts(apart), rows_and_rejects(whole)
    assert rows == rows_at_once
    assert sorted(map(where, rejects)) == sorted(map(where, rejects_at_once))
    assert apart.inputs == whole.inputs
    assert (apart.rows_read, apart.rows_rejected) == (whole.rows_read, whole.rows_rejected)


def test_text_in_quotes_is_not_cut(tmp_path):
    path = tmp_path / "reviews.csv"
    text = "a line, and another\n" * 60
    path.write_text("item_id,text,rating\n" + "".join(f'{i},"{text}",5\n' for i in range(40)))
    stream = open_table([str(path)], tables=["reviews"])
    rows, rejects = by_parts(stream)
    assert (len(rows), rejects) == (40, [])


def test_small_files_are_read_together_and_compressed_ones_whole(tmp_path):
    for number in range(20):
        (tmp_path / f"{number:02}.csv").write_text(
            "event_time,user_id,event_type\n" + "2024-01-01,u,view\n" * 20
        )
    stream = open_table([str(tmp_path / "*.csv")], tables=["events"])
    assert [(part.first, part.last) for part in stream.parts()] == [(0, 7), (7, 14), (14, 20)]
    rows, _ = by_parts(stream)
    assert len(rows) == 400
    assert len(stream.inputs) == 20


PLAIN = "".join(
    f'{{"user_id": "u{i}", "event_type": "view", "event_time": "2024-01-01"}}\n' for i in range(99)
)


def cart(price):
    return f'{{"user_id": "u", "event_type": "cart", "event_time": "2024-01-01", "price": {price}}}\n'


def test_json_is_cut_between_lines_and_what_only_later_parts_hold_must_agree(tmp_path, monkeypatch):
    monkeypatch.setattr("adcli.tables.sources.PEEK_BYTES", 2000)
    monkeypatch.setattr("adcli.tables.formats.detect.PEEK_BYTES", 2000)
    path = tmp_path / "log.ndjson"
    path.write_text(PLAIN + cart(1.5) + PLAIN)
    rows, rejects = by_parts(open_table([str(path)], tables=["events"]))
    assert (len(rows), len(rejects)) == (199, 0)
    path.write_text(PLAIN + cart('"1.234,50"') + PLAIN + cart('"1,234.50"'))
    with pytest.raises(DataError, match="'price' is not written alike in all of it"):
        by_parts(open_table([str(path)], tables=["events"]))


def test_an_input_that_is_called_otherwise_than_its_file_is_read_in_parts(tmp_path):
    path = tmp_path / "copy.csv"
    path.write_text("event_time,user_id,event_type\n" + "2024-01-01,u,view\n" * 900)
    stream = open_table([str(path)], tables=["events"])
    stream._parts[0].source.name = "s3://logs/copy.csv"
    rows, _ = by_parts(stream)
    assert len(rows) == 900


def test_which_user_column_served_is_said_once_of_the_whole_file(tmp_path):
    path = tmp_path / "log.csv"
    rows = "".join(f"2024-01-01,{'' if i % 2 else i},c{i},view\n" for i in range(900))
    path.write_text("event_time,user_id,client_id,event_type\n" + rows)
    whole, apart = open_table([str(path)], tables=["events"]), open_table([str(path)], tables=["events"])
    by_parts(apart)
    rows_and_rejects(whole)
    assert apart.notes == whole.notes
    assert any("client_id" in note for note in whole.notes)
