"""How a writer comes to be: precision measured, fast path tried, parity checked, fallback taken."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import torch  # noqa: TID253 - this module is reached only once a model is loaded

from adcli.core.adapters.adapter import adapter_fingerprint, apply_adapter
from adcli.core.compute.forward import PackedBatch
from adcli.core.compute.precision import DTYPES, PrecisionChoice, choose_precision
from adcli.core.memory import recall, remember
from adcli.core.models.loading import load_language_model
from adcli.core.models.resolution import ModelSource
from adcli.core.processes.runtime import Runtime
from adcli.core.writing.decoder import PackedDecoder
from adcli.core.writing.decoder_weights import decoder_weights
from adcli.core.writing.language_forward import LanguageModel, TransformersLanguageModel, own_copy
from adcli.core.writing.prompts import PromptReader

if TYPE_CHECKING:
    from transformers import PreTrainedModel

ALGORITHM = 1  # raised when texts change for the same model and settings
LEAST_COSINE = {"fp32": 0.99999, "bf16": 0.99, "fp16": 0.99}  # transformers' own bf16: 0.995 for smollm2
PROBE_TOKENS = 24
PROBES = (
    "Steel water bottle",
    "Write one short advertisement for this product: hiking boots, waterproof, leather, sizes 36 to 48.",
    "防水登山鞋 — 轻便 🙂 " * 6,
)


class LoadedWriter(NamedTuple):
    """A language model ready to write.

    Attributes:
        model: Gives scores of next tokens.
        reader: Makes prompts and texts.
        precision: What it computes in.
        notes: What was chosen and why, one sentence each.
    """

    model: LanguageModel
    reader: PromptReader
    precision: str
    notes: list[str]


class FoundForm(NamedTuple):
    """The form of a model that was found fastest.

    Attributes:
        model: The model in this form.
        form: "packed" or "transformers".
        precision: What it computes in.
        onednn: Whether oneDNN computes the projections.
        notes: What was found, one sentence each.
    """

    model: LanguageModel
    form: str
    precision: str
    onednn: bool
    notes: list[str]


def load_writer(source: ModelSource, runtime: Runtime, *, adapter: str, exact: bool) -> LoadedWriter:
    """The fastest form of a model that agrees with transformers, as it was found on this machine once.

    Args:
        source: Where the model was found.
        runtime: On what it runs.
        adapter: A directory of `adcli optimize writer`, or an empty string.
        exact: Whether only fp32 will do.

    Raises:
        DataError: If the model or the adapter can not be used.
    """
    model = load_language_model(source.path, torch.float32)
    if adapter:
        model = apply_adapter(model, Path(adapter), source)
    reader = PromptReader.load(source.path, model.generation_config)
    asked = {
        "writer": source.fingerprint,
        "adapter": adapter_fingerprint(adapter),
        "precision": runtime.precision,
        "device": runtime.device,
        "exact": exact,
        "algorithm": ALGORITHM,
    }
    known = recall(asked)
    if known is not None:
        form = _forms(model, runtime.device)[known["form"]](known["precision"], known["onednn"])
        return LoadedWriter(form, reader, known["precision"], known["notes"])
    choice = choose_precision(
        runtime.precision, device=runtime.device, width=model.config.hidden_size, exact=exact
    )
    found = _fastest_form(model, choice, runtime.device, reader)
    remember(
        asked,
        {"form": found.form, "precision": found.precision, "onednn": found.onednn, "notes": found.notes},
    )
    return LoadedWriter(found.model, reader, found.precision, found.notes)


def _fastest_form(
    model: PreTrainedModel, choice: PrecisionChoice, device: str, reader: PromptReader
) -> FoundForm:
    """The fastest form that agrees with transformers in fp32."""
    forms = _forms(model, device)
    batch = _probe_batch(reader)
    expected = _probed(forms["transformers"]("fp32", False), batch, None)
    notes = [choice.sentence]
    for precision in dict.fromkeys([choice.precision, "fp32"]):
        for name, make in forms.items():
            candidate = make(precision, choice.onednn)
            cosine = _agreement(candidate, batch, expected)
            notes.append(f"{candidate.name}: least cosine of scores with transformers in fp32 {cosine:.6f}")
            if cosine >= LEAST_COSINE[precision]:
                return FoundForm(candidate, name, precision, choice.onednn, notes)
    notes.append("transformers computes in fp32")
    return FoundForm(forms["transformers"]("fp32", False), "transformers", "fp32", False, notes)


def _forms(model: PreTrainedModel, device: str) -> dict[str, Callable[[str, bool], LanguageModel]]:
    """How the model can be run, fastest first: each made from a precision and whether oneDNN computes."""
    forms: dict[str, Callable[[str, bool], LanguageModel]] = {}
    weights = decoder_weights(model)
    if weights is not None:
        forms["packed"] = lambda precision, onednn: PackedDecoder(
            weights, device, DTYPES[precision], onednn=onednn
        )
    forms["transformers"] = lambda precision, onednn: TransformersLanguageModel(
        own_copy(model), device, DTYPES[precision], onednn=onednn
    )
    return forms


def _probe_batch(reader: PromptReader) -> PackedBatch:
    texts = sorted((reader.text(probe)[:PROBE_TOKENS] for probe in PROBES), key=len, reverse=True)
    return PackedBatch.of(np.concatenate(texts), np.array([len(ids) for ids in texts]))


def _probed(model: LanguageModel, batch: PackedBatch, tokens: torch.Tensor | None) -> list[torch.Tensor]:
    """Scores of read and of two written tokens; the written ones are the likeliest if not given."""
    with torch.inference_mode():
        read = model.scores(batch)
        decoding = model.begin(batch, variants=2, new_tokens=2)
        written = decoding.first().argmax(dim=-1) if tokens is None else tokens
        return [read, decoding.first(), decoding.step(written), decoding.step(written)]


def _agreement(model: LanguageModel, batch: PackedBatch, expected: list[torch.Tensor]) -> float:
    """The least cosine between a model's scores and those expected; 0 if it can not be run."""
    try:
        found = _probed(model, batch, expected[1].argmax(dim=-1))
    except (RuntimeError, AttributeError, TypeError):
        return 0.0
    return min(_cosine(a, b) for a, b in zip(found, expected, strict=True))


def _cosine(found: torch.Tensor, expected: torch.Tensor) -> float:
    """The least cosine between rows; scores count relative to their row's mean."""
    a, b = (scores.double() - scores.double().mean(dim=-1, keepdim=True) for scores in (found, expected))
    return float(torch.nn.functional.cosine_similarity(a, b, dim=-1).min())
