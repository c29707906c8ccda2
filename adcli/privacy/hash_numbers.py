"""Hashes of 64 bits numbered as they come: what is known of millions of values is found in a moment."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

FIRST_SLOTS = 1 << 12


class HashNumbers:
    """Hashes numbered from 1 in the order in which they came: a table with open addressing."""

    def __init__(self) -> None:
        self._hashes = np.zeros(FIRST_SLOTS, np.uint64)
        self._numbers = np.zeros(FIRST_SLOTS, np.uint32)
        self._count = 0

    def of(self, hashes: npt.NDArray[np.uint64]) -> npt.NDArray[np.uint32]:
        """(n,) the number of each hash, 0 of those that have none."""
        return self._numbers[self._slots(hashes)]

    def add(self, hashes: npt.NDArray[np.uint64]) -> None:
        """Number further hashes; each of the hashes gets one, whether or not it had one."""
        numbers = np.arange(self._count + 1, self._count + 1 + len(hashes), dtype=np.uint32)
        self._count += len(hashes)
        if 3 * self._count > len(self._hashes):
            taken = self._numbers > 0
            old = self._hashes[taken], self._numbers[taken]
            self._hashes = np.zeros(1 << (4 * self._count).bit_length(), np.uint64)
            self._numbers = np.zeros(len(self._hashes), np.uint32)
            self._put(*old)
        self._put(hashes, numbers)

    def _put(self, hashes: npt.NDArray[np.uint64], numbers: npt.NDArray[np.uint32]) -> None:
        while len(hashes):
            slots = self._slots(hashes)
            self._hashes[slots], self._numbers[slots] = hashes, numbers
            is_lost = self._hashes[slots] != hashes  # another hash took the same free slot
            hashes, numbers = hashes[is_lost], numbers[is_lost]

    def _slots(self, hashes: npt.NDArray[np.uint64]) -> npt.NDArray[np.intp]:
        """(n,) the slot of each hash, or the free one that it would take."""
        slots = (hashes & np.uint64(len(self._hashes) - 1)).astype(np.intp)
        looking = np.arange(len(hashes))
        while len(looking):
            there = slots[looking]
            is_other = (self._numbers[there] > 0) & (self._hashes[there] != hashes[looking])
            looking = looking[is_other]
            slots[looking] = (slots[looking] + 1) % len(self._hashes)
        return slots
