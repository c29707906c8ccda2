"""A loaded encoder: from texts over tokens and batches to unit vectors."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple, Protocol

import numpy as np
import numpy.typing as npt

from adcli.core.batching import IntArray, plan_batches_of_texts
from adcli.core.forward import ForwardPass, PackedBatch
from adcli.core.pooling import Mode, pool
from adcli.core.tokens import TextReader, Tokens
from adcli.core.windows import WindowAverage
from adcli.core.workers import run_on_workers

FloatArray = npt.NDArray[np.float32]
Ready = tuple[IntArray, FloatArray]


class Engine(Protocol):
    """Whatever computes vectors: this process's model, or several processes."""

    def encode_as_ready(self, texts: Sequence[str]) -> Iterator[Ready]:
        """Positions of texts and their unit vectors, each text once, in any order."""
        ...


class LocalEngine(NamedTuple):
    """A model in this process.

    Attributes:
        reader: Makes tokens of texts.
        forward: Makes token states of tokens.
        mode: Makes vectors of token states.
        workers: Threads that each compute a batch.
        token_budget: Tokens of a batch.
    """

    reader: TextReader
    forward: ForwardPass
    mode: Mode
    workers: int
    token_budget: int

    def encode_as_ready(self, texts: Sequence[str]) -> Iterator[Ready]:
        """Positions of texts and their unit vectors as batches are done."""
        tokens = self.reader.read(texts)
        average = WindowAverage(tokens.owner, tokens.lengths)
        batches = plan_batches_of_texts(
            tokens.owner,
            tokens.lengths,
            token_budget=self.token_budget,
            max_padding=self.forward.max_padding,
        )

        def compute(windows: IntArray) -> Ready:
            return windows, self._pooled(tokens, windows)

        for windows, pooled in run_on_workers(compute, batches, workers=self.workers):
            positions, vectors = average.add(windows, pooled)
            if len(positions):
                yield positions, unit(vectors)

    def _pooled(self, tokens: Tokens, windows: IntArray) -> FloatArray:
        batch = PackedBatch.of(tokens.flat(windows), tokens.lengths[windows])
        pooled: FloatArray = pool(self.forward(batch), batch.groups, self.mode).cpu().numpy()
        return pooled


def gather_ready(engine: Engine, texts: Sequence[str], dimension: int) -> FloatArray:
    """(n, dimension) vectors in the texts' order."""
    vectors = np.empty((len(texts), dimension), np.float32)
    for positions, block in engine.encode_as_ready(texts):
        vectors[positions] = block
    return vectors


def unit(vectors: FloatArray) -> FloatArray:
    """The vectors at length 1: (n, dimension) each."""
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    scaled: FloatArray = vectors / np.maximum(lengths, np.float32(1e-12))
    return scaled
