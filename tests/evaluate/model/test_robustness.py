"""Scores under small changes of their inputs."""

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from adcli.errors import DataError
from adcli.evaluate.model.robustness import mistype, robustness_table

FRAME = pl.DataFrame(
    {"text": [f"blue shirt number {i}" for i in range(300)], "price": np.linspace(1, 50, 300).tolist()}
)


def row(table, metric, group):
    return table.filter(pl.col("metric") == metric, pl.col("group") == group).row(0, named=True)


@given(st.text(), st.integers(0, 1000))
def test_a_typo_moves_letters_and_loses_none(text, seed):
    assert sorted(mistype(text, np.random.default_rng(seed))) == sorted(text)


def test_a_score_of_the_price_alone_minds_no_text():
    table = robustness_table(FRAME, lambda f: f["price"].to_numpy(), texts=["text"], numbers=["price"])
    assert row(table, "score_change", "upper case")["value"] == 0
    assert row(table, "rank_correlation", "a letter swapped")["value"] == pytest.approx(1)
    assert row(table, "score_change", "numbers off by 5%")["value"] > 0
    assert row(table, "rank_correlation", "numbers off by 5%")["value"] > 0.95


def test_a_score_that_counts_capitals_is_found_out():
    table = robustness_table(FRAME, lambda f: f["text"].str.count_matches("[A-Z]").to_numpy(), texts=["text"])
    assert row(table, "score_change", "upper case")["ci_low"] > 5


def test_the_same_seed_gives_the_same_table():
    def score(frame):
        return frame["text"].str.len_chars().to_numpy() * frame["price"].to_numpy()

    tables = [robustness_table(FRAME, score, texts=["text"], numbers=["price"], seed=7) for _ in range(2)]
    assert tables[0].equals(tables[1])


def test_missing_texts_stay_missing():
    frame = FRAME.with_columns(text=pl.lit(None, pl.String))
    table = robustness_table(frame, lambda f: f["price"].to_numpy(), texts=["text"])
    assert row(table, "score_change", "a letter swapped")["value"] == 0


def test_nothing_to_perturb_is_refused():
    with pytest.raises(DataError, match="no text and no number"):
        robustness_table(FRAME, lambda f: f["price"].to_numpy())
    with pytest.raises(DataError, match="Did you mean 'text'"):
        robustness_table(FRAME, lambda f: f["price"].to_numpy(), texts=["txt"])
