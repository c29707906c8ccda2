"""No published cell is small, and no small cell can be worked out from what is published."""

from itertools import combinations

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adcli.evaluate.suppression import suppressed_cells


def breakdown(rows, by):
    """One row per cell and user, with the number of the cell."""
    members = pl.DataFrame(rows, schema=[*by, "user"], orient="row").unique(maintain_order=True)
    cells = members.select(by).unique(maintain_order=True).with_row_index("cell")
    return members.join(cells, on=by, maintain_order="left")


def users_of(members, cells):
    return members.filter(pl.col("cell").is_in(list(cells)))["user"].n_unique()


def lines(members, by):
    """The cells of each total along some of the columns."""
    for size in range(len(by)):
        for subset in combinations(by, size):
            groups = members.group_by(subset) if subset else [((), members)]
            for _, line in groups:
                yield set(line["cell"].to_list())


tables = st.integers(1, 3).flatmap(
    lambda columns: st.tuples(
        st.just([f"by{i}" for i in range(columns)]),
        st.lists(
            st.tuples(*[st.integers(0, 3).map(str)] * columns, st.integers(0, 60).map(str)),
            min_size=1,
            max_size=250,
        ),
    )
)


@settings(max_examples=500)
@given(tables, st.integers(1, 15))
def test_no_small_cell_can_be_worked_out(table, min_users):
    by, rows = table
    members = breakdown(rows, by)
    small, protecting = suppressed_cells(members, by=by, min_users=min_users)
    hidden = set(np.flatnonzero(small | protecting).tolist())
    for cell in range(len(small)):
        assert small[cell] == (users_of(members, [cell]) < min_users)
    if len(hidden) == len(small):
        return  # nothing is published
    for line in lines(members, by):
        unknown = line & hidden
        if unknown and line - hidden:
            assert len(unknown) > 1
            assert users_of(members, unknown) >= min_users


def test_nothing_is_hidden_where_all_cells_are_large():
    members = breakdown([(s, f"{s}{u}") for s in "ab" for u in range(60)], ["segment"])
    small, protecting = suppressed_cells(members, by=["segment"], min_users=50)
    assert not small.any()
    assert not protecting.any()


def test_the_smallest_sufficient_cell_is_hidden_beside_a_small_one():
    sizes = {"a": 500, "b": 70, "c": 60, "d": 10}
    members = breakdown([(s, f"{s}{u}") for s, n in sizes.items() for u in range(n)], ["segment"])
    small, protecting = suppressed_cells(members, by=["segment"], min_users=50)
    assert small.tolist() == [False, False, False, True]
    assert protecting.tolist() == [False, False, True, False]


def test_two_small_cells_of_the_same_few_users_need_a_third():
    rows = [("a", str(u)) for u in range(80)] + [(s, str(u)) for s in "bc" for u in range(30)]
    small, protecting = suppressed_cells(breakdown(rows, ["segment"]), by=["segment"], min_users=50)
    assert small.tolist() == [False, True, True]
    assert protecting.tolist() == [True, False, False]


@pytest.mark.parametrize("removed", range(3))
def test_taking_one_user_out_of_a_small_cell_changes_nothing_published(removed):
    sizes = {"a": 500, "b": 70, "c": 60, "d": 10}
    rows = [(s, f"{s}{u}") for s, n in sizes.items() for u in range(n)]
    fewer = [row for row in rows if row != ("d", f"d{removed}")]
    before = suppressed_cells(breakdown(rows, ["segment"]), by=["segment"], min_users=50)
    after = suppressed_cells(breakdown(fewer, ["segment"]), by=["segment"], min_users=50)
    assert [mask.tolist() for mask in before] == [mask.tolist() for mask in after]
