"""How a training loop is to run, and what came of it."""

from __future__ import annotations

import math
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

    Raises:
        UsageError: If one of them makes no sense.
    """

    steps: int = 500  # optimizer steps
    batch_size: int = 64  # examples of a batch
    accumulate: int = 1  # batches of one optimizer step
    learning_rate: float = 5e-4  # the peak
    # share of the steps over which the learning rate rises; it falls to 0 over the others
    warmup_share: float = 0.1
    weight_decay: float = 0.01  # of AdamW
    seed: int = 0  # of all random numbers
    evaluate_every: int = 50  # steps between evaluations; 0 never evaluates
    patience: int = 3  # evaluations without a better score after which training ends
    checkpoint_every: int = 50  # steps between checkpoints; 0 writes none

    def __post_init__(self) -> None:
        at_least = {"steps": 1, "batch_size": 2, "accumulate": 1, "patience": 1, "seed": 0}
        at_least |= {"evaluate_every": 0, "checkpoint_every": 0, "weight_decay": 0}
        for name, least in at_least.items():
            if getattr(self, name) < least:
                option = name.replace("_", "-")
                raise UsageError(
                    f"--{option} {getattr(self, name)} makes no sense.", fix=f"Give {least} or more."
                )
        if not 0 < self.learning_rate < math.inf:
            raise UsageError(f"--learning-rate {self.learning_rate} makes no sense.", fix="Give more than 0.")

    def learning_rate_at(self, step: int) -> float:
        """The learning rate of a step: a line up to the peak, then a line down to 0."""
        warmup = max(1, round(self.warmup_share * self.steps))
        if step < warmup:
            return self.learning_rate * (step + 1) / warmup
        return self.learning_rate * (self.steps - step) / max(1, self.steps - warmup)


class Evaluation(NamedTuple):
    """How good the model was after a step."""

    step: int  # optimizer steps until then; 0 is the model as it was
    loss: float  # mean loss since the last evaluation; NaN at step 0
    score: float  # what the evaluation gave; higher is better
    watched: Mapping[str, float] = MappingProxyType({})  # what else was measured, by name


class Trained(NamedTuple):
    """What came of training."""

    steps: int  # optimizer steps that were made
    best: Evaluation | None  # the evaluation whose weights were kept; None if there was none
    evaluations: list[Evaluation]  # all of them
    losses: list[float]  # of each step
    seconds: float  # time spent, evaluations left out
    examples_per_second: float  # in training alone
