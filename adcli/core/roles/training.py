"""Teaching an encoder semantic roles, through the loop that trains every model.

    labels = RoleLabels.of(sentences)
    tune_roles("minilm", sentences, Path("roles"), settings=TrainingSettings(steps=900))

The loss of a batch is the mean cross-entropy of the role of each word for each predicate, and a part of the
losses of predicates, of heads and of relations.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import torch  # noqa: TID253 - this module is reached only once a model is loaded
from torch.nn import functional  # noqa: TID253

from adcli.core.adapters.adapter import AdapterSettings
from adcli.core.compute.batching import IntArray, plan_batches
from adcli.core.compute.forward import padded
from adcli.core.compute.workers import map_on_workers
from adcli.core.models.loading import load_tokenizer
from adcli.core.models.resolution import resolve_model
from adcli.core.processes.runtime import Device, Precision, start_runtime
from adcli.core.roles.frames import Sentence
from adcli.core.roles.network import RoleNetwork, Scores
from adcli.core.roles.words import Tokens, padded_words, read_words
from adcli.core.training.batches import batch_members
from adcli.core.training.checkpoints import checkpoint_folder
from adcli.core.training.dropout import seed_dropout, use_seeded_dropout
from adcli.core.training.encoder.gradient_encoder import load_for_training, training_precision
from adcli.core.training.gradients import add_gradients
from adcli.core.training.loop import Objective
from adcli.core.training.settings import Log, Trained, TrainingSettings
from adcli.core.training.tuning import tune

if TYPE_CHECKING:
    from transformers import PreTrainedModel

LABELS, NETWORK = "roles.json", "roles.safetensors"
MAX_LENGTH = 160  # tokens of a sentence
SYNTAX = 0.15  # of each loss beside that of roles
HEAD_RATE = 7.0  # the scorers begin from nothing, the encoder does not
MOST_PADDING, LARGEST_PART = 0.15, 1_024
UNKNOWN = -100


class RoleLabels(NamedTuple):
    """The roles and syntactic relations there are."""

    roles: list[str]
    relations: list[str]

    @classmethod
    def of(cls, sentences: Sequence[Sentence]) -> RoleLabels:
        """Those of some sentences."""
        roles = {role for s in sentences for frame in s.frames for _, role in frame.roles}
        return cls(sorted(roles), sorted({relation for s in sentences for relation in s.relations}))


class Batch(NamedTuple):
    """Sentences with what is to be learned of them; as `Scores` has it, `UNKNOWN` where nothing is."""

    tokens: Tokens
    sentence: torch.Tensor
    predicate: torch.Tensor
    is_predicate: torch.Tensor
    role: torch.Tensor
    head: torch.Tensor
    relation: torch.Tensor


def tune_roles(
    model: str,
    sentences: Sequence[Sentence],
    directory: Path,
    *,
    settings: TrainingSettings,
    adapter: AdapterSettings,
    device: Device = "auto",
    precision: Precision = "auto",
    checkpoints: Path | None = None,
    about: Mapping[str, object],
    log: Log = lambda values, step: None,
    progress: Callable[[int], None] | None = None,
) -> Trained:
    """Teach an encoder the roles of some sentences, and write what it learned into a directory.

    Args:
        model: A directory, a short name, or a model of the Hugging Face cache or hub.
        sentences: With frames, heads and relations.
        directory: Is filled with the adapter and the scorers.
        settings: How.
        adapter: Which of the encoder's weights are trained.
        device: Where it computes.
        precision: "auto" takes bf16 products where the machine has them.
        checkpoints: A folder; a training of the same model, data and settings resumes from it.
        about: What else the directory's JSON is to say.
        log: Called with the loss, and the step.
        progress: Called with the number of further steps that are done.
    """
    source = resolve_model(model, task="embed")
    labels = RoleLabels.of(sentences)
    loaded = load_for_training(source, device=device, precision=precision)
    learned: list[RoleTask] = []

    def objective(model: PreTrainedModel) -> Objective:
        task = RoleTask(model, labels, sentences, settings, source.path, device=device, precision=precision)
        learned.append(task)
        return Objective(task.add_gradients, None, task.network, HEAD_RATE)

    trained = tune(
        loaded,
        source,
        directory,
        objective=objective,
        adapter=adapter,
        settings=settings,
        checkpoints=None
        if checkpoints is None
        else checkpoint_folder(
            checkpoints,
            [source.fingerprint, vars(settings), vars(adapter), [s._asdict() for s in sentences], LABELS],
        ),
        about=about,
        log=log,
        progress=progress,
    )
    save_network(directory, learned[0].network, labels)
    return trained


class RoleTask:
    """What an encoder and its scorers are trained for.

    Args:
        model: The encoder, as `load_for_training` made it, with or without an adapter.
        labels: The roles and relations there are.
        sentences: To learn from.
        settings: Batch size and seed.
        path: The folder of the encoder's tokenizer.

    Attributes:
        network: The scorers.
    """

    def __init__(
        self,
        model: PreTrainedModel,
        labels: RoleLabels,
        sentences: Sequence[Sentence],
        settings: TrainingSettings,
        path: Path,
        *,
        device: Device,
        precision: Precision,
    ) -> None:
        runtime = start_runtime(device=device, precision=precision)
        self._model, self._labels, self._settings = model, labels, settings
        self._sentences = [sentence for sentence in sentences if sentence.frames]
        self._device, self._workers = runtime.device, runtime.workers
        width = model.config.hidden_size
        self._is_half = training_precision(precision, runtime.device, width) == "bf16"
        self._tokens = read_words(load_tokenizer(path), [s.words for s in self._sentences], MAX_LENGTH)
        torch.manual_seed(settings.seed)
        layers = model.config.num_hidden_layers + 1
        network = RoleNetwork(width, layers, len(labels.roles), len(labels.relations))
        self.network = network.to(runtime.device)
        use_seeded_dropout(self.network)

    def add_gradients(self, number: int, seed: int) -> float:
        """The loss of a batch, whose gradients are added."""
        self.network.train()
        members = batch_members(len(self._sentences), number, self._settings)
        lengths = self._tokens.lengths[members]
        planned = plan_batches(lengths, token_budget=LARGEST_PART, max_padding=MOST_PADDING)
        parts = [self._batch(members[places]) for places in planned]
        known = [sum(int((part.role >= 0).sum()) for part in parts), int(lengths.sum())]
        trained = [p for p in (*self._model.parameters(), *self.network.parameters()) if p.requires_grad]

        def compute(task: tuple[int, Batch]) -> tuple[float, tuple[torch.Tensor | None, ...]]:
            place, part = task
            seed_dropout(seed, place, self._device)
            loss = _loss(self._scores(part), part, *known)
            return float(loss.detach()), torch.autograd.grad(loss, trained, allow_unused=True)

        done = list(map_on_workers(compute, enumerate(parts), workers=self._workers))
        add_gradients(trained, (gradients for _, gradients in done))
        return sum(loss for loss, _ in done)

    def _batch(self, members: IntArray) -> Batch:
        chosen = [self._sentences[member] for member in members]
        tokens = Tokens(*([part[member] for member in members] for part in self._tokens))
        return batch_of(chosen, tokens, self._labels, self._device)

    def _scores(self, batch: Batch) -> Scores:
        filler = self._model.config.pad_token_id or 0
        read, lengths = np.concatenate(batch.tokens.ids), batch.tokens.lengths
        ids, mask = padded(read, lengths, self._device, filler=filler)
        kind = self._device.split(":")[0]
        with torch.autocast(kind, torch.bfloat16, enabled=self._is_half):
            output = self._model(input_ids=ids, attention_mask=mask.long(), output_hidden_states=True)
            states = self.network.mixed(output.hidden_states)
            words, is_word = padded_words(states[mask], batch.tokens)
            scores: Scores = self.network(words, is_word, batch.sentence, batch.predicate)
        return scores


def batch_of(sentences: Sequence[Sentence], tokens: Tokens, labels: RoleLabels, device: str) -> Batch:
    """Sentences with what is known of them, as tensors; words that have no token are left out."""
    counts = [len(first) for first in tokens.first]
    width = max(counts)
    roles = {role: number for number, role in enumerate(labels.roles, start=1)}
    relations = {relation: number for number, relation in enumerate(labels.relations)}
    head = np.full((len(sentences), width), UNKNOWN)
    relation = np.full((len(sentences), width), UNKNOWN)
    is_predicate = np.full((len(sentences), width), UNKNOWN)
    asked: list[tuple[int, int]] = []
    role: list[np.ndarray] = []
    for place, (sentence, count) in enumerate(zip(sentences, counts, strict=True)):
        heads = np.array(sentence.heads[:count] or [UNKNOWN] * count)
        head[place, :count] = np.where(heads < count, heads, UNKNOWN)
        relation[place, :count] = [relations.get(name, UNKNOWN) for name in sentence.relations[:count]]
        is_predicate[place, :count] = 0
        for frame in sentence.frames:
            if frame.predicate >= count:
                continue
            is_predicate[place, frame.predicate] = 1
            asked.append((place, frame.predicate))
            cells = np.full(width, UNKNOWN)
            cells[:count] = 0
            for word, name in frame.roles:
                if word < count:
                    cells[word] = roles.get(name, UNKNOWN)
            role.append(cells)

    def tensor(values: object) -> torch.Tensor:
        return torch.from_numpy(np.asarray(values, np.int64)).to(device)

    at = tensor(np.array(asked, np.int64).reshape(-1, 2))
    roles_of = tensor(np.array(role, np.int64).reshape(-1, width))
    return Batch(tokens, at[:, 0], at[:, 1], tensor(is_predicate), roles_of, tensor(head), tensor(relation))


def _loss(scores: Scores, batch: Batch, cells: int, words: int) -> torch.Tensor:
    """A part's share of the loss of a batch that has so many cells of roles and tokens."""

    def summed(found: torch.Tensor, wanted: torch.Tensor) -> torch.Tensor:
        return functional.cross_entropy(
            found.float().flatten(0, 1), wanted.flatten(), ignore_index=UNKNOWN, reduction="sum"
        )

    there = batch.is_predicate >= 0
    predicates = functional.binary_cross_entropy_with_logits(
        scores.predicate.float()[there], batch.is_predicate[there].float(), reduction="sum"
    )
    syntax = summed(scores.head, batch.head) + summed(scores.relation, batch.relation) + predicates
    return summed(scores.role, batch.role) / cells + SYNTAX * syntax / words


def save_network(directory: Path, network: RoleNetwork, labels: RoleLabels) -> None:
    """Write the scorers and what they tell apart beside their encoder's adapter."""
    from safetensors.torch import save_file

    save_file({name: value.contiguous() for name, value in network.state_dict().items()}, directory / NETWORK)
    (directory / LABELS).write_text(json.dumps(labels._asdict()) + "\n", "utf-8")
