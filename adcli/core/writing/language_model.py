"""The seam between writing and a language model: prompts in, scores of next tokens out.

`TransformersLanguageModel` runs any causal model transformers knows; `adcli.core.writing.decoding` runs
GPT-2 and the Llama family without padding.
"""

from __future__ import annotations

from typing import Any, Protocol

import torch  # noqa: TID253 - this module is reached only once a model is loaded
from torch.nn import functional  # noqa: TID253

from adcli.core.adapters.audience import Audience, AudiencePrefix
from adcli.core.adapters.prefix import learned_prefix, without_prefix
from adcli.core.compute.forward import PackedBatch, padded
from adcli.core.compute.linear_modules import exchange_linears


class Decoding(Protocol):
    """Texts being written: the variants of a prompt one after another, prompts in the batch's order."""

    def first(self) -> torch.Tensor:
        """(rows, vocabulary) scores of each row's first token."""
        ...

    def step(self, tokens: torch.Tensor) -> torch.Tensor:
        """(rows, vocabulary) scores of the token after `tokens`, (rows,)."""
        ...


class LanguageModel(Protocol):
    """A causal language model.

    Attributes:
        name: What computes, in words.
        max_positions: Tokens a text may have.
        max_padding: Padding the batcher may let arise, as a share of tokens; None if none arises.
    """

    name: str
    max_positions: int
    max_padding: float | None

    def scores(self, batch: PackedBatch) -> torch.Tensor:
        """(tokens, vocabulary) scores of the token after each token of the batch."""
        ...

    def begin(
        self, batch: PackedBatch, *, variants: int, new_tokens: int, audience: Audience | None = None
    ) -> Decoding:
        """Each prompt read once, to be continued `variants` times by at most `new_tokens` tokens.

        All are for one audience, None for everybody.
        """
        ...


class TransformersLanguageModel:
    """Any causal model that transformers loads, with its own cache; prompts are padded on their left."""

    max_padding: float | None = 0.02

    def __init__(
        self,
        model: Any,
        device: str,
        dtype: torch.dtype,
        *,
        onednn: bool = False,
        audience: AudiencePrefix | None = None,
    ) -> None:
        self._audience = audience
        self._model = model.to(device=device, dtype=dtype)
        if onednn:
            exchange_linears(self._model)
        self._device = device
        self.name = f"{type(model).__name__} of transformers" + (", oneDNN projections" if onednn else "")
        positions = int(getattr(model.config, "max_position_embeddings", 1 << 20))
        self.max_positions = positions - learned_prefix(model).length - (audience.length if audience else 0)

    def scores(self, batch: PackedBatch) -> torch.Tensor:
        """(tokens, vocabulary) scores of the token after each token of the batch."""
        output, mask = self._read(batch, use_cache=False)
        scores: torch.Tensor = output.logits[mask[:, -output.logits.shape[1] :].bool()]
        return scores

    def begin(
        self, batch: PackedBatch, *, variants: int, new_tokens: int, audience: Audience | None = None
    ) -> Decoding:
        """Each prompt read once, to be continued `variants` times."""
        output, mask = self._read(batch, use_cache=True, audience=audience)
        cache = output.past_key_values
        cache.batch_repeat_interleave(variants)
        first = output.logits[:, -1].repeat_interleave(variants, dim=0)
        model = without_prefix(self._model)
        return _TransformersDecoding(model, first, cache, mask.repeat_interleave(variants, dim=0))

    def _read(
        self, batch: PackedBatch, *, use_cache: bool, audience: Audience | None = None
    ) -> tuple[Any, torch.Tensor]:
        """What the model gives for the batch after its prefix, and which of both are tokens."""
        ids, there = padded(batch.ids, batch.lengths, self._device, on_left=True)
        prefix = learned_prefix(self._model)
        if audience is not None and self._audience is not None:
            with torch.no_grad():
                prefix = prefix.then(self._audience.of([audience]).to(self._device, self._model.dtype))
        mask = functional.pad(there.long(), (prefix.length, 0), value=1)
        output = without_prefix(self._model)(
            input_ids=ids,
            attention_mask=mask,
            position_ids=positions(mask)[:, prefix.length :],
            past_key_values=prefix.cache(len(ids)),
            use_cache=use_cache,
        )
        return output, mask


class _TransformersDecoding:
    def __init__(self, model: Any, first: torch.Tensor, cache: Any, mask: torch.Tensor) -> None:
        self._model, self._first, self._cache, self._mask = model, first, cache, mask

    def first(self) -> torch.Tensor:
        return self._first

    def step(self, tokens: torch.Tensor) -> torch.Tensor:
        self._mask = torch.cat([self._mask, torch.ones_like(self._mask[:, :1])], dim=1)
        output = self._model(
            input_ids=tokens[:, None],
            attention_mask=self._mask,
            position_ids=positions(self._mask)[:, -1:],
            past_key_values=self._cache,
            use_cache=True,
        )
        scores: torch.Tensor = output.logits[:, -1]
        return scores


def positions(mask: torch.Tensor) -> torch.Tensor:
    """Positions that count from each text's first token."""
    return (mask.cumsum(dim=1) - 1).clamp_(min=0)
