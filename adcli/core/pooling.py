"""From token states to one vector a text, as the model's own files say.

    rule = read_pooling(Path("model"))       # modules.json, 1_Pooling/config.json
    vectors = pool(states, groups, rule.mode)

A model without modules.json is pooled by the mean, as sentence-transformers does. What these files may say
beyond mean, first token and last token is refused rather than guessed.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, cast

from adcli.core.batching import Group
from adcli.core.model_files import read_json
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
    """How a model wants its texts read and its token states joined.

    Attributes:
        mode: Mean of all tokens, the first or the last one.
        max_length: Tokens, special ones included, beyond which a text does not fit; None if not said.
        lowercase: Whether texts are put in lower case before they are cut into tokens.
        prompt: What is put before each text.
    """

    mode: Mode = "mean"
    max_length: int | None = None
    lowercase: bool = False
    prompt: str = ""


def read_pooling(path: Path) -> PoolingRule:
    """The rule in a model's folder.

    Raises:
        DataError: If the model has parts that are not offered here.
    """
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


def pool(states: torch.Tensor, groups: Sequence[Group], mode: Mode) -> torch.Tensor:
    """One fp32 vector for each sequence, in the batch's order.

    Args:
        states: (tokens, width) of sequences one after another.
        groups: The runs of equal length that cover all tokens.
        mode: Mean of a sequence's tokens, its first or its last one.
    """
    import torch

    pooled = []
    for start, count, length in groups:
        block = states[start : start + count * length].view(count, length, -1)
        if mode == "mean":
            pooled.append(block.float().mean(dim=1))
        else:
            pooled.append(block[:, 0 if mode == "cls" else -1].float())
    return torch.cat(pooled)


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
