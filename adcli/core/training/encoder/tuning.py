"""Tuning an encoder on the shop's own data, and writing what was learned as an adapter.

    examples = Pairs(["kettle", ...], ["water cooker, 1.7 l", ...])
    tune_encoder("minilm", examples, Path("encoder"), settings=TrainingSettings(steps=300))
    Encoder.load("minilm", adapter="encoder")

Pairs are learned by contrast: each anchor is to be nearer to its own positive than to all other positives of
its batch and to its mined hard negatives. With positives equal to their anchors this is SimCSE: two readings
of a text differ by dropout alone. Texts are learned by a denoising auto-encoder, labelled ones by a
classifier, and teacher vectors by distillation; see `adcli.core.training.encoder.objectives`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from adcli.core.adapters.adapter import AdapterSettings, adapter_fingerprint
from adcli.core.models.resolution import ModelSource, resolve_model
from adcli.core.processes.job import Rank
from adcli.core.processes.runtime import Device, Precision, start_runtime
from adcli.core.training.checkpoints import checkpoint_folder
from adcli.core.training.encoder.evaluations import (
    Evaluate,
    HeldOut,
    evaluation_from_json,
    evaluation_to_json,
)
from adcli.core.training.encoder.examples import (
    Examples,
    Labelled,
    check_examples,
    examples_from_json,
    examples_to_json,
    kind_of,
)
from adcli.core.training.ranks import said_by, train_in_ranks
from adcli.core.training.settings import Log, Progress, Trained, TrainingSettings
from adcli.errors import UsageError

if TYPE_CHECKING:
    from transformers import PreTrainedModel

    from adcli.core.training.loop import Objective


@dataclass(frozen=True)
class EncoderTrainingSettings:
    """What an encoder's training depends on beside the loop.

    Raises:
        UsageError: If one of them makes no sense.
    """

    temperature: float = 0.05  # similarities are divided by it
    max_length: int = 64  # tokens of a text
    device: Device = "auto"  # where it computes
    precision: Precision = "auto"  # "auto" takes bf16 products where the machine has them

    def __post_init__(self) -> None:
        if not self.temperature > 0:
            raise UsageError(f"--temperature {self.temperature} makes no sense.", fix="Give more than 0.")
        if self.max_length < 2:
            raise UsageError(f"--train-length {self.max_length} makes no sense.", fix="Give 2 or more.")


@dataclass(frozen=True)
class EncoderTuning:
    """What `tune_encoder` was asked for; paths are absolute, empty for none."""

    name: str
    model: str
    examples: Examples
    directory: str
    settings: TrainingSettings
    adapter: AdapterSettings
    encoder: EncoderTrainingSettings
    start_from: str
    checkpoints: str
    about: Mapping[str, object]


def tune_encoder(
    model: str,
    examples: Examples,
    directory: Path,
    *,
    settings: TrainingSettings,
    adapter: AdapterSettings | None = None,
    encoder: EncoderTrainingSettings | None = None,
    evaluate: Evaluate | None = None,
    start_from: Path | None = None,
    checkpoints: Path | None = None,
    about: Mapping[str, object] | None = None,
    processes: int | None = None,
    log: Log = lambda values, step: None,
    progress: Progress = lambda steps: None,
) -> Trained:
    """Tune an encoder, and write its adapter into a directory.

    Args:
        model: A directory, a short name, or a model of the Hugging Face cache or hub.
        examples: What it learns from, which says how.
        directory: Is filled with the adapter of the best evaluation, or of the last step without one.
        settings: How.
        adapter: Which weights are trained.
        encoder: What else its training depends on.
        evaluate: Given a function from texts to unit vectors, a score; higher is better. Several processes
            need one of `adcli.core.training.encoder.evaluations`.
        start_from: An adapter of the same model and kind whose training is continued.
        checkpoints: A folder; a training of the same model, data and settings resumes from it.
        about: What else the adapter's JSON is to say.
        processes: Processes that share each step; as many as there are GPUs (CPU: 1) if None.
        log: Called with losses and scores by name, and the step.
        progress: Called with the number of further steps that are done.

    Raises:
        UsageError: If the model or the adapter is not there.
        DataError: If there are too few examples, or model or adapter can not be used.
    """
    check_examples(examples, settings.batch_size)
    encoder = encoder or EncoderTrainingSettings()
    runtime = start_runtime(device=encoder.device, precision=encoder.precision, processes=processes)
    asked = EncoderTuning(
        model,
        str(resolve_model(model, task="embed").path),
        examples,
        str(directory.absolute()),
        settings,
        adapter or AdapterSettings(),
        encoder,
        str(start_from.absolute()) if start_from else "",
        str(checkpoints.absolute()) if checkpoints else "",
        about or {},
    )
    if runtime.processes == 1:
        return _tune(asked, evaluate, log, progress, rank=0, processes=1)
    if not isinstance(evaluate, HeldOut | None):
        raise UsageError(
            "Several processes can not evaluate by a function.", fix="Give a Retrieval, or --processes 1."
        )

    content = tuning_to_json(asked, evaluate)
    function = f"{__name__}:tune_rank"
    return train_in_ranks(function, content, processes=runtime.processes, log=log, progress=progress)


def tune_rank(content: Mapping[str, Any], rank: Rank) -> dict[str, Any]:
    """Tune as one of several processes, each of which makes a share of every step; what came of it."""
    asked, evaluate = tuning_from_json(content)
    start_runtime(device=asked.encoder.device, precision=asked.encoder.precision, processes=rank.processes)
    trained = _tune(asked, evaluate, *said_by(rank), rank=rank.number, processes=rank.processes)
    return trained._asdict()


def _tune(
    asked: EncoderTuning,
    evaluate: Evaluate | None,
    log: Log,
    progress: Progress,
    *,
    rank: int,
    processes: int,
) -> Trained:
    """Tune in this process, alone or as one of several that do the same."""
    from adcli.core.training.encoder.gradient_encoder import load_for_training, training_precision
    from adcli.core.training.tuning import tune

    its, source = asked.encoder, replace(resolve_model(asked.model, task="embed"), name=asked.name)
    model = load_for_training(source, device=its.device, precision=its.precision)
    precision = training_precision(its.precision, model.device, model.config.hidden_size)
    kind, examples = kind_of(asked.examples), asked.examples
    about = {
        "settings": _flat(asked),
        kind: len(examples[0]),
        **({"labels": list(examples.names)} if isinstance(examples, Labelled) else {}),
        **asked.about,
    }
    return tune(
        model,
        source,
        Path(asked.directory),
        objective=lambda model: _objective(asked, source, model, evaluate),
        adapter=asked.adapter,
        settings=asked.settings,
        start_from=Path(asked.start_from) if asked.start_from else None,
        checkpoints=_checkpoints(asked, source, precision, processes),
        about=about,
        log=log,
        progress=progress,
        rank=rank,
        processes=processes,
    )


def _objective(
    asked: EncoderTuning, source: ModelSource, model: PreTrainedModel, evaluate: Evaluate | None
) -> Objective:
    from adcli.core.training.encoder.gradient_encoder import GradientEncoder
    from adcli.core.training.encoder.objectives import objective_of
    from adcli.core.training.loop import Objective

    its = asked.encoder
    encoder = GradientEncoder(
        model, source, device=its.device, precision=its.precision, max_length=its.max_length
    )
    task = objective_of(asked.examples, encoder, source, asked.settings, temperature=its.temperature)
    score = None if evaluate is None else lambda: evaluate(encoder.encode)
    return Objective(task.add_gradients, score, task.head)


def _checkpoints(asked: EncoderTuning, source: ModelSource, precision: str, processes: int) -> Path | None:
    """The folder of a training of this model, data and settings."""
    if not asked.checkpoints:
        return None
    identity = [source.fingerprint, adapter_fingerprint(asked.start_from), _flat(asked)]
    return checkpoint_folder(
        Path(asked.checkpoints), [*identity, examples_to_json(asked.examples), precision, processes]
    )


def _flat(asked: EncoderTuning) -> dict[str, object]:
    """All settings in one object."""
    return {**asdict(asked.adapter), **asdict(asked.settings), **asdict(asked.encoder)}


def tuning_to_json(asked: EncoderTuning, evaluate: HeldOut | None) -> dict[str, Any]:
    """The settings of a training for its processes, as JSON."""
    return {
        **vars(asked),
        "examples": examples_to_json(asked.examples),
        **{name: asdict(getattr(asked, name)) for name in ("settings", "adapter", "encoder")},
        "evaluate": None if evaluate is None else evaluation_to_json(evaluate),
    }


def tuning_from_json(content: Mapping[str, Any]) -> tuple[EncoderTuning, HeldOut | None]:
    """What `tuning_to_json` was given."""
    content = dict(content)
    evaluate = content.pop("evaluate")
    content["examples"] = examples_from_json(content["examples"])
    content["settings"] = TrainingSettings(**content["settings"])
    content["adapter"] = AdapterSettings(**content["adapter"])
    content["encoder"] = EncoderTrainingSettings(**content["encoder"])
    return EncoderTuning(**content), None if evaluate is None else evaluation_from_json(evaluate)
