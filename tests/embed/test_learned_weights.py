"""Weights of the event types, learned on what users bought next."""

import numpy as np
import polars as pl
import pytest
from small_shop import DIMENSION, events, interactions

from adcli.embed.interactions import WEIGHTS
from adcli.embed.item_vectors import embed_products
from adcli.embed.learned_weights import learn_weights
from adcli.errors import DataError


@pytest.fixture(scope="module")
def wide_items():
    from small_shop import encode

    return embed_products(
        pl.DataFrame(
            {"item_id": [f"{i:04}" for i in range(200)], "title": [f"thing {i}" for i in range(200)]}
        ),
        encode,
    )


def shop_where_carts_tell(users, seed):
    """Everybody views three random things, carts one, and buys a thing near to it."""
    rng = np.random.default_rng(seed)
    rows = []
    for user in range(users):
        cart = int(rng.integers(0, 199))
        rows += [
            (f"u{user}", user * 10 + step, "view", f"{rng.integers(0, 200):04}", None) for step in range(3)
        ]
        rows.append((f"u{user}", user * 10 + 4, "cart", f"{cart:04}", None))
        rows.append((f"u{user}", user * 10 + 5, "purchase", f"{cart + 1:04}", None))
    return events(rows)


def neighbouring(items):
    """The items with each item near to the one after it."""
    vectors = items.vectors.copy()
    mixed = vectors + np.roll(vectors, -1, axis=0)
    return items._replace(vectors=(mixed / np.linalg.norm(mixed, axis=1, keepdims=True)).astype(np.float32))


def test_the_type_of_event_that_tells_gets_the_weight(wide_items):
    items = neighbouring(wide_items)
    found = learn_weights(interactions(shop_where_carts_tell(300, 0), items), WEIGHTS, half_life=None, seed=0)
    assert found.learned["cart"] == max(found.learned.values())
    assert found.learned["cart"] > 5 * found.learned["view"]
    assert found.recall_learned > found.recall_given
    assert found.weights["cart"] == found.learned["cart"]
    assert found.purchases == (210, 90)
    assert "used" in found.sentence
    assert items.dimension == DIMENSION


def test_weights_that_are_no_better_are_not_used(wide_items):
    given = {**WEIGHTS, "view": 0.0, "cart": 5.0}
    found = learn_weights(
        interactions(shop_where_carts_tell(300, 0), neighbouring(wide_items)),
        given,
        half_life=None,
        seed=0,
    )
    assert found.recall_learned <= found.recall_given
    assert found.weights == given
    assert "no better" in found.sentence


def test_the_last_purchases_do_not_change_what_is_learned(wide_items):
    """Out of time: the fit sees the earlier purchases only."""
    items = neighbouring(wide_items)
    log = shop_where_carts_tell(300, 0)
    last = log.with_row_index().filter(pl.col("event_type") == "purchase")["index"].tail(80).to_list()
    other = log.with_columns(
        pl.when(pl.int_range(pl.len()).is_in(last)).then(pl.lit("0000")).otherwise("item_id").alias("item_id")
    )
    first = learn_weights(interactions(log, items), WEIGHTS, half_life=None, seed=0)
    again = learn_weights(interactions(other, items), WEIGHTS, half_life=None, seed=0)
    assert first.learned == again.learned
    assert first.recall_learned != again.recall_learned


def test_too_few_purchases_are_one_sentence(wide_items):
    with pytest.raises(DataError, match=r"Only 20 purchases have events before them; weights need 72"):
        learn_weights(interactions(shop_where_carts_tell(20, 0), wide_items), WEIGHTS, half_life=None, seed=0)
