"""Sessions are the visits that a plain loop over a user's events finds, however the log is cut."""

from datetime import UTC, datetime, timedelta

import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from adcli.behaviour.sessions import Sessions

START = datetime(2024, 1, 1, 23, 50, tzinfo=UTC)
EVENTS = st.lists(
    st.tuples(st.sampled_from("abc"), st.integers(0, 4000), st.sampled_from([None, "x", "y"])), max_size=40
)


def log(rows):
    times = pl.Series(
        [START + timedelta(seconds=second) for _, second, _ in rows], dtype=pl.Datetime("us", "UTC")
    )
    users = pl.Series([user for user, _, _ in rows], dtype=pl.String)
    campaigns = pl.Series([campaign for *_, campaign in rows], dtype=pl.String)
    return pl.DataFrame({"event_time": times, "user_id": users, "campaign_id": campaigns})


def by_hand(rows, gap, at_midnight, by_campaign):
    last, found = {}, []
    for user, second, campaign in rows:
        time = START + timedelta(seconds=second)
        before, began, running = last.get(user, (None, None, None))
        is_new = before is None or time - before > gap or (at_midnight and time.date() != before.date())
        is_other = campaign is not None and campaign != running
        is_new |= by_campaign and is_other and before is not None and time > before
        began = time if is_new else began
        last[user] = (time, began, campaign or running)
        found.append(f"{user}.{int(began.timestamp())}")
    return found


@given(EVENTS, st.integers(1, 7), st.booleans(), st.booleans())
def test_sessions_are_those_of_a_loop_however_the_log_is_cut(rows, size, at_midnight, by_campaign):
    rows = sorted(rows, key=lambda row: row[1])
    gap = timedelta(minutes=5)
    sessions = Sessions(gap=gap, at_midnight=at_midnight, campaign="campaign_id" if by_campaign else None)
    frame = log(rows)
    cut = [sessions.add(frame[start : start + size]) for start in range(0, max(frame.height, 1), size)]
    assert pl.concat(cut)["session_id"].to_list() == by_hand(rows, gap, at_midnight, by_campaign)


def test_the_gap_itself_is_still_the_same_session():
    frame = Sessions(gap=timedelta(minutes=30)).add(
        log([("a", 0, None), ("a", 1800, None), ("a", 3601, None)])
    )
    assert frame["session_id"].n_unique() == 2


def test_an_event_without_a_time_is_in_no_session():
    frame = log([("a", 0, None), ("a", 1, None)]).with_columns(
        event_time=pl.when(pl.int_range(pl.len()) == 0).then("event_time")
    )
    got = Sessions(gap=timedelta(minutes=30)).add(frame)["session_id"]
    assert got.null_count() == 1
    assert got.is_null().to_list() == [False, True]
