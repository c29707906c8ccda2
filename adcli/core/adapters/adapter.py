"""Small sets of weights that turn a model to a shop's own data, and the directory they are kept in.

    adapter.json                 what it is, of which model, with what settings, what it scored
    adapter_config.json          peft's own description; none of a bottleneck adapter, which is not peft's
    adapter_model.safetensors    its weights; model.safetensors where all weights were tuned
    head.safetensors             of labelled texts: a logistic head on the vectors
    replay.json                  a sample of what it learned from, so that a later run does not forget it;
                                 replay.ndjson of a writer

An adapter belongs to the model it was made for, and is refused by any other.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, cast

from adcli.core.models.files import read_json
from adcli.core.models.fingerprint import fingerprint
from adcli.core.models.loading import LOAD_ERRORS, check_finite, first_line
from adcli.core.models.quiet import quiet
from adcli.core.models.resolution import ModelSource
from adcli.errors import DataError, UsageError

if TYPE_CHECKING:
    from transformers import PreTrainedModel

Tuning = Literal["lora", "adalora", "prefix", "adapter", "full"]
PEAK_LEARNING_RATES: dict[str, float] = {
    "lora": 5e-4,
    "adalora": 1e-3,
    "prefix": 1e-2,
    "adapter": 1e-3,
    "full": 2e-5,
}

DESCRIPTION = "adapter.json"
FORMAT = 1
SETS = {"target_modules"}
PEFT_KINDS = {"LORA", "ADALORA", "PREFIX_TUNING"}
ATTENTION = {
    "bert": ["query", "value"],
    "roberta": ["query", "value"],
    "xlm-roberta": ["query", "value"],
    "distilbert": ["q_lin", "v_lin"],
    "mpnet": ["q", "v"],
    "gpt2": ["c_attn"],
    "llama": ["q_proj", "v_proj"],
    "qwen2": ["q_proj", "v_proj"],
}


@dataclass(frozen=True)
class AdapterSettings:
    """Which weights of a model are trained.

    Attributes:
        tuning: The kind of adapter, or "full" for all weights.
        rank: Rank of LoRA's products, tokens of a prefix, or width of a bottleneck adapter.

    Raises:
        UsageError: If there is no such kind, or the rank makes no sense.
    """

    tuning: Tuning = "lora"
    rank: int = 8

    def __post_init__(self) -> None:
        if self.tuning not in PEAK_LEARNING_RATES:
            raise UsageError(f"--tune {self.tuning} is none of {', '.join(PEAK_LEARNING_RATES)}.")
        if self.rank < 1:
            raise UsageError(f"--rank {self.rank} makes no sense.", fix="Give 1 or more.")


def attach_adapter(
    model: PreTrainedModel, adapter: AdapterSettings, *, steps: int, seed: int
) -> PreTrainedModel:
    """The model with new weights to train; all else is frozen. With "full" the model itself, nothing frozen.

    Args:
        model: A loaded transformers model.
        adapter: Which weights.
        steps: Optimizer steps there will be, over which AdaLoRA allocates its ranks.
        seed: Of the new weights.

    Raises:
        UsageError: If it is not offered for this architecture.

    Source: Hu et al., "LoRA" (2021); Dettmers et al., "QLoRA" (2023), figure 2, for all layers of a writer;
    Zhang et al., "AdaLoRA" (2023); Li and Liang, "Prefix-Tuning" (2021).
    """
    import torch

    tuning, rank = adapter.tuning, adapter.rank
    if tuning == "full":
        return model
    import peft

    kind, writes = str(model.config.model_type), hasattr(model, "lm_head")
    modules = "all-linear" if writes else ATTENTION.get(kind)
    unfit = writes and (tuning == "adapter" or (tuning == "prefix" and kind not in ATTENTION))
    if modules is None or unfit:
        raise UsageError(
            f"--tune {tuning} is not offered for {kind} models.",
            fix="Use --tune full." if modules is None else "Use --tune lora.",
        )
    torch.manual_seed(seed)
    if tuning == "adapter":
        from adcli.core.adapters.bottleneck import insert_bottlenecks

        return insert_bottlenecks(model, rank)
    task = "CAUSAL_LM" if writes else "FEATURE_EXTRACTION"
    configs: dict[str, Any] = {
        "lora": lambda: peft.LoraConfig(r=rank, lora_alpha=2 * rank, target_modules=modules, task_type=task),
        "adalora": lambda: peft.AdaLoraConfig(
            init_r=rank + rank // 2,
            target_r=rank,
            lora_alpha=2 * rank,
            target_modules=modules,
            task_type=task,
            total_step=steps,
            tinit=steps // 10,
            tfinal=steps // 3,
        ),
        "prefix": lambda: peft.PrefixTuningConfig(num_virtual_tokens=rank, task_type=task),
    }
    with quiet():
        tuned: PreTrainedModel = peft.get_peft_model(model, configs[tuning]())
    if tuning == "prefix" and writes:
        from adcli.core.adapters.prefix import begin_with_words

        begin_with_words(tuned, seed=seed)
    return tuned


def save_adapter(
    model: PreTrainedModel,
    directory: Path,
    *,
    source: ModelSource,
    tuning: Tuning,
    about: Mapping[str, object],
) -> None:
    """Write what `attach_adapter` gave, tuned, and what it is and scored, into a directory."""
    directory.mkdir(parents=True, exist_ok=True)
    if tuning == "adapter":
        from adcli.core.adapters.bottleneck import save_bottlenecks

        save_bottlenecks(model, directory)
    else:
        with quiet():
            model.save_pretrained(directory, safe_serialization=True)
        _tidy(directory / "adapter_config.json", base=source.name)
    (directory / "README.md").unlink(missing_ok=True)
    content = {
        "format": FORMAT,
        "tuning": tuning,
        "base": {"name": source.name, "fingerprint": source.fingerprint},
        **about,
    }
    (directory / DESCRIPTION).write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n", "utf-8")


def _tidy(path: Path, *, base: str) -> None:
    """Call the base model by its name, not by where it lies here, and sort what peft keeps in sets."""
    if path.is_file():
        content = {k: sorted(v) if k in SETS else v for k, v in read_json(path).items()}
        content["base_model_name_or_path"] = base
        path.write_text(json.dumps(content, indent=2, sort_keys=True) + "\n", "utf-8")


def add_to_description(directory: Path, about: Mapping[str, object]) -> None:
    """Let an adapter's directory say more of itself."""
    content = {**read_json(directory / DESCRIPTION), **about}
    (directory / DESCRIPTION).write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n", "utf-8")


