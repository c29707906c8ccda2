"""Events again within the window are repeats, however the log is cut."""

from datetime import UTC, datetime, timedelta

import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from adcli.clean.repeats import Repeats

START = datetime(2024, 1, 1, tzinfo=UTC)


@given(
    st.lists(
        st.tuples(st.sampled_from("ab"), st.sampled_from([None, "1", "2"]), st.integers(0, 60)), max_size=40
    ),
    st.integers(1, 7),
)
def test_repeats_are_those_of_a_loop_however_the_log_is_cut(rows, size):
    rows = sorted(rows, key=lambda row: row[2])
    last, expected = {}, []
    for user, item, second in rows:
        before = last.get((user, item))
        expected.append(item is not None and before is not None and second - before <= 3)
        last[user, item] = second
    frame = pl.DataFrame(
        {
            "user_id": pl.Series([row[0] for row in rows], dtype=pl.String),
            "item_id": pl.Series([row[1] for row in rows], dtype=pl.String),
            "event_time": pl.Series(
                [START + timedelta(seconds=row[2]) for row in rows], dtype=pl.Datetime("us", "UTC")
            ),
        }
    )
    repeats = Repeats(timedelta(seconds=3), ["user_id", "item_id"])
    found = [repeats.find(frame[start : start + size]) for start in range(0, max(len(rows), 1), size)]
    assert pl.concat(found).to_list() == expected
