"""A layer of hidden units: what lets scores that are linear in it bend with the context."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray


class HiddenLayer(NamedTuple):
    """h units, each tanh(context @ weights + bias); weights of shape (d, h), bias of shape (h,)."""

    weights: NDArray[np.float32]
    bias: NDArray[np.float32]

    def beside(self, context: NDArray[np.float32]) -> NDArray[np.float32]:
        """The context and the units it excites, side by side, shape (n, d + h)."""
        n, d = context.shape
        whole = np.empty((n, d + self.bias.size), dtype=np.float32)
        whole[:, :d] = context
        units = whole[:, d:]
        np.matmul(context, self.weights, out=units)
        units += self.bias
        np.tanh(units, out=units)
        return whole
