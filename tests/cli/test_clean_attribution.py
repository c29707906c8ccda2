"""`adcli clean --attribute` as a user runs it."""

import csv
import io
import json

import pytest

LOG = """event_time,user_id,event_type,item_id,ad_id,price,quantity
2024-01-05 10:00:00,u,click,7,a,,
2024-01-05 11:00:00,u,purchase,7,,30,1
2024-01-06 10:00:00,v,view,7,,,
2024-01-06 11:00:00,v,purchase,7,,5,2
2024-01-07 11:00:00,u,purchase,7,,30,-1
"""
SHOWN = """event_time,user_id,creative_id,slot
2024-01-05 12:00:00,u,a,late
2024-01-01 09:00:00,u,b,first
2024-01-05 09:59:00,u,a,last
2023-12-01 09:00:00,u,a,old
"""


@pytest.fixture
def shop(tmp_path):
    (tmp_path / "log.csv").write_text(LOG)
    (tmp_path / "shown.csv").write_text(SHOWN)
    return tmp_path


def attribute(adcli, rule, *options):
    done = adcli(
        "clean", "log.csv", "--attribute", rule, "--impressions", "shown.csv", *options, "--to", "csv"
    )
    assert done.returncode == 0, done.said
    rows = csv.DictReader(io.StringIO(done.text))
    return done, {
        row["placement"]: (
            row["click"],
            row["conversion"],
            float(row["revenue"]),
            float(row["attributed_share"]),
        )
        for row in rows
    }


def test_impressions_come_out_with_what_they_earned(adcli, shop):
    done, found = attribute(adcli, "linear")
    nothing = ("0", "0", 0, 0)
    assert found == {
        "late": nothing,
        "first": ("0", "1", 15, 0.5),
        "last": ("1", "1", 15, 0.5),
        "old": nothing,
    }
    assert "1 of 1 clicks have an impression within the window." in done.said
    assert "1 of 2 conversions have an impression within the window." in done.said
    assert "5 read = 5 used + 0 rejected" in done.said
    assert attribute(adcli, "last", "--window-days", "0.5")[1]["last"] == ("1", "1", 30, 1)
    assert attribute(adcli, "first", "--window-days", "60")[1]["old"] == ("0", "1", 30, 1)


def test_a_written_table_is_one_of_impressions(adcli, shop):
    done = adcli("clean", "log.csv", "--attribute", "decay", "--impressions", "shown.csv", "-o", "i.parquet")
    assert done.returncode == 0, done.said
    facts = json.loads((shop / "i.parquet.meta.json").read_text())
    assert facts["attribution"]["conversions"] == {"all": 2, "attributed": 1}
    assert adcli("evaluate", "rates", "i.parquet", "--by", "placement").returncode == 0


def test_clicks_and_rows_that_the_impressions_have_stay(adcli, shop):
    rows = ["click,conversion", *["1,1", "0,1", "0,1", "0,1"]]
    lines = [f"{line},{row}" for line, row in zip(SHOWN.splitlines(), rows, strict=True)]
    (shop / "shown.csv").write_text("\n".join(lines))
    done, found = attribute(adcli, "last")
    assert {place: row[:2] for place, row in found.items()} == {
        "late": ("1", "0"), "first": ("0", "0"), "last": ("0", "1"), "old": ("0", "0")
    }  # fmt: skip
    assert "shown.csv: conversion of its own replaced." in done.said


@pytest.mark.parametrize(
    ("options", "code", "said"),
    [
        (["--attribute", "last"], 2, "--attribute has no effect without --impressions"),
        (["--impressions", "shown.csv"], 2, "--impressions has no effect without --attribute"),
        (["--attribute", "last", "--impressions", "none.csv"], 2, "none.csv"),
        (["--attribute", "last", "--impressions", "shown.csv", "--half-life-days", "3"], 2, "only with"),
        (["--attribute", "last", "--impressions", "shown.csv", "--sessions"], 2, "--sessions has no effect"),
        (["--attribute", "last", "--impressions", "bad.csv"], 3, "bad.csv"),
        (["--attribute", "last", "--impressions", "empty.csv"], 3, "empty.csv"),
        (["--attribute", "last", "--impressions", "header.csv"], 3, "has no impressions"),
        (["--attribute", "last", "--impressions", "log.csv"], 3, "has no impressions"),
    ],
)
def test_what_cannot_be_attributed_is_said_in_a_sentence(adcli, shop, options, code, said):
    (shop / "bad.csv").write_text("a,b\n1,2\n")
    (shop / "empty.csv").write_text("")
    (shop / "header.csv").write_text(SHOWN.splitlines()[0] + "\n")
    done = adcli("clean", "log.csv", *options, "-o", "out.csv")
    assert (done.returncode, (shop / "out.csv").exists()) == (code, False), done.said
    assert said in done.said
    assert "Traceback" not in done.said


def test_what_is_set_of_the_log_is_not_set_of_the_impressions(adcli, tmp_path):
    (tmp_path / "orders.csv").write_text("event_time,user_id,price\n2024-01-02,u,5\n")
    (tmp_path / "shown.csv").write_text("event_time,user_id,ad_id\n2024-01-01,u,a\n")
    done = adcli(
        *("clean", "orders.csv", "--table", "events", "--set", "event_type=purchase", "--attribute", "last"),
        *("--impressions", "shown.csv", "--to", "csv"),
    )
    assert "1 of 1 conversions have an impression within the window" in done.said
