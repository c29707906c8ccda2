"""The windows of long texts back together."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from adcli.core.compute.batching import IntArray

FloatArray = npt.NDArray[np.float32]


class WindowAverage:
    """Averages the vectors of each text's windows, weighted by their tokens.

    Windows may come in any order: a text is averaged when all of its windows are there, always in the order
    they have in the text, so that the result is the same to the last bit.

    Args:
        owner: (windows,) position of the text each window belongs to, ascending.
        lengths: (windows,) tokens of each.
    """

    def __init__(self, owner: IntArray, lengths: IntArray) -> None:
        self._owner, self._lengths = owner, lengths
        self._windows = np.bincount(owner)
        self._first = np.cumsum(self._windows) - self._windows
        self._waiting: dict[int, dict[int, FloatArray]] = {}

    def add(self, windows: IntArray, vectors: FloatArray) -> tuple[IntArray, FloatArray]:
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

    def _average(self, text: int) -> FloatArray:
        parts = self._waiting.pop(text)
        windows = self._first[text] + np.arange(self._windows[text])
        stacked = np.stack([parts[int(window)] for window in windows]).astype(np.float64)
        average: FloatArray = np.average(stacked, axis=0, weights=self._lengths[windows]).astype(np.float32)
        return average
