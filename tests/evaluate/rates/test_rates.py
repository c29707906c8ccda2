"""Rates of impressions and of events, over all and in cells, with intervals over users."""

from decimal import Decimal

import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal

from adcli.behaviour.sales import settle_sales
from adcli.errors import DataError
from adcli.evaluate.rates.table import rate_table
from adcli.tables.numerals import MONEY


def value(table, metric, **cell):
    rows = table.filter(pl.col("metric") == metric, *(pl.col(k) == v for k, v in cell.items()))
    assert rows.height == 1
    return rows.row(0, named=True)


@pytest.fixture
def impressions():
    """Four users, six impressions, three clicks, two orders."""
    return pl.DataFrame(
        {
            "user_id": ["a", "a", "b", "b", "c", "d"],
            "item_id": ["1", "2", "1", "2", "1", "2"],
            "click": [1, 0, 1, 0, 1, 0],
            "conversion": [1, 0, 0, 0, 1, 0],
            "cost": ["0.10", "0.10", "0.10", "0.10", "0.30", "0.30"],
            "revenue": ["19.99", "0", "0", "0", "30.01", "0"],
        }
    ).with_columns(pl.col("cost", "revenue").cast(MONEY))


def test_every_rate_is_a_sum_over_a_sum(impressions):
    table = rate_table(impressions)
    expected = {
        "ctr": 3 / 6,
        "cvr": 2 / 3,
        "cpc": 1 / 3,
        "cpa": 0.5,
        "cpm": 1000 / 6,
        "rpm": 1000 * 50 / 6,
        "roas": 50.0,
        "revenue_per_user": 12.5,
        "average_order_value": 25.0,
    }
    assert dict(table.select("metric", "value").iter_rows()) == pytest.approx(expected)
    assert table["users"].to_list() == [4] * 9


def test_only_rates_that_the_columns_allow():
    table = rate_table(pl.DataFrame({"item_id": ["1", "2"], "click": [1, 0]}))
    assert table["metric"].to_list() == ["ctr"]


def test_columns_are_those_that_machines_read(impressions):
    table = rate_table(impressions, by=["item_id"], min_users=0)
    assert table.columns[:9] == [
        "metric", "item_id", "value", "ci_low", "ci_high", "numerator", "denominator", "users", "definition",
    ]  # fmt: skip


def test_a_log_without_users_gets_wilson_and_says_what_a_unit_is():
    from statsmodels.stats.proportion import proportion_confint

    log = pl.DataFrame({"item_id": ["1"] * 10_000, "click": [1] * 46 + [0] * 9_954})
    row = value(rate_table(log), "ctr")
    assert (row["ci_low"], row["ci_high"]) == pytest.approx(
        proportion_confint(46, 10_000, method="wilson"), abs=1e-9
    )
    assert "no user_id" in row["definition"]
    assert row["users"] == 10_000


def test_a_user_who_clicks_on_everything_widens_the_interval():
    rng = np.random.default_rng(0)
    users = np.repeat(np.arange(200).astype(str), 20)
    independent = (rng.random(4000) < 0.1).astype(int)
    lumped = np.repeat((rng.random(200) < 0.1).astype(int), 20)

    def width(clicks):
        row = value(rate_table(pl.DataFrame({"user_id": users, "item_id": "1", "click": clicks})), "ctr")
        return row["ci_high"] - row["ci_low"]

    assert width(lumped) > 3 * width(independent)


def test_money_is_summed_exactly():
    log = pl.DataFrame({"item_id": ["1"] * 3, "click": [1] * 3, "cost": ["0.1", "0.2", "1e6"]}).with_columns(
        pl.col("cost").cast(pl.Float64)
    )
    assert value(rate_table(log), "cpc")["numerator"] == float(Decimal("1000000.3"))