def adapter_fingerprint(adapter: str | Path | None) -> str:
    """16 hexadecimal digits that stand for an adapter; an empty string for none.

    Raises:
        DataError: If the directory is no adapter.
    """
    if not adapter:
        return ""
    describe_adapter(Path(adapter))
    return fingerprint(Path(adapter))


def describe_adapter(directory: Path) -> dict[str, Any]:
    """What an adapter's directory says of itself.

    Raises:
        DataError: If it is no adapter.
    """
    if not (directory / DESCRIPTION).is_file():
        raise DataError(
            f"{directory} is no adapter: it has no {DESCRIPTION}.",
            fix="Name a directory that `adcli optimize encoder`, `writer` or `roles` wrote.",
        )
    content = read_json(directory / DESCRIPTION)
    base = content.get("base")
    is_ours = content.get("format") == FORMAT and content.get("tuning") in PEAK_LEARNING_RATES
    if not is_ours or not isinstance(base, dict) or not {"name", "fingerprint"} <= base.keys():
        raise DataError(
            f"{directory / DESCRIPTION} is not of the kind this version reads.", fix="Make it again."
        )
    return content


def continue_adapter(
    model: PreTrainedModel, directory: Path, source: ModelSource, tuning: Tuning
) -> PreTrainedModel:
    """The model with an adapter's weights, to be trained on as it was; by AdaLoRA it cannot be.

    Raises:
        UsageError: If it can not be tuned on in this way.
        DataError: If it is no adapter, of another model, or can not be read.
    """
    content = check_base(directory, source)
    if content["tuning"] != tuning or tuning == "adalora":
        raise UsageError(
            f"The adapter in {directory} was made by --tune {content['tuning']} and can not be tuned on by "
            f"--tune {tuning}.",
            fix="Give the --tune it was made by (AdaLoRA's ranks are settled), or begin anew.",
        )
    with _as_sentence(directory), quiet():
        if tuning in {"full", "adapter"}:
            return _with_own_weights(model, directory, tuning)
        return _with_adapter(model, directory, is_trainable=True)


def check_base(directory: Path, source: ModelSource) -> dict[str, Any]:
    """What an adapter's directory says of itself, if it was made for this model.

    Raises:
        DataError: If it is no adapter, or of another model.
    """
    content = describe_adapter(directory)
    base = content["base"]
    if base["fingerprint"] != source.fingerprint:
        raise DataError(
            f"The adapter in {directory} was made for another model ({base.get('name', 'unknown')}), "
            f"not for {source.name}.",
            fix="Give the model it was made for, or train one for this model.",
        )
    return content


def apply_adapter(model: PreTrainedModel, directory: Path, source: ModelSource) -> PreTrainedModel:
    """The model with an adapter's weights: put into its own where they fit there, else around it.

    Raises:
        DataError: If it is no adapter, of another model, or can not be read.
    """
    content = check_base(directory, source)
    with _as_sentence(directory), quiet():
        is_own = content["tuning"] in {"full", "adapter"}
        adapted: Any = (
            _with_own_weights(model, directory, content["tuning"])
            if is_own
            else _with_adapter(model, directory, is_trainable=False)
        ).eval()
        check_finite(adapted, f"The adapter in {directory}")
        if is_own or content["tuning"] == "prefix":
            return cast("PreTrainedModel", adapted)
        merged: PreTrainedModel = adapted.merge_and_unload().eval()
        return merged


@contextmanager
def _as_sentence(directory: Path) -> Iterator[None]:
    from safetensors import SafetensorError

    try:
        yield
    except (*LOAD_ERRORS, SafetensorError) as error:
        raise DataError(f"The adapter in {directory} can not be read: {first_line(error)}") from error


def _with_own_weights(model: PreTrainedModel, directory: Path, tuning: str) -> PreTrainedModel:
    """The model with weights that are not peft's: all of them, or bottlenecks."""
    from safetensors.torch import load_model

    from adcli.core.adapters.bottleneck import load_bottlenecks

    if tuning == "adapter":
        return load_bottlenecks(model, directory)
    load_model(model, directory / "model.safetensors")
    return model


def _with_adapter(model: PreTrainedModel, directory: Path, *, is_trainable: bool) -> Any:
    from peft import PeftModel

    kind = read_json(directory / "adapter_config.json").get("peft_type")
    if kind not in PEFT_KINDS:
        raise DataError(f"The adapter in {directory} is of the kind {kind}, which is not offered.")
    if not (directory / "adapter_model.safetensors").is_file():
        raise DataError(f"The adapter in {directory} has no adapter_model.safetensors.")
    is_prefix = kind == "PREFIX_TUNING"
    adapted: Any = PeftModel.from_pretrained(model, directory, is_trainable=is_trainable and not is_prefix)
    if is_trainable and is_prefix:  # which peft itself refuses to load for training
        adapted.active_peft_config.inference_mode = False
        adapted.prompt_encoder.requires_grad_(True)
    return adapted
