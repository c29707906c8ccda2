"""How an encoder comes to be: precision measured, fast path tried, parity checked, fallback taken."""

from __future__ import annotations

import copy
import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import torch  # noqa: TID253 - this module is reached only once a model is loaded

from adcli.core.adapters.adapter import adapter_fingerprint, apply_adapter
from adcli.core.compute.attention import (
    Attention,
    ExponentialAttention,
    SoftmaxAttention,
    VariableLengthAttention,
)
from adcli.core.compute.forward import AutoModelForward, ForwardPass
from adcli.core.compute.precision import PrecisionChoice, choose_precision
from adcli.core.encoding.engine import LocalEngine
from adcli.core.encoding.packed import PackedBert
from adcli.core.encoding.packed_weights import PADDING_SHIFTS_POSITIONS, encoder_weights
from adcli.core.encoding.parity import check_parity
from adcli.core.encoding.pooling import Mode, read_pooling
from adcli.core.encoding.settings import Chosen, EncoderRequest, EncoderSettings
from adcli.core.encoding.tokens import TEXTS_AT_ONCE, TextReader
from adcli.core.models.loading import load_encoder_model
from adcli.core.models.resolution import ModelSource
from adcli.core.processes.runtime import start_runtime

if TYPE_CHECKING:
    from transformers import PreTrainedModel

TOKEN_BUDGET = {"cpu": 1_024, "cuda": 65_536, "mps": 16_384}
UNLIMITED = 1 << 20
WORKERS_OF_AN_ACCELERATOR = 2  # one prepares a batch while the other's is computed
# Each shape of a product that oneDNN has compiled holds a third of a megabyte; by itself it keeps a thousand.
ONEDNN_SHAPES = "256"


def load_engine(
    request: EncoderRequest, source: ModelSource, *, remembered: Chosen | None
) -> tuple[LocalEngine, Chosen]:
    """A loaded model and what was chosen for it.

    Args:
        request: What was asked for.
        source: Where the model was found.
        remembered: What was chosen before; saves the measurement.

    Raises:
        DataError: If the model or the adapter can not be used.
    """
    os.environ.setdefault("ONEDNN_PRIMITIVE_CACHE_CAPACITY", ONEDNN_SHAPES)
    runtime = start_runtime(device=request.device, precision=request.precision)
    rule = read_pooling(source.path)
    model = load_encoder_model(source.path, torch.float32)
    if request.adapter:
        model = apply_adapter(model, Path(request.adapter), source)
    if remembered is None:
        choice = choose_precision(
            request.precision, device=runtime.device, width=model.config.hidden_size, exact=request.exact
        )
    else:
        choice = PrecisionChoice(remembered.settings.precision, remembered.onednn, remembered.notes[0])
    reader = TextReader.load(
        source.path,
        rule,
        position_limit=_position_limit(model),
        max_length=request.max_length,
        windows=request.windows,
    )
    forward, choice, notes = _fastest_forward(model, choice, runtime.device, reader, rule.mode)
    settings = EncoderSettings(
        model=source.fingerprint,
        adapter=adapter_fingerprint(request.adapter),
        precision=choice.precision,
        forward=forward.name,
        pooling=rule.mode,
        max_length=reader.max_length,
        windows=request.windows,
    )
    budget = TOKEN_BUDGET[runtime.device.split(":")[0]]
    chosen = Chosen(settings, forward.width, choice.onednn, (choice.sentence, *notes))
    on_cpu = runtime.device == "cpu"
    workers = runtime.workers if on_cpu else WORKERS_OF_AN_ACCELERATOR
    read_at_once = None if on_cpu else TEXTS_AT_ONCE
    return LocalEngine(reader, forward, rule.mode, workers, budget, read_at_once), chosen


def _fastest_forward(
    model: PreTrainedModel, choice: PrecisionChoice, device: str, reader: TextReader, mode: Mode
) -> tuple[ForwardPass, PrecisionChoice, list[str]]:
    """The fastest forward pass that agrees with transformers in fp32, its precision, and why."""
    reference = AutoModelForward(model, device, torch.float32)
    notes = []
    for candidate, its_choice in _candidates(model, choice, device):
        try:
            parity = check_parity(candidate, reference, reader, mode, its_choice.precision)
        except (RuntimeError, AttributeError, TypeError) as error:
            notes.append(f"{candidate.name}: not usable ({type(error).__name__})")
            continue
        notes.append(f"{candidate.name}: least cosine with transformers in fp32 {parity.cosine:.6f}")
        if parity.is_close:
            return candidate, its_choice, notes
    notes.append(f"{reference.name} computes in fp32")
    return reference, choice._replace(precision="fp32", onednn=False), notes


def _candidates(
    model: PreTrainedModel, choice: PrecisionChoice, device: str
) -> Iterator[tuple[ForwardPass, PrecisionChoice]]:
    """Forward passes that may be used and their precision, fastest first."""
    weights = encoder_weights(model)
    for its_choice in dict.fromkeys([choice, choice._replace(precision="fp32")]):
        dtype, onednn = its_choice.dtype, its_choice.onednn
        if weights is not None:
            for attention in _attentions(weights.heads, device, dtype):
                yield PackedBert(weights, device, dtype, onednn=onednn, attention=attention), its_choice
        if onednn or dtype != torch.float32:
            yield AutoModelForward(copy.deepcopy(model), device, dtype, onednn=onednn), its_choice


def _attentions(heads: int, device: str, dtype: torch.dtype) -> Iterator[Attention]:
    """What can compute attention there, fastest first."""
    if device.startswith("cuda") and dtype != torch.float32:
        with suppress(ImportError):  # torch before 2.10
            yield VariableLengthAttention(heads, device)
    if device == "cpu" and dtype == torch.bfloat16:
        yield ExponentialAttention(heads)
    else:
        yield SoftmaxAttention(heads)


def _position_limit(model: PreTrainedModel) -> int:
    """Tokens the model has positions for; RoBERTa's first ones are for padding, a prefix takes its own."""
    limit = getattr(model.config, "max_position_embeddings", None) or UNLIMITED
    limit -= getattr(getattr(model, "active_peft_config", None), "num_virtual_tokens", 0)
    padding_first = model.config.model_type in PADDING_SHIFTS_POSITIONS
    return int(limit) - (model.config.pad_token_id + 1 if padding_first else 0)
