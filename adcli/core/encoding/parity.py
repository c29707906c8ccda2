"""Whether a fast forward pass gives the vectors that transformers gives."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from adcli.core.compute.autotune import Parity
from adcli.core.compute.batching import plan_batches
from adcli.core.compute.forward import ForwardPass, PackedBatch
from adcli.core.encoding.pooling import Mode, pool
from adcli.core.encoding.tokens import TextReader

LIMITS = {"fp32": 1e-5, "bf16": 5e-4, "fp16": 5e-4}
PROBES = (
    "",
    "mug",
    "Stainless steel water bottle, 750 ml",
    "Size up!! The fabric is soft but it runs small 😍",
    "防水登山鞋 轻便透气 men's hiking boots, 42 码",
    "wireles hedphones with noise canceling, BLACK",
    "A cream ceramic hand lantern with a heart-shaped window, for tea lights. " * 4,
    "Machine washable, 100 % cotton, pack of 3; colour may differ from the picture shown on your screen. "
    * 30,
)
Vectors = npt.NDArray[np.float64]


def vector_parity(reader: TextReader, mode: Mode) -> Parity:
    """Parity of the vectors of texts of many kinds and lengths."""
    tokens = reader.read(PROBES)

    def vectors_of(forward: ForwardPass) -> Vectors:
        vectors = np.empty((len(tokens.lengths), forward.width))
        for windows in plan_batches(tokens.lengths, token_budget=1024, max_padding=forward.max_padding):
            batch = PackedBatch.of(tokens.flat(windows), tokens.lengths[windows])
            vectors[windows] = pool(forward(batch), batch.lengths, mode).double().cpu().numpy()
        return vectors

    return Parity(vectors_of, greatest_cosine_distance, "greatest cosine distance", LIMITS)


def greatest_cosine_distance(found: Vectors, expected: Vectors) -> float:
    """1 - the least cosine between rows."""
    norms = np.linalg.norm(found, axis=1) * np.linalg.norm(expected, axis=1)
    return float(np.max(1 - np.sum(found * expected, axis=1) / norms))
