"""A causal language model whose log-probabilities of texts carry gradients: for training.

A prompt is read once for all of its texts, and scores over the vocabulary are computed at the tokens of texts
alone. Weights that are not trained are kept in half precision where the machine multiplies it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import torch  # noqa: TID253 - this module is reached only once a model is loaded
from torch.nn import functional  # noqa: TID253

from adcli.core.adapters.audience import Audience, AudiencePrefix
from adcli.core.adapters.prefix import Prefix, learned_prefix, without_prefix
from adcli.core.compute.batching import IntArray, plan_batches
from adcli.core.compute.forward import padded
from adcli.core.models.loading import load_language_model
from adcli.core.models.resolution import ModelSource
from adcli.core.processes.runtime import Device, Precision, Runtime, start_runtime
from adcli.core.training.dropout import drop_nothing, use_seeded_dropout
from adcli.core.training.encoder.gradient_encoder import training_precision
from adcli.core.writing.language_model import positions
from adcli.core.writing.prompts import Ids, PromptReader
from adcli.errors import DataError, printable

if TYPE_CHECKING:
    from transformers import PreTrainedModel

MOST_PADDING, LARGEST_PART = 0.1, 2_048


class Group(NamedTuple):
    """A prompt and the texts that follow it, as tokens, and the vector of whom they are for."""

    prompt: Ids
    texts: list[Ids]
    audience: Audience | None = None


class GradientWriter:
    """A language model in training.

    Args:
        model: What `load_for_training` made, with or without an adapter.
        source: Where it was found.
        runtime: Where it computes.
        max_length: Tokens of a prompt; longer ones lose their beginning.
        audience: What it is taught of audiences, if it is.

    Attributes:
        model: The transformers model.
        audience: What is taught of audiences, or None.
        reader: Makes tokens of texts.
        runtime: Where it computes.
        precision: Of its products, the same whenever this machine trains: "bf16" or "fp32".
    """

    def __init__(
        self,
        model: PreTrainedModel,
        source: ModelSource,
        runtime: Runtime,
        *,
        max_length: int,
        audience: AudiencePrefix | None = None,
    ) -> None:
        self.model, self.runtime, self.audience = model, runtime, audience
        self.reader = PromptReader.load(source.path, model.generation_config)
        self._max_length = max_length
        base: Any = without_prefix(model)
        self._body = getattr(base, base.base_model_prefix)
        self._head = base.get_output_embeddings()
        self.precision = training_precision(runtime.precision, runtime.device, model.config.hidden_size)
        self._trained = [p for p in model.parameters() if p.requires_grad]
        self._trained += [] if audience is None else audience.parameters()
        taken = learned_prefix(model).length + (0 if audience is None else audience.length)
        self._positions = int(getattr(model.config, "max_position_embeddings", 1 << 20)) - taken
        self._begun = [p.detach().clone() for p in self._trained]

    def group(self, prompt: str, audience: Audience | None, texts: Sequence[str] = ()) -> Group:
        """As tokens a prompt, cut at its beginning, and texts after it, each with the one that ends it.

        Raises:
            DataError: If they are more than the model has positions for.
        """
        asked = self.reader.text(prompt)[-self._max_length :]
        said = [np.append(self.reader.continuation(f" {t}"), self.reader.end).astype(np.int32) for t in texts]
        room = self._positions - len(asked)
        for text, ids in zip(texts, said, strict=True):
            if len(ids) > room:
                raise DataError(
                    f"The text '{printable(text)}' has {len(ids):,} tokens, of which the model can read "
                    f"{max(room, 0):,} after the prompt.",
                    fix="Shorten it, or leave it out.",
                )
        return Group(asked, said, audience)

    def parts(self, groups: Sequence[Group]) -> list[IntArray]:
        """Places of the groups that are computed together: of like lengths, all for an audience or none."""
        lengths = np.array([len(g.prompt) + sum(map(len, g.texts)) for g in groups])
        has_audience = np.array([g.audience is not None for g in groups], bool)
        return [
            places[part]
            for places in (np.flatnonzero(has_audience), np.flatnonzero(~has_audience))
            if len(places)
            for part in plan_batches(lengths[places], token_budget=LARGEST_PART, max_padding=MOST_PADDING)
        ]

    def log_probabilities(self, groups: Sequence[Group]) -> torch.Tensor:
        """(tokens,) of each token of each text, in order, given the prompt and the tokens before it.

        Args:
            groups: Prompts with the same number of texts each, all with an audience or none.
        """
        n = len(groups[0].texts)
        if n == 1:
            return self._of_single_texts(groups)
        texts = [text for group in groups for text in group.texts]
        prompts, prompt_mask = self._padded([group.prompt for group in groups], on_left=True)
        ids, mask = self._padded(texts, on_left=False)
        with self._autocast():
            prefix = self._prefix(groups)
            prompt_mask = functional.pad(prompt_mask, (prefix.length, 0), value=True)
            read = self._body(
                input_ids=prompts,
                attention_mask=prompt_mask.long(),
                position_ids=positions(prompt_mask.long())[:, prefix.length :],
                past_key_values=prefix.cache(len(prompts)),
                use_cache=True,
            )
            before = read.last_hidden_state[:, -1].repeat_interleave(n, dim=0)[:, None]
            states = before
            if ids.shape[1] > 1:
                cache = read.past_key_values
                cache.batch_repeat_interleave(n)
                whole = torch.cat([prompt_mask.repeat_interleave(n, dim=0), mask[:, :-1]], dim=1)
                rest = self._body(
                    input_ids=ids[:, :-1],
                    attention_mask=whole.long(),
                    position_ids=positions(whole.long())[:, prompt_mask.shape[1] :],
                    past_key_values=cache,
                    use_cache=True,
                )
                states = torch.cat([before, rest.last_hidden_state], dim=1)
            return self._chosen(states[mask], ids[mask])

    def _of_single_texts(self, groups: Sequence[Group]) -> torch.Tensor:
        """The same where each prompt has one text: read in one go, since larger products are faster."""
        ids, mask = self._padded([np.append(group.prompt, group.texts[0]) for group in groups], on_left=False)
        starts = torch.tensor([len(group.prompt) for group in groups], device=ids.device)
        is_text = mask & (torch.arange(ids.shape[1], device=ids.device) >= starts[:, None])
        with self._autocast():  # no token sees the padding, which comes after all of them
            before = self._prefix(groups).cache(len(ids))
            read = self._body(input_ids=ids[:, :-1], past_key_values=before, use_cache=False)
            states = read.last_hidden_state
            return self._chosen(states[is_text[:, 1:]], ids[is_text])

    def _prefix(self, groups: Sequence[Group]) -> Prefix:
        """What was learned to stand before the prompts of groups."""
        prefix = learned_prefix(self.model)
        whom = [group.audience for group in groups if group.audience is not None]
        if self.audience is None or not whom:
            return prefix
        return prefix.then(self.audience.of(whom).to(self.runtime.device, self.model.dtype))

    def _chosen(self, states: torch.Tensor, ids: torch.Tensor) -> torch.Tensor:
        """(tokens,) log-probabilities of tokens after states of the body."""
        scores = torch.log_softmax(self._head(states).float(), dim=-1)
        return scores.gather(1, ids[:, None].to(scores.device))[:, 0]

    @contextmanager
    def as_begun(self) -> Iterator[None]:
        """For a while the trained weights are those that training began with, without gradients."""
        own = [p.data for p in self._trained]
        try:
            with torch.no_grad():
                for parameter, value in zip(self._trained, self._begun, strict=True):
                    parameter.data = value
                yield
        finally:
            for parameter, value in zip(self._trained, own, strict=True):
                parameter.data = value

    def _autocast(self) -> torch.autocast:
        kind = self.runtime.device.split(":")[0]
        return torch.autocast(kind, torch.bfloat16, enabled=self.precision == "bf16")

    def _padded(self, sequences: Sequence[Ids], *, on_left: bool) -> tuple[torch.Tensor, torch.Tensor]:
        lengths = np.array([len(ids) for ids in sequences])
        return padded(np.concatenate(sequences), lengths, self.runtime.device, on_left=on_left)


def load_for_training(
    source: ModelSource, *, device: Device, precision: Precision, is_whole: bool
) -> tuple[PreTrainedModel, Runtime]:
    """The language model in `source` on its device, without dropout.

    Args:
        source: Where it was found.
        device: Where it computes.
        precision: "auto" takes bf16 products where the machine has them.
        is_whole: Whether all weights are trained, which then stay fp32.
    """
    runtime = start_runtime(device=device, precision=precision)
    model = load_language_model(source.path, torch.float32)
    width = model.config.hidden_size
    if not is_whole and training_precision(precision, runtime.device, width) == "bf16":
        model = model.to(torch.bfloat16)
    use_seeded_dropout(model)
    drop_nothing(model)
    model.requires_grad_(is_whole)
    return model.to(runtime.device), runtime
