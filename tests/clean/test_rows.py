"""Rows in memory are cleaned by a plan as a stream is."""

import json

import polars as pl
import pytest

from adcli.clean.identity import DUPLICATE
from adcli.clean.pipeline import clean_stream
from adcli.clean.rows import clean_rows
from adcli.clean.runs import FILE, LINE
from adcli.tables.read import open_table

HEADER = "order_id,order_date,customer_id,sku,unit_price,quantity\n"
ROWS = [
    '1002,25/04/2024 11:00,17850.0,0013,"89.900,50",2',
    "1001,03/04/2024 10:00,17851.0,0012,129.900,1",
    "1001,03/04/2024 10:00,17851.0,0012,129.900,1",
    "1003,04/04/2024,17852.0,0014,free,1",
]


@pytest.fixture
def stream(tmp_path):
    path = tmp_path / "orders.csv"
    path.write_text(HEADER + "\n".join(ROWS) + "\n")
    return open_table([str(path)], tables=["events"])


def test_a_part_of_an_input_is_cleaned_by_the_plan_of_all_of_it(stream, tmp_path):
    source = pl.read_csv(tmp_path / "orders.csv", infer_schema=False)
    whole = pl.concat(clean_stream(stream, spill=tmp_path, reject=lambda _: None)).drop(FILE, LINE)
    (plan,) = stream.plans
    kept, rejected = clean_rows(source[1:], plan, file="orders.csv", first_line=3)
    assert kept.to_dicts() == whole.filter(pl.col("order_id") == "1001").to_dicts()
    assert kept["event_time"].dt.month().to_list() == [4]
    assert kept["user_id"].to_list() == ["17851"]
    assert [float(price) for price in kept["price"]] == [129900]
    assert rejected.select("file", "line", "reason").rows() == [
        ("orders.csv", 5, "price: not a number: 'free'"),
        ("orders.csv", 4, DUPLICATE),
    ]


def test_a_plan_is_plain_json(stream):
    said = json.loads(json.dumps(stream.plans[0].as_json()))
    assert said["table"] == "events"
    assert said["columns"]["user_id"] == "customer_id"
    assert said["formats"]["event_time"]["time"]["date_order"] == "dmy"
    assert said["formats"]["price"] == {"number": {"decimal_mark": "comma", "currency": None}}
    assert said["formats"]["user_id"] == {"whole_decimals": True}
