"""Features know what came before a moment, and nothing of it or after it."""

import math
from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl
import pytest

from adcli.behaviour.features import PRIOR, columns_of_features, features, sums_of_all
from adcli.behaviour.partitions import by_key
from adcli.behaviour.sales import settle_sales

START = datetime(2024, 1, 1, tzinfo=UTC)  # a Monday
ROWS = [  # hours, user, type, item, price, category
    (0, "u", "impression", "a", 4.0, "lamp"),
    (1, "u", "click", "a", 4.0, "lamp"),
    (2, "u", "purchase", "a", 4.0, "lamp"),
    (2, "u", "purchase", "b", 16.0, "sofa"),
    (24, "v", "impression", "b", 16.0, "sofa"),
    (30, "u", "view", "b", 16.0, "sofa"),
]


def log(rows):
    names = ["hours", "user_id", "event_type", "item_id", "price", "category"]
    frame = pl.DataFrame(rows, schema=names, orient="row")
    time = pl.lit(START).cast(pl.Datetime("us", "UTC")) + pl.duration(hours="hours")
    return settle_sales(frame.with_columns(event_time=time).drop("hours")).events


def test_features_as_of_a_moment():
    found = features(log(ROWS), "user_id", at=START + timedelta(hours=26))
    u = found.filter(pl.col("user_id") == "u").row(0, named=True)
    told = ("events", "impressions", "clicks", "purchases", "revenue", "recency_days", "tenure_days")
    assert [u[name] for name in told] == [4, 1, 1, 1, 20.0, 1.0, 26 / 24]
    assert u["ctr"] == pytest.approx((1 + PRIOR / 2) / (1 + PRIOR))
    assert u["price_mean"] == pytest.approx(4 ** (3 / 4) * 16 ** (1 / 4))
    assert u["category_entropy"] == pytest.approx(-0.75 * math.log(0.75) - 0.25 * math.log(0.25))
    assert (u["weekday_1"], u["weekday_2"]) == (1.0, 0.0)
    v = found.filter(pl.col("user_id") == "v").row(0, named=True)
    assert v["price_affinity"] > 1 > u["price_affinity"]


def test_each_row_has_the_features_of_its_moment():
    rng = np.random.default_rng(0)
    rows = [
        (int(hour), f"u{rng.integers(3)}", str(rng.choice(["impression", "click", "purchase"])),
         str(rng.integers(4)), float(rng.integers(1, 9)), str(rng.integers(3)))
        for hour in np.sort(rng.integers(0, 60, 80))
    ]  # fmt: skip
    events = log(rows)
    for key in ("user_id", "item_id"):
        by_row = features(events, key)
        for time in by_row["event_time"].unique().to_list():
            at = features(events, key, at=time)
            same = by_row.filter(pl.col("event_time") == time, pl.col("events") > 0)
            both = same.join(at, on=[key, "event_time"], suffix=" at")
            assert both.height == same.height
            for name in at.columns[2:]:
                np.testing.assert_allclose(both[name].to_numpy(), both[f"{name} at"].to_numpy(), atol=1e-12)


def test_recent_counts_and_the_days_since():
    days = [0, 3, 3, 40, 100]
    kinds = ["purchase", "click", "click", "purchase", "click"]
    events = pl.DataFrame(
        {"user_id": "u", "event_time": [START + timedelta(days=day) for day in days], "event_type": kinds}
    )
    names = (
        "clicks",
        "clicks_28_days",
        "clicks_91_days",
        "purchases_28_days",
        "days_since_click",
        "days_since_purchase",
        "customer_days",
    )
    found = features(events, "user_id").select(names).rows()
    assert found == [
        (0, 0, 0, 0, None, None, None),
        (0, 0, 0, 1, None, 3, 3),
        (2, 0, 2, 0, 37, 40, 40),
        (2, 0, 0, 0, 97, 60, 100),
    ]
    at = features(events, "user_id", at=START + timedelta(days=31)).select(names).row(0)
    assert at == (2, 2, 2, 0, 28, 31, 31)  # the days begin with their first moment


def test_the_lines_of_an_order_are_one_purchase_of_each_of_their_items():
    events = pl.DataFrame(
        {
            "user_id": ["u", "u", "u", "v"], "item_id": ["a", "b", "a", "a"], "order_id": ["1", "1", None, "2"],
            "event_time": [START, START, START + timedelta(hours=1), START], "event_type": "purchase",
        }
    )  # fmt: skip
    later = START + timedelta(days=1)
    assert features(events, "user_id", at=later).select("user_id", "purchases").rows() == [("u", 2), ("v", 1)]
    assert features(events, "item_id", at=later).select("item_id", "purchases").rows() == [("a", 3), ("b", 1)]


def test_parts_of_a_log_have_the_features_of_the_whole():
    rng = np.random.default_rng(1)
    rows = [
        (int(h), f"u{rng.integers(9)}", str(rng.choice(["impression", "click", "purchase"])), "a", 2.0, "c")
        for h in range(200)
    ]
    events = log(rows)
    parts = by_key(events.lazy(), columns_of_features(events.columns), rows=40)
    found = pl.concat(features(part, "user_id", of_all=sums_of_all(events.lazy())) for part in parts)
    assert found.sort("user_id", "event_time").equals(features(events, "user_id"))


def test_what_all_did_is_the_same_in_whatever_order_it_is_summed():
    rng = np.random.default_rng(2)
    events = log([(int(h % 3), "u", "view", "a", float(rng.uniform(1, 99)), "c") for h in range(5_000)])
    of_all = sums_of_all(events.lazy())
    assert of_all.equals(sums_of_all(events.sample(fraction=1.0, shuffle=True, seed=3).lazy()))


def test_the_future_changes_nothing():
    whole, begun = features(log(ROWS), "user_id"), features(log(ROWS[:4]), "user_id")
    assert whole.filter(pl.col("event_time") < START + timedelta(hours=24)).equals(begun)
    first = whole.filter(pl.col("user_id") == "v").row(0, named=True)
    assert (first["events"], first["recency_days"], first["tenure_days"]) == (0, None, None)
