"""Vectors of other models beside those of the texts."""

import numpy as np
import polars as pl
import pytest
from small_shop import START, encode, events

from adcli.embed.fusion import added_recall, fuse, given_vectors, known_rows, without_given
from adcli.embed.item_vectors import embed_products, with_means
from adcli.embed.vectors import embedding_column
from adcli.statistics.retrieval import unit_vectors


def given(ids, vectors):
    return given_vectors(
        pl.DataFrame([pl.Series("id", ids), embedding_column(np.array(vectors, np.float32))])
    )


def test_the_cosine_of_fused_vectors_is_the_mean_of_both():
    rng = np.random.default_rng(0)
    text, image = unit_vectors(rng.normal(size=(6, 4))), rng.normal(size=(6, 3))
    ids = pl.Series([f"{number}" for number in range(6)])
    images = given(ids.reverse(), image[::-1])
    fused = fuse(ids, text, [images])
    centred = unit_vectors(image - image.mean(axis=0))
    np.testing.assert_allclose(fused @ fused.T, (text @ text.T + centred @ centred.T) / 2, atol=1e-6)


def test_a_row_without_a_given_vector_keeps_that_of_its_text():
    text = unit_vectors(np.eye(3)[[0, 0, 1]])
    images = given(["a", "b"], [[1.0, 0.0], [0.0, 1.0]])
    fused = fuse(pl.Series(["a", "c", "b"]), text, [images])
    assert known_rows(pl.Series(["a", "c", "b"]), [images]) == 2
    np.testing.assert_allclose(fused[1], [1, 0, 0, 0, 0], atol=1e-6)
    np.testing.assert_allclose(np.linalg.norm(fused, axis=1), 1, atol=1e-6)


def test_texts_of_searches_lie_in_the_fused_space():
    images = given(["a", "b"], [[1.0, 0.0], [0.0, 1.0]])
    np.testing.assert_allclose(without_given(encode, [images])(["tent"])[0, :24], encode(["tent"])[0])
    assert without_given(encode, [images])(["tent"]).shape == (1, 26)


def test_what_images_add_to_recall_is_measured_on_later_items():
    rng = np.random.default_rng(0)
    style = np.arange(60) % 6  # what users follow, which only images show
    ids = [f"{number:02}" for number in range(60)]
    rows = []
    for user in range(200):
        likes = rng.permutation(np.flatnonzero(style == user % 6))[:6]
        rows += [(f"u{user}", hour * 24, "purchase", ids[item], None) for hour, item in enumerate(likes)]
    products = pl.DataFrame({"item_id": ids, "title": [f"thing {number}" for number in ids]})
    items = embed_products(products, encode)
    images = given(ids, np.eye(6)[style] + rng.normal(scale=0.1, size=(60, 6)))
    fused = with_means(items.products, fuse(items.products["item_id"], items.vectors, [images]))
    found = added_recall(events(rows), items.products["item_id"], items.vectors, fused.vectors, seed=0)
    assert found.since > START
    assert found.fused.mean() > found.text.mean() + 0.3
    assert "difference +0." in found.sentence
    assert "200 users" in found.sentence
    noise = given(ids, rng.normal(size=(60, 6)))
    worse = fuse(items.products["item_id"], items.vectors, [noise])
    again = added_recall(events(rows), items.products["item_id"], items.vectors, worse, seed=0)
    assert again.fused.mean() < found.fused.mean()
    assert again.text.mean() == pytest.approx(found.text.mean())
