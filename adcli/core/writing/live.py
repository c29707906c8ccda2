"""Sampling from a language model under training.

    live = LiveWriting(model, reader, runtime, choose_precision("auto", device="cpu", width=576))
    samples = live.sample(prompts, settings)         # with the weights that the model has now

The model is read and left as it is: it keeps its precision, its modules, its gradients and its mode. One
packed decoder stands beside it and takes over the weights, low-rank adapters included, at each call.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import torch  # noqa: TID253 - this module is reached only once a model is loaded

from adcli.core.adapters.audience import Audience, AudiencePrefix
from adcli.core.compute.precision import PrecisionChoice
from adcli.core.processes.runtime import Runtime
from adcli.core.writing.decoder_weights import decoder_weights
from adcli.core.writing.decoding import PackedLanguageModel
from adcli.core.writing.engine import LocalWriting
from adcli.core.writing.language_model import LanguageModel, TransformersLanguageModel
from adcli.core.writing.prompts import Ids, PromptReader
from adcli.core.writing.sampling import Samples
from adcli.core.writing.settings import WritingSettings

if TYPE_CHECKING:
    from transformers import PreTrainedModel


class LiveWriting:
    """A model under training as something that samples.

    Args:
        model: The transformers model, an adapter of peft on it or not.
        reader: Knows which tokens end a text.
        runtime: On what it runs.
        choice: What the decoder computes in; a model of another family than GPT-2's and Llama's computes in
            its own precision.
        audience: What it is taught of audiences, if it is.
    """

    def __init__(
        self,
        model: PreTrainedModel,
        reader: PromptReader,
        runtime: Runtime,
        choice: PrecisionChoice,
        audience: AudiencePrefix | None = None,
    ) -> None:
        self._model = model
        weights = decoder_weights(model)
        samples_with: LanguageModel = (
            TransformersLanguageModel(
                model, runtime.device, next(model.parameters()).dtype, audience=audience
            )
            if weights is None
            else PackedLanguageModel(
                weights, runtime.device, choice.dtype, onednn=choice.onednn, audience=audience
            )
        )
        self._writing = LocalWriting(samples_with, reader, runtime, choice.precision, [choice.sentence])

    def sample(
        self,
        prompts: Sequence[Ids],
        settings: WritingSettings,
        rows: Sequence[int] | None = None,
        audiences: Sequence[Audience | None] | None = None,
    ) -> Samples:
        """What `LocalWriting.sample` gives, by the weights that the model has now."""
        weights = decoder_weights(self._model)
        if isinstance(self._writing.model, PackedLanguageModel) and weights is not None:
            with torch.no_grad():
                self._writing.model.refresh(weights)
        was_training = self._model.training
        self._model.eval()
        try:
            return self._writing.sample(prompts, settings, rows, audiences)
        finally:
            self._model.train(was_training)
