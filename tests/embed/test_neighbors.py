"""The nearest rows of each row."""

import importlib.util
import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adcli.embed import neighbors
from adcli.embed.neighbors import nearest, top_k
from adcli.statistics.retrieval import unit_vectors


def cloud(rows, dimension=16, seed=0):
    return unit_vectors(np.random.default_rng(seed).normal(size=(rows, dimension)))


@settings(max_examples=30, deadline=None)
@given(st.integers(2, 40), st.integers(1, 8), st.integers(0, 99))
def test_they_are_those_of_a_full_sort(rows, k, seed):
    vectors = cloud(rows, 5, seed)
    k = min(k, rows - 1)
    places, cosines = top_k(vectors, k)
    likeness = vectors @ vectors.T
    np.fill_diagonal(likeness, -np.inf)
    np.testing.assert_allclose(cosines, -np.sort(-likeness, axis=1)[:, :k], atol=1e-6)
    assert (places != np.arange(rows)[:, None]).all()
    np.testing.assert_allclose(np.take_along_axis(likeness, places, axis=1), cosines, atol=1e-6)


def test_chunks_change_nothing(monkeypatch):
    vectors = cloud(50)
    whole = top_k(vectors, 4)
    monkeypatch.setattr(neighbors, "CHUNK", 7)
    seen = []
    parts = top_k(vectors, 4, advance=seen.append)
    np.testing.assert_array_equal(whole[0], parts[0])
    assert sum(seen) == 50


def test_memory_does_not_grow_with_the_rows_asked_about(monkeypatch):
    monkeypatch.setattr(neighbors, "MAX_COSINES", 1 << 16)
    vectors = cloud(2000)
    tracemalloc.start()
    top_k(vectors, 5)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert most < 3 * (1 << 16) * 8 + 2000 * 5 * 12  # cosines and their places, beside the result


def test_the_order_of_rows_does_not_matter():
    vectors = cloud(60)
    order = np.random.default_rng(1).permutation(60)
    places, _ = top_k(vectors, 3)
    shuffled, _ = top_k(vectors[order], 3)
    np.testing.assert_array_equal(order[shuffled], places[order])


def test_one_row_has_no_neighbours():
    found = nearest(cloud(1), 5, seed=0)
    assert found.rows.shape == (1, 0)


@pytest.mark.skipif(importlib.util.find_spec("faiss") is None, reason="FAISS is not installed")
def test_above_a_size_nearly_all_of_them_are_found_the_fast_way(monkeypatch):
    monkeypatch.setattr(neighbors, "EXACT_UP_TO", 100)
    found = nearest(cloud(3000), 10, seed=0)
    again = nearest(cloud(3000), 10, seed=0)
    assert "FAISS" in found.method
    assert 0.97 <= found.recall <= 1
    exact, _ = top_k(cloud(3000), 10)
    assert np.mean(found.rows == exact) > 0.9
    np.testing.assert_array_equal(found.rows, again.rows)
    assert (found.rows != np.arange(3000)[:, None]).all()
