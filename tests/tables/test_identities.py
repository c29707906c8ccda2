"""Where several columns can be the user, the first that is present in a row serves, whatever the order of rows."""

import json
import random

import polars as pl
import pytest

from adcli.tables.read import open_table
from adcli.tables.read_options import ReadOptions

ROWS = [
    {"event_timestamp": "1612069510766593", "event_name": "page_view", "user_pseudo_id": "1.2"},
    {
        "event_timestamp": "1612069540000000",
        "event_name": "view_item",
        "user_id": "c7",
        "user_pseudo_id": "1.2",
    },
    {"event_timestamp": "1612069550000000", "event_name": "purchase", "user_pseudo_id": "2.1"},
    {
        "event_timestamp": "1612069560000000",
        "event_name": "purchase",
        "user_id": None,
        "user_pseudo_id": None,
    },
]


def read(path, **options):
    stream = open_table([str(path)], tables=["events"], options=ReadOptions(**options))
    return pl.concat([batch.frame for batch in stream.batches()], how="diagonal"), stream


@pytest.mark.parametrize("seed", range(5))
def test_the_order_of_rows_never_decides_who_the_user_is(tmp_path, seed):
    rows = random.Random(seed).sample(ROWS, len(ROWS))
    (tmp_path / "ga4.ndjson").write_text("".join(json.dumps(row) + "\n" for row in rows))
    frame, stream = read(tmp_path / "ga4.ndjson")
    assert frame.sort("event_time")["user_id"].to_list() == ["1.2", "c7", "2.1"]
    assert stream.rows_rejected == 1
    assert "user_id <- user_id, else user_pseudo_id" in stream.notes[0]
    said = "user_id: user_id in 25.0% of the rows, user_pseudo_id in 50.0% of the rows, none in 25.0%."
    assert stream.notes[-1].endswith(said)
    assert stream.inputs[0].read_as["user_id_from"] == {"user_id": 1, "user_pseudo_id": 2}


def test_a_better_column_that_comes_late_serves_where_it_is_present(tmp_path):
    rows = [ROWS[0]] * 40_000 + [ROWS[1]]
    (tmp_path / "late.ndjson").write_text("".join(json.dumps(row) + "\n" for row in rows))
    frame, _ = read(tmp_path / "late.ndjson")
    assert frame["user_id"].value_counts().sort("count")["user_id"].to_list() == ["c7", "1.2"]


def test_a_customer_number_serves_before_a_cookie_and_each_keeps_its_own_form(tmp_path):
    lines = [
        "event_time,event_type,cookie_id,customer_id",
        "2026-01-01,view,c1,",
        "2026-01-02,view,c1,17850.0",
    ]
    (tmp_path / "log.csv").write_text("\n".join([*lines, "2026-01-03,view,,17851.0"]) + "\n")
    frame, _ = read(tmp_path / "log.csv")
    assert frame["user_id"].to_list() == ["c1", "17850", "17851"]
    assert frame["cookie_id"].to_list() == ["c1", "c1", None]


def test_the_user_can_be_named_by_hand(tmp_path):
    (tmp_path / "ga4.ndjson").write_text("".join(json.dumps(row) + "\n" for row in ROWS))
    frame, stream = read(tmp_path / "ga4.ndjson", column_map={"user_id": "user_pseudo_id"})
    assert frame["user_id"].to_list() == ["1.2", "1.2", "2.1"]
    assert "user_id_from" not in stream.inputs[0].read_as


def test_an_account_is_not_taken_for_its_users(tmp_path):
    lines = ["event_time,event_type,user_id,account_id", "2026-01-01,view,u1,adv9", "2026-01-02,view,,adv9"]
    (tmp_path / "log.csv").write_text("\n".join(lines) + "\n")
    frame, stream = read(tmp_path / "log.csv")
    assert frame["user_id"].to_list() == ["u1"]
    assert stream.rows_rejected == 1


@pytest.mark.parametrize("written", ["'0987", '="0987"', "0987", '"=""0987"""'])
def test_guards_of_spreadsheets_are_no_part_of_an_identifier(tmp_path, written):
    (tmp_path / "log.csv").write_text(f"event_time,event_type,user_id\n2026-01-01,view,{written}\n")
    frame, _ = read(tmp_path / "log.csv")
    assert frame["user_id"].to_list() == ["0987"]


def test_an_apostrophe_of_a_name_stays(tmp_path):
    (tmp_path / "log.csv").write_text("event_time,event_type,user_id\n2026-01-01,view,'t Hart\n")
    frame, _ = read(tmp_path / "log.csv")
    assert frame["user_id"].to_list() == ["'t Hart"]
