"""From token states to one vector a text, as the model's own files say.

    rule = read_pooling(Path("model"))       # modules.json, 1_Pooling/config.json
    vectors = pool(states, lengths, rule.mode)

A model without modules.json is pooled by the mean, as sentence-transformers does. What these files may say
beyond mean, first token and last token is refused rather than guessed.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, cast

import numpy as np

from adcli.arrays import Integers
from adcli.core.models.files import read_json
from adcli.errors import DataError

if TYPE_CHECKING:
    import torch

Mode = Literal["mean", "cls", "lasttoken"]
OLD_KEYS = {
    "pooling_mode_cls_token": "cls",
    "pooling_mode_max_tokens": "max",
    "pooling_mode_mean_tokens": "mean",
    "pooling_mode_mean_sqrt_len_tokens": "mean_sqrt_len_tokens",
    "pooling_mode_weightedmean_tokens": "weightedmean",
    "pooling_mode_lasttoken": "lasttoken",
}


class PoolingRule(NamedTuple):
    """How a model wants its texts read and its token states joined."""

    mode: Mode = "mean"  # mean of all tokens, the first or the last one
    # tokens, special ones included, beyond which a text does not fit; None if not said
    max_length: int | None = None
    lowercase: bool = False  # whether texts are put in lower case before they are cut into tokens
    prompt: str = ""  # what is put before each text


def read_pooling(path: Path) -> PoolingRule:
    """The rule in a model's folder. Raises DataError if the model has parts that are not offered here."""
    mode: Mode = "mean"
    for module in _modules(path):
        kind = str(module.get("type", "")).rsplit(".", 1)[-1]
        if kind == "Pooling":
            mode = _mode(path / str(module.get("path", "")) / "config.json")
        elif kind not in {"Transformer", "Normalize"}:
            raise DataError(
                f"The model in {path} has a part '{kind}' (modules.json), which adcli does not offer.",
                fix="Use a model of Transformer, Pooling and Normalize only.",
            )
    limits = _optional(path / "sentence_bert_config.json")
    prompts = _optional(path / "config_sentence_transformers.json")
    named = prompts.get("prompts") or {}
    return PoolingRule(
        mode,
        limits.get("max_seq_length"),
        bool(limits.get("do_lower_case", False)),
        str(named.get(prompts.get("default_prompt_name"), "")),
    )


def pool(states: torch.Tensor, lengths: Integers, mode: Mode) -> torch.Tensor:
    """(sequences, width) fp32 vectors in the batch's order, in a few steps for all of them together.

    `states` (tokens, width) of sequences one after another; `lengths` (sequences,) tokens of each; `mode`:
    mean of a sequence's tokens, its first or its last one.
    """
    import torch

    end = np.cumsum(lengths)
    if mode != "mean":
        place = end - lengths if mode == "cls" else end - 1
        return states[torch.from_numpy(place).to(states.device)].float()
    owner = torch.from_numpy(np.repeat(np.arange(len(lengths)), lengths)).to(states.device)
    sums = torch.zeros(len(lengths), states.shape[1], device=states.device)
    sums.index_add_(0, owner, states.float())
    return sums / torch.from_numpy(lengths).to(states.device).unsqueeze(1)


def _modules(path: Path) -> list[dict[str, Any]]:
    file = path / "modules.json"
    if not file.exists():
        return []
    try:
        content = json.loads(file.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise DataError(f"{file} can not be read: {error}") from error
    return [module for module in content if isinstance(module, dict)]


def _mode(config: Path) -> Mode:
    content = read_json(config)
    old = [mode for key, mode in OLD_KEYS.items() if content.get(key)]
    given = content.get("pooling_mode", old or ["mean"])
    modes = [given] if isinstance(given, str) else list(given)
    if len(modes) != 1 or modes[0] not in {"mean", "cls", "lasttoken"}:
        raise DataError(
            f"{config} asks for {' and '.join(map(str, modes))} pooling, which adcli does not offer.",
            fix="Use a model with mean, first-token or last-token pooling.",
        )
    return cast("Mode", modes[0])


def _optional(file: Path) -> dict[str, Any]:
    return read_json(file) if file.exists() else {}
