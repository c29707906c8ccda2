"""128-bit keys to places, in 24 bytes a key."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from adcli.core.compute.batching import IntArray

Keys = npt.NDArray[np.uint64]


class KeyIndex:
    """Keys, and the block and row where each lies. Of equal keys the one added last is found."""

    def __init__(self) -> None:
        self._keys: Keys = np.empty((0, 2), np.uint64)
        self._places: IntArray = np.empty(0, np.int64)
        self._added: list[tuple[Keys, IntArray]] = []

    def add(self, keys: Keys, block: int) -> None:
        """The keys of a block's rows.

        Args:
            keys: (n, 2) halves of 128-bit hashes.
            block: The number of the block.
        """
        self._added.append((keys, (block << 32) + np.arange(len(keys))))

    def find(self, keys: Keys) -> tuple[npt.NDArray[np.bool_], IntArray, IntArray]:
        """Whether each key is known, and its block and row, which mean nothing where it is not.

        Args:
            keys: (n, 2) halves of 128-bit hashes.
        """
        self._sort_in()
        if not len(self._keys):
            nowhere = np.zeros(len(keys), np.int64)
            return np.zeros(len(keys), np.bool_), nowhere, nowhere
        last = np.searchsorted(self._keys[:, 0], keys[:, 0], side="right") - 1
        known = (self._keys[last] == keys).all(axis=1)
        place = self._places[last]
        return known, place >> 32, place & 0xFFFFFFFF

    def _sort_in(self) -> None:
        if self._added:
            keys = np.concatenate([keys for keys, _ in self._added])
            places = np.concatenate([places for _, places in self._added])
            order = np.argsort(keys[:, 0], kind="stable")
            at = np.searchsorted(self._keys[:, 0], keys[order, 0], side="right")
            self._keys = np.insert(self._keys, at, keys[order], axis=0)
            self._places = np.insert(self._places, at, places[order])
            self._added = []
