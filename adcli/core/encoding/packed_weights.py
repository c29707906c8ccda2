"""The weights of the BERT family under one set of names.

BERT, RoBERTa, XLM-RoBERTa, CamemBERT, ELECTRA and DistilBERT compute the same thing and name it differently.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import torch  # noqa: TID253 - this module is reached only once a model is loaded

from adcli.core.adapters.bottleneck import has_bottlenecks
from adcli.core.compute.affine import Affine, affine, joined
from adcli.core.compute.linear import ONEDNN_ACTIVATIONS

LIKE_BERT = {"bert", "roberta", "xlm-roberta", "camembert", "electra"}
PADDING_SHIFTS_POSITIONS = {"roberta", "xlm-roberta", "camembert"}


class LayerWeights(NamedTuple):
    """One encoder layer."""

    query_key_value: Affine
    attention_output: Affine
    attention_norm: Affine
    expand: Affine
    contract: Affine
    output_norm: Affine


class EncoderWeights(NamedTuple):
    """A whole encoder."""

    words: torch.Tensor  # (vocabulary, width)
    positions: torch.Tensor  # (max positions, width), with the first token type added
    embedding_norm: Affine
    layers: list[LayerWeights]
    heads: int  # attention heads
    activation: str  # a name of `ONEDNN_ACTIVATIONS`
    epsilon: float  # of the normalisations


def encoder_weights(model: Any) -> EncoderWeights | None:
    """The weights of a loaded transformers model; None of another family, with a prefix or bottlenecks."""
    config = model.config
    kind = str(config.model_type)
    activation = config.activation if kind == "distilbert" else getattr(config, "hidden_act", "")
    relative = getattr(config, "position_embedding_type", "absolute") != "absolute"
    decodes = getattr(config, "is_decoder", False)
    if (
        activation not in ONEDNN_ACTIVATIONS
        or relative
        or decodes
        or hasattr(model, "embeddings_project")
        or hasattr(model, "prompt_encoder")
        or has_bottlenecks(model)
    ):
        return None
    if kind in LIKE_BERT:
        return _like_bert(model, kind, activation)
    return _distilbert(model, activation) if kind == "distilbert" else None


def _like_bert(model: Any, kind: str, activation: str) -> EncoderWeights:
    config, embeddings = model.config, model.embeddings
    table = embeddings.position_embeddings.weight
    if kind in PADDING_SHIFTS_POSITIONS:
        table = table[config.pad_token_id + 1 :]
    layers = []
    for layer in model.encoder.layer:
        attention, output = layer.attention.self, layer.attention.output
        layers.append(
            LayerWeights(
                joined(attention.query, attention.key, attention.value),
                affine(output.dense),
                affine(output.LayerNorm),
                affine(layer.intermediate.dense),
                affine(layer.output.dense),
                affine(layer.output.LayerNorm),
            )
        )
    return EncoderWeights(
        embeddings.word_embeddings.weight.detach(),
        (table + embeddings.token_type_embeddings.weight[0]).detach(),
        affine(embeddings.LayerNorm),
        layers,
        config.num_attention_heads,
        activation,
        config.layer_norm_eps,
    )


def _distilbert(model: Any, activation: str) -> EncoderWeights:
    embeddings = model.embeddings
    layers = []
    for layer in model.transformer.layer:
        attention = layer.attention
        layers.append(
            LayerWeights(
                joined(attention.q_lin, attention.k_lin, attention.v_lin),
                affine(attention.out_lin),
                affine(layer.sa_layer_norm),
                affine(layer.ffn.lin1),
                affine(layer.ffn.lin2),
                affine(layer.output_layer_norm),
            )
        )
    return EncoderWeights(
        embeddings.word_embeddings.weight.detach(),
        embeddings.position_embeddings.weight.detach(),
        affine(embeddings.LayerNorm),
        layers,
        model.config.n_heads,
        activation,
        embeddings.LayerNorm.eps,
    )
