"""Cleaning orders rows, drops what was logged twice and nothing else, and accounts for every row."""

import subprocess
import sys
from datetime import UTC, datetime, timedelta

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from adcli.clean import runs
from adcli.clean.identity import DUPLICATE, Repeats
from adcli.clean.pipeline import clean_stream
from adcli.clean.rules import RULES, RuleCheck, with_actions
from adcli.tables.read import open_table
from adcli.tables.read_options import ReadOptions
from adcli.tables.standard.tables import TABLES


@pytest.fixture
def clean(tmp_path):
    """Cleans contents given as CSV; checks the accounting."""

    def run(
        *contents,
        tables=("impressions", "events", "reviews", "products", "units"),
        suffix=".csv",
        rules=None,
        **options,
    ):
        paths = []
        for number, content in enumerate(contents):
            path = tmp_path / f"{number}{suffix}"
            path.write_text(content)
            paths.append(str(path))
        stream = open_table(paths, tables=tables, options=ReadOptions(**options))
        spill = tmp_path / "spill"
        spill.mkdir(exist_ok=True)
        rejects = []
        cleaned = clean_stream(stream, spill=spill, rules=rules, reject=rejects.append)
        frames = [frame.drop(runs.FILE, runs.LINE) for frame in cleaned]
        assert len({tuple(frame.schema.items()) for frame in frames}) == 1
        frame = pl.concat(frames)
        rejected = pl.concat(rejects) if rejects else pl.DataFrame(schema=["file", "line", "reason", "raw"])
        assert stream.rows_read == frame.height + rejected.height
        assert stream.rows_rejected == rejected.height
        assert not [name for name in frame.columns if name.startswith("__")]
        return frame, rejected

    return run


HEADER = "event_time,user_id,event_type,item_id\n"


def test_rows_are_ordered_by_time_and_equal_times_keep_their_order(clean):
    frame, _ = clean(
        HEADER
        + "2024-01-02,b,view,1\n2024-01-01,z,view,2\n2024-01-02,a,view,3\n2024-01-01,y,view,4\n2024-01-03,x,view,5\n"
    )
    assert frame["item_id"].to_list() == ["2", "4", "1", "3", "5"]


def test_rows_without_a_time_come_last_in_their_order(clean):
    frame, _ = clean("item_id,click,event_time\n1,0,2024-01-02\n2,0,\n3,0,2024-01-01\n4,0,\n")
    assert frame["item_id"].to_list() == ["3", "1", "2", "4"]


def test_a_table_without_times_keeps_its_order(clean):
    frame, _ = clean("item_id,title\nb,B\na,A\nc,C\n")
    assert frame["item_id"].to_list() == ["b", "a", "c"]


@pytest.mark.parametrize("shuffled", [True, False])
def test_any_number_of_runs_are_merged_in_order(clean, monkeypatch, shuffled):
    monkeypatch.setattr(runs, "_RUN_ROWS", 100)
    monkeypatch.setattr(runs, "_GROUP_ROWS", 16)
    monkeypatch.setattr("adcli.tables.formats.blocks.BLOCK_BYTES", 1500)
    count = 1500
    order = [(i * 733) % count for i in range(count)] if shuffled else range(count)
    rows = [(f"2024-01-01 00:{i // 7 // 60:02}:{i // 7 % 60:02}", f"{i:05}") for i in order]
    frame, _ = clean(HEADER + "".join(f"{time},u,view,{item}\n" for time, item in rows))
    expected = sorted(rows, key=lambda row: row[0])  # a stable sort: ties keep the order of the input
    assert frame["item_id"].to_list() == [item for _, item in expected]


def test_equal_times_beyond_a_run_are_still_merged_in_order(clean, monkeypatch):
    monkeypatch.setattr(runs, "_RUN_ROWS", 50)
    monkeypatch.setattr(runs, "_GROUP_ROWS", 10)
    monkeypatch.setattr("adcli.tables.formats.blocks.BLOCK_BYTES", 500)
    rows = [("2024-01-02", f"{i:04}") for i in range(600)] + [
        ("2024-01-01", f"{i:04}") for i in range(600, 1200)
    ]
    frame, _ = clean(HEADER + "".join(f"{time},u,view,{item}\n" for time, item in rows))
    assert frame["item_id"].to_list() == [f"{i:04}" for i in [*range(600, 1200), *range(600)]]


