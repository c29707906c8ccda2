"""A loaded encoder: from texts over tokens and batches to unit vectors."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from adcli.arrays import Floats32, Integers
from adcli.core.compute.batching import plan_batches_of_texts
from adcli.core.compute.forward import ForwardPass, PackedBatch
from adcli.core.compute.workers import run_on_workers
from adcli.core.encoding.pooling import Mode, pool
from adcli.core.encoding.tokens import TextReader, Tokens

Ready = tuple[Integers, Floats32]


class WindowAverage:
    """Averages the vectors of each text's windows, weighted by their tokens.

    Windows may come in any order: a text is averaged when all of its windows are there, always in the order
    they have in the text, so that the result is the same to the last bit.

    `owner` (windows,) position of the text each window belongs to, ascending; `lengths` (windows,) tokens of
    each.
    """

    def __init__(self, owner: Integers, lengths: Integers) -> None:
        self._owner, self._lengths = owner, lengths
        self._windows = np.bincount(owner)
        self._first = np.cumsum(self._windows) - self._windows
        self._waiting: dict[int, dict[int, Floats32]] = {}

    def add(self, windows: Integers, vectors: Floats32) -> tuple[Integers, Floats32]:
        """The texts that are now complete and their averaged vectors."""
        texts = self._owner[windows]
        alone = self._windows[texts] == 1
        done, averages = [], []
        for window, text, vector in zip(windows[~alone], texts[~alone], vectors[~alone], strict=True):
            parts = self._waiting.setdefault(int(text), {})
            parts[int(window)] = vector
            if len(parts) == self._windows[text]:
                done.append(int(text))
                averages.append(self._average(int(text)))
        if not done:
            return texts[alone], vectors[alone]
        return np.concatenate([texts[alone], done]), np.concatenate([vectors[alone], averages])

    def _average(self, text: int) -> Floats32:
        parts = self._waiting.pop(text)
        windows = self._first[text] + np.arange(self._windows[text])
        stacked = np.stack([parts[int(window)] for window in windows]).astype(np.float64)
        average: Floats32 = np.average(stacked, axis=0, weights=self._lengths[windows]).astype(np.float32)
        return average


class Task(NamedTuple):
    """A batch to be computed."""

    first: int  # position of the first text that was read with it
    tokens: Tokens  # the windows of all texts that were read with it
    average: WindowAverage  # joins the windows of a text
    windows: Integers  # the batch's own


class LocalEngine(NamedTuple):
    """A model in this process."""

    reader: TextReader  # makes tokens of texts
    forward: ForwardPass  # makes token states of tokens
    mode: Mode  # makes vectors of token states
    workers: int  # threads that each compute a batch
    token_budget: int  # tokens of a batch
    # texts that are made into tokens before the first of them are computed; None for all, which lets most
    # batches be of one length. An accelerator gains more by not waiting for tokens
    read_at_once: int | None = None

    def encode_as_ready(self, texts: Sequence[str]) -> Iterator[Ready]:
        """Positions of texts and their unit vectors as batches are done."""
        for task, pooled in run_on_workers(self._pooled, self._tasks(texts), workers=self.workers):
            positions, vectors = task.average.add(task.windows, pooled)
            if len(positions):
                yield task.first + positions, unit(vectors)

    def token_vectors(self, texts: Sequence[str]) -> list[Floats32]:
        """One (tokens, width) array of unit vectors for each text, from the last layer, for BERTScore.

        What the reader puts around every text (special tokens, a prompt) is left out; tokens that two windows
        of a long text share come twice.
        """
        if not texts:
            return []
        tokens, around = self.reader.read(texts), np.unique(self.reader.read([""]).ids)
        found: list[Floats32] = [np.empty(0, np.float32)] * len(tokens.lengths)

        def fill(windows: Integers) -> None:
            batch = PackedBatch.of(tokens.flat(windows), tokens.lengths[windows])
            states = unit(self.forward(batch).float().cpu().numpy())
            is_own, ends = ~np.isin(batch.ids, around), np.cumsum(batch.lengths)
            for window, start, end in zip(windows, ends - batch.lengths, ends, strict=True):
                found[window] = states[start:end][is_own[start:end]]

        for _ in run_on_workers(fill, self.batches(tokens), workers=self.workers):
            pass
        first = np.searchsorted(tokens.owner, np.arange(len(texts) + 1))
        return [np.concatenate(found[start:stop]) for start, stop in pairwise(first)]

    def _tasks(self, texts: Sequence[str]) -> Iterator[Task]:
        """The batches of the texts; tokens are made as workers become free."""
        size = self.read_at_once or len(texts)
        for first in range(0, len(texts), size):
            tokens = self.reader.read(texts[first : first + size])
            average = WindowAverage(tokens.owner, tokens.lengths)
            for windows in self.batches(tokens):
                yield Task(first, tokens, average, windows)

    def batches(self, tokens: Tokens) -> Iterator[Integers]:
        """The windows of each batch of what was read."""
        return plan_batches_of_texts(
            tokens.owner, tokens.lengths, token_budget=self.token_budget, max_padding=self.forward.max_padding
        )

    def _pooled(self, task: Task) -> tuple[Task, Floats32]:
        lengths = task.tokens.lengths[task.windows]
        batch = PackedBatch.of(task.tokens.flat(task.windows), lengths)
        return task, pool(self.forward(batch), lengths, self.mode).cpu().numpy()


def gather_ready(engine: LocalEngine, texts: Sequence[str], dimension: int) -> Floats32:
    """(n, dimension) vectors in the texts' order."""
    vectors = np.empty((len(texts), dimension), np.float32)
    for positions, block in engine.encode_as_ready(texts):
        vectors[positions] = block
    return vectors


def unit(vectors: Floats32) -> Floats32:
    """The vectors at length 1: (n, dimension) each."""
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    scaled: Floats32 = vectors / np.maximum(lengths, np.float32(1e-12))
    return scaled
