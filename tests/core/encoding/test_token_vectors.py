"""Vectors of tokens: those of transformers, without what stands around every text."""

import numpy as np
import pytest

from adcli.core.encoding.encoder import Encoder

TEXTS = ["a red wool rug", "mug", "", "stainless steel bottle, 750 ml", "tea " * 20]


@pytest.fixture(scope="module")
def exact(bert):
    return Encoder.load(str(bert), exact=True, long_texts="truncate")


def test_they_are_the_last_states_of_transformers(exact, bert):
    import torch
    from transformers import AutoModel, AutoTokenizer

    tokenizer, model = AutoTokenizer.from_pretrained(bert), AutoModel.from_pretrained(bert).eval()
    for text, found in zip(TEXTS, exact.token_vectors(TEXTS), strict=True):
        read = tokenizer([text], return_tensors="pt", truncation=True, max_length=exact.settings.max_length)
        with torch.no_grad():
            states = model(**read).last_hidden_state[0, 1:-1].numpy()
        wanted = states / np.linalg.norm(states, axis=1, keepdims=True)
        assert found.shape == wanted.shape
        np.testing.assert_allclose(found, wanted, atol=2e-5)


def test_a_text_does_not_depend_on_the_texts_beside_it(exact):
    together = exact.token_vectors(TEXTS)
    for text, found in zip(TEXTS, together, strict=True):
        np.testing.assert_array_equal(exact.token_vectors([text])[0], found)


def test_no_texts_have_no_vectors(exact):
    assert exact.token_vectors([]) == []