def test_a_row_logged_twice_to_the_microsecond_is_a_duplicate(clean):
    row = "2024-01-01 10:00:00.123456,u,view,7\n"
    frame, rejected = clean(HEADER + row + "2024-01-01 10:00:00.123457,u,view,7\n" + row)
    assert frame.height == 2
    assert rejected.select("line", "reason").rows() == [(4, DUPLICATE)]
    assert '"item_id": "7"' in rejected["raw"][0]


@pytest.mark.parametrize("time", ["2024-01-01 10:00:00", "2024-01-01 10:00", "2024-01-01"])
def test_equal_rows_with_coarse_times_are_two_things(clean, time):
    frame, rejected = clean(HEADER + f"{time},u,view,7\n" * 3)
    assert (frame.height, rejected.height) == (3, 0)


def test_equal_rows_of_an_order_are_duplicates(clean):
    header = "InvoiceNo,StockCode,Quantity,InvoiceDate,UnitPrice,CustomerID\n"
    frame, rejected = clean(header + "1,a,2,2011-01-01 08:00,3,7\n" * 2 + ",a,2,2011-01-01 08:00,3,7\n" * 2)
    assert (frame.height, rejected.height) == (3, 1)  # the rows without a number of their own both stay


CLICKS = """event_time,user_id,event_type,ad_id
2024-01-01 10:00:05,u,click,1
2024-01-01 10:00:09,u,impression,1
2024-01-01 10:00:10,u,click,1
2024-01-01 10:00:01,v,impression,1
2024-01-01 10:00:02,v,click,1
2024-01-01 10:00:00,v,click,2
"""


@pytest.mark.parametrize(("action", "kept"), [("count", 6), ("reject", 5), ("off", 6)])
def test_a_click_before_its_first_impression_breaks_a_rule(clean, action, kept):
    rules = with_actions(RULES, [f"click_before_impression={action}"])
    check = RuleCheck(rules, now=datetime(2024, 6, 1, tzinfo=UTC), standard=TABLES["events"].names)
    frame, rejected = clean(CLICKS, rules=check)
    assert (frame.height, check.counts["click_before_impression"]) == (kept, int(action != "off"))
    assert rejected["line"].to_list() == [2] * (6 - kept)


def test_equal_units_are_people_alike_unless_they_have_a_name(clean):
    assert clean("segment,visit,spend\na,0,0\na,0,0\n")[0].height == 2
    assert clean("segment,unit_id,visit\na,7,0\na,7,0\n")[0].height == 1


def test_equal_products_are_one(clean):
    frame, rejected = clean("item_id,title\n1,A\n2,B\n1,A\n1,C\n")
    assert frame.rows() == [("1", "A"), ("2", "B"), ("1", "C")]
    assert rejected["line"].to_list() == [4]


def test_access_log_lines_are_never_duplicates(clean):
    line = '192.0.2.7 - - [17/May/2015:10:05:03 +0000] "GET / HTTP/1.1" 200 1 "-" "x"\n'
    assert clean(line * 3, suffix=".log")[0].height == 3


def test_duplicates_are_found_across_inputs_and_runs(clean, monkeypatch):
    monkeypatch.setattr(runs, "_RUN_ROWS", 20)
    monkeypatch.setattr("adcli.tables.formats.blocks.BLOCK_BYTES", 700)
    rows = "".join(f"2024-01-01 10:00:00.{i:06},u,view,{i}\n" for i in range(100))
    frame, rejected = clean(HEADER + rows, HEADER + rows)
    assert frame["item_id"].to_list() == [str(i) for i in range(100)]
    assert rejected["file"].str.ends_with("1.csv").all()
    assert rejected["line"].to_list() == list(range(2, 102))


def test_inputs_with_different_columns_are_united(clean):
    frame, _ = clean("item_id,title,colour\n1,A,red\n", "sku,name,price\n2,B,3\n")
    assert frame.columns == ["item_id", "title", "price", "colour"]
    assert frame.rows()[1][0] == "2"
    assert frame["colour"].to_list() == ["red", None]


def test_a_column_that_changes_its_type_becomes_text(clean, monkeypatch):
    monkeypatch.setattr("adcli.tables.formats.blocks.BLOCK_BYTES", 60)
    rows = [
        '{"item_id": "1", "title": "A", "size": 1, "n": 1}',
        '{"item_id": "2", "title": "B", "size": "XL", "n": 1.5}',
    ]
    frame, _ = clean("\n".join(rows), suffix=".jsonl")
    assert frame["size"].to_list() == ["1", "XL"]
    assert frame["n"].to_list() == [1.0, 1.5]


