"""The funnel links what came after, within the window, of the same user and item; and nothing else."""

from datetime import UTC, datetime, timedelta

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adcli.errors import DataError
from adcli.evaluate.rates.funnel import funnel_table
from adcli.evaluate.rates.table import rate_table

START = datetime(2024, 1, 1, 23, 0, tzinfo=UTC)
SCHEMA = {
    "user_id": pl.String,
    "item_id": pl.String,
    "event_type": pl.String,
    "event_time": pl.Datetime("us", "UTC"),
}


def log(*rows):
    """Events as (user, item, type, minute)."""
    return pl.DataFrame(
        [(user, item, kind, START + timedelta(minutes=minute)) for user, item, kind, minute in rows],
        schema=SCHEMA,
        orient="row",
    )


def row(table, metric):
    return table.filter(pl.col("metric") == metric).row(0, named=True)


def test_each_step_is_over_the_one_before_and_the_last_over_the_first():
    events = log(
        ("a", "x", "impression", 0), ("a", "x", "click", 1), ("a", "x", "cart", 2), ("a", "x", "purchase", 3),
        ("b", "x", "impression", 0), ("b", "x", "click", 1),
        ("c", "x", "impression", 0), ("d", "x", "impression", 0),
    )  # fmt: skip
    table = funnel_table(events, min_users=0)
    assert dict(table.select("metric", "value").iter_rows()) == {
        "impression_to_click": 0.5,
        "click_to_cart": 0.5,
        "cart_to_purchase": 1.0,
        "impression_to_purchase": 0.25,
    }
    assert row(table, "impression_to_purchase")["median_seconds"] == 180


def test_nothing_before_its_cause_is_linked():
    table = funnel_table(log(("a", "x", "click", 0), ("a", "x", "impression", 1)), min_users=0)
    assert row(table, "impression_to_click")["value"] == 0
    assert row(table, "impression_to_click")["unlinked"] == 1


def test_nothing_beyond_the_window_is_linked():
    events = log(("a", "x", "impression", 0), ("a", "x", "click", 30))
    assert funnel_table(events, window=timedelta(minutes=30), min_users=0)["value"][0] == 1
    assert funnel_table(events, window=timedelta(minutes=29), min_users=0)["value"][0] == 0


def test_the_latest_cause_gets_the_credit_once():
    events = log(
        ("a", "x", "impression", 0), ("a", "x", "impression", 5), *[("a", "x", "click", m) for m in (6, 7, 8)]
    )
    found = row(funnel_table(events, min_users=0), "impression_to_click")
    assert (found["numerator"], found["denominator"]) == (1, 2)


def test_other_items_and_other_users_get_no_credit():
    events = log(("a", "x", "impression", 0), ("a", "y", "click", 1), ("b", "x", "click", 1))
    assert funnel_table(events, min_users=0)["value"][0] == 0


def test_cells_are_those_of_the_cause():
    events = log(("a", "x", "impression", 55), ("a", "x", "click", 65), ("b", "x", "impression", 65))
    table = funnel_table(events, by=["hour"], min_users=0)
    assert table.select("hour", "value").rows() == [(0, 0.0), (23, 1.0)]


def test_columns_may_have_any_name():
    events = log(("a", "x", "impression", 0), ("a", "x", "click", 1)).with_columns(
        event=pl.lit("e"), later=pl.lit("l")
    )
    assert funnel_table(events, by=["event", "later"], min_users=0)["value"][0] == 1


def test_small_cells_are_hidden():
    events = log(("a", "x", "impression", 0), ("a", "x", "click", 1)).with_columns(device=pl.lit("tv"))
    assert funnel_table(events, by=["device"], min_users=2)["value"][0] is None


def test_delays_and_unlinked_events_are_those_of_the_cell():
    events = log(
        ("a", "x", "impression", 0), ("a", "x", "click", 1), ("b", "x", "impression", 0), ("b", "x", "click", 3),
        ("c", "x", "click", 0),
    ).with_columns(device=pl.Series(["web", "web", "tv", "tv", "tv"]))  # fmt: skip
    table = funnel_table(events, by=["device"], min_users=0).sort("device")
    assert table["median_seconds"].to_list() == [180, 60]
    assert table["unlinked"].to_list() == [0.5, 0]
    assert funnel_table(events, by=["device"], min_users=2)["median_seconds"].null_count() == 2


def test_a_log_of_one_step_is_refused():
    with pytest.raises(DataError, match="the log has click"):
        funnel_table(log(("a", "x", "click", 0)))


@settings(max_examples=100)
@given(
    st.lists(
        st.tuples(
            st.sampled_from("ab"),
            st.sampled_from("xy"),
            st.sampled_from(["impression", "click"]),
            st.integers(0, 60),
        ),
        min_size=2,
        max_size=25,
    ),
    st.integers(0, 30),
)
def test_links_are_those_of_a_plain_search(rows, window):
    if len({kind for *_, kind, _ in rows}) < 2:
        return
    found = funnel_table(log(*rows), window=timedelta(minutes=window), min_users=0)
    led = set()
    for user, item, _, minute in (r for r in rows if r[2] == "click"):
        causes = [
            m for u, i, k, m in rows if (u, i, k) == (user, item, "impression") and 0 <= minute - m <= window
        ]
        if causes:
            led.add((user, item, max(causes)))
    assert found["numerator"][0] == len(led)


def test_rates_by_parts_of_the_time():
    events = log(*[("a", "x", "impression", m) for m in (0, 30, 70)], ("b", "x", "click", 71))
    table = rate_table(events, by=["day", "hour"], min_users=0)
    assert table["day"].to_list() == ["2024-01-01", "2024-01-02"]
    assert table["hour"].to_list() == [23, 0]
    assert table["value"].to_list() == [0.0, 1.0]
    assert rate_table(events, by=["weekday"], min_users=0)["weekday"].to_list() == [1, 2]
