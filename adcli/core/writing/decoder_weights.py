"""The weights of GPT-2 and of the Llama family under one set of names."""

from __future__ import annotations

from typing import Any, NamedTuple

import torch  # noqa: TID253 - this module is reached only once a model is loaded

from adcli.core.adapters.prefix import Prefix, learned_prefix, without_prefix
from adcli.core.compute.affine import Affine, affine, joined
from adcli.core.compute.linear import ONEDNN_ACTIVATIONS

LIKE_LLAMA = {"llama", "qwen2", "mistral"}
TAKEN_OVER = {"LORA", "ADALORA", "PREFIX_TUNING"}  # kinds of peft: weights beside a module's, and a prefix


class DecoderLayerWeights(NamedTuple):
    """One decoder layer; `gate` is None where the feed-forward layer has none."""

    attention_norm: Affine
    query_key_value: Affine
    attention_output: Affine
    hidden_norm: Affine
    gate: Affine | None
    expand: Affine
    contract: Affine


class DecoderWeights(NamedTuple):
    """A whole causal language model.

    Attributes:
        words: (vocabulary, width).
        positions: (max positions, width), or None where attention rotates by position.
        rotation: (depth / 2,) angles of one position, or None where positions are added.
        layers: From the first to the last.
        final_norm: Before the head.
        head: (vocabulary, width).
        heads: Query heads.
        key_heads: Key and value heads, each shared by heads / key_heads query heads.
        activation: A name of `ONEDNN_ACTIVATIONS`.
        epsilon: Of the normalisations.
        max_positions: Tokens a text may have.
        prefix: Keys and values that were learned, before each text.
    """

    words: torch.Tensor
    positions: torch.Tensor | None
    rotation: torch.Tensor | None
    layers: list[DecoderLayerWeights]
    final_norm: Affine
    head: torch.Tensor
    heads: int
    key_heads: int
    activation: str
    epsilon: float
    max_positions: int
    prefix: Prefix = Prefix([])


def decoder_weights(model: Any) -> DecoderWeights | None:
    """The weights of a loaded transformers model, an adapter on it included; None if of neither family."""
    adapters = getattr(model, "peft_config", {}).values()
    if {str(config.peft_type.value) for config in adapters} - TAKEN_OVER:
        return None
    prefix = learned_prefix(model)
    model = without_prefix(model)
    config = model.config
    if config.model_type == "gpt2" and _is_plain_gpt2(config):
        weights = _gpt2(model)
    elif config.model_type in LIKE_LLAMA and _is_plain_llama(config):
        weights = _llama(model)
    else:
        return None
    return weights._replace(prefix=prefix, max_positions=weights.max_positions - prefix.length)


def _is_plain_gpt2(config: Any) -> bool:
    return (
        config.activation_function in ONEDNN_ACTIVATIONS
        and config.scale_attn_weights
        and not config.scale_attn_by_inverse_layer_idx
        and not config.add_cross_attention
    )


def _is_plain_llama(config: Any) -> bool:
    return (
        config.hidden_act in ONEDNN_ACTIVATIONS
        and config.rope_parameters["rope_type"] == "default"
        and not getattr(config, "sliding_window", None)
    )


def _gpt2(model: Any) -> DecoderWeights:
    config, body = model.config, model.transformer
    layers = [
        DecoderLayerWeights(
            affine(block.ln_1),
            affine(block.attn.c_attn),
            affine(block.attn.c_proj),
            affine(block.ln_2),
            None,
            affine(block.mlp.c_fc),
            affine(block.mlp.c_proj),
        )
        for block in body.h
    ]
    return DecoderWeights(
        words=body.wte.weight.detach(),
        positions=body.wpe.weight.detach(),
        rotation=None,
        layers=layers,
        final_norm=affine(body.ln_f),
        head=model.lm_head.weight.detach(),
        heads=config.n_head,
        key_heads=config.n_head,
        activation=config.activation_function,
        epsilon=config.layer_norm_epsilon,
        max_positions=config.n_positions,
    )


def _llama(model: Any) -> DecoderWeights:
    config, body = model.config, model.model
    layers = [
        DecoderLayerWeights(
            affine(block.input_layernorm),
            joined(block.self_attn.q_proj, block.self_attn.k_proj, block.self_attn.v_proj),
            affine(block.self_attn.o_proj),
            affine(block.post_attention_layernorm),
            affine(block.mlp.gate_proj),
            affine(block.mlp.up_proj),
            affine(block.mlp.down_proj),
        )
        for block in body.layers
    ]
    return DecoderWeights(
        words=body.embed_tokens.weight.detach(),
        positions=None,
        rotation=body.rotary_emb.inv_freq.detach().float(),
        layers=layers,
        final_norm=affine(body.norm),
        head=model.lm_head.weight.detach(),
        heads=config.num_attention_heads,
        key_heads=config.num_key_value_heads,
        activation=config.hidden_act,
        epsilon=config.rms_norm_eps,
        max_positions=config.max_position_embeddings,
    )
