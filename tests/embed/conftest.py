"""What the tests of embed share."""

from __future__ import annotations

import polars as pl
import pytest
from small_shop import encode

from adcli.embed.item_vectors import embed_products


@pytest.fixture(scope="session")
def products():
    kinds = ["Kitchen", "Outdoor", "Toys"]
    return pl.DataFrame(
        {
            "item_id": [f"{i:04}" for i in range(12)],
            "title": [f"{kinds[i % 3]} thing {i}" for i in range(12)],
            "category": [kinds[i % 3] for i in range(12)],
            "price": [5.0 + i for i in range(12)],
        }
    )


@pytest.fixture(scope="session")
def items(products):
    return embed_products(products, encode)
