"""What an encoder is trained for: contrast, distillation, denoising, classification.

Source: van den Oord et al., "Representation Learning with Contrastive Predictive Coding" (2018), equation
4; Gao et al., "SimCSE" (2021), equation 4; Gillick et al., "Learning Dense Representations for Entity
Retrieval" (2019), for hard negatives; Hinton, Vinyals and Dean, "Distilling the Knowledge in a Neural
Network" (2015), for distillation; Wang et al., "TSDAE" (2021), for denoising; Devlin et al., "BERT" (2018),
section 4.1, for classifying; Kumar et al., "Fine-Tuning can Distort Pretrained Features" (2022), for a head
that is fitted before.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
import torch  # noqa: TID253 - this module is reached only once a model is loaded

from adcli.arrays import Floats32, Integers
from adcli.core.compute.batching import distinct
from adcli.core.models.loading import load_decoder
from adcli.core.models.resolution import ModelSource
from adcli.core.training.batches import batch_members
from adcli.core.training.dropout import drop_nothing
from adcli.core.training.encoder.examples import (
    Examples,
    Labelled,
    Pairs,
    TeacherVectors,
    Texts,
    false_negatives,
    fit_head,
    group_means,
)
from adcli.core.training.encoder.gradient_encoder import GradientEncoder
from adcli.core.training.settings import TrainingSettings

DELETED = 0.6  # of a text's words: what TSDAE found best
HEAD_FITTED_TO = 2_000
GROUP_PRIOR = 20  # texts' worth of the mean of all in the mean of a group


def objective_of(
    examples: Examples,
    encoder: GradientEncoder,
    source: ModelSource,
    settings: TrainingSettings,
    *,
    temperature: float,
) -> Contrastive | Distillation | Denoising | Classification:
    """The task that a kind of examples is learned by.

    Args:
        examples: What is learned from.
        encoder: The encoder in training.
        source: Where its model was found.
        settings: Batch size and seed.
        temperature: Similarities are divided by it where texts are contrasted.
    """
    if isinstance(examples, Pairs):
        return Contrastive(encoder, examples, settings, temperature)
    if isinstance(examples, TeacherVectors):
        return Distillation(encoder, examples, settings)
    if isinstance(examples, Texts):
        return Denoising(encoder, examples, settings, source)
    return Classification(encoder, examples, settings)


class Contrastive:
    """To find each anchor's own positive among all texts of the batch: cross-entropy of the similarities."""

    head: torch.nn.Module | None = None

    def __init__(
        self, encoder: GradientEncoder, pairs: Pairs, settings: TrainingSettings, temperature: float
    ) -> None:
        self._encoder, self._pairs, self._settings = encoder, pairs, settings
        self._temperature = temperature

    def add_gradients(self, batch: int, seed: int) -> float:
        """The loss of a batch, whose gradients are added."""
        pairs, temperature = self._pairs, self._temperature
        members = batch_members(len(pairs.anchors), batch, self._settings)
        anchors, positives = ([part[i] for i in members] for part in (pairs.anchors, pairs.positives))
        negatives = [pairs.negatives[i] for i in members] if pairs.negatives else []
        groups = [pairs.groups[i] for i in members] if pairs.groups else []
        excluded, n = torch.from_numpy(false_negatives(anchors, positives, negatives, groups)), len(members)
        texts, place = _read_once(anchors, [*positives, *negatives])

        def loss_of(vectors: torch.Tensor) -> torch.Tensor:
            every = vectors[torch.from_numpy(place).to(vectors.device)]
            scores = every[:n] @ every[n:].T / temperature
            own = torch.arange(n, device=scores.device)
            return torch.nn.functional.cross_entropy(
                scores.masked_fill(excluded.to(scores.device), -torch.inf), own
            )

        return self._encoder.backward(texts, loss_of, seed=seed)


class Distillation:
    """To have the vectors of a teacher: one less the cosine of the two."""

    head: torch.nn.Module | None = None

    def __init__(self, encoder: GradientEncoder, teacher: TeacherVectors, settings: TrainingSettings) -> None:
        self._encoder, self._teacher, self._settings = encoder, teacher, settings
        drop_nothing(encoder.model)  # there is one right answer, and noise only hides it

    def add_gradients(self, batch: int, seed: int) -> float:
        """The loss of a batch, whose gradients are added."""
        members = batch_members(len(self._teacher.texts), batch, self._settings)
        targets = torch.from_numpy(self._teacher.vectors[members]).to(self._encoder.device)

        def loss_of(vectors: torch.Tensor) -> torch.Tensor:
            return 1 - (vectors * targets).sum(dim=-1).mean()

        return self._encoder.backward([self._teacher.texts[i] for i in members], loss_of, seed=seed)


