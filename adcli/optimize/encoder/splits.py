"""What is learned from, what decides when to stop, and what is scored in the end.

Pairs are split in time: training ends before validation begins, and validation before the test. Texts and
labelled texts are split at random, equal texts into the same part.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import datetime
from typing import Final, Generic, NamedTuple, TypeVar

import numpy as np
import polars as pl

from adcli.core.training.examples import Labelled, LabelProbe, Pairs, Retrieval, Texts
from adcli.optimize.encoder.association import associated

HELD_OUT: Final = 0.1  # half of it for validation, half for the test
HELD_OUT_LABELLED: Final = 0.3
MOST_QUERIES: Final = 500
MOST_DOCUMENTS: Final = 1_000
MOST_PROBED: Final = 2_000
RECALL_AT: Final = 10
LEAST_WORDS: Final = 4

Material = TypeVar("Material", Pairs, Texts, Labelled)


class Split(NamedTuple, Generic[Material]):
    """Material of one kind.

    Attributes:
        train: What is learned from.
        validation: The evaluation that decides when to stop; None if nothing was left for it.
        test: The one that is reported; None if nothing was left for it.
    """

    train: Material
    validation: Retrieval | LabelProbe | None
    test: Retrieval | LabelProbe | None


def split_pairs(pairs: pl.DataFrame, documents: Sequence[str], *, seed: int) -> Split[Pairs]:
    """The earlier pairs that say something; of the later ones, which of all documents belongs to an anchor.

    Args:
        pairs: `anchor positive event_time source`, in the order of time.
        documents: Texts among which positives are to be found.
        seed: Of what is asked where there is much.
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
    """Most labelled texts to learn from; of the others, how well their labels are told."""
    part = _parts(labelled.texts, HELD_OUT_LABELLED, seed)
    train, validation, test = (_those(labelled, np.flatnonzero(part == p)) for p in (0, 1, 2))
    order = np.random.default_rng(seed).permutation(len(train.texts))[:MOST_PROBED]
    known = _those(train, order)
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
    """A number from 0 to 1 that hangs on the text and the seed."""
    digest = hashlib.sha256(f"{seed}\0{text}".encode()).digest()
    return int.from_bytes(digest[:8], "big") / 2**64


def _those(labelled: Labelled, places: np.ndarray) -> Labelled:
    return Labelled(
        [labelled.texts[i] for i in places], [int(labelled.labels[i]) for i in places], labelled.names
    )
