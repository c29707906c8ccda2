"""Features know what came before a moment, and nothing of it or after it."""

import math
from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl
import pytest

from adcli.behaviour.features import PRIOR, features, with_sales

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
    return with_sales(frame.with_columns(event_time=time).drop("hours"))


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


def test_the_future_changes_nothing():
    whole, begun = features(log(ROWS), "user_id"), features(log(ROWS[:4]), "user_id")
    assert whole.filter(pl.col("event_time") < START + timedelta(hours=24)).equals(begun)
    first = whole.filter(pl.col("user_id") == "v").row(0, named=True)
    assert (first["events"], first["recency_days"], first["tenure_days"]) == (0, None, None)
