"""What a shop knows of its customers is joined as of each row, and nothing that came after it."""

from datetime import UTC, datetime

import polars as pl
import pytest

from adcli.behaviour.customers import strangers, with_customers
from adcli.errors import DataError


def day(number):
    return datetime(2026, 8, number, 12, tzinfo=UTC)


LOG = pl.DataFrame(
    {"event_time": [day(3), day(9), day(4)], "user_id": ["a", "b", "a"], "device": ["pc", "pc", "phone"]}
)
CUSTOMERS = pl.DataFrame(
    {
        "user_id": ["a", "c"],
        "signup_time": [day(1), day(2)],
        "age": [40.0, 30.0],
        "device": ["tv", "tv"],
        "Total Spent": [900, 5],
        "last_order_date": ["2026-08-20", ""],
        "Email": ["a@x.test", "c@x.test"],
    }
)


def test_rows_get_the_columns_of_their_users_in_their_order():
    found = with_customers(LOG, CUSTOMERS)
    assert found.added == ["tenure_days", "age"]
    assert found.frame["age"].to_list() == [40, None, 40]
    assert found.frame["device"].to_list() == ["pc", "pc", "phone"]


def test_a_sign_up_is_as_of_the_row():
    assert with_customers(LOG, CUSTOMERS).frame["tenure_days"].to_list() == [2, None, 3]
    early = LOG.with_columns(event_time=pl.lit(datetime(2026, 7, 1, tzinfo=UTC)))
    assert with_customers(early, CUSTOMERS).frame["tenure_days"].to_list() == [None] * 3


def test_what_is_known_only_later_is_left_out_unless_wanted():
    left = with_customers(LOG, CUSTOMERS).left
    assert left[0] == "Total Spent, last_order_date (may be known only after the row)"
    assert left[1] == "Email (names a person)"
    assert left[2] == "device (is a column already)"
    wanted = with_customers(LOG, CUSTOMERS, wanted=["Total Spent"])
    assert wanted.frame["Total Spent"].to_list() == [900, None, 900]


def test_users_that_the_table_lacks_are_counted():
    assert strangers(LOG["user_id"], CUSTOMERS) == 1


def test_a_user_twice_is_one_sentence():
    with pytest.raises(DataError, match="User a stands several times"):
        with_customers(LOG, pl.concat([CUSTOMERS, CUSTOMERS]))


def test_features_are_joined_as_of_the_latest_time_up_to_that_of_the_row():
    known = pl.DataFrame(
        {"user_id": ["a", "a", "b"], "event_time": [day(4), day(3), day(9)], "purchases": [2, 1, 5]}
    )
    found = with_customers(LOG, known)
    assert (found.added, found.left) == (["purchases"], [])
    assert found.frame["purchases"].to_list() == [1, 5, 2]
    assert found.frame.drop("purchases").equals(LOG)
    early = LOG.with_columns(event_time=pl.Series([day(2), None, day(8)], dtype=LOG["event_time"].dtype))
    assert with_customers(early, known).frame["purchases"].to_list() == [None, None, 2]
