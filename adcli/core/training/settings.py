"""How a training loop is to run, and what came of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import NamedTuple

from adcli.errors import UsageError

Progress = Callable[[int], None]
Log = Callable[[Mapping[str, float], int], None]


@dataclass(frozen=True)
class TrainingSettings:
    """How long and how fast, whatever is learned.

    Attributes:
        steps: Optimizer steps.
        batch_size: Examples of a batch.
        accumulate: Batches of one optimizer step.
        learning_rate: The peak.
        warmup_share: Share of the steps over which the learning rate rises; it falls to 0 over the others.
        weight_decay: Of AdamW.
        seed: Of all random numbers.
        evaluate_every: Steps between evaluations; 0 never evaluates.
        patience: Evaluations without a better score after which training ends.
        checkpoint_every: Steps between checkpoints; 0 writes none.

    Raises:
        UsageError: If one of them makes no sense.
    """

    steps: int = 500
    batch_size: int = 64
    accumulate: int = 1
    learning_rate: float = 5e-4
    warmup_share: float = 0.1
    weight_decay: float = 0.01
    seed: int = 0
    evaluate_every: int = 50
    patience: int = 3
    checkpoint_every: int = 50

    def __post_init__(self) -> None:
        at_least = {"steps": 1, "batch_size": 2, "accumulate": 1, "patience": 1, "seed": 0}
        at_least |= {"evaluate_every": 0, "checkpoint_every": 0, "weight_decay": 0}
        for name, least in at_least.items():
            if getattr(self, name) < least:
                option = name.replace("_", "-")
                raise UsageError(
                    f"--{option} {getattr(self, name)} makes no sense.", fix=f"Give {least} or more."
                )
        if not self.learning_rate > 0:
            raise UsageError(f"--learning-rate {self.learning_rate} makes no sense.", fix="Give more than 0.")

    def learning_rate_at(self, step: int) -> float:
        """The learning rate of a step: a line up to the peak, then a line down to 0."""
        warmup = max(1, round(self.warmup_share * self.steps))
        if step < warmup:
            return self.learning_rate * (step + 1) / warmup
        return self.learning_rate * (self.steps - step) / max(1, self.steps - warmup)


class Evaluation(NamedTuple):
    """How good the model was after a step.

    Attributes:
        step: Optimizer steps until then; 0 is the model as it was.
        loss: Mean loss since the last evaluation; NaN at step 0.
        score: What the evaluation gave; higher is better.
        watched: What else was measured, by name.
    """

    step: int
    loss: float
    score: float
    watched: Mapping[str, float] = MappingProxyType({})


class Trained(NamedTuple):
    """What came of training.

    Attributes:
        steps: Optimizer steps that were made.
        best: The evaluation whose weights were kept; None if there was none.
        evaluations: All of them.
        losses: Of each step.
        seconds: Time spent, evaluations left out.
        examples_per_second: In training alone.
    """

    steps: int
    best: Evaluation | None
    evaluations: list[Evaluation]
    losses: list[float]
    seconds: float
    examples_per_second: float
