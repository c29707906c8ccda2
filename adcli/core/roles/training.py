"""Teaching an encoder semantic roles, through the loop that trains every model.

    labels = RoleLabels.of(sentences)
    tune_roles("minilm", sentences, Path("roles"), settings=TrainingSettings(steps=900))

The loss of a batch is the mean cross-entropy of the role of each word for each predicate, and a part of the
losses of predicates, heads, relations and parts of speech.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
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
from adcli.errors import DataError

if TYPE_CHECKING:
    from transformers import PreTrainedModel

NETWORK = "roles.safetensors"
MAX_LENGTH = 160  # tokens of a sentence
SYNTAX = 0.15  # of each loss beside that of roles
HEAD_RATE = 7.0  # the scorers begin from nothing, the encoder does not
MOST_PADDING, LARGEST_PART = 0.15, 1_024
UNKNOWN = -100


class RoleLabels(NamedTuple):
    """The roles, syntactic relations and parts of speech there are."""

    roles: list[str]
    relations: list[str]
    tags: list[str]

    @classmethod
    def of(cls, sentences: Sequence[Sentence]) -> RoleLabels:
        """Those of some sentences."""
        roles = {role for s in sentences for frame in s.frames for _, role in frame.roles}
        relations = {relation for s in sentences for relation in s.relations}
        return cls(sorted(roles), sorted(relations), sorted({tag for s in sentences for tag in s.tags}))


def tune_roles(
    model: str,
    sentences: Sequence[Sentence],
    directory: Path,
    *,
    settings: TrainingSettings,
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
        sentences: With frames, heads, relations and parts of speech.
        directory: Is filled with the encoder's weights and the scorers.
        settings: How.
        device: Where it computes.
        precision: "auto" takes bf16 products where the machine has them.
        checkpoints: A folder; a training of the same model, data and settings resumes from it.
        about: What else the directory's JSON is to say.
        log: Called with the loss, and the step.
        progress: Called with the number of further steps that are done.

    Raises:
        DataError: If fewer sentences than a batch have a predicate among the tokens that are read.
    """
    source = resolve_model(model, task="embed")
    labels = RoleLabels.of(sentences)
    loaded = load_for_training(source, device=device, precision=precision)
    width = loaded.config.hidden_size
    torch.manual_seed(settings.seed)
    network = RoleNetwork(width, loaded.config.num_hidden_layers + 1, *map(len, labels)).to(loaded.device)
    use_seeded_dropout(network)
    tokens = read_words(load_tokenizer(source.path), [s.words for s in sentences], MAX_LENGTH)
    runtime = start_runtime(device=device, precision=precision)
    is_half = training_precision(precision, loaded.device, width) == "bf16"

    def objective(model: PreTrainedModel) -> Objective:
        task = RoleTask(model, network, labels, sentences, tokens, settings, runtime.workers, is_half=is_half)
        return Objective(task.add_gradients, head=network, head_rate=HEAD_RATE, save=partial(_save, network))

    key = [source.fingerprint, vars(settings), [s._asdict() for s in sentences], NETWORK]
    return tune(
        loaded,
        source,
        directory,
        objective=objective,
        adapter=AdapterSettings("full"),
        settings=settings,
        checkpoints=None if checkpoints is None else checkpoint_folder(checkpoints, key),
        about={"labels": labels._asdict(), **about},
        log=log,
        progress=progress,
    )


def _save(network: RoleNetwork, directory: Path) -> None:
    from safetensors.torch import save_file

    save_file({name: its.contiguous() for name, its in network.state_dict().items()}, directory / NETWORK)


