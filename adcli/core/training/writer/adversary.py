"""Writer and discriminator in turn: what the discriminator takes for human is what the writer earns.

The discriminator is trained some steps on texts that people wrote against what the writer writes now and
wrote before; then the writer takes some steps of reinforcement towards its log-odds, and again.

Source: Yu et al., "SeqGAN" (2017), for the discriminator as the reward; Shrivastava et al., "Learning from
Simulated and Unsupervised Images through Adversarial Training" (2017), section 2.3, for older samples kept.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from adcli.arrays import Floats
from adcli.core.training.settings import TrainingSettings
from adcli.core.training.writer.discriminator import FOLDER, Discriminator, with_prompt
from adcli.core.training.writer.examples import Judge, WriterTask
from adcli.core.training.writer.plane import Plane, Write

EVERY = 4  # steps of the writer between turns of the discriminator
FIRST_STEPS, STEPS = 24, 8  # of the discriminator
PROMPTS, MEMORY = 32, 256  # that are written for in a turn, and older texts that are kept


class Adversary:
    """A discriminator as the judge of a writer.

    Args:
        discriminator: The opponent.
        write: Writes with the weights of now.
        task: Its `pairs` are what people wrote.
        plane: Judges the writer independently.
        judge: Measures what else is watched.
        settings: Seed, and batches of a step.

    Attributes:
        memory: Older texts of the writer, with their prompts: they belong into a checkpoint.
    """

    def __init__(
        self,
        discriminator: Discriminator,
        write: Write,
        task: WriterTask,
        plane: Plane,
        judge: Judge | None,
        settings: TrainingSettings,
    ) -> None:
        self._discriminator, self._write, self._task = discriminator, write, task
        self._plane, self._judge, self._settings = plane, judge, settings
        learned, held_out = task.pairs_of(task.learned), task.pairs_of(task.held_out)
        self._human = [with_prompt(pair.prompt, pair.text) for pair in learned]
        self._held_out = [with_prompt(pair.prompt, pair.text) for pair in held_out][:MEMORY]
        self.memory: list[str] = []
        self._turn(0, FIRST_STEPS)

    def before_batch(self, batch: int) -> None:
        """Let the discriminator have its turn, if it is due before this batch of the writer."""
        turn, rest = divmod(batch, EVERY * self._settings.accumulate)
        if turn and not rest:
            self._turn(turn, STEPS)

    def reward(self, places: Sequence[int], texts: Sequence[Sequence[str]]) -> dict[str, Floats]:
        """(texts,) the log-odds that people wrote each."""
        return {"human": self._discriminator.log_odds(self._flat(places, texts))}

    def watched(self, places: Sequence[int], texts: Sequence[Sequence[str]]) -> dict[str, float]:
        """The discriminator's accuracy, and the writer's place on the plane; `score` is by how much above."""
        human = self._discriminator.log_odds(self._held_out)
        generated = self.reward(places, texts)["human"]
        _, (level,) = self._plane.compare([1.0])
        return {
            **(self._judge.watched(places, texts) if self._judge else {}),
            "reward": float(generated.mean()),
            "accuracy": float(((human > 0).mean() + (generated <= 0).mean()) / 2),
            "quality": float(level.quality.mean()),
            "diversity": level.diversity,
            "score": float(level.above[self._plane.is_choosing].mean()),
        }

    def save(self, directory: Path) -> None:
        """Keep the discriminator in the writer's directory."""
        self._discriminator.save(directory / FOLDER)

    def report(self) -> dict[str, Any]:
        """Where the writer and the one it began as lie on the plane, as JSON."""
        return {"plane": self._plane.report()}

    def _turn(self, turn: int, steps: int) -> None:
        """Train the discriminator on what people wrote against what the writer writes and wrote."""
        rng = np.random.default_rng([self._settings.seed, turn])
        seed = self._settings.seed * 1_009 + turn
        places = rng.permutation(self._task.learned)[:PROMPTS].tolist()
        fresh = self._flat(places, self._write(places, 1.0, 2, seed))
        older = [self.memory[at] for at in rng.permutation(len(self.memory))[: len(fresh)]]
        generated = [*fresh, *older]
        human = [self._human[at] for at in rng.permutation(len(self._human))[: len(generated)]]
        self._discriminator.learn(human, generated, steps=steps, seed=seed)
        known = [*self.memory, *fresh]
        self.memory[:] = [known[at] for at in rng.permutation(len(known))[:MEMORY]]

    def _flat(self, places: Sequence[int], texts: Sequence[Sequence[str]]) -> list[str]:
        prompts = self._task.prompts
        return [with_prompt(prompts[at], text) for at, its in zip(places, texts, strict=True) for text in its]
