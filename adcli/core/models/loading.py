"""Tokenizers and models from a folder: safetensors only, no code of the model's own, nothing missing."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from adcli.core.models.quiet import quiet
from adcli.errors import DataError, UsageError

if TYPE_CHECKING:
    import torch
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

CAN_DECODE = {"bert", "roberta", "xlm-roberta", "camembert", "electra"}
LOAD_ERRORS = (OSError, ValueError, RuntimeError, KeyError, TypeError, AttributeError, ImportError)


def load_tokenizer(path: Path) -> PreTrainedTokenizerBase:
    """The model's own fast tokenizer.

    Raises DataError if it can not be read, or is of the slow kind that has no tokenizer.json.
    """
    from transformers import AutoTokenizer

    with quiet():
        try:
            tokenizer = AutoTokenizer.from_pretrained(path, local_files_only=True, trust_remote_code=False)
        except LOAD_ERRORS as error:
            raise DataError(f"The tokenizer in {path} can not be read: {first_line(error)}") from error
    if not tokenizer.is_fast:
        raise DataError(
            f"The tokenizer in {path} is of the slow kind.", fix="Save one with a tokenizer.json."
        )
    return tokenizer


def load_encoder_model(path: Path) -> PreTrainedModel:
    """The model's body without heads, in fp32 and evaluation mode on the CPU.

    Raises DataError if it can not be read or weights are missing.
    """
    import torch
    from transformers import AutoModel

    return _load(AutoModel, path, torch.float32, unused=("pooler.",))


def load_language_model(path: Path, dtype: torch.dtype) -> PreTrainedModel:
    """A causal language model, in evaluation mode on the CPU.

    Raises DataError if it can not be read or weights are missing.
    """
    from transformers import AutoModelForCausalLM

    return _load(AutoModelForCausalLM, path, dtype, unused=())


def load_decoder(path: Path) -> PreTrainedModel:
    """An encoder of the BERT family as a decoder that looks at one vector, without dropout.

    Its new weights, which look at the vector, are random by torch's seed. Raises UsageError if the
    architecture can not be one.
    """
    import torch
    from transformers import AutoConfig, AutoModelForCausalLM

    config = AutoConfig.from_pretrained(path, local_files_only=True, trust_remote_code=False)
    if config.model_type not in CAN_DECODE:
        raise UsageError(
            f"--objective denoise is not offered for {config.model_type} models.",
            fix="Use --objective simcse, which learns from texts alone too.",
        )
    with quiet():
        model: PreTrainedModel = AutoModelForCausalLM.from_pretrained(
            path,
            dtype=torch.float32,
            use_safetensors=True,
            local_files_only=True,
            trust_remote_code=False,
            is_decoder=True,
            add_cross_attention=True,
            hidden_dropout_prob=0.0,
            attention_probs_dropout_prob=0.0,
        )
    return model


def _load(loader: Any, path: Path, dtype: torch.dtype, unused: tuple[str, ...]) -> PreTrainedModel:
    from safetensors import SafetensorError

    with quiet():
        try:
            model, report = loader.from_pretrained(
                path,
                dtype=dtype,
                use_safetensors=True,
                local_files_only=True,
                trust_remote_code=False,
                output_loading_info=True,
            )
        except (*LOAD_ERRORS, SafetensorError) as error:
            raise DataError(f"The model in {path} can not be read: {first_line(error)}") from error
    missing = sorted(key for key in report["missing_keys"] if not key.startswith(unused or ("\0",)))
    if missing:
        raise DataError(
            f"The weights in {path} are incomplete: {missing[0]} is missing"
            + (f", and {len(missing) - 1} more." if len(missing) > 1 else "."),
            fix="Fetch the model again.",
        )
    check_finite(model, f"The model in {path}")
    return model.eval()


def check_finite(model: torch.nn.Module, what: str) -> None:
    """Make sure that all weights are numbers. Raises DataError if one is not."""
    for name, weights in model.named_parameters():
        if weights.is_floating_point() and not weights.isfinite().all():
            raise DataError(
                f"{what} is damaged: {name} holds NaN or infinite weights.", fix="Fetch it again."
            )


def first_line(error: BaseException) -> str:
    """What an error of a library says first, as a sentence."""
    lines = str(error).strip().splitlines()
    return lines[0].rstrip(".") + "." if lines else type(error).__name__