class RoleTask:
    """What an encoder and its scorers are trained for.

    Args:
        model: The encoder, as `load_for_training` made it.
        network: The scorers.
        labels: What they tell apart.
        sentences: To learn from; those with no predicate among their tokens are passed over.
        tokens: Of the sentences.
        settings: Batch size and seed.
        workers: Threads that compute.
        is_half: Whether products are bf16.
    """

    def __init__(
        self,
        model: PreTrainedModel,
        network: RoleNetwork,
        labels: RoleLabels,
        sentences: Sequence[Sentence],
        tokens: Tokens,
        settings: TrainingSettings,
        workers: int,
        *,
        is_half: bool,
    ) -> None:
        self._model, self._network, self._settings = model, network, settings
        self._workers, self._is_half = workers, is_half
        counts = [len(first) for first in tokens.first]
        known = [wanted(s, count, labels) for s, count in zip(sentences, counts, strict=True)]
        usable = [place for place, its in enumerate(known) if len(its.role)]
        if len(usable) < settings.batch_size:
            raise DataError(
                f"{len(usable)} sentences have a predicate among their first {MAX_LENGTH} tokens, fewer than "
                f"one batch of {settings.batch_size}.",
                fix="Give more data, or a smaller --batch-size.",
            )
        self._tokens, self._wanted = tokens.those(usable), [known[place] for place in usable]

    def add_gradients(self, number: int, seed: int) -> float:
        """The loss of a batch, whose gradients are added."""
        self._network.train()
        members = batch_members(len(self._wanted), number, self._settings)
        lengths = self._tokens.lengths[members]
        planned = plan_batches(lengths, token_budget=LARGEST_PART, max_padding=MOST_PADDING)
        parts = [members[places] for places in planned]
        cells = sum(self._wanted[member].role.numel() for member in members)
        trained = [p for p in (*self._model.parameters(), *self._network.parameters()) if p.requires_grad]

        def compute(task: tuple[int, IntArray]) -> tuple[float, tuple[torch.Tensor | None, ...]]:
            place, part = task
            seed_dropout(seed, place, str(self._model.device))
            loss = self._loss(part, cells, int(lengths.sum()))
            return float(loss.detach()), torch.autograd.grad(loss, trained, allow_unused=True)

        done = list(map_on_workers(compute, enumerate(parts), workers=self._workers))
        add_gradients(trained, (gradients for _, gradients in done))
        return sum(loss for loss, _ in done)

    def _loss(self, members: IntArray, cells: int, words: int) -> torch.Tensor:
        """A part's share of the loss of a batch that has so many cells of roles and tokens."""
        tokens, device = self._tokens.those(members), self._model.device
        each = [self._wanted[member] for member in members]
        known = Scores(*(_filled_up(kind).to(device) for kind in zip(*each, strict=True)))
        filler = self._model.config.pad_token_id or 0
        ids, mask = padded(np.concatenate(tokens.ids), tokens.lengths, str(device), filler=filler)
        with torch.autocast(device.type, torch.bfloat16, enabled=self._is_half):
            output = self._model(input_ids=ids, attention_mask=mask.long(), output_hidden_states=True)
            states, is_word = padded_words(self._network.mixed(output.hidden_states)[mask], tokens)
            scores = self._network(states, is_word, *(known.predicate == 1).nonzero().T)

        def summed(found: torch.Tensor, wanted: torch.Tensor) -> torch.Tensor:
            return functional.cross_entropy(
                found.float().flatten(0, 1), wanted.flatten(), ignore_index=UNKNOWN, reduction="sum"
            )

        predicates = functional.binary_cross_entropy_with_logits(
            scores.predicate.float()[is_word], known.predicate[is_word].float(), reduction="sum"
        )
        syntax = sum((summed(getattr(scores, its), getattr(known, its)) for its in _SYNTAX), predicates)
        return summed(scores.role, known.role) / cells + SYNTAX * syntax / words


_SYNTAX = ("head", "relation", "tag")


def wanted(sentence: Sentence, count: int, labels: RoleLabels) -> Scores:
    """What is to be scored highest of the first `count` words: numbers of labels, `UNKNOWN` where none is."""
    frames = [frame for frame in sentence.frames if frame.predicate < count]
    is_predicate = torch.zeros(count, dtype=torch.int64)
    is_predicate[[frame.predicate for frame in frames]] = 1
    role = torch.zeros(len(frames), count, dtype=torch.int64)
    for row, frame in zip(role, frames, strict=True):
        for word, name in frame.roles:
            row[word : word + 1] = labels.roles.index(name) + 1
    return Scores(
        is_predicate,
        role,
        torch.tensor([head if head < count else UNKNOWN for head in sentence.heads[:count]]),
        torch.tensor([labels.relations.index(name) for name in sentence.relations[:count]]),
        torch.tensor([labels.tags.index(name) for name in sentence.tags[:count]]),
    )


def _filled_up(parts: Sequence[torch.Tensor]) -> torch.Tensor:
    """One row a sentence, or a predicate of one, filled up to the longest."""
    rows = [row for part in parts for row in (part if part.dim() > 1 else [part])]
    return torch.nn.utils.rnn.pad_sequence(rows, batch_first=True, padding_value=UNKNOWN)
