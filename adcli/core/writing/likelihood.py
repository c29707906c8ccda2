"""How likely a language model finds texts."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from adcli.arrays import Floats
from adcli.core.compute.batching import IntArray


class Likelihood(NamedTuple):
    """How likely a model finds texts.

    Attributes:
        log_likelihood: (n,) natural logarithm of each text's probability.
        tokens: (n,) tokens it is the sum over.
    """

    log_likelihood: Floats
    tokens: IntArray

    @property
    def perplexity(self) -> Floats:
        """(n,) e to the mean negative log-likelihood of each text's tokens."""
        perplexity: Floats = np.exp(-self.log_likelihood / np.maximum(self.tokens, 1))
        return perplexity
