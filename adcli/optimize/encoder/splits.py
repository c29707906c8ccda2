"""What is learned from, what decides when to stop, and what is scored in the end.

Behaviour is split in time: training ends before validation begins, and validation before the test. Texts and
labelled texts are split at random, equal texts into the same part.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import datetime
from typing import Final, Generic, NamedTuple, TypeVar

import numpy as np
import polars as pl

from adcli.core.training.encoder.evaluations import HeldOut, LabelProbe, NextItems, Retrieval
from adcli.core.training.encoder.examples import Labelled, Pairs, Texts
from adcli.optimize.encoder.association import associated
from adcli.optimize.encoder.behaviour_pairs import frequent_items

HELD_OUT: Final = 0.1  # half of it for validation, half for the test
HELD_OUT_LABELLED: Final = 0.3
MOST_QUERIES: Final = 500
MOST_DOCUMENTS: Final = 1_000
MOST_PROBED: Final = 2_000
RECALL_AT: Final = 10
MOST_ITEMS: Final = 5_000
LEAST_WORDS: Final = 4

Material = TypeVar("Material", Pairs, Texts, Labelled)


class Split(NamedTuple, Generic[Material]):
    """Material of one kind."""

    train: Material  # what is learned from
    validation: HeldOut | None  # the evaluation that decides when to stop; None if nothing was left for it
    test: HeldOut | None  # the one that is reported; None if nothing was left for it


def split_pairs(pairs: pl.DataFrame, documents: Sequence[str], *, seed: int) -> Split[Pairs]:
    """The earlier pairs that say something; of the later ones, which of all documents belongs to an anchor.

    `pairs`: `anchor positive event_time source`, in the order of time; `documents`: texts among which
    positives are to be found; `seed`: of what is asked where there is much.
    """
    since = held_out_since(pairs)
    if since is None:
        return Split(_as_pairs(associated(pairs)), None, None)
    train = pairs.filter(pl.col("event_time") < since)
    later = pairs[train.height :]
    middle = (later.height + 1) // 2
    validation, test = later[:middle], later[middle:]
    return Split(
        _as_pairs(associated(train)),
        _retrieval(validation, documents, seed),
        _retrieval(test, documents, seed + 1),
    )


def with_next_items(
    split: Split[Pairs], taken: pl.DataFrame, since: datetime | None, *, seed: int
) -> Split[Pairs]:
    """The split, asked about what customers take next where some were there before; as it is where none were.

    Args:
        split: Of the pairs.
        taken: `user_id event_time text` of all that was taken.
        since: When training ends; the later half of what was taken after it is the test.
        seed: Of which customers are asked about.
    """
    later = taken["event_time"].filter(taken["event_time"] >= since).sort() if since is not None else ()
    if not len(later):
        return split
    middle = later[len(later) // 2]
    validation = next_items(taken.filter(pl.col("event_time") < middle), since, seed=seed)
    test = next_items(taken, middle, seed=seed + 1)
    return split if validation is None or test is None else Split(split.train, validation, test)


def next_items(taken: pl.DataFrame, since: datetime | None, *, seed: int) -> NextItems | None:
    """What customers took before and after a time, of the most frequent items; None if nobody did both."""
    items = frequent_items(taken, MOST_ITEMS)
    rows = taken.join(items, on="text").select("user_id", "item", is_later=pl.col("event_time") >= since)
    sides = rows.group_by("user_id").agg(pl.col("is_later").n_unique()).filter(pl.col("is_later") == 2)
    if not sides.height:
        return None
    able = sides["user_id"].sort()
    asked = able.gather(np.sort(np.random.default_rng(seed).permutation(len(able))[:MOST_QUERIES]))
    known = rows.join(pl.DataFrame({"user_id": asked}).with_row_index("customer"), on="user_id")
    before = known.filter(~pl.col("is_later")).sort("customer", "item")
    later = known.filter("is_later").unique(["customer", "item"]).sort("customer", "item")
    return NextItems(
        items["text"].to_list(),
        before["customer"].to_list(),
        before["item"].to_list(),
        later["customer"].to_list(),
        later["item"].to_list(),
    )


def held_out_since(pairs: pl.DataFrame) -> datetime | None:
    """The time from which on pairs are held out; None if all are of one time, so that nothing is later."""
    times = pairs["event_time"]
    since: datetime = times[int((1 - HELD_OUT) * pairs.height)]
    return since if times[0] < since else None


def split_texts(texts: Sequence[str], *, seed: int) -> Split[Texts]:
    """Most texts to learn from; of the others, which second half belongs to a first half."""
    distinct = list(dict.fromkeys(text for text in texts if text.strip()))
    part = _parts(distinct, HELD_OUT, seed)
    held = [_halves([text for text, its in zip(distinct, part, strict=True) if its == p]) for p in (1, 2)]
    train = [text for text, its in zip(distinct, part, strict=True) if its == 0]
    return Split(Texts(train), *held)


def split_labelled(labelled: Labelled, *, seed: int) -> Split[Labelled]:
    """Most labelled texts to learn from; of the others, how well their labels are predicted.

    Where a label would be in none of what is left to learn from, nothing is held out.
    """
    part = _parts(labelled.texts, HELD_OUT_LABELLED, seed)
    train, validation, test = (labelled.those(np.flatnonzero(part == p)) for p in (0, 1, 2))
    if set(train.labels) != set(labelled.labels):
        return Split(labelled, None, None)
    order = np.random.default_rng(seed).permutation(len(train.texts))[:MOST_PROBED]
    known = train.those(order)
    probes = [
        LabelProbe(known, part) if len(set(known.labels)) > 1 and part.texts else None
        for part in (validation, test)
    ]
    return Split(train, *probes)


def _as_pairs(pairs: pl.DataFrame) -> Pairs:
    return Pairs(pairs["anchor"].to_list(), pairs["positive"].to_list())


def _retrieval(pairs: pl.DataFrame, documents: Sequence[str], seed: int) -> Retrieval | None:
    """Some of the pairs as questions, their answers among a random part of all documents."""
    if not pairs.height:
        return None
    generator = np.random.default_rng(seed)
    distinct = pairs.unique(["anchor", "positive"], maintain_order=True)
    asked = distinct[np.sort(generator.permutation(distinct.height)[:MOST_QUERIES])]
    others = [documents[i] for i in generator.permutation(len(documents))[:MOST_DOCUMENTS]]
    offered = list(dict.fromkeys([*asked["positive"].to_list(), *others]))[:MOST_DOCUMENTS]
    at = {text: place for place, text in enumerate(offered)}
    relevant = [at[text] for text in asked["positive"]]
    return Retrieval(asked["anchor"].to_list(), offered, relevant, RECALL_AT)


def _halves(texts: Sequence[str]) -> Retrieval | None:
    words = [text.split() for text in texts]
    long = [its for its in words if len(its) >= LEAST_WORDS][:MOST_QUERIES]
    first = [" ".join(its[: len(its) // 2]) for its in long]
    second = [" ".join(its[len(its) // 2 :]) for its in long]
    offered = list(dict.fromkeys(second))
    at = {text: place for place, text in enumerate(offered)}
    return Retrieval(first, offered, [at[text] for text in second], RECALL_AT) if long else None


def _parts(texts: Sequence[str], held_out: float, seed: int) -> np.ndarray:
    """(n,) 0 to learn from, 1 for validation, 2 for the test; equal texts are in one part."""
    drawn = np.array([_share(text, seed) for text in texts])
    return np.where(drawn < held_out / 2, 1, np.where(drawn < held_out, 2, 0))


def _share(text: str, seed: int) -> float:
    """A number from 0 to 1 that depends on the text and the seed."""
    digest = hashlib.sha256(f"{seed}\0{text}".encode()).digest()
    return int.from_bytes(digest[:8], "big") / 2**64