def test_events_are_counted_by_type():
    log = pl.DataFrame(
        {
            "event_type": ["impression"] * 4 + ["click"] * 2 + ["purchase", "view"],
            "user_id": ["a", "b", "c", "d", "a", "b", "a", "d"],
            "price": [None] * 6 + ["2.50", "9"],
            "quantity": [None] * 6 + [4.0, 1.0],
        }
    ).with_columns(pl.col("price").cast(MONEY))
    table = rate_table(log)
    assert value(table, "ctr")["value"] == 0.5
    assert value(table, "cvr")["value"] == 0.5
    assert value(table, "average_order_value")["value"] == 10.0
    assert value(table, "revenue_per_user")["value"] == 2.5


@pytest.fixture
def order_lines():
    """Two orders of ann, one of bob with a line sent back."""
    return pl.DataFrame(
        {
            "event_type": ["purchase"] * 5 + ["other"],
            "user_id": ["ann"] * 4 + ["bob"] * 2,
            "InvoiceNo": ["1", "1", "1", "2", "3", "C3"],
            "country": ["UK", "UK", "FR", "UK", "UK", "UK"],
            "price": ["10", "5", "5", "20", "60", "60"],
            "quantity": [1.0, 2.0, 2.0, 1.0, 1.0, -1.0],
        }
    ).with_columns(pl.col("price").cast(MONEY))


def test_an_order_of_many_lines_is_one_conversion(order_lines):
    row = value(rate_table(order_lines), "average_order_value")
    assert (row["numerator"], row["denominator"], row["value"]) == (110.0, 3.0, pytest.approx(110 / 3))
    assert "a conversion is an order (InvoiceNo)" in row["definition"]
    assert "returns not deducted" in row["definition"]


def test_an_order_counts_once_in_each_cell_that_it_touches(order_lines):
    table = rate_table(order_lines, by=["country"], min_users=0, metrics=["average_order_value"])
    assert table.select("country", "denominator").rows() == [("FR", 1.0), ("UK", 3.0)]


def test_what_was_sent_back_is_known(order_lines):
    assert "refunds of 60.00 are not subtracted (--net does)" in settle_sales(order_lines).said
    assert len(settle_sales(order_lines.head(5)).said) == 1


def test_clicks_may_flag_those_that_converted():
    log = pl.DataFrame(
        {"event_type": ["click"] * 4, "user_id": ["a", "b", "c", "d"], "is_attributed": ["0", "1", "0", "0"]}
    )
    row = value(rate_table(log), "cvr")
    assert (row["numerator"], row["denominator"]) == (1.0, 4.0)
    assert "an event with is_attributed" in row["definition"]
    with pytest.raises(DataError, match="other values than 0 and 1"):
        rate_table(log.with_columns(is_attributed=pl.lit("2")))


def test_a_log_of_purchases_alone_has_no_click_rate():
    log = pl.DataFrame({"event_type": ["purchase"] * 2, "user_id": ["a", "b"], "revenue": [1.0, 3.0]})
    assert rate_table(log)["metric"].to_list() == ["revenue_per_user", "average_order_value"]


def test_revenue_of_nobody_known_is_not_divided_among_the_known():
    log = pl.DataFrame(
        {"event_type": ["purchase"] * 3, "user_id": ["a", "b", None], "revenue": [1.0, 3.0, 50.0]}
    )
    row = value(rate_table(log), "revenue_per_user")
    assert (row["value"], row["numerator"], row["denominator"]) == (2.0, 4.0, 2.0)


def test_a_cell_without_a_click_has_no_conversion_rate_and_says_why(impressions):
    table = rate_table(impressions, by=["item_id"], min_users=0)
    row = value(table, "cvr", item_id="2")
    assert row["value"] is None
    assert row["reason"] == "no clicks"


