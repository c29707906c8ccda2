"""What a model's folder must hold before anything of it is loaded."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from adcli.errors import DataError


def read_json(path: Path) -> dict[str, Any]:
    """The object in a JSON file of a model.

    Raises DataError if the file is missing, unreadable or holds something else.
    """
    try:
        content = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise DataError(f"{path} can not be read: {reason}.", fix="Fetch the model again.") from error
    if not isinstance(content, dict):
        raise DataError(f"{path} does not hold a JSON object.", fix="Fetch the model again.")
    return content


def check_model_directory(path: Path, *, name: str, task: str) -> None:
    """Raise unless `path` holds a model that can be read safely and serves `task`.

    Raises DataError if config.json or safetensors are missing, if the model needs code of its own, or if it
    should write text and does not.
    """
    if not (path / "config.json").exists():
        raise DataError(
            f"The model {name} has no config.json in {path}.",
            fix="Name the folder that holds config.json and model.safetensors.",
        )
    config = read_json(path / "config.json")
    _check_weights(path, name)
    _check_code(config, name)
    architectures = [str(a) for a in config.get("architectures") or []]
    writes = (
        any("CausalLM" in a or "LMHead" in a for a in architectures) and config.get("model_type") != "bert"
    )
    if task == "generate" and architectures and not writes:
        raise DataError(
            f"The model {name} ({architectures[0]}) does not write text.",
            fix="Name a causal language model such as smollm2 or gpt2.",
        )


def _check_weights(path: Path, name: str) -> None:
    if any(path.glob("*.safetensors")):
        return
    others = sorted(
        p.name for pattern in ("*.bin", "*.pt", "*.pth", "*.h5", "*.gguf") for p in path.glob(pattern)
    )
    found = f"only {others[0]}" if others else "no weights"
    raise DataError(
        f"The model {name} has {found} in {path}, and adcli reads safetensors and nothing else.",
        fix="Save it with model.save_pretrained(folder) first.",
    )


def _check_code(config: dict[str, Any], name: str) -> None:
    """Refuse settings that make a loader fetch or run code.

    A remote attention or expert kernel is named by `*_implementation` with a repository's name, a model's own
    classes by `auto_map`.
    """
    for key, value in _settings(config):
        is_kernel = key.endswith(("_implementation", "_implementation_internal")) and "/" in str(value)
        if key == "auto_map" or is_kernel:
            raise DataError(
                f"The model {name} wants to run code of its own ({key} in config.json).",
                fix="adcli never does that: use a model whose architecture transformers knows.",
            )


def _settings(config: object) -> list[tuple[str, object]]:
    if isinstance(config, list):
        return [pair for item in config for pair in _settings(item)]
    if not isinstance(config, dict):
        return []
    return [pair for key, value in config.items() for pair in [(str(key), value), *_settings(value)]]