def test_a_table_in_which_every_row_is_rejected_still_has_its_columns(clean):
    frame, rejected = clean(HEADER + "never,u,view,1\n")
    assert frame.columns == ["event_time", "user_id", "event_type", "item_id"]
    assert (frame.height, rejected.height) == (0, 1)


def test_a_header_alone_is_an_empty_table(clean):
    frame, rejected = clean(HEADER)
    assert (frame.width, frame.height, rejected.height) == (4, 0, 0)


def test_progress_is_told_in_rows(tmp_path):
    path = tmp_path / "in.csv"
    path.write_text(HEADER + "2024-01-01,u,view,1\nbad,u,view,1\n")
    counts = []
    stream = open_table([str(path)], tables=list(TABLES))
    list(clean_stream(stream, spill=tmp_path, reject=lambda _: None, advance=counts.append))
    assert sum(counts) == 2


def test_a_disk_that_is_full_while_rows_are_put_in_order_is_a_sentence(tmp_path):
    log = tmp_path / "log.csv"
    rows = "".join(f"2024-01-01 10:00:00.{i:06},u{i},view\n" for i in range(20_000))
    log.write_text("event_time,user_id,event_type\n" + rows)
    command = f"ulimit -f 20; {sys.executable} -m adcli clean {log} -o {tmp_path / 'out.csv'}"
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "File too large" in done.stderr
    assert "adcli itself failed" not in done.stderr
    assert [entry.name for entry in tmp_path.iterdir()] == ["log.csv"]


@pytest.mark.parametrize("is_compressed", [True, False])
def test_runs_on_disk_keep_every_type(tmp_path, monkeypatch, is_compressed):
    if is_compressed:
        monkeypatch.setattr(runs, "_SCARCE_BYTES", 1 << 60)
    frame = pl.DataFrame(
        {
            "event_time": [datetime(2024, 1, 2, tzinfo=UTC), datetime(2024, 1, 1, tzinfo=UTC), None],
            "text": ["a long text that is no view of itself", None, ""],
            "tags": [["a", None], None, []],
            "price": pl.Series(["1.5", None, "-2"]).cast(pl.Decimal(38, 18)),
            "shop": pl.Series(["x", None, "y"], dtype=pl.Categorical),
            "more": [{"a": 1}, None, {"a": 2}],
            "code": [b"\xff", None, b""],
        }
    )
    writer = runs.RunWriter(tmp_path)
    for part in (frame, frame.reverse(), frame[:0]):
        writer.add(part, "log", pl.Series(range(part.height), dtype=pl.Int64))
    writer.flush()
    (found,) = runs.in_key_order(writer.runs)
    expected = pl.concat([frame, frame.reverse()]).sort("event_time", nulls_last=True, maintain_order=True)
    assert found.drop(runs.HIDDEN).equals(expected)
    assert found.drop(runs.HIDDEN).schema == frame.schema


START = datetime(2024, 1, 1, tzinfo=UTC)


@given(
    st.lists(
        st.tuples(st.sampled_from("ab"), st.sampled_from([None, "1", "2"]), st.integers(0, 60)), max_size=40
    ),
    st.integers(1, 7),
)
def test_repeats_are_those_of_a_loop_however_the_log_is_cut(rows, size):
    rows = sorted(rows, key=lambda row: row[2])
    last, expected = {}, []
    for user, item, second in rows:
        before = last.get((user, item))
        expected.append(item is not None and before is not None and second - before <= 3)
        last[user, item] = second
    frame = pl.DataFrame(
        {
            "user_id": pl.Series([row[0] for row in rows], dtype=pl.String),
            "item_id": pl.Series([row[1] for row in rows], dtype=pl.String),
            "event_time": pl.Series(
                [START + timedelta(seconds=row[2]) for row in rows], dtype=pl.Datetime("us", "UTC")
            ),
        }
    )
    repeats = Repeats(timedelta(seconds=3), ["user_id", "item_id"])
    found = [repeats.find(frame[start : start + size]) for start in range(0, max(len(rows), 1), size)]
    assert pl.concat(found).to_list() == expected
