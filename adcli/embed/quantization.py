"""Vectors in a quarter or a thirty-second of their size.

int8: each vector is scaled so that its largest number is 127, and rounded; cosines need no scale beside it.
binary: the sign of each number as one bit; similarity is the share of equal bits (Hamming).
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from adcli.embed.vectors import FloatArray

_LARGEST = 127.0


def to_int8(vectors: FloatArray) -> npt.NDArray[np.int8]:
    """(n, d) vectors as integers from -127 to 127, each vector with its own scale."""
    largest = np.abs(vectors).max(axis=1, keepdims=True, initial=0.0)
    return np.asarray(np.rint(vectors / np.where(largest > 0, largest, 1) * _LARGEST), np.int8)


def to_bits(vectors: FloatArray) -> npt.NDArray[np.uint8]:
    """(n, ceil(d / 8)) signs, packed: bit 1 for a number above 0, the first number in the highest bit."""
    return np.packbits(vectors > 0, axis=1)


def from_bits(bits: npt.NDArray[np.uint8], dimensions: int) -> FloatArray:
    """(n, d) unit vectors of the signs: their cosine is 1 - 2 x the share of bits that differ."""
    signs = np.unpackbits(bits, axis=1, count=dimensions).astype(np.float32) * 2 - 1
    return np.asarray(signs / np.sqrt(dimensions), np.float32)
