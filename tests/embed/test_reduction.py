"""Fewer and smaller numbers, with the neighbours kept."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from adcli.embed.reduction import (
    basis_bytes,
    basis_from,
    fit_basis,
    from_bits,
    neighbor_recall,
    to_bits,
    to_int8,
)
from adcli.errors import DataError
from adcli.statistics.retrieval import unit_vectors


def clustered(rows=400, dimension=48, seed=0):
    """Vectors like texts': some directions hold much, and all share one, so that centring would hurt."""
    rng = np.random.default_rng(seed)
    vectors = rng.normal(size=(rows, dimension)) * np.geomspace(1, 0.05, dimension)
    vectors[:, 0] += 2
    return unit_vectors(vectors)


def test_the_basis_is_that_of_the_uncentred_svd():
    vectors = clustered()
    _, values, directions = np.linalg.svd(vectors.astype(np.float64), full_matrices=False)
    basis = fit_basis([vectors[:150], vectors[150:]], 10)
    np.testing.assert_allclose(np.abs(np.sum(basis.components * directions[:10].T, axis=0)), 1, atol=1e-5)
    assert basis.explained == pytest.approx((values[:10] ** 2).sum() / (values**2).sum())


def test_reduced_vectors_have_length_one_and_all_dimensions_keep_all():
    vectors = clustered()
    np.testing.assert_allclose(np.linalg.norm(fit_basis([vectors], 7).reduce(vectors), axis=1), 1, atol=1e-6)
    whole = fit_basis([vectors], 48).reduce(vectors)
    np.testing.assert_allclose(whole @ whole.T, vectors @ vectors.T, atol=1e-5)
    assert neighbor_recall(vectors, whole, k=10, seed=0) > 0.999


def test_it_loses_fewer_neighbours_than_the_centred_pca():
    vectors = clustered()
    around = vectors - vectors.mean(axis=0)
    centred = unit_vectors(around @ np.linalg.svd(around, full_matrices=False)[2][:12].T)
    ours = neighbor_recall(vectors, fit_basis([vectors], 12).reduce(vectors), k=10, seed=0)
    assert ours > neighbor_recall(vectors, centred, k=10, seed=0) + 0.05


def test_a_basis_survives_its_file_and_refuses_other_vectors():
    vectors = clustered()
    basis = fit_basis([vectors], 12)
    again, about = basis_from(basis_bytes(basis, {"model": "m"}), "b.safetensors")
    np.testing.assert_array_equal(again.reduce(vectors), basis.reduce(vectors))
    assert about["model"] == "m"
    with pytest.raises(DataError, match="for vectors of 48 dimensions; these have 20"):
        basis.reduce(vectors[:, :20])
    with pytest.raises(DataError, match=r"b\.bin is not a basis"):
        basis_from(b"nonsense", "b.bin")


@given(arrays(np.float32, (5, 8), elements=st.floats(-1, 1, width=32)))
def test_int8_keeps_each_number_to_half_a_step(vectors):
    whole = to_int8(vectors).astype(np.float64)
    step = np.abs(vectors).max(axis=1, keepdims=True) / 127
    assert (np.abs(whole * step - vectors) <= step / 2 + 1e-6).all()


def test_int8_keeps_nearly_all_neighbours_and_bits_some():
    vectors = clustered()
    assert neighbor_recall(vectors, unit_vectors(to_int8(vectors).astype(np.float32)), k=10, seed=0) > 0.95
    bits = to_bits(vectors)
    assert bits.shape == (400, 6)
    read = from_bits(bits, 48)
    np.testing.assert_array_equal(read > 0, vectors > 0)
    np.testing.assert_allclose(
        read[0] @ read[1], 1 - 2 * np.mean((vectors[0] > 0) != (vectors[1] > 0)), atol=1e-6
    )
