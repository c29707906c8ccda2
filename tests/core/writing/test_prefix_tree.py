"""Prompts that begin alike share what was read of it, and read as if each were alone."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from adcli.core.writing.prefix_tree import BLOCK, levels_of

TOKENS = st.integers(0, 3)


def restored(levels, ends):
    """Each prompt's tokens, found again from its last block."""
    texts = []
    for level, place in ends:
        parts = []
        for number in range(level, -1, -1):
            batch = levels[number].batch
            stop = np.cumsum(batch.lengths)[place]
            parts.append(batch.ids[stop - batch.lengths[place] : stop])
            place = int(levels[number].parents[place])
        texts.append(np.concatenate(parts[::-1]))
    return texts


@given(st.lists(st.lists(TOKENS, min_size=1, max_size=3 * BLOCK), min_size=1, max_size=8))
def test_every_prompt_is_a_path_of_the_tree(prompts):
    prompts = [np.array(ids, np.int32) for ids in prompts]
    for ids, found in zip(prompts, restored(*levels_of(prompts)), strict=True):
        np.testing.assert_array_equal(ids, found)


def test_what_prompts_have_in_common_is_there_once():
    shared = np.arange(5 * BLOCK, dtype=np.int32)
    prompts = [np.concatenate([shared, [900 + number]]).astype(np.int32) for number in range(40)]
    levels, _ = levels_of(prompts)
    assert sum(len(level.batch.ids) for level in levels) == 5 * BLOCK + 40
    assert not any(level.parents.any() for level in levels)
