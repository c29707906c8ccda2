"""A list of customers is the table `users`; nothing that happened is taken for one."""

import pytest

from adcli.errors import DataError
from adcli.tables.read import open_table

TABLES = ["events", "reviews", "products", "units", "queries", "users"]
# Columns of https://help.shopify.com/en/manual/customers/import-export-customers; values are made up.
SHOPIFY = (
    "Customer ID,First Name,Email,Accepts Email Marketing,Default Address Country Code,Total Orders,Tags\n"
    "'6001,Ada,ada@example.com,yes,DE,2,vip\n"
)


def read(tmp_path, text):
    (tmp_path / "users.csv").write_text(text)
    stream = open_table([str(tmp_path / "users.csv")], tables=TABLES)
    [batch] = stream.batches()
    return stream.table.name, batch.frame


def test_customers_of_a_shop_are_users(tmp_path):
    name, frame = read(tmp_path, SHOPIFY)
    assert name == "users"
    assert frame.select("user_id", "country", "consent").row(0) == ("6001", "DE", "yes")


def test_times_and_ages_are_read(tmp_path):
    name, frame = read(tmp_path, "client_id,first_issue_date,age,gender\n7,2017-08-05 15:40:48,45,F\n")
    assert name == "users"
    assert frame["age"].to_list() == [45.0]
    assert f"{frame['signup_time'][0]:%Y-%m-%d}" == "2017-08-05"


@pytest.mark.parametrize("header", ["user_id,item_id,age", "user_id,timestamp,country", "user_id,nothing"])
def test_what_happened_is_no_list_of_customers(tmp_path, header):
    with pytest.raises(DataError):
        read(tmp_path, f"{header}\n1,2024-01-01,3\n" if header.count(",") == 2 else f"{header}\n1,2\n")
