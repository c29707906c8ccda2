"""A classifier of texts: an encoder with the logistic head that it was tuned with."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from adcli.arrays import Floats, Floats32
from adcli.core.encoding.encoder import Encoder
from adcli.core.processes.runtime import Device, Precision
from adcli.core.training.encoder.examples import load_head


class Classifier:
    """What `adcli optimize encoder` makes of labels: texts to probabilities of each label.

    `encoder`: the tuned encoder; `weight` (names, d) of the head; `bias` (names,) of the head.
    """

    def __init__(self, encoder: Encoder, weight: Floats32, bias: Floats32) -> None:
        self.encoder, self._weight, self._bias = encoder, weight, bias

    @classmethod
    def load(
        cls,
        directory: Path,
        *,
        model: str = "minilm",
        device: Device = "auto",
        precision: Precision = "auto",
        processes: int | None = None,
    ) -> Classifier:
        """The classifier in a directory of `adcli optimize encoder`.

        Raises DataError if the directory holds no adapter of this model, or no head.
        """
        weight, bias = load_head(directory)
        encoder = Encoder.load(
            model, device=device, precision=precision, adapter=directory, processes=processes
        )
        return cls(encoder, weight, bias)

    def probabilities(self, texts: Sequence[str]) -> Floats:
        """(n, names) probability of each label."""
        scores = self.encoder.encode(list(texts)) @ self._weight.T + self._bias
        grown = np.exp(scores - scores.max(axis=1, keepdims=True))
        return np.asarray(grown / grown.sum(axis=1, keepdims=True), dtype=np.float64)
