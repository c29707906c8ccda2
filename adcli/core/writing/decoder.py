"""GPT-2 and the Llama family without padding, each prompt read once for all of its variants.

Prompts of one length form a group. Their keys and values are kept once and all variants' queries of a group
go through one product with them; only what a variant wrote itself is kept for it alone. As in the packed
encoder, no row's result depends on the rows beside it.

Source: Juravsky et al., "Hydragen: High-Throughput LLM Inference with Shared Prefixes" (2024), section 3.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import numpy as np
import torch  # noqa: TID253 - this module is reached only once a model is loaded
from torch.nn import functional  # noqa: TID253

from adcli.core.adapters.audience import Audience, AudiencePrefix
from adcli.core.adapters.prefix import Prefix
from adcli.core.compute.affine import Affine
from adcli.core.compute.batching import Group
from adcli.core.compute.forward import PackedBatch
from adcli.core.compute.linear import LinearLayer, make_linear
from adcli.core.writing.decoder_weights import DecoderLayerWeights, DecoderWeights

Attend = Callable[[int, torch.Tensor, torch.Tensor, torch.Tensor], torch.Tensor]


class DecoderLayer(NamedTuple):
    """One decoder layer, ready to compute."""

    attention_norm: Affine
    query_key_value: LinearLayer
    attention_output: LinearLayer
    hidden_norm: Affine
    gate: LinearLayer | None
    expand: LinearLayer
    contract: LinearLayer


class PackedDecoder:
    """A causal language model as a function of packed batches.

    Args:
        weights: The model's weights.
        device: Where it computes.
        dtype: Of all but normalisations' inner sums.
        onednn: Whether oneDNN computes the projections (CPU only).
        audience: What it was taught of audiences, as it is whenever it writes; None for nothing.
    """

    max_padding: float | None = None

    def __init__(
        self,
        weights: DecoderWeights,
        device: str,
        dtype: torch.dtype,
        *,
        onednn: bool,
        audience: AudiencePrefix | None = None,
    ) -> None:
        self.name = f"packed decoder, {'oneDNN' if onednn else 'torch'} projections"
        self.audience = audience
        self.max_positions = weights.max_positions - (audience.length if audience else 0)
        self.device, self.dtype = device, dtype
        self.heads, self.key_heads = weights.heads, weights.key_heads
        self.depth = weights.layers[0].attention_output.weight.shape[1] // weights.heads
        self.layers: list[DecoderLayer] = []
        self._activation, self._epsilon = weights.activation, weights.epsilon
        self._onednn = onednn
        self.refresh(weights)

    def refresh(self, weights: DecoderWeights) -> None:
        """Take over weights of this model that training has changed, layer by layer, in place of the old."""
        device, dtype = self.device, self.dtype
        for number, layer in enumerate(weights.layers):
            self.layers[number : number + 1] = [_layer(layer, self.heads, device, dtype, onednn=self._onednn)]
        self.prefix = weights.prefix.to(device, dtype)
        self._words = weights.words.to(device, dtype)
        self._positions = None if weights.positions is None else weights.positions.to(device, dtype)
        self._rotation = None if weights.rotation is None else weights.rotation.to(device)
        self._final_norm = weights.final_norm.to(device, dtype)
        self._head = make_linear(Affine(weights.head, None), device, dtype, onednn=self._onednn)

    def prefix_for(self, audience: Audience | None) -> Prefix:
        """What stands before texts for an audience."""
        if audience is None or self.audience is None:
            return self.prefix
        with torch.no_grad():
            return self.prefix.then(self.audience.of([audience]).to(self.device, self.dtype))

    def scores(self, batch: PackedBatch) -> torch.Tensor:
        """(tokens, vocabulary) scores of the token after each token of the batch."""

        def attend(layer: int, query: torch.Tensor, key: torch.Tensor, value: torch.Tensor) -> torch.Tensor:
            context = torch.empty_like(query)
            for group in batch.groups:
                q, k, v = (of_group(states, group) for states in (query, key, value))
                mask = None
                if self.prefix.layers:
                    before = [states.expand(len(k), -1, -1, -1) for states in self.prefix.layers[layer]]
                    k, v = torch.cat([before[0], k], dim=2), torch.cat([before[1], v], dim=2)
                    mask = causal_mask(q, k)
                shared = self.heads // self.key_heads
                k, v = k.repeat_interleave(shared, dim=1), v.repeat_interleave(shared, dim=1)
                attended = functional.scaled_dot_product_attention(
                    q, k, v, attn_mask=mask, is_causal=mask is None, scale=1.0
                )
                of_group(context, group).copy_(attended)
            return context

        starts = np.repeat(np.cumsum(batch.lengths) - batch.lengths, batch.lengths)
        inside = np.arange(len(batch.ids)) - starts + self.prefix.length
        positions = torch.from_numpy(inside).to(self.device)
        return self._head(self.run(torch.from_numpy(batch.ids).to(self.device), positions, attend))

    def run(self, ids: torch.Tensor, positions: torch.Tensor, attend: Attend) -> torch.Tensor:
        """(rows, width) final states.

        Args:
            ids: (rows,) token ids.
            positions: (rows,) position of each in its text.
            attend: Given a layer's number and its queries, (rows, heads, depth), keys and values, (rows, key
                heads, depth), gives the context, shaped as the queries.
        """
        x = functional.embedding(ids, self._words)
        if self._positions is not None:
            x = x + functional.embedding(positions, self._positions)
        turn = None if self._rotation is None else _angles(positions, self._rotation, self.dtype)
        for number, layer in enumerate(self.layers):
            projected = layer.query_key_value(self._normalised(x, layer.attention_norm))
            by_head = projected.view(len(x), -1, self.depth)
            query, key, value = torch.split(by_head, [self.heads, self.key_heads, self.key_heads], dim=1)
            if turn is not None:
                query, key = _turned(query, *turn), _turned(key, *turn)
            context = attend(number, query, key, value)
            x = layer.attention_output.added(context.reshape(len(x), -1), x)
            y = self._normalised(x, layer.hidden_norm)
            if layer.gate is None:
                hidden = layer.expand.activated(y, self._activation)
            else:
                hidden = layer.gate.activated(y, self._activation).mul_(layer.expand(y))
            x = layer.contract.added(hidden, x)
        return self._normalised(x, self._final_norm)

    def head(self, states: torch.Tensor) -> torch.Tensor:
        """(rows, vocabulary) scores of the next token."""
        return self._head(states)

    def _normalised(self, x: torch.Tensor, norm: Affine) -> torch.Tensor:
        if norm.bias is None:
            return functional.rms_norm(x, (x.shape[-1],), norm.weight, self._epsilon)
        return functional.layer_norm(x, (x.shape[-1],), norm.weight, norm.bias, self._epsilon)


def of_group(states: torch.Tensor, group: Group) -> torch.Tensor:
    """(texts, heads, length, depth) of a group, as a view into (tokens, heads, depth)."""
    start, count, length = group
    return states[start : start + count * length].view(count, length, *states.shape[1:]).transpose(1, 2)


def causal_mask(query: torch.Tensor, key: torch.Tensor) -> torch.Tensor:
    """(queries, keys) which keys, (…, keys, depth), the last of them may see: those before and their own."""
    queries, keys = query.shape[-2], key.shape[-2]
    return torch.ones(queries, keys, dtype=torch.bool, device=query.device).tril(keys - queries)


def _angles(
    positions: torch.Tensor, rotation: torch.Tensor, dtype: torch.dtype
) -> tuple[torch.Tensor, torch.Tensor]:
    """Cosine and sine of each row's angles: (rows, 1, depth / 2) each."""
    angles = (positions.float()[:, None] * rotation)[:, None]
    return angles.cos().to(dtype), angles.sin().to(dtype)


def _turned(states: torch.Tensor, cosine: torch.Tensor, sine: torch.Tensor) -> torch.Tensor:
    """States turned by their position.

    Source: Su et al., "RoFormer" (2021), equation 34, with the halves laid out as transformers does.
    """
    first, second = states.chunk(2, dim=-1)
    return torch.cat([first * cosine - second * sine, second * cosine + first * sine], dim=-1)


def _layer(
    weights: DecoderLayerWeights, heads: int, device: str, dtype: torch.dtype, *, onednn: bool
) -> DecoderLayer:
    """The layer's weights laid out."""
    linear = partial(make_linear, device=device, dtype=dtype, onednn=onednn)
    queries = weights.attention_output.weight.shape[1]
    return DecoderLayer(
        weights.attention_norm.to(device, dtype),
        linear(weights.query_key_value.with_scaled_queries(queries, heads)),
        linear(weights.attention_output),
        weights.hidden_norm.to(device, dtype),
        None if weights.gate is None else linear(weights.gate),
        linear(weights.expand),
        linear(weights.contract),
    )
