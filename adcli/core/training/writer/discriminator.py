"""An encoder that tells texts that people wrote for a prompt from those that a writer wrote."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch  # noqa: TID253 - this module is reached only once a model is loaded

from adcli.arrays import Floats
from adcli.core.adapters.adapter import AdapterSettings, attach_adapter, save_adapter
from adcli.core.models.resolution import resolve_model
from adcli.core.processes.runtime import Device, Precision
from adcli.core.training.encoder.examples import Labelled, save_head
from adcli.core.training.encoder.gradient_encoder import GradientEncoder, load_for_training
from adcli.core.training.encoder.objectives import Classification
from adcli.core.training.loop import Objective, TrainingLoop
from adcli.core.training.settings import TrainingSettings

BATCH, LEARNING_RATE, LONGEST = 32, 1e-3, 128
SEPARATOR = " [SEP] "
LABELS = ("generated", "human")
FOLDER = "discriminator"  # in the directory of the writer that it was the adversary of


def with_prompt(prompt: str, text: str) -> str:
    """A text and its prompt as one, of which a long prompt loses its end."""
    return f"{text}{SEPARATOR}{prompt}"


class Discriminator(torch.nn.Module):
    """A low-rank adapter of an encoder and a linear head, trained by the one loop as any classifier is.

    Args:
        name: Of the encoder.
        device: Where it computes.
        precision: "auto" takes bf16 products where the machine has them.
        seed: Of its new weights.
    """

    def __init__(self, name: str, *, device: Device, precision: Precision, seed: int) -> None:
        super().__init__()
        self._source = source = resolve_model(name, task="embed")
        base = load_for_training(source, device=device, precision=precision)
        self.model = attach_adapter(base, AdapterSettings(), steps=1, seed=seed).eval()
        self._encoder = GradientEncoder(
            self.model, source, device=device, precision=precision, max_length=LONGEST
        )
        self._head = torch.nn.Linear(self.model.config.hidden_size, 2).to(self._encoder.device)

    def learn(self, human: Sequence[str], generated: Sequence[str], *, steps: int, seed: int) -> None:
        """Train it some steps further on texts of both kinds, each with its prompt."""
        texts = [*human, *generated]
        labels = [1] * len(human) + [0] * len(generated)
        settings = TrainingSettings(
            steps=steps,
            batch_size=min(BATCH, len(texts)),
            learning_rate=LEARNING_RATE,
            seed=seed,
            evaluate_every=0,
            checkpoint_every=0,
        )
        task = Classification(self._encoder, Labelled(texts, labels, LABELS), settings)
        TrainingLoop(self.model, Objective(task.add_gradients, head=task.head), settings).run()
        if task.head is not None:
            self._head.load_state_dict(task.head.state_dict())

    def save(self, directory: Path) -> None:
        """Write it as a classifier of texts with their prompts, which `Classifier.load` reads."""
        about = {"objective": "adversarial", "labels": list(LABELS)}
        save_adapter(self.model, directory, source=self._source, tuning="lora", about=about)
        weight, bias = (parameter.detach().float().cpu().numpy() for parameter in self._head.parameters())
        save_head(directory, weight, bias)

    def log_odds(self, texts: Sequence[str]) -> Floats:
        """(n,) log-odds that people wrote each text."""
        vectors = torch.from_numpy(self._encoder.encode(texts)).to(self._encoder.device)
        with torch.no_grad():
            scores = self._head(vectors)
        found: Floats = (scores[:, 1] - scores[:, 0]).double().cpu().numpy()
        return found
