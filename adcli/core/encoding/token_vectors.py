"""Texts in, one unit vector for each of their tokens out: what BERTScore compares."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from adcli.core.compute.batching import IntArray
from adcli.core.compute.forward import PackedBatch
from adcli.core.compute.workers import run_on_workers
from adcli.core.encoding.engine import FloatArray, LocalEngine, unit
from adcli.core.encoding.tokens import Tokens


def token_vectors(engine: LocalEngine, texts: Sequence[str]) -> list[FloatArray]:
    """One (tokens, width) array of unit vectors for each text, from the model's last layer.

    What the reader puts around every text (special tokens, the model's own prompt) is left out. The tokens
    that two windows of a long text share come twice.

    Args:
        engine: A loaded encoder.
        texts: The texts; one without tokens has an array of no rows.
    """
    if not texts:
        return []
    tokens = engine.reader.read(texts)
    around = np.unique(engine.reader.read([""]).ids)

    def compute(windows: IntArray) -> tuple[IntArray, list[FloatArray]]:
        return windows, _states(engine, tokens, windows, around)

    found: list[FloatArray] = [np.empty((0, engine.forward.width), np.float32)] * len(tokens.lengths)
    for windows, vectors in run_on_workers(compute, engine.batches(tokens), workers=engine.workers):
        for window, its in zip(windows, vectors, strict=True):
            found[window] = its
    first = np.searchsorted(tokens.owner, np.arange(len(texts) + 1))
    return [np.concatenate(found[start:stop]) for start, stop in pairwise(first)]


def _states(
    engine: LocalEngine, tokens: Tokens, windows: IntArray, around: npt.NDArray[np.int32]
) -> list[FloatArray]:
    """The unit vectors of each window's own tokens."""
    batch = PackedBatch.of(tokens.flat(windows), tokens.lengths[windows])
    states: FloatArray = unit(engine.forward(batch).float().cpu().numpy())
    is_own = ~np.isin(batch.ids, around)
    ends = np.cumsum(batch.lengths)
    return [
        states[end - length : end][is_own[end - length : end]]
        for end, length in zip(ends, batch.lengths, strict=True)
    ]
