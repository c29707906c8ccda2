"""A writer from a model's directory, in the form that this machine is fastest with."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import torch  # noqa: TID253 - this module is reached only once a model is loaded

from adcli.core.adapters.adapter import adapter_fingerprint, apply_adapter
from adcli.core.adapters.audience import AudiencePrefix
from adcli.core.compute.autotune import Forms, Parity, autotune
from adcli.core.compute.autotune_cache import AutotuneChoice, cache_choice, cached_choice
from adcli.core.compute.forward import PackedBatch
from adcli.core.compute.linear_modules import own_copy
from adcli.core.compute.precision import choose_precision
from adcli.core.models.loading import load_language_model
from adcli.core.models.resolution import ModelSource
from adcli.core.processes.runtime import Runtime
from adcli.core.writing.decoder_weights import decoder_weights
from adcli.core.writing.decoding import PackedLanguageModel
from adcli.core.writing.engine import LocalWriting
from adcli.core.writing.language_model import LanguageModel, TransformersLanguageModel
from adcli.core.writing.prompts import PromptReader

if TYPE_CHECKING:
    from transformers import PreTrainedModel

ALGORITHM = 2  # raised when texts change for the same model and settings
LARGEST_DIVERGENCE = {"fp32": 1e-6, "bf16": 0.02, "fp16": 0.02}  # smollm2 in bf16: 0.0022
PROBE_TOKENS = 24
PROBES = (
    "Steel water bottle",
    "Write one short advertisement for this product: hiking boots, waterproof, leather, sizes 36 to 48.",
    "防水登山鞋 — 轻便 🙂 " * 6,
)


def load_writing(source: ModelSource, runtime: Runtime, *, adapter: str, exact: bool) -> LocalWriting:
    """The fastest form of a model that agrees with transformers, as it was found on this machine once.

    Args:
        source: Where the model was found.
        runtime: On what it runs.
        adapter: A directory of `adcli optimize writer`, or an empty string.
        exact: Whether only fp32 will do.

    Raises:
        DataError: If the model or the adapter can not be used.
    """
    model, audience = load_language_model(source.path, torch.float32), None
    if adapter:
        model = apply_adapter(model, Path(adapter), source)
        audience = AudiencePrefix.load(Path(adapter))
    reader = PromptReader.load(source.path, model.generation_config)
    asked = {
        "writer": source.fingerprint,
        "adapter": adapter_fingerprint(adapter),
        "precision": runtime.precision,
        "device": runtime.device,
        "exact": exact,
        "algorithm": ALGORITHM,
    }
    known = cached_choice(asked)
    fastest, tuned = autotune(
        language_model_forms(model, runtime.device, audience),
        _score_parity(reader),
        lambda: choose_precision(
            runtime.precision, device=runtime.device, width=model.config.hidden_size, exact=exact
        ),
        AutotuneChoice(**known) if known else None,
    )
    cache_choice(asked, tuned._asdict())
    return LocalWriting(fastest, reader, runtime, tuned.precision, tuned.notes)


def language_model_forms(
    model: PreTrainedModel, device: str, audience: AudiencePrefix | None = None
) -> Forms[LanguageModel]:
    """How a causal language model can be run, fastest first."""
    forms: dict[str, Callable[[torch.dtype, bool], LanguageModel]] = {}
    weights = decoder_weights(model)
    if weights is not None:
        forms["packed"] = lambda dtype, onednn: PackedLanguageModel(
            weights, device, dtype, onednn=onednn, audience=audience
        )
    forms["transformers"] = lambda dtype, onednn: TransformersLanguageModel(
        own_copy(model, dtype, onednn=onednn), device, dtype, onednn=onednn, audience=audience
    )
    return forms


def _score_parity(reader: PromptReader) -> Parity:
    """Parity of the distributions of tokens read and of tokens written."""
    batch = PackedBatch.of_each(
        sorted((reader.text(probe)[:PROBE_TOKENS] for probe in PROBES), key=len, reverse=True)
    )

    def log_probabilities(model: LanguageModel) -> torch.Tensor:
        read = model.scores(batch)
        decoding = model.begin(batch, variants=2, new_tokens=2)
        written = torch.tensor([10, 11] * len(PROBES), device=read.device)
        steps = [decoding.first(), decoding.step(written), decoding.step(written)]
        return torch.log_softmax(torch.cat([read, *steps]).double(), dim=-1)

    return Parity(
        log_probabilities, _divergence, "mean Kullback–Leibler divergence a token", LARGEST_DIVERGENCE
    )


def _divergence(found: torch.Tensor, expected: torch.Tensor) -> float:
    """Mean Kullback–Leibler divergence of rows of log-probabilities from those expected, in nats."""
    return float((expected.exp() * (expected - found)).sum(dim=-1).mean())
