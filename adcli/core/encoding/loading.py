"""An encoder from a model's directory, in the form that this machine is fastest with."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch  # noqa: TID253 - this module is reached only once a model is loaded

from adcli.arrays import Floats
from adcli.core.adapters.adapter import adapter_fingerprint, apply_adapter
from adcli.core.compute.attention import Attention, VariableLengthAttention, plain_attention
from adcli.core.compute.autotune import Forms, Parity, autotune
from adcli.core.compute.batching import plan_batches
from adcli.core.compute.forward import AutoModelForward, ForwardPass, PackedBatch
from adcli.core.compute.linear_modules import own_copy
from adcli.core.compute.precision import choose_precision
from adcli.core.encoding.engine import LocalEngine
from adcli.core.encoding.packed import PackedBert
from adcli.core.encoding.packed_weights import PADDING_SHIFTS_POSITIONS, encoder_weights
from adcli.core.encoding.pooling import Mode, pool, read_pooling
from adcli.core.encoding.settings import Chosen, EncoderRequest, EncoderSettings
from adcli.core.encoding.tokens import TEXTS_AT_ONCE, TextReader
from adcli.core.models.loading import load_encoder_model
from adcli.core.models.resolution import ModelSource
from adcli.core.processes.runtime import start_runtime

if TYPE_CHECKING:
    from transformers import PreTrainedModel

PARITY_LIMITS = {"fp32": 1e-5, "bf16": 5e-4, "fp16": 5e-4}
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
TOKEN_BUDGET = {"cpu": 1_024, "cuda": 65_536, "mps": 16_384}
UNLIMITED = 1 << 20
WORKERS_OF_AN_ACCELERATOR = 2  # one prepares a batch while the other's is computed
# Each shape of a product that oneDNN has compiled holds a third of a megabyte; by itself it keeps a thousand.
ONEDNN_SHAPES = "256"


def load_engine(
    request: EncoderRequest, source: ModelSource, *, known: Chosen | None
) -> tuple[LocalEngine, Chosen]:
    """A loaded model and what was chosen for it.

    `request`: what was asked for; `source`: where the model was found; `known`: what was chosen before; saves
    the measurement. Raises DataError if the model or the adapter can not be used.
    """
    os.environ.setdefault("ONEDNN_PRIMITIVE_CACHE_CAPACITY", ONEDNN_SHAPES)
    runtime = start_runtime(device=request.device, precision=request.precision)
    rule = read_pooling(source.path)
    model = load_encoder_model(source.path)
    if request.adapter:
        model = apply_adapter(model, Path(request.adapter), source)
    reader = TextReader.load(
        source.path,
        rule,
        position_limit=_position_limit(model),
        max_length=request.max_length,
        windows=request.windows,
    )
    forward, tuned = autotune(
        _forms(model, runtime.device),
        _vector_parity(reader, rule.mode),
        lambda: choose_precision(
            request.precision, device=runtime.device, width=model.config.hidden_size, exact=request.exact
        ),
        known.tuned if known else None,
    )
    settings = EncoderSettings(
        model=source.fingerprint,
        adapter=adapter_fingerprint(request.adapter),
        precision=tuned.precision,
        forward=forward.name,
        pooling=rule.mode,
        max_length=reader.max_length,
        windows=request.windows,
    )
    budget = TOKEN_BUDGET[runtime.device.split(":")[0]]
    chosen = Chosen(settings, forward.width, tuned)
    on_cpu = runtime.device == "cpu"
    workers = runtime.workers if on_cpu else WORKERS_OF_AN_ACCELERATOR
    read_at_once = None if on_cpu else TEXTS_AT_ONCE
    return LocalEngine(reader, forward, rule.mode, workers, budget, read_at_once), chosen


def _forms(model: PreTrainedModel, device: str) -> Forms[ForwardPass]:
    """How the model can be run, fastest first."""
    forms: dict[str, Callable[[torch.dtype, bool], ForwardPass]] = {}
    weights = encoder_weights(model)
    if weights is not None:

        def packed(attention: Attention, dtype: torch.dtype, onednn: bool) -> ForwardPass:
            return PackedBert(weights, device, dtype, onednn=onednn, attention=attention)

        if device.startswith("cuda"):
            forms["packed, any lengths"] = lambda dtype, onednn: packed(
                VariableLengthAttention(weights.heads, device), dtype, onednn
            )
        forms["packed"] = lambda dtype, onednn: packed(
            plain_attention(weights.heads, device, dtype), dtype, onednn
        )
    forms["transformers"] = lambda dtype, onednn: AutoModelForward(
        own_copy(model, dtype, onednn=onednn), device, dtype, onednn=onednn
    )
    return forms


def _position_limit(model: PreTrainedModel) -> int:
    """Tokens the model has positions for; RoBERTa's first ones are for padding, a prefix takes its own."""
    limit = getattr(model.config, "max_position_embeddings", None) or UNLIMITED
    limit -= getattr(getattr(model, "active_peft_config", None), "num_virtual_tokens", 0)
    padding_first = model.config.model_type in PADDING_SHIFTS_POSITIONS
    return int(limit) - (model.config.pad_token_id + 1 if padding_first else 0)


def _vector_parity(reader: TextReader, mode: Mode) -> Parity:
    """Parity of the vectors of texts of many kinds and lengths."""
    tokens = reader.read(PROBES)

    def vectors_of(forward: ForwardPass) -> Floats:
        vectors = np.empty((len(tokens.lengths), forward.width))
        for windows in plan_batches(tokens.lengths, token_budget=1024, max_padding=forward.max_padding):
            batch = PackedBatch.of(tokens.flat(windows), tokens.lengths[windows])
            vectors[windows] = pool(forward(batch), batch.lengths, mode).double().cpu().numpy()
        return vectors

    return Parity(vectors_of, _greatest_cosine_distance, "greatest cosine distance", PARITY_LIMITS)


def _greatest_cosine_distance(found: Floats, expected: Floats) -> float:
    """1 - the least cosine between rows."""
    norms = np.linalg.norm(found, axis=1) * np.linalg.norm(expected, axis=1)
    return float(np.max(1 - np.sum(found * expected, axis=1) / norms))
