"""The tuning of a loaded encoder, in this process or in several."""

from __future__ import annotations

import math
import shutil
import time
from collections.abc import Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from adcli.core.adapters.adapter import adapter_fingerprint, attach_adapter, continue_adapter, save_adapter
from adcli.core.models.fingerprint import settings_fingerprint
from adcli.core.models.resolution import ModelSource, resolve_model
from adcli.core.processes.job import Rank
from adcli.core.processes.ranks import run_ranks
from adcli.core.processes.runtime import start_runtime
from adcli.core.training.evaluations import (
    Evaluate,
    HeldOut,
    evaluation_from_json,
    evaluation_to_json,
)
from adcli.core.training.examples import Labelled, examples_from_json, examples_to_json
from adcli.core.training.gradient_encoder import GradientEncoder
from adcli.core.training.loop import Training
from adcli.core.training.objectives import objective_of
from adcli.core.training.settings import Evaluation, Trained, TrainingSettings
from adcli.core.training.tracking import tracked
from adcli.core.training.tuning import Progress, Run

CHECKPOINTS_KEPT_S = 7 * 24 * 3600.0


def train_here(
    run: Run,
    evaluate: Evaluate | None,
    progress: Progress | None = None,
    *,
    rank: int = 0,
    processes: int = 1,
) -> Trained:
    """Tune in this process, alone or as one of several that do the same; the first one writes the adapter."""
    source = replace(resolve_model(run.model, task="embed"), name=run.name)
    encoder = GradientEncoder.load(source, run.settings)
    if run.start_from:
        encoder.model = continue_adapter(encoder.model, Path(run.start_from), source, run.settings.tuning)
    else:
        encoder.model = attach_adapter(
            encoder.model,
            run.settings.tuning,
            rank=run.settings.rank,
            steps=run.settings.steps,
            seed=run.settings.seed,
        )
    objective = objective_of(run.examples, encoder, source, run.settings)
    tracker = run.tracker if rank == 0 and run.tracker else None
    with tracked(
        tracker, run=run.tracker_run, directory=Path(run.tracker_directory), settings=asdict(run.settings)
    ) as log:
        trained = Training(
            encoder.model,
            run.settings,
            objective.add_gradients,
            head=objective.head,
            evaluate=None if evaluate is None else lambda: evaluate(encoder.encode),
            checkpoints=_checkpoints(run, source, encoder.precision, processes),
            log=log if tracker else None,
            rank=rank,
            processes=processes,
        ).run(progress)
    if rank == 0:
        _write(run, trained, encoder, source)
    return trained


def _checkpoints(run: Run, source: ModelSource, precision: str, processes: int) -> Path | None:
    """The folder of a run of this model, data and settings; folders that were left long ago are removed."""
    if not run.checkpoints:
        return None
    root = Path(run.checkpoints)
    for folder in root.glob("*"):
        if time.time() - folder.stat().st_mtime > CHECKPOINTS_KEPT_S:
            shutil.rmtree(folder, ignore_errors=True)
    started_from = adapter_fingerprint(run.start_from)
    told = [source.fingerprint, asdict(run.settings), examples_to_json(run.examples)]
    return root / settings_fingerprint([*told, started_from, precision, processes])


def _write(run: Run, trained: Trained, encoder: GradientEncoder, source: ModelSource) -> None:
    """The adapter, with all that is the same whenever and however fast the run was made."""
    rows = [{**e._asdict(), "loss": None if math.isnan(e.loss) else e.loss} for e in trained.evaluations]
    best = None if trained.best is None else {"step": trained.best.step, "score": trained.best.score}
    about = {
        "trained": {"steps": trained.steps, "best": best, "evaluations": rows, "losses": trained.losses},
        "settings": asdict(run.settings),
        examples_to_json(run.examples)["kind"]: len(run.examples[0]),
        **({"labels": list(run.examples.names)} if isinstance(run.examples, Labelled) else {}),
    }
    save_adapter(
        encoder.model,
        Path(run.directory),
        source=source,
        tuning=run.settings.tuning,
        about={**about, **run.about},
    )


def train_together(run: Run, evaluate: HeldOut | None, processes: int, progress: Progress | None) -> Trained:
    """Tune in several processes, each of which makes a share of every step."""
    content = run_ranks(
        f"{__name__}:train_rank",
        run_to_json(run, evaluate),
        processes=processes,
        on_message=progress or (lambda steps: None),
    )
    return trained_from_json(content)


def train_rank(settings: Mapping[str, Any], rank: Rank) -> dict[str, Any]:
    """Tune as one of several processes; what came of it, as JSON."""
    run, evaluate = run_from_json(settings)
    start_runtime(device=run.settings.device, precision=run.settings.precision, processes=rank.processes)
    trained = train_here(run, evaluate, rank.say, rank=rank.number, processes=rank.processes)
    return trained._asdict()


def run_to_json(run: Run, evaluate: HeldOut | None) -> dict[str, Any]:
    """What the processes of a training are told, as JSON can hold it."""
    return {
        **run._asdict(),
        "settings": asdict(run.settings),
        "examples": examples_to_json(run.examples),
        "evaluate": None if evaluate is None else evaluation_to_json(evaluate),
    }


def run_from_json(content: Mapping[str, Any]) -> tuple[Run, HeldOut | None]:
    """What `run_to_json` was given."""
    fields = {name: content[name] for name in Run._fields}
    fields |= {
        "examples": examples_from_json(content["examples"]),
        "settings": TrainingSettings(**content["settings"]),
    }
    told = content["evaluate"]
    return Run(**fields), None if told is None else evaluation_from_json(told)


def trained_from_json(content: Mapping[str, Any]) -> Trained:
    """What a process gave back as JSON."""
    best = None if content["best"] is None else Evaluation(*content["best"])
    return Trained(
        **{**content, "best": best, "evaluations": [Evaluation(*e) for e in content["evaluations"]]}
    )
