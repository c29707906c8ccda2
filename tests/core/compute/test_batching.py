"""Batches: every text once, budgets kept, little padding."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from adcli.core.compute import batching
from adcli.core.compute.batching import (
    chunks,
    distinct,
    equal_length_groups,
    plan_batches,
    plan_batches_of_texts,
)
from adcli.core.encoding.worker_pool import UNIT_TEXTS, length_units

lengths = st.lists(st.integers(1, 256), max_size=300)


@given(st.lists(st.sampled_from(["mug", "cup", "", "Mug", "mug "])))
def test_distinct_texts_give_the_input_back(texts):
    once, place = distinct(texts)
    assert [once[i] for i in place] == texts
    assert len(set(once)) == len(once)
    assert once == list(dict.fromkeys(texts))


def padding_share(sizes, batches):
    """Padding as a share of all tokens when each batch is padded to its longest."""
    return 1 - sum(sizes) / sum(max(np.array(sizes)[batch]) * len(batch) for batch in batches)


@given(lengths, st.integers(1, 4096), st.sampled_from([None, 0.0, 0.02, 0.5]))
def test_each_sequence_is_in_one_batch_and_batches_keep_budget_and_padding(sizes, budget, max_padding):
    batches = plan_batches(sizes, token_budget=budget, max_padding=max_padding)
    together = np.concatenate([[], *batches]).astype(int)
    assert sorted(together) == list(range(len(sizes)))
    for batch in batches:
        members = np.array(sizes)[batch]
        assert (np.diff(members) <= 0).all()
        room = members.sum() if max_padding is None else members.max() * len(batch)
        assert len(batch) == 1 or room <= budget
        if max_padding is not None:
            assert padding_share(np.array(sizes)[batch], [range(len(batch))]) <= max_padding + 1e-12
    assert [np.array(sizes)[b[0]] for b in batches] == sorted(
        [np.array(sizes)[b[0]] for b in batches], reverse=True
    )


def test_a_model_that_pads_computes_at_most_two_percent_padding_on_a_shop_s_texts():
    sizes = np.clip(np.random.default_rng(0).lognormal(3.8, 0.95, 5_000), 4, 256).astype(int)
    batches = plan_batches(sizes, token_budget=4096, max_padding=0.02)
    assert padding_share(sizes, batches) <= 0.02
    assert len(batches) < 250  # and still batches, not single texts


def windows_of_texts(sizes, limit=256):
    """Owner and length of each window of texts of these many tokens."""
    parts = [[limit] * (size // limit) + [size % limit] * bool(size % limit) for size in sizes]
    owner = np.repeat(np.arange(len(sizes)), [len(part) for part in parts])
    return owner, np.concatenate(parts).astype(np.int64)


@given(st.lists(st.integers(1, 3_000), min_size=1, max_size=100), st.sampled_from([None, 0.02]))
def test_each_window_is_in_one_batch(sizes, max_padding):
    owner, tokens = windows_of_texts(sizes)
    batches = list(plan_batches_of_texts(owner, tokens, token_budget=512, max_padding=max_padding))
    assert sorted(np.concatenate(batches)) == list(range(len(owner)))
    assert all(len(batch) == 1 or tokens[batch].sum() <= 512 for batch in batches)


def test_texts_of_several_windows_are_done_one_after_another():
    sizes = np.random.default_rng(0).integers(300, 1_500, 400)
    owner, tokens = windows_of_texts(sizes)
    missing = np.bincount(owner)
    begun, waiting = set(), []
    for batch in plan_batches_of_texts(owner, tokens, token_budget=1_024):
        np.subtract.at(missing, owner[batch], 1)
        begun.update(owner[batch].tolist())
        waiting.append(sum(sizes[text] for text in begun if missing[text]))
    assert max(waiting) <= batching.UNIT_BATCHES * 1_024  # what a kill can cost
    assert waiting[-1] == 0


def test_what_is_done_early_is_a_fair_sample_of_all_lengths():
    sizes = np.clip(np.random.default_rng(0).lognormal(3.8, 0.95, 8_000), 4, 256).astype(np.int64)
    batches = list(plan_batches_of_texts(np.arange(len(sizes)), sizes, token_budget=1_024))
    assert sizes[batches[0]].max() == sizes.max()  # a batch that is too large fails at once
    early = np.concatenate(batches[: len(batches) // 4])
    assert sizes[early].mean() == pytest.approx(sizes.mean(), rel=0.3)


@given(lengths)
def test_groups_of_equal_length_cover_a_batch_in_order(sizes):
    descending = sorted(sizes, reverse=True)
    groups = equal_length_groups(descending)
    assert [g.length for g in groups for _ in range(g.sequences)] == descending
    starts = [g.start for g in groups]
    assert starts == list(np.cumsum([0, *(g.sequences * g.length for g in groups)])[: len(groups)])


@given(st.lists(st.text(max_size=50), max_size=50))
def test_units_of_processes_hold_each_text_once(texts):
    units = list(length_units(texts))
    assert sorted(np.concatenate([[], *units]).astype(int)) == list(range(len(texts)))
    assert all(0 < len(unit) <= UNIT_TEXTS for unit in units)


def test_a_huge_text_is_a_unit_of_its_own():
    units = list(length_units(["a" * 1_000_000, "b", "c"]))
    assert [list(unit) for unit in units] == [[0], [1, 2]]


@pytest.mark.parametrize(("items", "size"), [([], 3), ([1], 3), ([1, 2, 3], 3), (range(10), 3)])
def test_chunks_are_the_items_in_order(items, size):
    found = list(chunks(items, size))
    assert [item for chunk in found for item in chunk] == list(items)
    assert all(len(chunk) == size for chunk in found[:-1])
