"""Tuning a loaded model into an adapter: attached, trained, written down."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from adcli.core.adapters.adalora import RankAllocation
from adcli.core.adapters.adapter import AdapterSettings, attach_adapter, continue_adapter, save_adapter
from adcli.core.models.resolution import ModelSource
from adcli.core.training.loop import Objective, TrainingLoop
from adcli.core.training.settings import Log, Progress, Trained, TrainingSettings

if TYPE_CHECKING:
    from transformers import PreTrainedModel


def tune(
    model: PreTrainedModel,
    source: ModelSource,
    directory: Path,
    *,
    objective: Callable[[PreTrainedModel], Objective],
    adapter: AdapterSettings,
    settings: TrainingSettings,
    start_from: Path | None = None,
    checkpoints: Path | None = None,
    about: Mapping[str, object],
    log: Log = lambda values, step: None,
    progress: Progress | None = None,
    rank: int = 0,
    processes: int = 1,
) -> Trained:
    """Train a model's adapter, which rank 0 writes into a directory.

    Args:
        model: Any model of transformers, on its device.
        source: Where it was found.
        directory: Is filled with the adapter of the best evaluation, or of the last step without one.
        objective: What it is trained for, of the model with its adapter.
        adapter: Which weights are trained.
        settings: How.
        start_from: An adapter of the same model and kind whose training is continued.
        checkpoints: A folder that belongs to this model, data and settings.
        about: What else the adapter's JSON is to say.
        log: Called with losses and scores by name, and the step.
        progress: Called with the number of further steps that are done.
        rank: Which of the processes that train together this one is.
        processes: How many there are; all of them do the same.

    Raises:
        UsageError: If the adapter is not offered for this model.
        DataError: If the model or the adapter can not be read.
    """
    if start_from is None:
        model = attach_adapter(model, adapter, steps=settings.steps, seed=settings.seed)
    else:
        model = continue_adapter(model, start_from, source, adapter.tuning)
    asked = objective(model)
    trained = TrainingLoop(
        model,
        asked,
        settings,
        checkpoints=checkpoints,
        allocation=RankAllocation(model) if adapter.tuning == "adalora" else None,
        log=log,
        rank=rank,
        processes=processes,
    ).run(progress)
    if rank == 0:
        found = {} if asked.report is None else asked.report()
        content = {"trained": _in_short(trained), **about, **found}
        save_adapter(model, directory, source=source, tuning=adapter.tuning, about=content)
        if asked.save is not None:
            asked.save(directory)
    return trained


def _in_short(trained: Trained) -> dict[str, object]:
    """What is the same whenever and however fast the training was."""
    rows = [{**e._asdict(), "loss": None if math.isnan(e.loss) else e.loss} for e in trained.evaluations]
    best = None if trained.best is None else {"step": trained.best.step, "score": trained.best.score}
    return {"steps": trained.steps, "best": best, "evaluations": rows, "losses": trained.losses}
