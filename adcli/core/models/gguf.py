"""GGUF weights made into safetensors, once, in the cache folder."""

from __future__ import annotations

import hashlib
import io
from contextlib import redirect_stderr
from pathlib import Path
from typing import TYPE_CHECKING, Any

from adcli.core.cache import build_directory, cache_directory, writable_directory
from adcli.core.models.quiet import quiet
from adcli.errors import DataError

if TYPE_CHECKING:
    from transformers import PreTrainedModel


def converted(weights: Path) -> Path:
    """The folder with config.json, tokenizer and fp32 safetensors made of a GGUF file.

    The first call takes about 20 s for 135 M parameters, later ones nothing. Raises DataError if the file can
    not be read.
    """
    stat = weights.stat()
    key = hashlib.sha256(f"{weights.resolve()}\0{stat.st_size}\0{stat.st_mtime_ns}".encode()).hexdigest()[:12]
    name = f"{weights.stem}-{key}"
    made = cache_directory("models") / name
    if made.exists():
        return made
    return build_directory(writable_directory("models") / name, lambda folder: _convert(weights, folder))


def _convert(weights: Path, folder: Path) -> None:
    from transformers import AutoModelForCausalLM, AutoTokenizer

    with quiet(), redirect_stderr(io.StringIO()):  # the bar of the conversion ignores transformers' switch
        where: dict[str, Any] = {
            "gguf_file": weights.name,
            "local_files_only": True,
            "trust_remote_code": False,
        }
        try:
            tokenizer = AutoTokenizer.from_pretrained(weights.parent, **where)
            model = AutoModelForCausalLM.from_pretrained(weights.parent, dtype="float32", **where)
        except (OSError, ValueError, RuntimeError, KeyError, ImportError) as error:
            raise DataError(f"{weights} can not be read as GGUF weights: {error}") from error
        tokenizer.save_pretrained(folder)
        _without_quantization(model).save_pretrained(folder)


def _without_quantization(model: PreTrainedModel) -> PreTrainedModel:
    """The same model as if it had never been GGUF: transformers refuses to save it otherwise."""
    import torch

    settings = model.config.to_dict()
    settings.pop("quantization_config", None)
    with torch.device("meta"):
        rebuilt = type(model)(type(model.config).from_dict(settings))
    rebuilt.load_state_dict(model.state_dict(), assign=True)
    rebuilt.tie_weights()
    rebuilt.generation_config = model.generation_config
    return rebuilt
