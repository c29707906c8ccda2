"""Scores under small changes of their inputs."""

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from nominal_coverage import TRIALS, assert_covers
from told import row

from adcli.errors import DataError
from adcli.evaluate.model.robustness import mistype, perturbed_rows, robustness_table

FRAME = pl.DataFrame(
    {
        "text": [f"blue shirt number {i}" for i in range(300)],
        "price": np.linspace(1, 50, 300).tolist(),
        "click": [int(i % 7 > 3) for i in range(300)],
    }
)


def judged(score, frame=FRAME, **perturbing):
    return robustness_table(perturbed_rows(frame, **perturbing).with_columns(score=score), score="score")


@given(st.text(), st.integers(0, 1000))
def test_a_typo_moves_letters_and_loses_none(text, seed):
    assert sorted(mistype(text, np.random.default_rng(seed))) == sorted(text)


def test_a_score_of_the_price_alone_minds_no_text():
    table = judged(pl.col("price"), texts=["text"], numbers=["price"])
    assert row(table, "score_change", "upper case")["value"] == 0
    assert row(table, "rank_correlation", "a letter swapped")["value"] == pytest.approx(1)
    assert row(table, "score_change", "numbers off by 5%")["value"] > 0
    assert row(table, "rank_correlation", "numbers off by 5%")["value"] > 0.95


def test_a_score_that_counts_capitals_is_found_out():
    table = judged(pl.col("text").str.count_matches("[A-Z]"), texts=["text"])
    assert row(table, "score_change", "upper case")["value"] == 15


def test_what_a_perturbation_does_to_the_ranking_is_paired():
    noisy = pl.col("click") + pl.col("text").str.count_matches("[A-Z]") * (1 - 2 * pl.col("click"))
    table = judged(noisy, texts=["text"])
    assert row(table, "auc_change", "upper case")["value"] == pytest.approx(-1)
    assert row(table, "auc_change", "doubled spaces")["value"] == 0


def test_intervals_cover_the_mean_change():
    rng = np.random.default_rng(0)
    ends = []
    for _ in range(TRIALS):
        before = rng.random(60)
        after = before + rng.normal(0, 0.1, 60)
        frame = pl.DataFrame(
            {
                "perturbation": ["none"] * 60 + ["noise"] * 60,
                "perturbed_row": [*range(60), *range(60)],
                "score": np.concatenate([before, after]),
            }
        )
        found = row(robustness_table(frame, score="score"), "score_change", "noise")
        ends.append((found["ci_low"], found["ci_high"]))
    assert_covers(*np.transpose(ends), 0.1 * np.sqrt(2 / np.pi))


def test_the_same_seed_gives_the_same_rows():
    made = [perturbed_rows(FRAME, texts=["text"], numbers=["price"], seed=7) for _ in range(2)]
    assert made[0].equals(made[1])


def test_missing_texts_stay_missing():
    table = judged(pl.col("price"), FRAME.with_columns(text=pl.lit(None, pl.String)), texts=["text"])
    assert row(table, "score_change", "a letter swapped")["value"] == 0


def test_what_cannot_be_perturbed_or_paired_is_refused():
    with pytest.raises(DataError, match="no text and no number"):
        perturbed_rows(FRAME)
    with pytest.raises(DataError, match="Did you mean 'text'"):
        perturbed_rows(FRAME, texts=["txt"])
    with pytest.raises(DataError, match="'price' is no text"):
        perturbed_rows(FRAME, texts=["price"])
    scored = perturbed_rows(FRAME, texts=["text"]).with_columns(score=pl.col("price"))
    with pytest.raises(DataError, match="do not pair"):
        robustness_table(scored.head(-1), score="score")
    with pytest.raises(DataError, match="at least one perturbation"):
        robustness_table(scored.filter(pl.col("perturbation") == "none"), score="score")
