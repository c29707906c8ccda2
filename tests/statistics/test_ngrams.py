"""Measures by shared word sequences equal those of the packages the field reports them with."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from adcli.statistics.ngrams import bleu, bleu_counts, distinct, rouge_l, rouge_n, self_bleu, tokens

PAIRS = [
    ("A soft cotton towel for the bath", "A cotton towel that is soft in the bath"),
    ("The mug keeps coffee hot", "This ceramic mug is for coffee and tea"),
    ("completely different words", "nothing shared at all here"),
    ("the the the cat", "the cat sat on the mat"),
]
# rouge-score 0.0.4, RougeScorer(["rouge1", "rouge2", "rougeL"]).score(reference, text), fmeasure
ROUGE = [
    (0.7500000000, 0.2857142857, 0.6250000000),
    (0.3076923077, 0.0000000000, 0.3076923077),
    (0.0000000000, 0.0000000000, 0.0000000000),
    (0.6000000000, 0.2500000000, 0.4000000000),
]
# sacrebleu 2.6.0, corpus_bleu(texts, [references], tokenize="none"), lower-case words joined by spaces
BLEU = 7.291277931316712

texts = st.lists(st.lists(st.sampled_from("abcde"), min_size=0, max_size=12), min_size=2, max_size=8)


@pytest.mark.parametrize(("pair", "expected"), list(zip(PAIRS, ROUGE, strict=True)))
def test_rouge_is_the_published_packages(pair, expected):
    said, wanted = map(tokens, pair)
    assert (rouge_n(said, wanted, 1), rouge_n(said, wanted, 2), rouge_l(said, wanted)) == pytest.approx(
        expected, abs=1e-9
    )


def test_bleu_is_sacrebleus():
    counts = np.array([bleu_counts(tokens(said), [tokens(wanted)]) for said, wanted in PAIRS])
    assert float(bleu(counts.sum(axis=0))) == pytest.approx(BLEU, abs=1e-9)


def test_bleu_equals_the_installed_sacrebleu():
    sacrebleu = pytest.importorskip("sacrebleu")
    said, wanted = [" ".join(tokens(s)) for s, _ in PAIRS], [" ".join(tokens(w)) for _, w in PAIRS]
    theirs = sacrebleu.corpus_bleu(said, [wanted], tokenize="none").score
    counts = np.array([bleu_counts(s.split(), [w.split()]) for s, w in zip(said, wanted, strict=True)])
    assert float(bleu(counts.sum(axis=0))) == pytest.approx(theirs, abs=1e-9)


@given(st.lists(st.sampled_from("abcde"), min_size=4, max_size=12))
def test_a_text_against_itself_is_perfect(words):
    assert rouge_n(words, words, 1) == pytest.approx(1)
    assert rouge_l(words, words) == pytest.approx(1)
    assert float(bleu(bleu_counts(words, [words]))) == pytest.approx(100)


@given(texts)
def test_self_bleu_is_bleu_against_all_others(said):
    slow = [bleu(bleu_counts(words, said[:row] + said[row + 1 :])) for row, words in enumerate(said)]
    np.testing.assert_allclose(self_bleu(said), np.array(slow), atol=1e-9)


@given(texts)
def test_order_changes_nothing(said):
    assert sorted(self_bleu(said)) == pytest.approx(sorted(self_bleu(said[::-1])))
    assert distinct(said, 2) == pytest.approx(distinct(said[::-1], 2), nan_ok=True)


def test_distinct_counts_different_runs():
    assert distinct([["a", "b", "a", "b"]], 1) == 0.5
    assert distinct([["a", "b"], ["a", "b"]], 2) == 0.5
    assert np.isnan(distinct([[]], 1))


def test_chinese_characters_are_words():
    assert tokens("棉T恤 soft-touch") == ["棉", "t", "恤", "soft", "touch"]
