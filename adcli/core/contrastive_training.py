"""Contrastive tuning of a loaded encoder, in this process or in several."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch  # noqa: TID253 - this module is reached only once a model is loaded

from adcli.core.adapters import adapter_fingerprint, attach_adapter, continue_adapter, save_adapter
from adcli.core.contrastive import Evaluate, Pairs, Progress, Retrieval, Run, batch_members, clashes
from adcli.core.gradient_encoder import GradientEncoder
from adcli.core.launch import Crew
from adcli.core.memory import digest
from adcli.core.models import resolve_model
from adcli.core.training import Training
from adcli.core.training_settings import Evaluation, Trained, TrainingSettings


def train_here(
    run: Run,
    evaluate: Evaluate | None,
    progress: Progress | None = None,
    *,
    rank: int = 0,
    processes: int = 1,
) -> Trained:
    """Tune in this process, alone or as one of several that do the same; the first one writes the adapter."""
    source = resolve_model(run.model, task="embed")
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
    data = [list(part) for part in run.pairs]
    key = digest(
        [source.fingerprint, asdict(run.settings), data, adapter_fingerprint(run.start_from), processes]
    )
    training = Training(
        encoder.model,
        run.settings,
        lambda batch, seed: add_contrastive_gradients(encoder, run.pairs, run.settings, batch, seed),
        evaluate=None if evaluate is None else lambda: evaluate(encoder.encode),
        checkpoints=Path(run.checkpoints) / key if run.checkpoints else None,
        trackers=run.trackers,
        log_directory=Path(run.log_directory) if run.log_directory else None,
        rank=rank,
        processes=processes,
    )
    trained = training.run(progress)
    if rank == 0:
        about = {
            "trained": trained._asdict(),
            "settings": asdict(run.settings),
            "pairs": len(run.pairs.anchors),
        }
        save_adapter(
            encoder.model,
            Path(run.directory),
            source=source,
            tuning=run.settings.tuning,
            about={**about, **run.about},
        )
    return trained


def train_together(
    run: Run, evaluate: Retrieval | None, processes: int, progress: Progress | None
) -> Trained:
    """Tune in several processes: each takes one unit of the crew's, and in it trains with the others."""
    settings = {**run._asdict(), "settings": asdict(run.settings), "evaluate": evaluate and asdict(evaluate)}
    crew = Crew("train", settings, processes=processes)
    results = dict(crew.run([str(number)] for number in range(processes)))
    crew.close()
    content = next(json.loads(result) for result in results.values() if result)
    trained = trained_from_json(content)
    if progress is not None:
        progress(trained.steps)
    return trained


def run_from_json(content: Mapping[str, Any]) -> tuple[Run, Retrieval | None]:
    """What `train_together` gave to its processes."""
    fields = {name: content[name] for name in Run._fields}
    fields |= {"pairs": Pairs(*content["pairs"]), "settings": TrainingSettings(**content["settings"])}
    fields["trackers"] = tuple(content["trackers"])
    return Run(**fields), None if content["evaluate"] is None else Retrieval(**content["evaluate"])


def trained_from_json(content: Mapping[str, Any]) -> Trained:
    """What a process gave back as JSON."""
    best = None if content["best"] is None else Evaluation(*content["best"])
    return Trained(
        **{**content, "best": best, "evaluations": [Evaluation(*e) for e in content["evaluations"]]}
    )


def add_contrastive_gradients(
    encoder: GradientEncoder, pairs: Pairs, settings: TrainingSettings, batch: int, seed: int
) -> float:
    """The loss of a batch, whose gradients are added: cross-entropy of finding each anchor's own positive."""
    members = batch_members(len(pairs.anchors), batch, settings)
    anchors, positives = ([part[i] for i in members] for part in (pairs.anchors, pairs.positives))
    negatives = [pairs.negatives[i] for i in members] if pairs.negatives else []
    clash, n = torch.from_numpy(clashes(anchors, positives, negatives)), len(members)

    def loss_of(vectors: torch.Tensor) -> torch.Tensor:
        scores = vectors[:n] @ vectors[n:].T / settings.temperature
        own = torch.arange(n, device=scores.device)
        return torch.nn.functional.cross_entropy(scores.masked_fill(clash.to(scores.device), -torch.inf), own)

    return encoder.backward([*anchors, *positives, *negatives], loss_of, seed=seed)
