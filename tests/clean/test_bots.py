"""Robots are told by their agent or by what no person does; people who shop are left alone."""

from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl
import pytest

from adcli.clean.bots import BotSignals

START = datetime(2024, 1, 1, tzinfo=UTC)
BROWSER = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/120.0 Safari/537.36"


def events(user, seconds, types="view", agent=BROWSER, ip=None):
    return pl.DataFrame(
        {
            "event_time": [START + timedelta(seconds=float(second)) for second in seconds],
            "user_id": user,
            "event_type": types,
            "user_agent": agent,
            "ip": ip or user,
        },
        schema_overrides={"event_time": pl.Datetime("us", "UTC")},
    )


def flagged(*parts):
    log = pl.concat(parts).sort("event_time", maintain_order=True)
    found = BotSignals(log.lazy()).flag(log)
    return found.group_by("user_id").agg(
        pl.col("is_bot").any(), pl.col("bot_reason").first(), pl.col("bot_score").max()
    )


def test_each_kind_of_robot_is_told_with_its_reason_and_people_are_not():
    rng = np.random.default_rng(7)
    people = [events(f"person {n}", np.cumsum(rng.exponential(40, 60))) for n in range(20)]
    wide = events("wide", np.cumsum(rng.exponential(100, 60))).with_columns(
        ip=pl.int_range(60).cast(pl.String)
    )
    found = flagged(
        *people,
        events(
            "agent", [1], agent="Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"
        ),
        events("fast", np.arange(130) * 0.3),
        events("steady", np.arange(30) * 20),
        wide,
        pl.concat([events("hasty", [9], "click"), events("hasty", [9.5], "purchase")]),
        *(events(f"farmed {n}", [n], ip="192.0.2.1") for n in range(200)),
    )
    reasons = dict(found.filter("is_bot").select("user_id", "bot_reason").rows())
    assert not [user for user in reasons if user.startswith("person")]
    assert reasons["agent"].startswith("user agent of a robot: Mozilla/5.0 (compatible; Googlebot")
    assert reasons["fast"] == "events within a minute: 130"
    assert "vary by less than 5 %" in reasons["steady"]
    assert reasons["wide"] == "addresses of one user: 60"
    assert reasons["hasty"] == "a purchase less than a second after a click"
    assert reasons["farmed 3"] == "users of one address: 200"
    assert found["bot_score"].is_between(0, 1).all()
    assert (found["is_bot"] == (found["bot_score"] >= 0.5)).all()
    assert (found["is_bot"] == found["bot_reason"].is_not_null()).all()


@pytest.mark.parametrize("kind", ["impression", "purchase", "other"])
def test_the_ads_of_a_page_and_the_lines_of_an_order_are_no_robot(kind):
    assert not flagged(events("u", np.arange(300) * 0.1, kind))["is_bot"].any()
