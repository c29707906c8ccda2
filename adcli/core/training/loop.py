"""A training loop for adapters and whole models: AdamW, accumulation, early stopping, exact resume.

    TrainingLoop(model, Objective(add_gradients), TrainingSettings(steps=300)).run()

What is learned comes in as an `Objective`, so that one loop serves contrastive, classifying and language
losses alike. Several processes that Accelerate started together each compute their own share of a step;
gradients are averaged.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import torch  # noqa: TID253 - this module is reached only once a model is loaded

from adcli.core.adapters.adalora import RankAllocation
from adcli.core.training.checkpoints import load_checkpoint, save_checkpoint
from adcli.core.training.gradients import average, average_over_ranks
from adcli.core.training.settings import Evaluation, Log, Progress, Trained, TrainingSettings
from adcli.errors import AdcliError

LARGEST_GRADIENT = 1.0
MOMENTS = ("step", "exp_avg", "exp_avg_sq")


class Objective(NamedTuple):
    """What a model is trained for."""

    # given the number of a batch since training began and a seed, adds the batch's gradients to those of the
    # trained weights, and gives its loss
    add_gradients: Callable[[int, int], float]
    # the model's score as it is, higher is better, or it and what else was measured, by name; None never
    # evaluates
    evaluate: Callable[[], float | tuple[float, Mapping[str, float]]] | None = None
    # further weights that are learned with the model and are no part of it
    head: torch.nn.Module | None = None
    head_rate: float = 1.0  # their learning rate, as a multiple of the model's
    memory: list[str] | None = None  # what is gathered on the way, as JSON can hold it: a checkpoint keeps it
    # what is to be said of the model with its best weights
    report: Callable[[], Mapping[str, object]] | None = None
    save: Callable[[Path], None] | None = None  # writes what was learned with the model into its directory
    # whether evaluations show that what is learned no longer is what was wanted: training stops
    is_misled: Callable[[Sequence[Evaluation]], bool] | None = None


class TrainingLoop:
    """One training.

    Args:
        model: On its device, with the weights to be trained requiring gradients.
        objective: What for.
        settings: How.
        checkpoints: A folder that belongs to this model, data and settings; None writes none.
        allocation: AdaLoRA's part of each step, where that is how it is trained.
        log: Called with losses and scores by name, and the step.
        rank: Which of the processes that train together this one is.
        processes: How many there are; all of them make a loop of the same.
    """

    def __init__(
        self,
        model: torch.nn.Module,
        objective: Objective,
        settings: TrainingSettings,
        *,
        checkpoints: Path | None = None,
        allocation: RankAllocation | None = None,
        log: Log = lambda values, step: None,
        rank: int = 0,
        processes: int = 1,
    ) -> None:
        self._model, self._objective, self._settings = model, objective, settings
        self._evaluate = objective.evaluate if settings.evaluate_every else None
        self._checkpoints = checkpoints if settings.checkpoint_every else None
        self._allocation, self._log = allocation, log
        self._trained = {name: p for name, p in model.named_parameters() if p.requires_grad}
        head = () if objective.head is None else objective.head.named_parameters()
        self._trained |= {f"head.{name}": p for name, p in head if p.requires_grad}
        own = [p for name, p in self._trained.items() if not name.startswith("head.")]
        added = [p for name, p in self._trained.items() if name.startswith("head.")]
        groups = [(own, 1.0), (added, objective.head_rate)]
        self._rates = [rate for parameters, rate in groups if parameters]
        self._optimizer = torch.optim.AdamW(
            [{"params": parameters} for parameters, _ in groups if parameters],
            lr=settings.learning_rate_at(0),
            weight_decay=settings.weight_decay,
            fused=True,
        )
        self._rank, self._processes = rank, processes
        self._losses: list[float] = []
        self._evaluations: list[Evaluation] = []
        self._best: dict[str, torch.Tensor] = {}
        self._seconds = 0.0

    def run(self, progress: Progress | None = None) -> Trained:
        """Train, and leave the model with its best weights.

        `progress`: called with the number of further steps done, first with those of a resumed run.

        Raises AdcliError if the loss or a score is no number any more.
        """
        first = self._resume()
        if progress is not None and first:
            progress(first)
        if first == 0:
            self._score(0)
        step = first
        while step < self._settings.steps and not self._is_stalled():
            started = time.perf_counter()
            self._step(step)
            self._seconds += time.perf_counter() - started
            step += 1
            if progress is not None:
                progress(1)
            if self._is_due(step, self._settings.evaluate_every):
                self._score(step)
            if self._rank == 0 and self._is_due(step, self._settings.checkpoint_every):
                self._save(step)
        self._restore_best()
        examples = step * self._settings.batch_size * self._settings.accumulate * self._processes
        best = max(self._evaluations, key=lambda e: e.score, default=None)
        rate = examples / self._seconds if self._seconds else 0.0
        return Trained(step, best, self._evaluations, self._losses, self._seconds, rate)

    def _step(self, step: int) -> None:
        """One step of AdamW over the mean loss of its batches; random numbers depend on its number alone."""
        settings = self._settings
        self._model.train()
        for group, rate in zip(self._optimizer.param_groups, self._rates, strict=True):
            group["lr"] = settings.learning_rate_at(step) * rate
        total = 0.0
        for batch in range(settings.accumulate):
            number = (step * settings.accumulate + batch) * self._processes + self._rank
            total += self._objective.add_gradients(number, settings.seed * 1_000_003 + number)
        for parameter in self._trained.values():
            if parameter.grad is not None:
                parameter.grad /= settings.accumulate
        if self._allocation is not None:
            self._allocation.before_step()
        if self._processes > 1:
            average_over_ranks(self._trained.values())
        torch.nn.utils.clip_grad_norm_(self._trained.values(), LARGEST_GRADIENT)
        self._optimizer.step()
        if self._allocation is not None:
            self._allocation.after_step(step + 1)
        self._optimizer.zero_grad()
        loss = average(total / settings.accumulate) if self._processes > 1 else total / settings.accumulate
        _check_finite(loss, step + 1)
        self._losses.append(loss)
        self._log({"loss": loss, "learning_rate": settings.learning_rate_at(step)}, step)

    def _score(self, step: int) -> None:
        """Evaluate, and keep the weights if they are the best so far."""
        if self._evaluate is None:
            return
        self._model.eval()
        with torch.inference_mode():
            measured = self._evaluate()
        score, watched = measured if isinstance(measured, tuple) else (measured, {})
        _check_finite(score, step)
        since = self._losses[self._evaluations[-1].step :] if self._evaluations else []
        found = Evaluation(step, math.fsum(since) / len(since) if since else math.nan, score, watched)
        if not self._evaluations or score > max(e.score for e in self._evaluations):
            self._best = {name: p.detach().clone() for name, p in self._trained.items()}
        self._evaluations.append(found)
        self._log({"score": score, **watched}, step)

    def _is_stalled(self) -> bool:
        """Whether the last evaluations were all no better than one before them, or show the model misled."""
        scores = [e.score for e in self._evaluations]
        is_misled = self._objective.is_misled is not None and self._objective.is_misled(self._evaluations)
        return is_misled or (
            bool(scores) and len(scores) - 1 - scores.index(max(scores)) >= self._settings.patience
        )

    def _is_due(self, step: int, every: int) -> bool:
        return every > 0 and (step % every == 0 or step == self._settings.steps)

    def _restore_best(self) -> None:
        with torch.no_grad():
            for name, value in self._best.items():
                self._trained[name].copy_(value)
        self._model.eval()

    def _save(self, step: int) -> None:
        if self._checkpoints is None:
            return
        tensors: dict[str, torch.Tensor] = {f"weight/{name}": p for name, p in self._trained.items()}
        tensors |= {f"best/{name}": value for name, value in self._best.items()}
        for name, parameter in self._trained.items():
            for kind, value in self._optimizer.state[parameter].items():
                tensors[f"{kind}/{name}"] = value
        scores, kept = ({}, None) if self._allocation is None else self._allocation.state()
        tensors |= {f"allocation/{name}": value for name, value in scores.items()}
        progress = {
            "step": step,
            "losses": self._losses,
            "evaluations": self._evaluations,
            "seconds": self._seconds,
            "allocation": kept,
            "memory": self._objective.memory,
        }
        save_checkpoint(self._checkpoints, step, tensors, progress)

    def _resume(self) -> int:
        """The step to resume from: 0, or the last that a checkpoint holds, put back to the last bit."""
        found = load_checkpoint(self._checkpoints) if self._checkpoints is not None else None
        if found is None:
            return 0
        tensors, progress = found
        with torch.no_grad():
            for name, parameter in self._trained.items():
                parameter.copy_(tensors[f"weight/{name}"])
                moments = {
                    kind: tensors[f"{kind}/{name}"].to("cpu" if kind == "step" else parameter.device)
                    for kind in MOMENTS
                    if f"{kind}/{name}" in tensors
                }
                if moments:
                    self._optimizer.state[parameter] = moments
        self._best = _below("best/", tensors)
        if self._allocation is not None:
            self._allocation.restore(_below("allocation/", tensors), progress["allocation"])
        self._losses = list(progress["losses"])
        self._evaluations = [Evaluation(*fields) for fields in progress["evaluations"]]
        self._seconds = float(progress["seconds"])
        if self._objective.memory is not None:
            self._objective.memory[:] = progress["memory"]
        return int(progress["step"])


def _check_finite(value: float, step: int) -> None:
    if not math.isfinite(value):
        raise AdcliError(
            f"The training came apart: at step {step:,} its loss or score was no finite number.",
            fix="Give a smaller --learning-rate.",
        )


def _below(prefix: str, tensors: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    return {name.removeprefix(prefix): value for name, value in tensors.items() if name.startswith(prefix)}
