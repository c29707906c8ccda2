"""Collaborative vectors of items, by who took what: the teacher of an encoder that reads their texts.

    taken = baskets(taken_items(events))
    vectors = collaborative_vectors(taken, 384, seed=0)

An item begins as the customers that took it, brought down to a few dimensions, and is then learned: the mean
of a customer's other baskets is to find the items of this one.

Source: Barkan, Koenigstein, Yogev and Katz, "CB2CF: A Neural Multiview Content-to-Collaborative Filtering
Model for Completely Cold Item Recommendations" (2019), for distilling such vectors into a model of texts;
Levy and Goldberg, "Neural Word Embedding as Implicit Matrix Factorization" (2014), section 4, for the root of
the singular values; Liang et al., "Variational Autoencoders for Collaborative Filtering" (2018), equation 2,
for the likelihood of all items that were taken.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np
import polars as pl

from adcli.arrays import Floats32, Integers
from adcli.core.training.encoder.examples import Pairs, TeacherVectors
from adcli.optimize.encoder.behaviour_pairs import frequent_items
from adcli.optimize.encoder.replay import SHARE

if TYPE_CHECKING:
    import torch
    from scipy.sparse import csr_array


MOST_ITEMS: Final = 50_000  # each step compares with all of them
MOST_BASKETS: Final = 200  # of a customer, the last ones: a robot has no say of its own
PASSES: Final = 2  # over the baskets: after more, later purchases are found less often
AT_ONCE: Final = 256
TEMPERATURE: Final = 0.07
LEARNING_RATE: Final = 1e-3
SUPPORT: Final = 1.0  # customers that a text's own meaning is worth


class Baskets(NamedTuple):
    """What was taken together: rows of items, those of one basket or session one after another."""

    texts: list[str]  # (items,) what the items say
    item: Integers  # (rows,) place of the item in `texts`
    customer: Integers  # (rows,) number of the customer
    basket: Integers  # (rows,) number of the basket, ascending


def baskets(taken: pl.DataFrame) -> Baskets:
    """Baskets from what was taken.

    A basket is a session of a customer with several, else what was taken at one moment; of a customer with a
    single one, its halves are two. Items of the same text are one item; the most frequent 50,000 are kept.

    `taken`: `user_id event_time session_id text`, by user and time.
    """
    items = frequent_items(taken, MOST_ITEMS)
    session, moment = pl.col("session_id").fill_null(""), pl.col("event_time")
    by_session = session.n_unique().over("user_id") > 1
    number = (
        pl.when(by_session)
        .then(session.rank("dense").over("user_id"))
        .otherwise(moment.rank("dense").over("user_id"))
    )
    single = number.n_unique().over("user_id") == 1
    rows = (
        taken.join(items, on="text", maintain_order="left")
        .with_columns(
            pl.when(single).then(pl.int_range(pl.len()).over("user_id") % 2).otherwise(number).alias("basket")
        )
        .filter(pl.col("basket") > pl.col("basket").max().over("user_id") - MOST_BASKETS)
        .sort("user_id", "basket", maintain_order=True)
        .select(
            "item",
            pl.col("user_id").rank("dense").alias("customer"),
            pl.struct("user_id", "basket").rle_id().alias("basket"),
        )
    )
    return Baskets(
        items["text"].to_list(),
        *(rows[name].to_numpy().astype(np.int64) for name in ("item", "customer", "basket")),
    )


def collaborative_vectors(taken: Baskets, dimension: int, *, seed: int) -> Floats32:
    """(items, dimension) unit vectors, near to each other where the same customers take both.

    `taken`: the baskets; `dimension`: of the vectors; `seed`: of the order in which baskets are learned from.
    """
    import torch

    by_customer, by_basket, owner = _counts(taken)
    vectors = torch.nn.Parameter(torch.from_numpy(_singular_vectors(by_customer, dimension, seed)))
    optimizer = torch.optim.Adam([vectors], lr=LEARNING_RATE)
    has_others = by_customer.sum(axis=1)[owner] > by_basket.sum(axis=1)
    generator, learned_from = np.random.default_rng(seed), np.flatnonzero(has_others)
    order = np.concatenate([generator.permutation(learned_from) for _ in range(PASSES)])
    for start in range(0, len(order), AT_ONCE):
        asked = order[start : start + AT_ONCE]
        others = by_customer[owner[asked]] - by_basket[asked]
        found = by_basket[asked].sign()
        units = torch.nn.functional.normalize(vectors, dim=-1)
        means = torch.nn.functional.normalize(_sums(others, units), dim=-1)
        chances = torch.log_softmax(means @ units.T / TEMPERATURE, dim=-1)
        wanted = torch.from_numpy((found / found.sum(axis=1)[:, None]).toarray())
        loss = -(chances * wanted).sum() / len(asked)
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
    return _units(vectors.detach().numpy())


def teacher_vectors(
    taken: Baskets,
    pairs: Pairs,
    earlier: Sequence[str],
    encode: Callable[[Sequence[str]], Floats32],
    *,
    seed: int,
) -> TeacherVectors:
    """The vectors that an encoder is to learn: of items, queries and texts that it is not to forget.

    A query is to be where the items are that were taken after it. Of the earlier texts some stay where they
    are, at most a quarter of all.

    Args:
        taken: The baskets.
        pairs: Queries with what was taken after them, and others.
        earlier: Texts that the encoder learned before.
        encode: The encoder as it is.
        seed: Of the collaborative vectors, and of which earlier texts.

    Source: Li and Hoiem, "Learning without Forgetting" (2016), for a model as its own teacher.
    """
    items = dict(zip(taken.texts, item_vectors(taken, encode(taken.texts), seed=seed), strict=True))
    queries: dict[str, Floats32] = {}
    for query, found in zip(pairs.anchors, pairs.positives, strict=True):
        if query not in items and found in items:
            queries[query] = queries.get(query, 0) + items[found]
    others = [text for text in dict.fromkeys(earlier) if text not in items and text not in queries]
    most = round((len(items) + len(queries)) * SHARE / (1 - SHARE))
    kept = [others[i] for i in np.sort(np.random.default_rng(seed).permutation(len(others))[:most])]
    vectors = [*items.values(), *queries.values(), *(encode(kept) if kept else ())]
    return TeacherVectors([*items, *queries, *kept], _units(np.stack(vectors)))


def item_vectors(taken: Baskets, before: Floats32, *, seed: int) -> Floats32:
    """(items, dimension) unit vectors to teach an encoder: the collaborative ones, as it may come to them.

    They are turned to where the encoder has the items, which changes none of their similarities. An item that
    few customers took keeps a part of what it says.

    Args:
        taken: The baskets.
        before: (items, dimension) the encoder's own unit vectors of the texts.
        seed: Of the collaborative vectors.

    Source: Schönemann, "A generalized solution of the orthogonal Procrustes problem" (1966).
    """
    from scipy.linalg import orthogonal_procrustes

    vectors = collaborative_vectors(taken, before.shape[1], seed=seed)
    rotation, _ = orthogonal_procrustes(vectors, before)
    by_customer, _, _ = _counts(taken)
    customers = by_customer.sign().sum(axis=0)[:, None]
    return _units((customers * (vectors @ rotation) + SUPPORT * before) / (customers + SUPPORT))


def _counts(taken: Baskets) -> tuple[csr_array, csr_array, Integers]:
    """How often each customer took each item, how often it is in each basket, and whose each basket is."""
    from scipy.sparse import csr_array

    once, items = np.ones(len(taken.item), np.float32), len(taken.texts)
    _, first = np.unique(taken.basket, return_index=True)
    by_customer, by_basket = (
        csr_array((once, (of, taken.item)), shape=(int(of.max()) + 1, items))
        for of in (taken.customer, taken.basket)
    )
    return by_customer, by_basket, taken.customer[first]


def _singular_vectors(by_customer: csr_array, dimension: int, seed: int) -> Floats32:
    """(items, dimension) who took each item, weighted by TF-IDF, along the leading principal directions."""
    from sklearn.feature_extraction.text import TfidfTransformer
    from sklearn.utils.extmath import randomized_svd

    weighted = TfidfTransformer().fit_transform(by_customer.sign().T)
    directions, strength, _ = randomized_svd(
        weighted, min(dimension, *weighted.shape), n_iter=6, random_state=seed
    )
    found = directions * np.sqrt(strength)
    return _units(np.pad(found, ((0, 0), (0, dimension - found.shape[1]))))


def _sums(counts: csr_array, vectors: torch.Tensor) -> torch.Tensor:
    """(rows, dimension) the vectors of each row's items, as often as it counts them."""
    import torch

    ends, items = (torch.from_numpy(part.astype(np.int64)) for part in (counts.indptr, counts.indices))
    return torch.nn.functional.embedding_bag(
        items,
        vectors,
        ends,
        mode="sum",
        per_sample_weights=torch.from_numpy(counts.data),
        include_last_offset=True,
    )


def _units(vectors: Floats32) -> Floats32:
    from sklearn.preprocessing import normalize

    units: Floats32 = normalize(vectors)
    return units
