"""Products of two numbers of a context, as further numbers that scores are linear in."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from adcli.arrays import Floats32

MOST_PAIRS = 400
MOST_ROWS = 20_000  # that decide which products vary most


@dataclass(frozen=True)
class PairUnits:
    """Units that are products of two numbers of the context, by their places."""

    pairs: tuple[tuple[int, int], ...]

    @classmethod
    def varied(cls, context: Floats32) -> PairUnits:
        """The products that vary most, at most 400; squares only of what is more than 0 and 1."""
        seen = context[:MOST_ROWS]
        first, second = np.triu_indices(context.shape[1])
        flags = np.asarray(np.isin(seen, (0, 1)).all(axis=0))
        kept = (first != second) | ~flags[first]
        first, second = first[kept], second[kept]
        mean = np.zeros(first.size)
        square = np.zeros(first.size)
        for row in range(context.shape[1]):
            own = first == row
            products = seen[:, [row]] * seen[:, second[own]]
            mean[own], square[own] = products.mean(axis=0), np.square(products).mean(axis=0)
        spread = square - mean**2
        best = np.sort(np.argsort(-spread, kind="stable")[:MOST_PAIRS])
        best = best[spread[best] > 0]
        return cls(tuple(zip(first[best].tolist(), second[best].tolist(), strict=True)))

    @property
    def width(self) -> int:
        """How many there are."""
        return len(self.pairs)

    def of(self, context: Floats32) -> Floats32:
        """The units of each row, shape (n, width)."""
        first, second = np.array(self.pairs, dtype=np.int64).reshape(-1, 2).T
        return context[:, first] * context[:, second]