class Denoising:
    """To reconstruct a text from the vector of what is left of it after most words were deleted."""

    def __init__(
        self, encoder: GradientEncoder, texts: Texts, settings: TrainingSettings, source: ModelSource
    ) -> None:
        self._encoder, self._texts, self._settings = encoder, texts, settings
        torch.manual_seed(settings.seed)
        decoder: Any = load_decoder(source.path)
        decoder.get_input_embeddings().weight.requires_grad_(requires_grad=False)
        self.head: torch.nn.Module | None = decoder.to(encoder.device)
        self._decoder = decoder

    def add_gradients(self, batch: int, seed: int) -> float:
        """The loss of a batch, whose gradients are added."""
        members = batch_members(len(self._texts.texts), batch, self._settings)
        texts = [self._texts.texts[i] for i in members]
        generator = np.random.default_rng(seed)
        noisy = [_with_words_deleted(text, generator) for text in texts]
        return self._encoder.backward(noisy, partial(self._loss, texts), seed=seed)

    def _loss(self, texts: list[str], vectors: torch.Tensor) -> torch.Tensor:
        """Mean cross-entropy of each token after the ones before it, given the text's vector."""
        ids, mask = self._encoder.token_ids(texts)
        state = vectors.unsqueeze(1) * vectors.shape[-1] ** 0.5  # as long as a token's state
        with self._encoder.autocast():
            output = self._decoder(
                input_ids=ids[:, :-1],
                attention_mask=mask[:, :-1].long(),
                encoder_hidden_states=state,
                use_cache=False,
            )
        there = mask[:, 1:]
        return torch.nn.functional.cross_entropy(output.logits[there].float(), ids[:, 1:][there])


class Classification:
    """To predict a text's label by a linear head on its vector, fitted before the encoder is tuned."""

    def __init__(self, encoder: GradientEncoder, labelled: Labelled, settings: TrainingSettings) -> None:
        self._encoder, self._labelled, self._settings = encoder, labelled, settings
        once = labelled.each_once()  # a log repeats few texts often, and each of its rows says little
        order = np.random.default_rng(settings.seed).permutation(len(once.texts))
        some = once.those(order[:HEAD_FITTED_TO])
        weight, bias = fit_head(
            encoder.encode(some.texts), some.labels, len(some.names), groups=some.groups, weights=some.weights
        )
        self._offsets = _group_log_odds(labelled)
        head = torch.nn.Linear(weight.shape[1], weight.shape[0])
        with torch.no_grad():
            head.weight.copy_(torch.from_numpy(weight))
            head.bias.copy_(torch.from_numpy(bias))
        self.head: torch.nn.Module | None = head.to(encoder.device)
        self._classify = head

    def add_gradients(self, batch: int, seed: int) -> float:
        """The loss of a batch, whose gradients are added."""
        members = batch_members(len(self._labelled.texts), batch, self._settings)
        chosen, device = self._labelled.those(members), self._encoder.device
        labels = torch.tensor(chosen.labels, device=device)
        weights = torch.tensor(chosen.weights or [1.0] * len(labels), device=device)
        offsets = torch.from_numpy(self._offsets[members]).to(device)

        def loss_of(vectors: torch.Tensor) -> torch.Tensor:
            scores = self._classify(vectors) + offsets
            return (torch.nn.functional.cross_entropy(scores, labels, reduction="none") * weights).mean()

        return self._encoder.backward(chosen.texts, loss_of, seed=seed)


def _group_log_odds(labelled: Labelled) -> Floats32:
    """(n, names) what is known of each text's label from its group alone, less what is known from none."""
    offsets = np.zeros((len(labelled.texts), len(labelled.names)), np.float32)
    if len(labelled.groups):
        is_second = np.asarray(labelled.labels, np.float64)
        rates = group_means(is_second, labelled.groups, prior=GROUP_PRIOR)
        odds = rates / (1 - rates) / (is_second.mean() / (1 - is_second.mean()))
        offsets[:, 1] = np.log(odds)
    return offsets


def _read_once(asked: list[str], offered: list[str]) -> tuple[list[str], Integers]:
    """The distinct texts of a batch, and for each of all texts its place among them.

    Where pairs are of equal texts they are read twice: two readings that differ by dropout are the task.
    """
    if asked != offered:
        return distinct([*asked, *offered])
    texts, place = distinct(asked)
    return texts * 2, np.concatenate([place, place + len(texts)])


def _with_words_deleted(text: str, generator: np.random.Generator) -> str:
    words = text.split()
    kept = [word for word, draw in zip(words, generator.random(len(words)), strict=True) if draw >= DELETED]
    return " ".join(kept or words[:1])
