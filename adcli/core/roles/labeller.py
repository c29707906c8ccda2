"""Texts to the semantic roles of their sentences, by an encoder that was taught them.

labeller = RoleLabeller.load(Path("roles"))
labeller.label([words_of("Boils 1.7 l of water in three minutes.")])
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch  # noqa: TID253 - this module is reached only once a model is loaded

from adcli.core.adapters.adapter import describe_adapter
from adcli.core.compute.batching import IntArray, plan_batches
from adcli.core.compute.forward import PackedBatch
from adcli.core.compute.workers import run_on_workers
from adcli.core.encoding.encoder import Encoder
from adcli.core.models.files import read_json
from adcli.core.models.loading import load_tokenizer
from adcli.core.processes.runtime import Device, Precision
from adcli.core.roles.frames import Frame, Sentence
from adcli.core.roles.network import RoleNetwork, Scores
from adcli.core.roles.training import LABELS, MAX_LENGTH, NETWORK, RoleLabels
from adcli.core.roles.words import Tokens, padded_words, read_words, words_of
from adcli.errors import DataError

TOKEN_BUDGET = 2_048


class RoleLabeller:
    """What `adcli optimize roles` makes. Made by `RoleLabeller.load`.

    Args:
        encoder: The tuned encoder.
        network: The scorers.
        labels: What they tell apart.
    """

    def __init__(self, encoder: Encoder, network: RoleNetwork, labels: RoleLabels) -> None:
        self._encoder, self._network, self._labels = encoder, network.eval(), labels
        self._tokenizer = load_tokenizer(encoder.source.path)

    @classmethod
    def load(cls, directory: Path, *, device: Device = "auto", precision: Precision = "auto") -> RoleLabeller:
        """The labeller in a directory of `adcli optimize roles`.

        Raises:
            DataError: If there is none, or it can not be read.
        """
        from safetensors import SafetensorError
        from safetensors.torch import load_file

        about = describe_adapter(directory)
        encoder = Encoder.load(
            about["base"]["name"],
            device=device,
            precision=precision,
            adapter=directory,
            max_length=MAX_LENGTH,
        )
        try:
            labels = RoleLabels(**read_json(directory / LABELS))
            held = load_file(directory / NETWORK)
            layers = len(held["mix"])
            network = RoleNetwork(encoder.dimension, layers, len(labels.roles), len(labels.relations))
            network.load_state_dict(held)
        except (OSError, SafetensorError, TypeError, KeyError, RuntimeError) as error:
            raise DataError(
                f"{directory} holds no semantic roles: {LABELS} or {NETWORK} can not be read.",
                fix="Name a directory that `adcli optimize roles` wrote.",
            ) from error
        return cls(encoder, network, labels)

    def read(self, texts: Sequence[str]) -> list[Sentence]:
        """The words of each text, which is one sentence, with their frames and syntax."""
        return self.label([words_of(text) for text in texts])

    def label(
        self, sentences: Sequence[Sequence[str]], predicates: Sequence[Sequence[int]] | None = None
    ) -> list[Sentence]:
        """The sentences with their frames and syntax.

        Args:
            sentences: Each as words; what lies beyond `MAX_LENGTH` tokens has no roles and is its own head.
            predicates: The places of each sentence's predicates, where they are known.
        """
        found: list[Sentence] = [Sentence(tuple(words)) for words in sentences]
        there = [place for place, words in enumerate(sentences) if words]
        if not there:
            return found
        tokens = read_words(self._tokenizer, [sentences[place] for place in there], MAX_LENGTH)
        engine = self._encoder.local

        def compute(members: IntArray) -> tuple[IntArray, list[Sentence]]:
            part = Tokens(*([its[member] for member in members] for its in tokens))
            layers = engine.forward.layers(PackedBatch.of_each(part.ids))
            states = self._network.mixed(states.float().cpu() for states in layers)
            places = [there[member] for member in members]
            asked = None if predicates is None else [predicates[place] for place in places]
            return members, self._read([found[place].words for place in places], states, part, asked)

        planned = plan_batches(
            tokens.lengths, token_budget=TOKEN_BUDGET, max_padding=engine.forward.max_padding
        )
        for members, labelled in run_on_workers(compute, planned, workers=engine.workers):
            for member, sentence in zip(members.tolist(), labelled, strict=True):
                found[there[member]] = sentence
        return found

    def _read(
        self,
        sentences: Sequence[tuple[str, ...]],
        states: torch.Tensor,
        tokens: Tokens,
        predicates: Sequence[Sequence[int]] | None,
    ) -> list[Sentence]:
        words, is_word = padded_words(states, tokens)
        if predicates is None:
            at = ((self._network.predicates(words) > 0) & is_word).nonzero()
        else:
            known = [(place, its) for place, each in enumerate(predicates) for its in each]
            within = [(place, its) for place, its in known if its < len(tokens.first[place])]
            at = torch.tensor(within, dtype=torch.int64).reshape(-1, 2)
        scores = self._network(words, is_word, at[:, 0], at[:, 1])
        return self._sentences(sentences, at.numpy(), scores, tokens)

    def _sentences(
        self, sentences: Sequence[tuple[str, ...]], at: IntArray, scores: Scores, tokens: Tokens
    ) -> list[Sentence]:
        role = scores.role.argmax(dim=-1).numpy()
        head, relation = scores.head.argmax(dim=-1).numpy(), scores.relation.argmax(dim=-1).numpy()
        frames: list[list[Frame]] = [[] for _ in sentences]
        for (place, predicate), row in zip(at.tolist(), role, strict=True):
            said = np.flatnonzero(row[: len(tokens.first[place])]).tolist()
            roles = tuple((word, self._labels.roles[row[word] - 1]) for word in said)
            frames[place].append(Frame(predicate, roles))
        return [
            Sentence(
                words,
                tuple(frames[place]),
                (*head[place, :count].tolist(), *range(count, len(words))),
                tuple(self._labels.relations[number] for number in relation[place, :count]),
            )
            for place, (words, count) in enumerate(
                zip(sentences, [len(first) for first in tokens.first], strict=True)
            )
        ]
