"""k-anonymity counts people, not rows."""

import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from adcli.privacy.anonymity import AnonymityCount


def count(frames, columns):
    counted = AnonymityCount(columns)
    assert len(list(counted(frames))) == len(frames)
    return counted.found()


def test_a_user_who_comes_often_is_one_and_is_alone():
    frame = pl.DataFrame(
        {
            "user_id": ["a", "a", "a", "b", "c", None],
            "country": ["DE"] * 5 + ["FR"],
            "age": [30, 30, 30, 40, 40, 9],
        }
    )
    found = count([frame[:2], frame[2:]], ["country", "age"])
    assert (found.k, found.groups, found.unique, found.small, found.units) == (1, 2, 1, 3, 3)
    assert found.sentence.startswith(
        "k-anonymity of country, age: k = 1, the smallest of 2 groups; of 3 users 1"
    )
    rows = count([frame.drop("user_id")], ["country"])
    assert (rows.k, rows.unit, rows.units) == (1, "rows", 6)
    assert count([frame.clear()], ["country"]).k == 0


@given(st.lists(st.tuples(st.sampled_from("abcde"), st.sampled_from("xyz"), st.none() | st.integers(0, 2))))
def test_k_is_the_size_of_the_smallest_group(rows):
    schema = {"user_id": pl.String, "city": pl.String, "age": pl.Int64}
    frame = pl.DataFrame(rows, schema, orient="row")
    groups = {}
    for user, city, age in rows:
        groups.setdefault((city, age), set()).add(user)
    found = count([frame[at : at + 3] for at in range(0, max(len(rows), 1), 3)], ["city", "age"])
    assert found.k == min(map(len, groups.values()), default=0)
    assert found.units == sum(map(len, groups.values()))
