"""What the quality page says of a table is so."""

import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from adcli.clean.quality import BrokenRule, Quality, Sample, quality_page
from adcli.numbers import plain


@given(st.lists(st.integers(0, 30), min_size=1), st.integers(1, 20))
def test_counts_are_exact_and_the_sample_is_bounded_and_even(heights, most):
    sample = Sample(most)
    start = 0
    for height in heights:
        numbers = pl.int_range(start, start + height, eager=True)
        sample.add(
            pl.DataFrame({"n": numbers, "gap": [None] * height}, schema={"n": pl.Int64, "gap": pl.String})
        )
        start += height
    assert (sample.rows, sample.nulls) == (start, {"n": 0, "gap": start})
    kept = sample.frame["n"]
    assert len(kept) <= 2 * most
    if len(kept) > 2:
        assert len(set(kept.diff().drop_nulls().to_list())) == 1


def test_a_column_that_comes_late_was_missing_before():
    sample = Sample(10)
    sample.add(pl.DataFrame({"a": [1, 2]}))
    sample.add(pl.DataFrame({"a": [3], "b": [None]}, schema={"a": pl.Int64, "b": pl.String}))
    assert sample.nulls == {"a": 0, "b": 3}


def test_the_page_sets_raw_against_clean():
    quality = Quality()
    quality.read(pl.DataFrame({"price": [1.0, 2.0, 3.0], "country": ["DE", None, "FR"]}), "a.csv", 1)
    written = pl.DataFrame({"price": [1.0, 3.0], "country": ["DE", "FR"]})
    assert len(list(quality.passing([written]))) == 1
    drift = pl.DataFrame({"input": ["b.csv"], "column": ["price"], "psi": [0.5], "verdict": ["worse"]})
    page = quality_page(
        quality,
        table="events",
        drift=drift,
        rules=[BrokenRule("free", "a price of zero", 2, "count", "price 0")],
        rejected=pl.DataFrame({"reason": ["bad"], "rows": [1]}),
    )
    assert (
        plain(page.summary)
        == "4 rows read, 2 of them written as events (50 %).\nDrift between inputs: price (b.csv)."
    )
    by_title = {table.title: table.frame for table in page.tables}
    assert by_title["Inputs"].rows() == [("a.csv", 4, 1, 3)]
    columns = by_title["Columns, raw against clean"]
    assert columns["raw_missing"].to_list() == [0, 1 / 3]
    assert columns["clean_missing"].to_list() == [0, 0]
    assert plain(columns["commonest"].to_list()[1]) in ("DE 50 %, FR 50 %", "FR 50 %, DE 50 %")
    assert by_title["Numbers and times"]["largest"].to_list() == ["3"]
    assert "price 0" in page.html()
