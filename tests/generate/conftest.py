"""A few products, and stand-ins for a language model and an encoder."""

import hashlib

import numpy as np
import polars as pl
import pytest

from adcli.copy.wording import words


@pytest.fixture(scope="session")
def products():
    return pl.DataFrame(
        {
            "item_id": ["t1", "m2", "w3", "z4"],
            "title": ["Acme Cotton Bath Towel Blue", "Zenith Ceramic Mug", "Sonata Watch", "复古针织连衣裙"],
            "brand": ["Acme", "Zenith", None, None],
            "category": ["Bath Linen > Towels", "Kitchen > Mugs", "Watches > Wrist Watches", "女装 > 连衣裙"],
            "description": [
                "A soft towel with 500 GSM.",
                "Holds 330 ml. Microwave safe.",
                "Water resistant, with a leather strap.",
                None,
            ],
            "material": ["Cotton", "Ceramic", None, "针织"],
            "price": [9.5, 4.0, None, None],
        }
    )


def hashed(texts):
    """(n, 64) unit vectors of words: texts that share words are near each other."""
    vectors = np.zeros((len(texts), 64), np.float32)
    for row, text in enumerate(texts):
        for word in words(text):
            vectors[row, hashlib.blake2b(word.encode()).digest()[0] % 64] += 1
        vectors[row, 0] += 1e-3
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


@pytest.fixture(scope="session")
def encode():
    return hashed


class Parrot:
    """A model that says the same things of every product, and remembers what it was asked."""

    def __init__(self, *answers):
        self.answers = answers
        self.asked = []

    def __call__(self, prompts, *, n, columns, max_new_tokens, temperature, top_p, seed):
        self.asked += list(prompts)
        return [[self.answers[turn % len(self.answers)] for turn in range(n)] for _ in prompts]


@pytest.fixture
def parrot():
    return Parrot