def test_conversions_without_a_click_are_pointed_out():
    n = 60
    log = pl.DataFrame(
        {
            "user_id": [str(i) for i in range(n)],
            "item_id": "1",
            "click": [1, 0] * (n // 2),
            "conversion": [1] * n,
        }
    )
    row = value(rate_table(log), "cvr")
    assert row["value"] == 2.0
    assert "without a click" in row["reason"]


def test_small_cells_are_hidden_with_the_reason():
    users = [f"{c}{i}" for c, n in (("a", 200), ("b", 80), ("c", 30)) for i in range(n)]
    log = pl.DataFrame({"user_id": users, "segment": [u[0] for u in users], "item_id": "1", "click": 0})
    log = log.with_columns(click=(pl.int_range(pl.len()) % 3 == 0).cast(pl.Int8))
    table = rate_table(log, by=["segment"])
    assert table["segment"].to_list() == ["a", "b", "c"]
    assert table["value"].is_null().to_list() == [False, True, True]  # b is hidden so that c cannot be had
    assert "fewer than 50" in table["reason"][2]
    assert "worked out" in table["reason"][1]
    assert table.filter(pl.col("value").is_null())["numerator"].null_count() == 2


def test_the_order_of_rows_changes_nothing(impressions):
    table = rate_table(impressions, by=["item_id"], min_users=0)
    shuffled = rate_table(impressions.sample(fraction=1, shuffle=True, seed=1), by=["item_id"], min_users=0)
    assert_frame_equal(table, shuffled)  # up to the last digits of sums


def test_missing_values_of_a_breakdown_are_a_cell_of_their_own():
    log = pl.DataFrame({"item_id": "1", "device": ["web", None, None], "click": [1, 1, 0]})
    table = rate_table(log, by=["device"], min_users=0)
    assert table.select("device", "value").rows() == [("web", 1.0), (None, 0.5)]


PEOPLE = pl.DataFrame({"user_id": [f"u{i}" for i in range(60)] * 2, "item_id": "i", "click": 0}).with_columns(
    email=pl.col("user_id") + "@example.org", city=pl.Series(["a", "b", "c"] * 40), users=pl.lit("many")
)
COSTS = pl.DataFrame({"item_id": ["1", "2"], "click": [0, 1], "cost": [1.0, -1.0]})


@pytest.mark.parametrize(
    ("log", "by", "said"),
    [
        (PEOPLE, ["itm_id"], "Did you mean 'item_id'"),
        (PEOPLE, ["user_id"], "one by one"),
        (PEOPLE, ["email"], "one by one"),
        (PEOPLE, ["users"], "'users', which is a column of the result"),
        (PEOPLE.clear(), ["item_id"], "no rows"),
        (COSTS, [], "'cost' is negative in 1 row;"),
        (COSTS.with_columns(cost=float("nan")), [], "'cost' holds NaN"),
        (pl.DataFrame({"event_type": ["impression", "click", "click"]}), [], "2 clicks above 1 impressions"),
        (pl.DataFrame({"event_type": ["view"], "user_id": ["a"]}), [], "No rate"),
        (pl.DataFrame({"item_id": ["a"]}), [], "--map click"),
    ],
)
def test_what_allows_no_rate_is_refused(log, by, said):
    with pytest.raises(DataError, match=said):
        rate_table(log, by=by, min_users=0)


def test_the_click_rates_of_the_open_bandit_log(shared_data):
    log = pl.read_csv(shared_data / "bandit" / "obd_random_men.csv.gz")
    row = value(rate_table(log), "ctr")
    assert (row["numerator"], row["denominator"], row["value"]) == (46, 10_000, 0.0046)


def test_money_of_a_handful_of_buyers_has_no_interval_and_says_why():
    log = pl.DataFrame({"user_id": [f"u{i}" for i in range(300)], "click": [1] * 300, "cost": [0.1] * 300})
    log = log.with_columns(
        revenue=pl.when(pl.int_range(300) < 9).then(pl.int_range(300) + 1.0).otherwise(0.0)
    )
    row = rate_table(log, metrics=["rpm"]).row(0, named=True)
    assert row["value"] == pytest.approx(150)
    assert row["ci_low"] is row["ci_high"] is None
    assert row["reason"] == "no interval: only 9 users with revenue"
