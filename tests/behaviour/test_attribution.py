"""Attribution against a join written out by hand, for every rule."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import get_args

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from adcli.behaviour import attribution
from adcli.behaviour.attribution import AttributionRule, attribute, clicked, conversions_of, earns
from adcli.behaviour.sales import settle_sales

START = datetime(2024, 1, 1, tzinfo=UTC)
WINDOW, HALF_LIFE = timedelta(seconds=40), timedelta(seconds=15)
moments = st.tuples(
    st.sampled_from(["u", "v", "w", None]), st.none() | st.integers(0, 400).map(lambda x: x / 4)
)
RULES = get_args(AttributionRule)


def table(rows, **columns):
    times = [None if second is None else START + timedelta(seconds=second) for _, second in rows]
    frame = pl.DataFrame(
        {"user_id": [user for user, _ in rows], "event_time": times, **columns},
        schema_overrides={"user_id": pl.String, "event_time": pl.Datetime("us", "UTC")},
        strict=False,
    )
    return frame.with_columns(pl.col(name).cast(pl.Float64) for name in columns)


def weights(ages, rule):
    """Of touches in order of time, by how many seconds they came before the conversion."""
    n = len(ages)
    if n == 0:
        return []
    if rule == "decay":
        return [0.5 ** (age / HALF_LIFE.total_seconds()) for age in ages]
    if rule == "position" and n > 2:
        return [0.4, *[0.2 / (n - 2)] * (n - 2), 0.4]
    return {"last": [0] * (n - 1) + [1], "first": [1] + [0] * (n - 1)}.get(rule, [1] * n)


def by_hand(impressions, conversions, rule):
    shares = np.zeros(len(impressions))
    for user, second in conversions:
        if user is None or second is None:
            continue
        touches = [
            (shown, place)
            for place, (whose, shown) in enumerate(impressions)
            if whose == user and shown is not None and 0 <= second // 1 - shown // 1 <= 40
        ]
        touches.sort()
        raw = weights([second // 1 - shown // 1 for shown, _ in touches], rule)
        for (_, place), weight in zip(touches, raw, strict=True):
            shares[place] += weight / sum(raw)
    return shares


@pytest.mark.parametrize("rule", RULES)
@given(shown=st.lists(moments, max_size=30), bought=st.lists(moments, max_size=12), chunk=st.integers(1, 9))
def test_the_shares_are_those_of_a_join_written_out(rule, shown, bought, chunk):
    revenue = [3.5 + place for place in range(len(bought))]
    conversions = table(bought, conversions=[1.0] * len(bought), revenue=revenue)
    before, attribution._PAIRS = attribution._PAIRS, chunk
    try:
        found = attribute(table(shown), conversions, rule, window=WINDOW, half_life=HALF_LIFE)
    finally:
        attribution._PAIRS = before
    np.testing.assert_allclose(found.shares, by_hand(shown, bought, rule), atol=1e-12)
    assert abs(found.shares.sum() - found.has_touch.sum()) < 1e-9
    assert abs(found.revenue.sum() - np.array(revenue)[found.has_touch].sum()) < 1e-9


def test_a_later_impression_earns_nothing_but_one_of_the_same_second_does():
    shown = table([("u", 10.9), ("u", 11.0), ("v", 10.0)])
    bought = table([("u", 10.1)], conversions=[1], revenue=[5])
    found = attribute(shown, bought, "linear", window=WINDOW, half_life=HALF_LIFE)
    assert found.shares.tolist() == [1, 0, 0]


def test_a_click_is_on_the_last_impression_of_its_ad():
    shown = table([("u", 1), ("u", 2), ("u", 3)]).with_columns(ad_id=pl.Series(["a", "a", "b"]))
    clicks = table([("u", 4), ("v", 4)]).with_columns(ad_id=pl.Series(["a", "a"]))
    found = clicked(shown, clicks, window=WINDOW)
    assert (found.shares.tolist(), found.has_touch.tolist()) == ([0, 1, 0], [True, False])


def orders():
    lines = [("u", 1), ("u", 1), ("u", 9), ("v", 2)]
    return table(lines).with_columns(
        event_type=pl.Series(["purchase", "purchase", "other", "purchase"]),
        order_id=pl.Series(["1", "1", "1", None]),
        price=pl.Series([Decimal(10), Decimal(4), Decimal(4), Decimal(7)]),
        quantity=pl.Series([1.0, 1.0, -1.0, 2.0]),
    )


def test_an_order_is_one_conversion_and_a_return_takes_nothing_back_unless_net():
    assert orders().filter(earns(orders().columns)).height == 4
    gross = conversions_of(settle_sales(orders()).events, net=False)
    assert gross["revenue"].to_list() == [14, 14]
    assert gross["conversions"].sum() == 2
    net = conversions_of(settle_sales(orders(), net=True).events, net=True)
    assert net["revenue"].to_list() == [10, 14]
    assert net["event_time"].to_list() == gross["event_time"].to_list()
