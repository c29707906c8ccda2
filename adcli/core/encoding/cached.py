"""Encoding with a store: what was computed once, by any command, is not computed again."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Sequence

import numpy as np

from adcli.arrays import Floats32, Integers
from adcli.core.compute.batching import chunks, distinct
from adcli.core.encoding.encoder import CHUNK_TEXTS, Encoder, Progress
from adcli.core.encoding.store import VectorStore

KEEP_EVERY_S = 0.5


def encode_cached(
    encoder: Encoder, texts: Sequence[str], store: VectorStore, progress: Progress | None = None
) -> Floats32:
    """(n, dimension) unit vectors, one for each text, from the store where it has them.

    Args:
        encoder: Computes what the store does not have.
        texts: The texts.
        store: A store of this encoder's vectors; gains those that are computed.
        progress: Called with the number of further texts that are done.
    """
    vectors = np.empty((len(texts), encoder.dimension), np.float32)
    done = 0
    for block in encode_cached_stream(encoder, texts, store, progress):
        vectors[done : done + len(block)] = block
        done += len(block)
    return vectors


def encode_cached_stream(
    encoder: Encoder, texts: Iterable[str], store: VectorStore, progress: Progress | None = None
) -> Iterator[Floats32]:
    """Blocks of unit vectors in the texts' order, in memory that does not grow with their number.

    What is computed is kept every half second, so a killed run loses no more than that.
    """
    for chunk in chunks(texts, CHUNK_TEXTS):
        once, place = distinct(chunk)
        known, vectors = store.find(once)
        if progress is not None:
            progress(int(known[place].sum()))
        missing = np.flatnonzero(~known)
        repeats = np.bincount(place, minlength=len(once))
        for positions, block in _computed(encoder, [once[i] for i in missing], store):
            vectors[missing[positions]] = block
            if progress is not None:
                progress(int(repeats[missing[positions]].sum()))
        yield vectors[place]


def _computed(
    encoder: Encoder, texts: Sequence[str], store: VectorStore
) -> Iterator[tuple[Integers, Floats32]]:
    """What the encoder has ready, after it went into the store."""
    ready: list[tuple[Integers, Floats32]] = []
    kept_at = time.monotonic()
    for found in encoder.encode_as_ready(texts):
        ready.append(found)
        if time.monotonic() - kept_at > KEEP_EVERY_S:
            yield _kept(ready, texts, store)
            ready, kept_at = [], time.monotonic()
    if ready:
        yield _kept(ready, texts, store)


def _kept(
    ready: Sequence[tuple[Integers, Floats32]], texts: Sequence[str], store: VectorStore
) -> tuple[Integers, Floats32]:
    positions = np.concatenate([positions for positions, _ in ready])
    vectors = np.concatenate([vectors for _, vectors in ready])
    store.add([texts[i] for i in positions], vectors)
    return positions, vectors
