"""Texts to the semantic roles of their sentences, by an encoder that was taught them.

labeller = RoleLabeller.load(Path("roles"))
labeller.label([words_of("Boils 1.7 l of water in three minutes.")])
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch  # noqa: TID253 - this module is reached only once a model is loaded
from torch.nn import functional  # noqa: TID253

from adcli.core.adapters.adapter import describe_adapter
from adcli.core.compute.batching import IntArray, plan_batches
from adcli.core.compute.forward import PackedBatch
from adcli.core.compute.workers import run_on_workers
from adcli.core.encoding.encoder import Encoder
from adcli.core.models.loading import check_finite, load_tokenizer
from adcli.core.processes.runtime import Device, Precision
from adcli.core.roles.frames import Frame, Sentence
from adcli.core.roles.network import RoleNetwork
from adcli.core.roles.training import MAX_LENGTH, NETWORK, RoleLabels
from adcli.core.roles.words import padded_words, read_words, words_of
from adcli.errors import DataError, UsageError

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
        self._once = torch.tensor([False, *(bool(re.fullmatch(r"A(RG)?\d", role)) for role in labels.roles)])

    @classmethod
    def load(cls, directory: Path, *, device: Device = "auto", precision: Precision = "auto") -> RoleLabeller:
        """The labeller in a directory of `adcli optimize roles`.

        Raises:
            DataError: If there is none, or it can not be read.
        """
        from safetensors import SafetensorError
        from safetensors.torch import load_file

        about = describe_adapter(directory)
        try:
            labels = RoleLabels(**about["labels"])
            held = load_file(directory / NETWORK)
            encoder = _encoder(directory, about["base"]["name"], device, precision)
            network = RoleNetwork(encoder.dimension, len(held["mix"]), *map(len, labels))
            network.load_state_dict(held)
        except (OSError, SafetensorError, TypeError, KeyError, RuntimeError) as error:
            raise DataError(
                f"{directory} holds no semantic roles: its {NETWORK} can not be read.",
                fix="Name a directory that `adcli optimize roles` wrote.",
            ) from error
        check_finite(network, f"The labeller in {directory}")
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
        found = [Sentence(tuple(words)) for words in sentences]
        there = np.array([place for place, words in enumerate(sentences) if words], np.int64)
        if not there.size:
            return found
        tokens = read_words(self._tokenizer, [sentences[place] for place in there], MAX_LENGTH)
        engine = self._encoder.local

        def compute(members: IntArray) -> list[Sentence]:
            part, places = tokens.those(members), there[members]
            layers = engine.forward.layers(PackedBatch.of_each(part.ids))
            states = self._network.mixed(states.float().cpu() for states in layers)
            words, is_word = padded_words(states, part)
            if predicates is None:
                chosen = (self._network.predicates(words) > 0) & is_word
            else:
                chosen = torch.zeros_like(is_word)
                for row, place in zip(chosen, places, strict=True):
                    row[[word for word in predicates[place] if word < len(row)]] = True
                chosen &= is_word
            at = chosen.nonzero()
            scores = self._network(words, is_word, *at.T)
            role = likeliest(scores.role, self._once).numpy()
            syntax = [its.argmax(dim=-1).numpy() for its in (scores.head, scores.relation, scores.tag)]
            read = []
            for row, (place, count) in enumerate(zip(places, map(len, part.first), strict=True)):
                own = (at[:, 0] == row).numpy()
                rest = (its[row, :count].tolist() for its in syntax)
                read.append(self._sentence(found[place].words, at[own, 1].tolist(), role[own, :count], *rest))
            return read

        planned = list(
            plan_batches(tokens.lengths, token_budget=TOKEN_BUDGET, max_padding=engine.forward.max_padding)
        )
        done = run_on_workers(compute, planned, workers=engine.workers)
        for members, labelled in zip(planned, done, strict=True):
            for place, sentence in zip(there[members], labelled, strict=True):
                found[place] = sentence
        return found

    def _sentence(
        self,
        words: tuple[str, ...],
        predicates: list[int],
        role: IntArray,
        head: list[int],
        relation: list[int],
        tag: list[int],
    ) -> Sentence:
        """A sentence with what was found of its words that have tokens: numbers of labels."""
        roles = self._labels.roles
        frames = [
            Frame(predicate, tuple((int(word), roles[row[word] - 1]) for word in np.flatnonzero(row)))
            for predicate, row in zip(predicates, role, strict=True)
        ]
        return Sentence(
            words,
            tuple(frames),
            (*head, *range(len(head), len(words))),
            tuple(self._labels.relations[number] for number in relation),
            tuple(self._labels.tags[number] for number in tag),
        )


def likeliest(scores: torch.Tensor, once: torch.Tensor) -> torch.Tensor:
    """(predicates, w) the likeliest role of each word; those that a predicate has once go to the surest word.

    Source: Punyakanok, Roth and Yih, "The Importance of Syntactic Parsing and Inference in Semantic Role
    Labeling" (2008), section 3.2, constraint 4.

    Args:
        scores: (predicates, w, roles + 1) of the roles of each word.
        once: (roles + 1,) which of them a predicate has once.
    """
    scores = scores.log_softmax(dim=-1)
    while True:
        role = scores.argmax(dim=-1)
        said = functional.one_hot(role, len(once)).bool() & once
        lost = said & (scores < scores.masked_fill(~said, -torch.inf).amax(dim=1, keepdim=True))
        if not lost.any():
            return role
        scores = scores.masked_fill(lost, -torch.inf)


def _encoder(directory: Path, name: str, device: Device, precision: Precision) -> Encoder:
    """The encoder with what was learned. Raises DataError if the model that was tuned is not here."""
    try:
        return Encoder.load(
            name, device=device, precision=precision, adapter=directory, max_length=MAX_LENGTH
        )
    except UsageError as error:
        raise DataError(
            f"{directory} was made of the model {name}, which is not to be found from here.",
            fix="If that is a folder, run where the roles were learned, or learn them of its whole path.",
        ) from error
