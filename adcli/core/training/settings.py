"""How a model is to be tuned, and what came of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from adcli.core.adapters.adapter import Tuning
from adcli.core.processes.runtime import Device, Precision
from adcli.errors import UsageError

LEARNING_RATES: dict[str, float] = {
    "lora": 5e-4,
    "adalora": 1e-3,
    "prefix": 1e-2,
    "adapter": 1e-3,
    "ia3": 3e-3,
    "full": 2e-5,
}


@dataclass(frozen=True)
class TrainingSettings:
    """All that a tuned model depends on beside the model and the data.

    Attributes:
        tuning: Which weights are trained.
        rank: Rank of LoRA's products, tokens of a prefix, or width of a bottleneck adapter.
        steps: Optimizer steps.
        batch_size: Examples that are compared with each other.
        accumulate: Batches of one optimizer step.
        learning_rate: At its height; the usual one for the tuning if None.
        warmup_share: Share of the steps over which the learning rate rises; it falls to 0 over the others.
        weight_decay: Of AdamW.
        temperature: Similarities are divided by it.
        max_length: Tokens of a text in training.
        seed: Of all random numbers.
        evaluate_every: Steps between evaluations; 0 never evaluates.
        patience: Evaluations without a better score after which training ends.
        checkpoint_every: Steps between checkpoints; 0 writes none.
        device: Where it computes.
        precision: "auto" takes bf16 products where the machine has them.

    Raises:
        UsageError: If one of them makes no sense.
    """

    tuning: Tuning = "lora"
    rank: int = 8
    steps: int = 500
    batch_size: int = 64
    accumulate: int = 1
    learning_rate: float | None = None
    warmup_share: float = 0.1
    weight_decay: float = 0.01
    temperature: float = 0.05
    max_length: int = 64
    seed: int = 0
    evaluate_every: int = 50
    patience: int = 3
    checkpoint_every: int = 50
    device: Device = "auto"
    precision: Precision = "auto"

    def __post_init__(self) -> None:
        at_least = {"rank": 1, "steps": 1, "batch_size": 2, "accumulate": 1, "max_length": 2, "patience": 1}
        at_least |= {"evaluate_every": 0, "checkpoint_every": 0, "seed": 0, "weight_decay": 0}
        for name, least in at_least.items():
            if getattr(self, name) < least:
                option = name.replace("_", "-")
                raise UsageError(
                    f"--{option} {getattr(self, name)} makes no sense.", fix=f"Give {least} or more."
                )
        if not self.temperature > 0:
            raise UsageError(f"--temperature {self.temperature} makes no sense.", fix="Give more than 0.")
        if self.learning_rate is not None and not self.learning_rate > 0:
            raise UsageError(f"--learning-rate {self.learning_rate} makes no sense.", fix="Give more than 0.")

    def learning_rate_at(self, step: int) -> float:
        """The learning rate of a step: a line up, then a line down to 0."""
        highest = LEARNING_RATES[self.tuning] if self.learning_rate is None else self.learning_rate
        warmup = max(1, round(self.warmup_share * self.steps))
        if step < warmup:
            return highest * (step + 1) / warmup
        return highest * (self.steps - step) / max(1, self.steps - warmup)


class Evaluation(NamedTuple):
    """How good the model was after a step.

    Attributes:
        step: Optimizer steps until then; 0 is the model as it was.
        loss: Mean loss since the last evaluation; NaN at step 0.
        score: What the evaluation gave; higher is better.
    """

    step: int
    loss: float
    score: float


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
