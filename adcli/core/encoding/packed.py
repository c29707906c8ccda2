"""The BERT family without padding: every token that is computed is a token of a text.

Projections see all tokens of a batch as one matrix; attention keeps to each text's own. On a CPU a text's
vector does not depend on the texts beside it, to the last bit (but for bf16 on AMX, see `OneDnnLinear`):
each row of a product, each softmax and each normalisation is computed by itself, in the same order whatever
the batch. Hence a cache, an interrupted run or another number of workers changes nothing in the output.

Source: Zeng et al., "Boosting Distributed Training Performance of the Unpadded BERT Model" (2022).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from functools import partial
from typing import Final, NamedTuple

import numpy as np
import torch  # noqa: TID253 - this module is reached only once a model is loaded
from torch.nn import functional  # noqa: TID253

from adcli.core.compute.affine import Affine
from adcli.core.compute.attention import Attention
from adcli.core.compute.batching import Group
from adcli.core.compute.forward import PackedBatch
from adcli.core.compute.linear import LinearLayer, make_linear
from adcli.core.encoding.packed_weights import EncoderWeights, LayerWeights

ROWS_MULTIPLE: Final = 32


class PackedLayer(NamedTuple):
    """One encoder layer, ready to compute."""

    query_key_value: LinearLayer
    attention_output: LinearLayer
    attention_norm: Affine
    expand: LinearLayer
    contract: LinearLayer
    output_norm: Affine


class PackedBert:
    """An encoder of the BERT family as a function of packed batches.

    Args:
        weights: The encoder's weights.
        device: Where it computes.
        dtype: Of projections and attention; sums and normalisations are fp32.
        onednn: Whether oneDNN computes the projections (CPU only).
        attention: What computes the attention.
    """

    max_padding: float | None = None

    def __init__(
        self, weights: EncoderWeights, device: str, dtype: torch.dtype, *, onednn: bool, attention: Attention
    ) -> None:
        self.width = weights.words.shape[1]
        by = "oneDNN" if onednn else "torch"
        self.name = ", ".join(filter(None, ["packed encoder", f"{by} projections", attention.name]))
        self._device, self._dtype, self._attention = device, dtype, attention
        self._activation, self._epsilon = weights.activation, weights.epsilon
        self._words = weights.words.to(device, torch.float32)
        self._positions = weights.positions.to(device, torch.float32)
        self._embedding_norm = weights.embedding_norm.to(device, torch.float32)
        self._layers = [
            _layer(layer, weights.heads, device, dtype, onednn=onednn) for layer in weights.layers
        ]

    def __call__(self, batch: PackedBatch) -> torch.Tensor:
        """(tokens, width) fp32 states of the batch's tokens, in its order."""
        return deque(self.layers(batch), maxlen=1)[0]

    def layers(self, batch: PackedBatch) -> Iterator[torch.Tensor]:
        """The same of the embeddings, and then of each layer."""
        tokens, batch = len(batch.ids), filled(batch)
        layout = self._attention.layout(batch)
        x = self._embed(batch)
        yield x[:tokens]
        context = torch.empty_like(x, dtype=self._dtype)
        for layer in self._layers:
            projected = layer.query_key_value(x.to(self._dtype))
            self._attention.fill(context, projected, layout)
            x = self._joined(layer.attention_output, context, x, layer.attention_norm)
            hidden = layer.expand.activated(x.to(self._dtype), self._activation)
            x = self._joined(layer.contract, hidden, x, layer.output_norm)
            yield x[:tokens]

    def _embed(self, batch: PackedBatch) -> torch.Tensor:
        starts = np.repeat(np.cumsum(batch.lengths) - batch.lengths, batch.lengths)
        positions = torch.from_numpy(np.arange(len(batch.ids)) - starts).to(self._device)
        ids = torch.from_numpy(batch.ids).to(self._device)
        summed = functional.embedding(ids, self._words) + functional.embedding(positions, self._positions)
        return self._normalised(summed, self._embedding_norm)

    def _joined(
        self, linear: LinearLayer, y: torch.Tensor, residual: torch.Tensor, norm: Affine
    ) -> torch.Tensor:
        """A layer's product added to what went into it, normalised, in fp32.

        In half precision the sums of all layers are kept in fp32: a third of the lost neighbours come back.
        """
        if self._dtype == torch.float32:
            return self._normalised(linear.added(y, residual), norm)
        return self._normalised(residual + linear(y), norm)

    def _normalised(self, x: torch.Tensor, norm: Affine) -> torch.Tensor:
        return functional.layer_norm(x, (self.width,), norm.weight, norm.bias, self._epsilon)


def filled(batch: PackedBatch) -> PackedBatch:
    """The batch with a sequence of filler behind it, so that its tokens are a multiple of 32.

    oneDNN compiles a product for each number of rows: a few numbers in place of hundreds save a twentieth of
    the time and a hundred megabytes.
    """
    tokens = len(batch.ids)
    missing = -tokens % ROWS_MULTIPLE
    if not missing:
        return batch
    ids = np.concatenate([batch.ids, np.zeros(missing, batch.ids.dtype)])
    return PackedBatch(ids, np.append(batch.lengths, missing), [*batch.groups, Group(tokens, 1, missing)])


def _layer(
    weights: LayerWeights, heads: int, device: str, dtype: torch.dtype, *, onednn: bool
) -> PackedLayer:
    """The layer's weights laid out."""
    linear = partial(make_linear, device=device, dtype=dtype, onednn=onednn)
    width = weights.query_key_value.weight.shape[1]
    return PackedLayer(
        linear(weights.query_key_value.with_scaled_queries(width, heads)),
        linear(weights.attention_output),
        weights.attention_norm.to(device, torch.float32),
        linear(weights.expand),
        linear(weights.contract),
        weights.output_norm.to(device, torch.float32),
    )
