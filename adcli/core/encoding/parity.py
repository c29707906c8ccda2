"""Whether a fast forward pass computes what transformers computes, checked each time a model is loaded."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch  # noqa: TID253 - this module is reached only once a model is loaded

from adcli.core.compute.batching import plan_batches
from adcli.core.compute.forward import ForwardPass, PackedBatch
from adcli.core.encoding.pooling import Mode, pool
from adcli.core.encoding.tokens import TextReader, Tokens

LEAST_COSINE = {"fp32": 0.99999, "bf16": 0.9995, "fp16": 0.9995}
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


class Parity(NamedTuple):
    """How close two forward passes are.

    Attributes:
        cosine: The least cosine between their vectors of the same text.
        is_close: Whether it is close enough for the precision.
    """

    cosine: float
    is_close: bool


def check_parity(
    fast: ForwardPass, reference: ForwardPass, reader: TextReader, mode: Mode, precision: str
) -> Parity:
    """The parity of `fast` in `precision` with `reference` in fp32 on texts of many kinds and lengths."""
    tokens = reader.read(PROBES)
    with torch.inference_mode():
        found, expected = _vectors(fast, tokens, mode), _vectors(reference, tokens, mode)
    norms = np.linalg.norm(found, axis=1) * np.linalg.norm(expected, axis=1)
    cosine = float(np.min(np.sum(found * expected, axis=1) / norms))
    return Parity(cosine, cosine >= LEAST_COSINE[precision])


def _vectors(
    forward: ForwardPass, tokens: Tokens, mode: Mode
) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    vectors = np.empty((len(tokens.lengths), forward.width))
    for windows in plan_batches(tokens.lengths, token_budget=1024, max_padding=forward.max_padding):
        batch = PackedBatch.of(tokens.flat(windows), tokens.lengths[windows])
        vectors[windows] = pool(forward(batch), batch.lengths, mode).double().cpu().numpy()
    return vectors
