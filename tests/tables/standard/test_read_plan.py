"""What is decided of an input before its rows are read can be written down."""

import json

import pytest

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


def test_a_plan_is_plain_json(stream):
    said = json.loads(json.dumps(stream.plans[0].as_json()))
    assert said["table"] == "events"
    assert said["columns"]["user_id"] == "customer_id"
    assert said["formats"]["event_time"]["time"]["date_order"] == "dmy"
    assert said["formats"]["price"] == {"number": {"decimal_mark": "comma", "currency": None}}
    assert said["formats"]["user_id"] == {"whole_decimals": True}
