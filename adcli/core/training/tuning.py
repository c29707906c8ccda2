"""Tuning an encoder on the shop's own data, and writing what was learned as an adapter.

    examples = Pairs(["kettle", ...], ["water cooker, 1.7 l", ...])
    tune_encoder("minilm", examples, Path("encoder"), settings=TrainingSettings(steps=300))
    Encoder.load("minilm", adapter="encoder")

Pairs are learned by contrast: each anchor is to be nearer to its own positive than to all other positives of
its batch and to its mined hard negatives. With positives equal to their anchors this is SimCSE: two readings
of a text differ by dropout alone. Texts are learned by a denoising auto-encoder, labelled ones by a
classifier, and vectors that are given are imitated; see `adcli.core.training.objectives`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple

from adcli.core.models.resolution import resolve_model
from adcli.core.processes.runtime import start_runtime
from adcli.core.training.evaluations import Evaluate, HeldOut
from adcli.core.training.examples import Examples, check_examples
from adcli.core.training.settings import Trained, TrainingSettings
from adcli.errors import UsageError

Progress = Callable[[int], None]


class Run(NamedTuple):
    """What `tune_encoder` was asked for; paths are absolute, empty for none."""

    name: str
    model: str
    examples: Examples
    directory: str
    settings: TrainingSettings
    start_from: str
    checkpoints: str
    about: dict[str, object]
    tracker: str
    tracker_run: str
    tracker_directory: str


def tune_encoder(
    model: str,
    examples: Examples,
    directory: Path,
    *,
    settings: TrainingSettings,
    evaluate: Evaluate | None = None,
    start_from: Path | None = None,
    checkpoints: Path | None = None,
    about: Mapping[str, object] | None = None,
    processes: int | None = None,
    tracker: str | None = None,
    tracker_run: str = "encoder",
    tracker_directory: Path = Path("runs"),
    progress: Progress | None = None,
) -> Trained:
    """Tune an encoder, and write its adapter into a directory.

    Args:
        model: A directory, a short name, or a model of the Hugging Face cache or hub.
        examples: What it learns from, which says how.
        directory: Is filled with the adapter of the best evaluation, or of the last step without one.
        settings: How.
        evaluate: Given a function from texts to unit vectors, a score; higher is better. Several processes
            need one of `adcli.core.training.evaluations`.
        start_from: An adapter of the same model and tuning that training goes on from.
        checkpoints: A folder; a run of the same model, data and settings goes on from what it finds there.
        about: What else the adapter's JSON is to say.
        processes: Processes that share each step; as many as there are GPUs (CPU: 1) if None.
        tracker: "tensorboard" or "wandb", which is told losses and scores.
        tracker_run: The run's name there.
        tracker_directory: Where it keeps its files.
        progress: Called with the number of further steps that are done.

    Raises:
        UsageError: If the model, the tuning or the tracker is not there.
        DataError: If there are too few examples, or model or adapter can not be used.
    """
    from adcli.core.training.run import train_here, train_together

    check_examples(examples, settings)
    runtime = start_runtime(device=settings.device, precision=settings.precision, processes=processes)
    run = Run(
        model,
        str(resolve_model(model, task="embed").path),
        examples,
        str(directory.absolute()),
        settings,
        str(start_from.absolute()) if start_from else "",
        str(checkpoints.absolute()) if checkpoints else "",
        dict(about or {}),
        tracker or "",
        tracker_run,
        str(tracker_directory.absolute()),
    )
    if runtime.processes == 1:
        return train_here(run, evaluate, progress)
    if not isinstance(evaluate, HeldOut | None):
        raise UsageError(
            "Several processes can not evaluate by a function.", fix="Give a Retrieval, or --processes 1."
        )
    return train_together(run, evaluate, runtime.processes, progress)
