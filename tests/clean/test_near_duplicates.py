"""Texts that are nearly the same share a group; those that only share words do not."""

import numpy as np
import polars as pl
import pytest

from adcli.clean.near_duplicates import near_duplicates

WORDS = [f"word{number}" for number in range(3000)]


@pytest.fixture
def grouped(tmp_path):
    return lambda *texts, least=0.8: near_duplicates(
        [pl.Series(part, dtype=pl.String) for part in texts], least, spill=tmp_path
    ).to_list()


def test_texts_with_a_word_changed_are_found_among_thousands(grouped):
    rng = np.random.default_rng(0)
    texts = [" ".join(rng.choice(WORDS, 60)) for _ in range(3000)]
    changed = [text.replace(text.split()[30], "other", 1) for text in texts[:300]]
    groups = grouped(texts, changed)
    found = [one == other and one is not None for one, other in zip(groups[:300], groups[3000:], strict=True)]
    assert np.mean(found) > 0.97
    assert not any(groups[300:3000])


def test_groups_are_numbered_as_they_come_and_case_and_signs_do_not_matter(grouped):
    soft = "a very soft sofa for two"
    assert grouped(["lamp", soft, None, ""], ["A VERY soft sofa, for two!", "Lamp.", "chair", soft]) == [
        1, 2, None, None, 2, 1, None, 2,
    ]  # fmt: skip


def test_scripts_without_blanks_are_compared_too(grouped):
    text = "红色的台灯又好看又便宜我非常喜欢它放在我的书桌上"
    assert grouped([text, text + "了", "蓝色的椅子不好看也不便宜"], least=0.7) == [1, 1, None]


def test_less_in_common_is_asked_for_by_the_share(grouped):
    text = " ".join(WORDS[:40])
    assert grouped([text, text + " more"], least=0.97) == [None, None]
    assert grouped([text, text + " more"], least=0.7) == [1, 1]
    assert grouped([]) == []
